// SPDX-License-Identifier: BSD-2-Clause
// Every arithmetic opcode, with every way its operands can share registers, from registers and as
// constants, over corner values; differential against the interpreter, and a few answers by hand.
#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

constexpr std::uint64_t corners[] = {0,
                                     1,
                                     2,
                                     3,
                                     7,
                                     8,
                                     31,
                                     32,
                                     63,
                                     64,
                                     65,
                                     127,
                                     128,
                                     255,
                                     256,
                                     1000,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     0x123456789abcdef0,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0x8000000000000001,
                                     0xffffffff7fffffff,
                                     0xffffffff80000000,
                                     0xfffffffffffffffe,
                                     0xffffffffffffffff};

constexpr Op binary[] = {Op::OR,  Op::XOR, Op::AND,  Op::SLL,  Op::SRL,  Op::SRA, Op::SUB,
                         Op::ADD, Op::MUL, Op::SDIV, Op::UDIV, Op::SREM, Op::UREM};

std::vector<Shot> all_pairs() {
    std::vector<Shot> shots;
    for (const std::uint64_t a : corners)
        for (const std::uint64_t b : corners) {
            Shot shot;
            shot.args[0] = a, shot.args[1] = b;
            shots.push_back(shot);
        }
    return shots;
}

class Alu : public testing::TestWithParam<Op> {};

TEST_P(Alu, RegistersInEveryOrder) {
    const std::vector<Shot> shots = all_pairs();
    for (unsigned r1 = 0; r1 < 4; r1++)
        for (unsigned r2 = 0; r2 < 4; r2++)
            for (unsigned rd = 1; rd < 4; rd++) {
                Builder b;
                b.arg(0, 1).arg(1, 2).arg(0, 3);
                b.op(GetParam(), r1, r2, rd);
                // All of them matter afterwards: an operand must not be spoilt.
                b.op(Op::XOR, 1, 2, 1).op(Op::SLL, 1, 3, 1).op(Op::ADD, 1, rd, 1).ret(1);
                Machine machine(b.difo);
                ASSERT_EQ(machine.compare(shots), "");
            }
}

TEST_P(Alu, ConstantsOnEitherSide) {
    for (const std::uint64_t constant : corners)
        for (const bool left : {true, false})
            for (const unsigned rd : {1u, 2u, 3u}) {
                Builder b;
                b.arg(0, 1).setx(constant, 2);
                b.op(GetParam(), left ? 2 : 1, left ? 1 : 2, rd).ret(rd);
                Machine machine(b.difo);
                std::vector<Shot> shots;
                for (const std::uint64_t a : corners) {
                    Shot shot;
                    shot.args[0] = a;
                    shots.push_back(shot);
                }
                ASSERT_EQ(machine.compare(shots), "");
            }
}

TEST_P(Alu, TwoConstants) {
    for (const std::uint64_t a : corners)
        for (const std::uint64_t c : corners) {
            Builder b;
            b.setx(a, 1).setx(c, 2).op(GetParam(), 1, 2, 3).ret(3);
            Machine machine(b.difo);
            ASSERT_EQ(machine.compare({Shot{}}), "");
        }
}

INSTANTIATE_TEST_SUITE_P(Opcodes, Alu, testing::ValuesIn(binary),
                         [](const auto& info) { return opcode_row(info.param).mnemonic; });

std::uint64_t evaluate(Op op, std::uint64_t a, std::uint64_t c, std::uint32_t& flags) {
    Builder b;
    b.arg(0, 1).arg(1, 2).op(op, 1, 2, 3).ret(3);
    Machine machine(b.difo);
    Shot shot;
    shot.args[0] = a, shot.args[1] = c;
    const std::vector<Outcome> outcomes = machine.run(Executor::compiled, {shot});
    flags = outcomes.at(0).flags;
    return outcomes.at(0).value;
}

TEST(AluByHand, Decisions2And3) {
    constexpr std::uint64_t min = 0x8000000000000000, minus_one = ~0ull;
    std::uint32_t flags = 0;
    EXPECT_EQ(evaluate(Op::SDIV, min, minus_one, flags), min);
    EXPECT_EQ(flags, 0u);
    EXPECT_EQ(evaluate(Op::SREM, min, minus_one, flags), 0u);
    EXPECT_EQ(flags, 0u);
    EXPECT_EQ(evaluate(Op::UREM, 5, 0, flags), 0u);
    EXPECT_EQ(flags, DIFJIT_FAULT_DIVZERO);
    EXPECT_EQ(evaluate(Op::SLL, 1, 65, flags), 2u);
    EXPECT_EQ(evaluate(Op::SRA, min, 127, flags), minus_one);
    EXPECT_EQ(evaluate(Op::SREM, 0 - 7ull, 3, flags), minus_one);
}

TEST(Alu, NotAndMove) {
    for (const Op op : {Op::NOT, Op::MOV})
        for (unsigned r1 = 0; r1 < 3; r1++)
            for (unsigned rd = 1; rd < 3; rd++) {
                Builder b;
                b.arg(0, 1).arg(1, 2).op(op, r1, 0, rd).op(Op::SUB, 1, 2, 1).ret(1);
                Machine machine(b.difo);
                ASSERT_EQ(machine.compare(all_pairs()), "");
            }
}

TEST(Alu, SevenRegistersAtOnce) {
    Builder b;
    for (unsigned r = 1; r < 8; r++)
        b.arg(r, r);
    for (const Op op : binary)
        for (unsigned r = 1; r < 8; r++)
            b.op(op, r, r % 7 + 1, (r + 3) % 7 + 1);
    b.ret(5);
    Machine machine(b.difo);
    std::vector<Shot> shots;
    for (std::uint64_t seed = 1; seed < 200; seed++) {
        Shot shot;
        for (std::size_t i = 0; i < shot.args.size(); i++)
            shot.args[i] =
                (seed * 0x9e3779b97f4a7c15) ^ (corners[(seed + i * 5) % std::size(corners)]);
        shots.push_back(shot);
    }
    EXPECT_EQ(machine.compare(shots), "");
}

} // namespace
