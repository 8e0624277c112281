// SPDX-License-Identifier: BSD-2-Clause
// One DIFO of the hand-written form, statement by statement.
//
// Where the text leaves the tables to the assembler, they are laid out as the D compiler lays them
// out (dt_as.c): integers and strings in order of first use, each once, the string table beginning
// with a NUL, then the names of variables in order of declaration.
// Tested in tests/dif/assembler_test.cpp.
#ifndef DIFJIT_DIF_DIFO_ASSEMBLER_HPP
#define DIFJIT_DIF_DIFO_ASSEMBLER_HPP

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <difjit/program.hpp>

#include "dif/instruction.hpp"
#include "dif/lexer.hpp"

namespace difjit::text {

class DifoAssembler {
  public:
    DifoAssembler(Dialect dialect, difjit_type rtype);

    /// One line of the block. Throws Failure.
    void statement(Cursor& cursor, std::size_t line);
    /// Resolves labels, places names. Throws Failure.
    Difo finish();

  private:
    struct Use {
        std::size_t pc, line;
        std::string label;
    };
    struct Declaration {
        std::string name;
        bool place_name, infer_flags;
    };

    void directive(Cursor& cursor, const std::string& name);
    void declaration(Cursor& cursor, std::uint8_t scope);
    void raw_variable(Cursor& cursor);
    void instruction(Cursor& cursor, std::size_t line);
    void emit(Instruction instruction) { difo_.text.push_back(instruction.word); }

    std::uint32_t integer_operand(Cursor& cursor);
    std::uint32_t string_operand(Cursor& cursor);
    std::uint32_t variable_operand(Cursor& cursor, Op op);
    std::uint32_t subroutine_operand(Cursor& cursor) const;
    Instruction branch(Cursor& cursor, Op op, std::size_t line);

    std::uint32_t intern(std::uint64_t value);
    std::uint32_t intern(const std::string& text);
    void index_strtab();
    void infer_flags();

    Difo difo_;
    bool has_strtab_ = false; ///< the text gives the string table
    std::unordered_map<std::uint64_t, std::uint32_t> integers_;
    std::unordered_map<std::string, std::uint32_t> strings_;
    std::array<std::unordered_map<std::string, std::uint32_t>, 3> variables_; ///< by scope
    std::array<std::uint32_t, 3> next_id_;
    std::unordered_map<std::string, std::size_t> labels_;
    std::vector<Use> uses_;
    std::vector<Declaration> declarations_; ///< one for each entry of difo_.vars
};

/// "int", "string[64]", "type(0, 1, 0, 0, 4)".
difjit_type parse_hand_type(Cursor& cursor);

/// "freebsd", "freebsd11", "illumos".
const char* dialect_name(Dialect dialect);
std::optional<Dialect> find_dialect(std::string_view name);

} // namespace difjit::text

#endif
