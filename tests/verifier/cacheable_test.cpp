// SPDX-License-Identifier: BSD-2-Clause
// Which predicates may be cached (semantics.md decision 10, point 54).
#include <difjit/program.hpp>
#include <gtest/gtest.h>

#include "dif/instruction.hpp"
#include "dif/variables.hpp"
#include "verifier/cacheable.hpp"

using namespace difjit;

namespace {

std::uint32_t op(Op o, std::uint32_t r1 = 0, std::uint32_t r2 = 0, std::uint32_t rd = 0) {
    return Instruction::make(o, r1, r2, rd).word;
}
std::uint32_t at(Op o, std::uint32_t index, std::uint32_t rd) {
    return Instruction::indexed(o, index, rd).word;
}
std::uint32_t ldgs(Var var, std::uint32_t rd) {
    return at(Op::LDGS, static_cast<std::uint32_t>(var), rd);
}

bool cacheable(std::vector<std::uint32_t> text, Dialect dialect = Dialect::freebsd) {
    Difo difo;
    difo.text = std::move(text);
    difo.ints = {1};
    difo.strtab = std::string("\0nginx\0", 7);
    difo.dialect = dialect;
    return is_cacheable(difo.view());
}

} // namespace

TEST(Cacheable, ThreadIsAllThatItDependsOn) {
    EXPECT_TRUE(
        cacheable({ldgs(Var::PID, 1), at(Op::SETX, 0, 2), op(Op::CMP, 1, 2),
                   Instruction::branch(Op::BE, 5).word, op(Op::RET), op(Op::RET, 0, 0, 1)}));
    for (const VariableRow& row : variable_rows) {
        if (row.kind != DIFJIT_VAR_KIND_SCALAR || row.numbers[0] == no_variable)
            continue;
        EXPECT_EQ(cacheable({at(Op::LDGS, row.numbers[0], 1), op(Op::RET, 0, 0, 1)}),
                  row.thread_only)
            << row.name;
    }
}

TEST(Cacheable, StringsOfTheThreadAndConstants) {
    EXPECT_TRUE(
        cacheable({ldgs(Var::EXECNAME, 1), at(Op::SETS, 1, 2), op(Op::SCMP, 1, 2), op(Op::RET)}));
    EXPECT_TRUE(cacheable({ldgs(Var::EXECNAME, 1), op(Op::MOV, 1, 0, 3), at(Op::SETS, 1, 2),
                           op(Op::SCMP, 3, 2), op(Op::RET)}));
    // A pointer that is no such string: the comparison is a load.
    EXPECT_FALSE(
        cacheable({ldgs(Var::CURTHREAD, 1), at(Op::SETS, 1, 2), op(Op::SCMP, 1, 2), op(Op::RET)}));
    EXPECT_FALSE(
        cacheable({at(Op::SETX, 0, 1), at(Op::SETS, 1, 2), op(Op::SCMP, 2, 1), op(Op::RET)}));
    EXPECT_FALSE(
        cacheable({at(Op::SETS, 1, 1), op(Op::ADD, 1, 1, 2), op(Op::SCMP, 1, 2), op(Op::RET)}));
    // A string on one path only.
    EXPECT_FALSE(cacheable({at(Op::SETX, 0, 1), Instruction::branch(Op::BE, 3).word,
                            at(Op::SETS, 1, 1), op(Op::SCMP, 1, 1), op(Op::RET)}));
    EXPECT_TRUE(cacheable({at(Op::SETS, 0, 1), Instruction::branch(Op::BE, 3).word,
                           at(Op::SETS, 1, 1), op(Op::SCMP, 1, 1), op(Op::RET)}));
}

// Each opcode that touches anything but registers and constants: no. The text counts, not the
// table.
TEST(Cacheable, NothingElse) {
    const std::uint32_t user = DIFJIT_USER_VARIABLE_BASE;
    for (const std::uint32_t word :
         {at(Op::CALL, 0, 1),     at(Op::CALL, 12, 1),     op(Op::LDUB, 0, 0, 1),
          op(Op::LDX, 0, 0, 1),   op(Op::RLDX, 0, 0, 1),   op(Op::ULDX, 0, 0, 1),
          op(Op::STX, 0, 0, 1),   op(Op::LDGA, 0, 0, 1),   op(Op::LDTA, 0, 0, 1),
          at(Op::LDGS, user, 1),  at(Op::LDTS, user, 1),   at(Op::LDLS, user, 1),
          at(Op::LDGAA, user, 1), at(Op::LDTAA, user, 1),  at(Op::STGS, user, 0),
          at(Op::STTS, user, 0),  at(Op::STLS, user, 0),   at(Op::STGAA, user, 0),
          at(Op::STTAA, user, 0), op(Op::ALLOCS, 0, 0, 1), op(Op::COPYS, 0, 0, 1),
          op(Op::PUSHTV),         op(Op::PUSHTR, 0, 0, 0), op(Op::SCMP)})
        EXPECT_FALSE(cacheable({word, op(Op::RET)})) << std::hex << word;
    for (const Op o : {Op::NOP, Op::TST, Op::CMP})
        EXPECT_TRUE(cacheable({op(o), op(Op::RET)}));
    for (const Op o : {Op::ADD, Op::UDIV, Op::SRA, Op::NOT, Op::MOV})
        EXPECT_TRUE(cacheable({op(o, 0, 0, 1), op(Op::RET)}));
}

TEST(Cacheable, WhatNoPathReachesDoesNotCount) {
    EXPECT_TRUE(cacheable({op(Op::RET), at(Op::CALL, 0, 1), op(Op::RET)}));
}

TEST(Cacheable, OddTexts) {
    EXPECT_FALSE(cacheable({}));
    EXPECT_FALSE(cacheable(std::vector<std::uint32_t>(257, op(Op::RET))));
    EXPECT_TRUE(cacheable(std::vector<std::uint32_t>(256, op(Op::RET))));
    EXPECT_FALSE(cacheable({0xff000000, op(Op::RET)}));
    // execargs is no built-in of illumos.
    EXPECT_FALSE(cacheable({ldgs(Var::EXECARGS, 1), op(Op::RET)}, Dialect::illumos));
}
