// SPDX-License-Identifier: BSD-2-Clause
// The disassembler's parts that the reader of listings checks its input with.
#ifndef DIFJIT_DIF_DISASSEMBLER_HPP
#define DIFJIT_DIF_DISASSEMBLER_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include <difjit/program.hpp>

namespace difjit::text {

/// Mnemonic and operands of a word as a listing has them, without the comment.
std::string operand_text(std::uint32_t word);

/// The string at an offset of a string table: up to its NUL or the table's end.
std::string_view string_at(std::string_view strtab, std::size_t offset);

} // namespace difjit::text

#endif
