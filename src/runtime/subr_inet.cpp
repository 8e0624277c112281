// SPDX-License-Identifier: BSD-2-Clause
// Internet addresses as text: inet_ntoa, inet_ntoa6, inet_ntop (semantics.md point 18).
//
// The text is built from its end, as in the reference, so the result lies somewhere inside the 16
// or 46 bytes that it takes.
#include "runtime/memory.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

constexpr int family_v4 = 2, family_v6 = 28; ///< FreeBSD's AF_INET and AF_INET6
constexpr std::uint64_t size_v4 = 16, size_v6 = 46;
constexpr int bytes_v6 = 16, embedded_at = 12;

std::uint8_t* put_number(std::uint8_t* at, unsigned value, unsigned base) {
    do
        *--at = static_cast<std::uint8_t>("0123456789abcdef"[value % base]);
    while ((value /= base) != 0);
    return at;
}

/// Four bytes as a dotted quad that ends before `at`.
std::uint8_t* put_quad(std::uint8_t* at, const std::uint8_t* bytes) {
    for (int i = 3; i >= 0; i--) {
        at = put_number(at, bytes[i], 10);
        if (i > 0)
            *--at = '.';
    }
    return at;
}

/// The run of zero words that "::" stands for, in bytes; first -1: none.
struct ZeroRun {
    int first = -1, length = 1;
};

ZeroRun longest_zeros(const std::uint8_t* ip) {
    ZeroRun run;
    int start = -1;
    for (int i = 0; i < bytes_v6; i++) {
        if (ip[i] == 0 && start == -1 && i % 2 == 0) {
            start = i;
            continue;
        }
        if (start == -1 || (ip[i] == 0 && i != bytes_v6 - 1))
            continue;
        if (i - start <= run.length) {
            start = -1;
            continue;
        }
        run = {start, i - i % 2 - start};
        start = -1;
        if (ip[i] == 0 && i == bytes_v6 - 1)
            run.length += 2;
    }
    return run;
}

bool is_zero(const std::uint8_t* bytes, int n) {
    std::uint8_t any = 0;
    for (int i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

/// ::ffff:a.b.c.d, or ::a.b.c.d other than :: and ::1.
bool embeds_v4(const std::uint8_t* ip) {
    if (is_zero(ip, 10) && ip[10] == 0xff && ip[11] == 0xff)
        return true;
    const bool loopback = is_zero(ip + embedded_at, 3) && ip[15] == 1;
    return is_zero(ip, embedded_at) && !is_zero(ip + embedded_at, 4) && !loopback;
}

/// The words up to byte `last`, from the back.
std::uint8_t* put_words(std::uint8_t* at, const std::uint8_t* ip, int last) {
    const ZeroRun zeros = longest_zeros(ip);
    for (int i = last; i >= 0; i -= 2) {
        if (i == zeros.first + zeros.length - 2) {
            *--at = ':';
            *--at = ':';
            i -= zeros.length - 2;
            continue;
        }
        if (i < 14 && i != zeros.first - 2)
            *--at = ':';
        at = put_number(at, static_cast<unsigned>(ip[i]) << 8 | ip[i + 1], 16);
    }
    return at;
}

std::uint64_t text_v4(difjit_frame* f, std::uint64_t addr) {
    if (!canload(f, addr, 4))
        return 0;
    const auto ip = static_cast<std::uint32_t>(load(f, addr, 4));
    if (!need_scratch(f, size_v4))
        return 0;
    std::uint8_t bytes[4];
    __builtin_memcpy(bytes, &ip, sizeof bytes);
    std::uint8_t* at = scratch(f) + size_v4 - 1;
    *at = '\0';
    return take_scratch(f, size_v4, put_quad(at, bytes));
}

/// only_v4: an embedded IPv4 address stands alone, without its prefix (inet_ntoa6).
std::uint64_t text_v6(difjit_frame* f, std::uint64_t addr, bool only_v4) {
    std::uint8_t ip[bytes_v6];
    if (!canload(f, addr, sizeof ip))
        return 0;
    copy_in(f, ip, addr, sizeof ip);
    if (!need_scratch(f, size_v6))
        return 0;
    std::uint8_t* at = scratch(f) + size_v6 - 1;
    *at = '\0';
    int last = bytes_v6 - 2;
    const bool embedded = embeds_v4(ip);
    if (embedded) {
        at = put_quad(at, ip + embedded_at);
        last = embedded_at - 2;
    }
    if (!embedded || !only_v4)
        at = put_words(at, ip, last);
    return take_scratch(f, size_v6, at);
}

} // namespace

template <>
std::uint64_t subroutine<Subr::INET_NTOA>(difjit_frame* f, std::uint64_t) {
    return text_v4(f, argument(f, 0));
}

template <>
std::uint64_t subroutine<Subr::INET_NTOA6>(difjit_frame* f, std::uint64_t) {
    return text_v6(f, argument(f, 0), true);
}

template <>
std::uint64_t subroutine<Subr::INET_NTOP>(difjit_frame* f, std::uint64_t) {
    switch (static_cast<int>(argument(f, 0))) {
    case family_v4: return text_v4(f, argument(f, 1));
    case family_v6: return text_v6(f, argument(f, 1), false);
    default: set_flag(f, DIFJIT_FAULT_ILLOP); return 0;
    }
}

} // namespace difjit::runtime
