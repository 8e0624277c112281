// SPDX-License-Identifier: BSD-2-Clause
// The format strings of printf(), printa(), system() and freopen(), parsed.
//
// Follows dt_printf_create and the table _dtrace_conversions of dt_printf.c. What stands in DOF is
// what dtrace_printf_format wrote: "%d" of a long is "%lld" or "%lli" there. Covered by
// tests/engine/consumer/test_format.cpp and cases/printf*.
#ifndef DIFJIT_ENGINE_CONSUMER_FORMAT_HPP
#define DIFJIT_ENGINE_CONSUMER_FORMAT_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>

namespace difjit::consumer {

/// How a conversion turns its record into text.
enum class Style : std::uint8_t {
    none,           ///< only the text before it: the end of the format
    percent,        ///< %%
    signed_number,  ///< %d %i
    number,         ///< %o %u %x %X %p
    floating,       ///< %e %E %f %g %G
    character,      ///< %c
    escaped_char,   ///< %C
    wide_char,      ///< %lc %wc
    string,         ///< %s
    escaped_string, ///< %S
    wide_string,    ///< %ls %ws
    kernel_address, ///< %a
    user_address,   ///< %A
    stack,          ///< %k
    inet_address,   ///< %I
    port,           ///< %P
    time,           ///< %Y
    time822         ///< %T
};

struct Conversion {
    std::string prefix; ///< text before it
    Style style = Style::none;
    std::string name;       ///< as it is written: "lld"
    char letter = 0;        ///< for printf(3)
    bool is_short = false;  ///< %hd: only 16 bits of the value are printed
    bool alternate = false; ///< '#'
    bool zero_pad = false;  ///< '0'
    bool left = false;      ///< '-'
    bool plus = false;      ///< '+'
    bool space = false;     ///< ' '
    bool dynamic_width = false, dynamic_precision = false; ///< '*'
    bool aggregation = false;                              ///< '@'
    int width = 0, precision = 0;
};

using Format = std::vector<Conversion>;

/// Wider fields are cut to this: no field of a hostile format fills the memory.
inline constexpr int field_limit = 65535;

Result<Format> parse_format(std::string_view format);

} // namespace difjit::consumer

#endif
