// SPDX-License-Identifier: BSD-2-Clause
// Numbers and text: strtoll, lltostr, and the byte-order subroutines (semantics.md points 42, 43).
#include "runtime/memory.hpp"
#include "runtime/number_text.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

constexpr int base_max = 36;

/// The optional second argument; the reference narrows it to an int before it looks.
bool get_base(difjit_frame* f, int& base) {
    base = 10;
    if (f->tuple_top > 1)
        base = static_cast<int>(argument(f, 1));
    if (base > 1 && base <= base_max)
        return true;
    set_flag(f, DIFJIT_FAULT_ILLOP);
    return false;
}

} // namespace

int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return base_max;
}

std::int64_t text_to_number(difjit_frame* f, std::uint64_t addr, int base, std::uint64_t limit) {
    const std::uint64_t end = addr + limit;
    const auto at = [f](std::uint64_t where) { return static_cast<char>(load_byte(f, where)); };
    char c = at(addr);
    while ((c == ' ' || c == '\t') && addr != end) // the reference has no bound here
        c = at(++addr);
    const bool negative = c == '-';
    if (c == '-' || c == '+')
        c = at(++addr);
    if (base == 16 && c == '0') {
        const char x = at(addr + 1);
        const char first = x == 'x' || x == 'X' ? at(addr + 2) : '\0';
        if (digit_value(first) < 16) {
            addr += 2;
            c = first;
        }
    }
    std::uint64_t value = 0;
    for (; addr < end && digit_value(c) < base; c = at(++addr))
        value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit_value(c));
    return static_cast<std::int64_t>(negative ? 0 - value : value);
}

template <>
std::uint64_t subroutine<Subr::STRTOLL>(difjit_frame* f, std::uint64_t rd) {
    int base = 0;
    std::uint64_t limit = 0;
    if (!get_base(f, base))
        return rd;
    if (!strcanload(f, argument(f, 0), f->strsize, &limit))
        return static_cast<std::uint64_t>(INT64_MIN);
    return static_cast<std::uint64_t>(text_to_number(f, argument(f, 0), base, limit));
}

template <>
std::uint64_t subroutine<Subr::LLTOSTR>(difjit_frame* f, std::uint64_t rd) {
    constexpr std::uint64_t size = 65; // 64 binary digits and the NUL
    const auto number = static_cast<std::int64_t>(argument(f, 0));
    int base = 0;
    if (!get_base(f, base))
        return rd;
    if (!need_scratch(f, size))
        return 0;
    std::uint64_t value = argument(f, 0);
    if (base == 10 && number < 0)
        value = 0 - value;
    std::uint8_t* at = scratch(f) + size - 1;
    *at = '\0';
    for (; value != 0; value /= static_cast<unsigned>(base))
        *--at = static_cast<std::uint8_t>(
            "0123456789abcdefghijklmnopqrstuvwxyz"[value % static_cast<unsigned>(base)]);
    if (number == 0 && base == 16)
        *--at = '0';
    if (base == 16)
        *--at = 'x';
    if (number == 0 || base == 8 || base == 16)
        *--at = '0';
    if (number < 0 && base == 10)
        *--at = '-';
    return take_scratch(f, size, at);
}

// Hosts are little-endian: to and from network order is the same swap, of the low bytes only.
template <>
std::uint64_t subroutine<Subr::HTONS>(difjit_frame* f, std::uint64_t) {
    return __builtin_bswap16(static_cast<std::uint16_t>(argument(f, 0)));
}
template <>
std::uint64_t subroutine<Subr::HTONL>(difjit_frame* f, std::uint64_t) {
    return __builtin_bswap32(static_cast<std::uint32_t>(argument(f, 0)));
}
template <>
std::uint64_t subroutine<Subr::HTONLL>(difjit_frame* f, std::uint64_t) {
    return __builtin_bswap64(argument(f, 0));
}
template <>
std::uint64_t subroutine<Subr::NTOHS>(difjit_frame* f, std::uint64_t rd) {
    return subroutine<Subr::HTONS>(f, rd);
}
template <>
std::uint64_t subroutine<Subr::NTOHL>(difjit_frame* f, std::uint64_t rd) {
    return subroutine<Subr::HTONL>(f, rd);
}
template <>
std::uint64_t subroutine<Subr::NTOHLL>(difjit_frame* f, std::uint64_t rd) {
    return subroutine<Subr::HTONLL>(f, rd);
}

} // namespace difjit::runtime
