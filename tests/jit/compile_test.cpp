// SPDX-License-Identifier: BSD-2-Clause
// What compile() refuses, each rule by its message, and that nothing it is given can harm it.
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

std::string refusal(const Difo& difo, const jit::CompileOptions& options = {}) {
    const auto image = jit::compile(difo.view(), options);
    return image ? "" : image.error().message;
}

Difo with(std::uint32_t word) {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_GLOBAL).variable(1281, DIFJIT_SCOPE_THREAD);
    b.difo.text.push_back(word);
    b.setx(1, 1).ret(1);
    return b.difo;
}

TEST(Compile, RefusesWhatTheStructureRulesRefuse) {
    const auto make = [](Op op, unsigned r1, unsigned r2, unsigned rd) {
        return with(Instruction::make(op, r1, r2, rd).word);
    };
    const auto indexed = [](Op op, unsigned index, unsigned rd) {
        return with(Instruction::indexed(op, index, rd).word);
    };
    EXPECT_EQ(refusal(with(0)), "instruction 0: invalid opcode 0");
    EXPECT_EQ(refusal(with(0xff000000)), "instruction 0: invalid opcode 255");
    EXPECT_EQ(refusal(indexed(Op::XLATE, 0, 1)), "instruction 0: invalid opcode 78");
    EXPECT_EQ(refusal(make(Op::ADD, 8, 0, 1)), "instruction 0: invalid register 8");
    EXPECT_EQ(refusal(make(Op::ADD, 0, 9, 1)), "instruction 0: invalid register 9");
    EXPECT_EQ(refusal(make(Op::ADD, 0, 0, 200)), "instruction 0: invalid register 200");
    EXPECT_EQ(refusal(make(Op::ADD, 1, 1, 0)), "instruction 0: cannot write to %r0");
    EXPECT_EQ(refusal(make(Op::STX, 1, 0, 0)), "instruction 0: cannot write to %r0");
    EXPECT_EQ(refusal(with(Instruction::branch(Op::BE, 3).word)),
              "instruction 0: invalid branch target 3");
    EXPECT_EQ(refusal(with(Instruction::branch(Op::BA, 0).word)),
              "instruction 0: backward branch to 0");
    EXPECT_EQ(refusal(indexed(Op::SETX, 7, 1)), "instruction 0: invalid integer ref 7");
    EXPECT_EQ(refusal(indexed(Op::SETS, 1, 1)), "instruction 0: invalid string ref 1");
    EXPECT_EQ(refusal(make(Op::PUSHTR, 2, 0, 1)), "instruction 0: invalid type 2");
    EXPECT_EQ(refusal(make(Op::PUSHTV, 1, 0, 1)), "instruction 0: invalid type 1");
    EXPECT_EQ(refusal(indexed(Op::LDGS, 1281, 1)), "instruction 0: undeclared variable 1281");
    EXPECT_EQ(refusal(indexed(Op::LDTS, 1280, 1)), "instruction 0: undeclared variable 1280");
    EXPECT_EQ(refusal(indexed(Op::STGS, 262, 1)), "instruction 0: invalid variable 262");
    EXPECT_EQ(refusal(indexed(Op::LDGAA, 262, 1)), "instruction 0: invalid variable 262");
    EXPECT_EQ(refusal(make(Op::NOP, 0, 0, 0)), "");
}

TEST(Compile, RefusesAWrongShape) {
    EXPECT_EQ(refusal(Difo{}), "DIFO: empty text");
    Builder open;
    open.setx(1, 1);
    EXPECT_EQ(refusal(open.difo), "DIFO: the last instruction is not ret");
    Builder b;
    b.ret(0);
    difjit_difo view = b.difo.view();
    view.dialect = 7;
    EXPECT_EQ(jit::compile(view).error().message, "DIFO: unknown dialect 7");
    EXPECT_EQ(refusal(b.difo, {.machine = DIFJIT_MACHINE_ARM64}),
              "compile: no back end for this machine");
}

TEST(Compile, AnyTextIsCompiledOrRefused) {
    std::mt19937_64 random(7);
    std::size_t compiled = 0;
    for (int i = 0; i < 20000; i++) {
        Builder b;
        b.variable(1280, DIFJIT_SCOPE_GLOBAL).variable(1280, DIFJIT_SCOPE_LOCAL, true);
        b.difo.ints = {1, ~0ull, 1ull << 40};
        for (std::size_t n = random() % 6; n > 0; n--) {
            const auto op = static_cast<std::uint32_t>(random() % 82);
            const auto low =
                static_cast<std::uint32_t>(random()) & (i % 2 == 0 ? 0x070707 : 0xffffff);
            b.difo.text.push_back(op << 24 | low);
        }
        b.ret(1);
        for (const bool optimise : {true, false})
            if (const auto image = jit::compile(b.difo.view(), {.optimise = optimise})) {
                compiled++;
                ASSERT_TRUE(jit::parse_image(*image));
                ASSERT_TRUE(jit::listing(*image, b.difo.view()));
            }
    }
    EXPECT_GT(compiled, 5000u);
}

/// A branch over more than 127 bytes, and over more than 32 KiB.
TEST(Compile, LongBranches) {
    for (const std::size_t length : {10u, 40u, 20000u}) {
        Builder b;
        b.arg(0, 1).op(Op::TST, 1, 0, 0).branch(Op::BE, length + 3);
        for (std::size_t i = 0; i < length; i++)
            b.op(Op::ADD, 1, 1, 1 + i % 2);
        b.ret(1);
        Machine machine(b.difo);
        std::vector<Shot> shots(2);
        shots[1].args[0] = 3;
        EXPECT_EQ(machine.compare(shots), "");
    }
}

} // namespace
