// SPDX-License-Identifier: BSD-2-Clause
// String subroutines (semantics.md points 18, 38-43, decisions 4, 16).
//
// Those that make a string take `strsize` bytes of scratch memory however short it is; strjoin
// takes only what it made.
#include "runtime/memory.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

/// A string argument that is measured before it is checked, as the reference does in most places.
/// False: it may not be read.
bool measure(difjit_frame* f, std::uint64_t addr, std::uint64_t& length) {
    length = string_length(f, addr, f->strsize);
    return canload(f, addr, length + 1);
}

std::uint64_t find_character(difjit_frame* f, bool last) {
    const std::uint64_t addr = argument(f, 0);
    const auto target = static_cast<std::uint8_t>(argument(f, 1));
    std::uint64_t limit = 0, found = 0;
    if (!strcanload(f, addr, f->strsize, &limit))
        return 0;
    if (addr + limit < addr) // the reference compares addresses: nothing is read
        return 0;
    Reader reader(f, addr, limit);
    for (std::uint64_t i = 0; i < limit; i++) {
        const std::uint8_t c = reader.next();
        if (c == target) { // the NUL can be looked for as well
            found = addr + i;
            if (!last)
                break;
        }
        if (c == '\0')
            break;
    }
    return found;
}

/// Two strings, one to be looked for in the other.
struct Search {
    std::uint64_t in, of, in_length, of_length;
};

bool get_search(difjit_frame* f, Search& s) {
    s.in = argument(f, 0);
    s.of = argument(f, 1);
    s.in_length = string_length(f, s.in, f->strsize);
    s.of_length = string_length(f, s.of, f->strsize);
    return canload(f, s.in, s.in_length + 1) && canload(f, s.of, s.of_length + 1);
}

bool is_at(difjit_frame* f, const Search& s, std::uint64_t offset) {
    return compare_strings(f, s.in + offset, s.of, s.of_length) == 0;
}

constexpr auto not_found = static_cast<std::uint64_t>(-1);

/// Which bytes separate tokens.
struct ByteSet {
    std::uint8_t bits[32] = {};
    void add(std::uint8_t c) { bits[c >> 3] |= static_cast<std::uint8_t>(1u << (c & 7)); }
    [[nodiscard]] bool has(std::uint8_t c) const { return (bits[c >> 3] >> (c & 7) & 1) != 0; }
};

std::uint64_t change_case(difjit_frame* f, std::uint8_t first, std::uint8_t last, int distance) {
    const std::uint64_t addr = argument(f, 0);
    std::uint64_t length = 0;
    if (!measure(f, addr, length) || !need_scratch(f, f->strsize))
        return 0;
    std::uint8_t* dst = scratch(f);
    Reader reader(f, addr, f->strsize);
    std::uint64_t i = 0;
    for (; i + 1 < f->strsize; i++) {
        std::uint8_t c = reader.next();
        if (c == '\0')
            break;
        if (c >= first && c <= last)
            c = static_cast<std::uint8_t>(c + distance);
        dst[i] = c;
    }
    dst[i] = '\0';
    return take_scratch(f, f->strsize, dst);
}

/// One half of strjoin: appends up to and with the NUL. False: the result is longer than strsize.
bool append(difjit_frame* f, std::uint8_t* dst, std::uint64_t& i, std::uint64_t addr,
            std::uint64_t limit) {
    Reader reader(f, addr, limit);
    for (std::uint64_t j = 0;; j++) {
        if (i >= f->strsize) {
            set_flag(f, DIFJIT_FAULT_NOSCRATCH);
            return false;
        }
        const std::uint8_t c = j >= limit ? std::uint8_t{0} : reader.next();
        dst[i++] = c;
        if (c == '\0')
            return true;
    }
}

} // namespace

template <>
std::uint64_t subroutine<Subr::STRLEN>(difjit_frame* f, std::uint64_t) {
    std::uint64_t limit = 0;
    if (!strcanload(f, argument(f, 0), f->strsize, &limit))
        return 0;
    return string_length(f, argument(f, 0), limit);
}

template <>
std::uint64_t subroutine<Subr::STRCHR>(difjit_frame* f, std::uint64_t) {
    return find_character(f, false);
}

template <>
std::uint64_t subroutine<Subr::STRRCHR>(difjit_frame* f, std::uint64_t) {
    return find_character(f, true);
}

template <>
std::uint64_t subroutine<Subr::STRSTR>(difjit_frame* f, std::uint64_t) {
    Search s{};
    if (!get_search(f, s))
        return 0;
    if (s.in_length == 0 && s.of_length == 0)
        return s.in;
    for (std::uint64_t i = 0; i < s.in_length; i++)
        if (is_at(f, s, i))
            return s.in + i;
    return 0;
}

template <>
std::uint64_t subroutine<Subr::INDEX>(difjit_frame* f, std::uint64_t) {
    Search s{};
    if (!get_search(f, s) || (s.in_length == 0 && s.of_length == 0))
        return 0;
    std::uint64_t i = 0;
    if (f->tuple_top == 3) { // as Perl has it
        const auto from = static_cast<std::int64_t>(argument(f, 2));
        i = from < 0 ? 0 : static_cast<std::uint64_t>(from);
        if (i >= s.in_length)
            return s.of_length == 0 ? s.in_length : not_found;
    }
    for (; i < s.in_length; i++)
        if (is_at(f, s, i))
            return i;
    return not_found;
}

template <>
std::uint64_t subroutine<Subr::RINDEX>(difjit_frame* f, std::uint64_t) {
    Search s{};
    if (!get_search(f, s) || (s.in_length == 0 && s.of_length == 0))
        return 0;
    std::uint64_t i = s.in_length;
    if (f->tuple_top == 3) {
        const auto from = static_cast<std::int64_t>(argument(f, 2));
        if (from < 0)
            return s.of_length == 0 ? 0 : not_found;
        i = least(i, static_cast<std::uint64_t>(from));
    }
    for (i++; i > 0; i--)
        if (is_at(f, s, i - 1))
            return i - 1;
    return not_found;
}

template <>
std::uint64_t subroutine<Subr::STRTOK>(difjit_frame* f, std::uint64_t) {
    std::uint64_t addr = argument(f, 0), limit = 0, separator_limit = 0;
    if (!strcanload(f, argument(f, 1), f->strsize, &separator_limit) ||
        !need_scratch(f, f->strsize))
        return 0;
    if (addr == 0) { // go on where the last call ended
        addr = f->strtok;
        limit = addr == 0 ? 0 : f->strtok_limit; // forgotten between firings: nothing to read
    } else {
        if (!strcanload(f, addr, f->strsize, &limit))
            return 0;
        limit += addr;
    }
    ByteSet separators;
    std::uint8_t c = 0;
    if (argument(f, 1) + separator_limit < argument(f, 1)) // addresses are compared: no separators
        separator_limit = 0;
    Reader reader(f, argument(f, 1), separator_limit);
    for (std::uint64_t i = 0; i < separator_limit && (c = reader.next()) != '\0'; i++)
        separators.add(c);
    for (; addr < limit; addr++)
        if ((c = load_byte(f, addr)) == '\0' || !separators.has(c))
            break;
    if (c == '\0') { // nothing but separators is left
        f->strtok = f->strtok_limit = 0;
        return 0;
    }
    std::uint8_t* dst = scratch(f);
    std::uint64_t i = 0;
    for (; addr < limit && i + 1 < f->strsize; addr++) {
        if ((c = load_byte(f, addr)) == '\0' || separators.has(c))
            break;
        dst[i++] = c;
    }
    dst[i] = '\0';
    f->strtok = addr;
    f->strtok_limit = limit;
    return take_scratch(f, f->strsize, dst);
}

template <>
std::uint64_t subroutine<Subr::SUBSTR>(difjit_frame* f, std::uint64_t) {
    const std::uint64_t addr = argument(f, 0), size = f->strsize;
    std::uint64_t length = 0;
    if (!measure(f, addr, length) || !need_scratch(f, size))
        return 0;
    // Index and length as words: the reference's signed sums wrap.
    const auto is_negative = [](std::uint64_t n) { return static_cast<std::int64_t>(n) < 0; };
    std::uint64_t index = argument(f, 1), left = f->tuple_top <= 2 ? size : argument(f, 2);
    if (is_negative(index)) {
        index += length;
        if (is_negative(index) && static_cast<std::int64_t>(index + left) > 0) {
            left += index;
            index = 0;
        }
    }
    if (is_negative(index) || index >= length)
        left = 0;
    else if (is_negative(left))
        left += length - index;
    else if (index + left > size)
        left = size - index;
    if (is_negative(left))
        left = 0;
    std::uint8_t* dst = scratch(f);
    Reader reader(f, addr + index, left);
    std::uint64_t i = 0;
    while (i < left && (dst[i] = reader.next()) != '\0')
        i++;
    // strsize bytes without a NUL: the reference writes one behind what it checked.
    if (f->scratch_ptr + i < f->scratch_base + f->scratch_size)
        dst[i] = '\0';
    return take_scratch(f, size, dst);
}

template <>
std::uint64_t subroutine<Subr::STRJOIN>(difjit_frame* f, std::uint64_t rd) {
    std::uint64_t limit1 = 0, limit2 = 0;
    if (!strcanload(f, argument(f, 0), f->strsize, &limit1) ||
        !strcanload(f, argument(f, 1), f->strsize, &limit2) || !need_scratch(f, f->strsize))
        return 0;
    std::uint8_t* dst = scratch(f);
    std::uint64_t i = 0;
    if (!append(f, dst, i, argument(f, 0), limit1))
        return 0;
    i--; // the second string begins on the NUL
    if (!append(f, dst, i, argument(f, 1), limit2))
        return 0;
    if (i == f->strsize)
        return rd; // decision 16
    return take_scratch(f, i, dst);
}

template <>
std::uint64_t subroutine<Subr::TOUPPER>(difjit_frame* f, std::uint64_t) {
    return change_case(f, 'a', 'z', 'A' - 'a');
}

template <>
std::uint64_t subroutine<Subr::TOLOWER>(difjit_frame* f, std::uint64_t) {
    return change_case(f, 'A', 'Z', 'a' - 'A');
}

} // namespace difjit::runtime
