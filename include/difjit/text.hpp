// SPDX-License-Identifier: BSD-2-Clause
// DIF as text: the disassembler and assembler in the syntax of `dtrace -S`, and the hand-written
// form.
#ifndef DIFJIT_TEXT_HPP
#define DIFJIT_TEXT_HPP

#include <string>
#include <string_view>

#include <difjit/error.hpp>
#include <difjit/program.hpp>

namespace difjit::text {

/// One DIFO exactly as `dtrace -S` prints it (dt_dis of libdtrace), without the address after the
/// word DIFO; the first line is blank. Total: any bytes give some text.
std::string disassemble(const Difo& difo);

/// One instruction, as in the INSTRUCTION column, comment included.
std::string disassemble_instruction(const Difo& difo, std::uint32_t pc);

/// A whole program in the hand-written form that `assemble` reads back to the same program.
std::string print(const Program& program);

/// Reads either syntax: a sequence of `dtrace -S` listings (each DIFO becomes one DIFO of the
/// program; no ECBs), or the hand-written form (docs/dif-text.md). The error names line and rule.
Result<Program> assemble(std::string_view source, std::string_view file_name,
                         Dialect dialect = Dialect::freebsd);

} // namespace difjit::text

#endif
