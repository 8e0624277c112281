// SPDX-License-Identifier: BSD-2-Clause
// DIF types as text: as `dtrace -S` writes them, and as the hand-written form does.
//
// Follows dt_dis_typestr of libdtrace for the first. Every difjit_type has a hand-written form that
// reads back to it; a listing's form loses unknown flags and the pad byte.
// Tested in tests/dif/assembler_test.cpp and listing_test.cpp.
#ifndef DIFJIT_DIF_TYPE_TEXT_HPP
#define DIFJIT_DIF_TYPE_TEXT_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <difjit/abi.h>

namespace difjit::text {

/// "D type (integer) (size 8)".
std::string listing_type(const difjit_type& type);

/// Reads that back, or nothing.
std::optional<difjit_type> parse_listing_type(std::string_view text);

/// A word of the hand-written form: int, string, struct...
struct TypeWord {
    std::string_view word;
    difjit_type type;
    bool sized; ///< may be followed by [bytes]; type.size is what it is without
};

/// Its row, or nullptr.
const TypeWord* find_type_word(std::string_view word);

/// "int", "string[64]", "type(0, 6, 1, 0, 24)".
std::string hand_type(const difjit_type& type);

} // namespace difjit::text

#endif
