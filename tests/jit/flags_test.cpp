// SPDX-License-Identifier: BSD-2-Clause
// Condition codes: every branch after every kind of compare, next to it, far from it, and through
// joins where the compare, its operands or the codes at entry are not the only ones.
// semantics.md points 1-4.
#include <gtest/gtest.h>

#include "jit/flow.hpp"
#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

constexpr std::uint64_t corners[] = {0,
                                     1,
                                     2,
                                     100,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0x8000000000000001,
                                     0xffffffff80000000,
                                     0xffffffffffffff9c,
                                     0xffffffffffffffff};

constexpr Op branches[] = {Op::BA,   Op::BE, Op::BNE, Op::BG,  Op::BGU, Op::BGE,
                           Op::BGEU, Op::BL, Op::BLU, Op::BLE, Op::BLEU};

std::vector<Shot> all_pairs(std::uint64_t third = 0) {
    std::vector<Shot> shots;
    for (const std::uint64_t a : corners)
        for (const std::uint64_t b : corners) {
            Shot shot;
            shot.args[0] = a, shot.args[1] = b, shot.args[2] = third;
            shots.push_back(shot);
        }
    return shots;
}

/// Appends: r1 = 7 where the branch is taken, else 9; returns it.
void decide(Builder& b, Op op) {
    b.branch(op, b.here() + 3);
    b.setx(9, 1).ret(1).setx(7, 1).ret(1);
}

class Branch : public testing::TestWithParam<Op> {};

TEST_P(Branch, AfterCmp) {
    Builder b;
    b.arg(0, 1).arg(1, 2).cmp(1, 2);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs()), "");
    // And what they both say is what the codes say.
    std::size_t i = 0;
    for (const Outcome& o : machine.run(Executor::compiled, all_pairs())) {
        const Shot shot = all_pairs()[i++];
        const bool taken =
            jit::branch_taken(GetParam(), jit::compare_codes(shot.args[0], shot.args[1]));
        ASSERT_EQ(o.value, taken ? 7u : 9u);
    }
}

TEST_P(Branch, AfterCmpWithAConstant) {
    for (const std::uint64_t constant : corners)
        for (const bool left : {true, false}) {
            Builder b;
            b.arg(0, 1).setx(constant, 2).cmp(left ? 2 : 1, left ? 1 : 2);
            decide(b, GetParam());
            Machine machine(b.difo);
            ASSERT_EQ(machine.compare(all_pairs()), "");
        }
}

TEST_P(Branch, AfterCmpOfNarrowValues) {
    for (const Op narrow : {Op::SRL, Op::AND}) {
        Builder b;
        b.arg(0, 1).arg(1, 2).setx(narrow == Op::SRL ? 31 : 0xffff, 3);
        b.op(narrow, 1, 3, 1).op(narrow, 2, 3, 2).cmp(1, 2);
        decide(b, GetParam());
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(all_pairs()), "");
    }
}

TEST_P(Branch, AfterTst) {
    Builder b;
    b.arg(0, 1).op(Op::TST, 1, 0, 0);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs()), "");
}

TEST_P(Branch, AfterNothing) {
    Builder b;
    b.arg(0, 2);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs()), "");
}

TEST_P(Branch, AfterTwoConstants) {
    for (const std::uint64_t x : corners)
        for (const std::uint64_t y : corners) {
            Builder b;
            b.setx(x, 1).setx(y, 2).cmp(1, 2);
            decide(b, GetParam());
            Machine machine(b.difo);
            ASSERT_EQ(machine.compare({Shot{}}), "");
        }
}

TEST_P(Branch, SeparatedFromItsCmp) {
    Builder b;
    b.arg(0, 1).arg(1, 2).cmp(1, 2).op(Op::ADD, 1, 2, 3).op(Op::MUL, 3, 3, 3);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs()), "");
}

TEST_P(Branch, WhoseOperandsAreGone) {
    for (const bool tst : {false, true}) {
        Builder b;
        b.arg(0, 1).arg(1, 2);
        tst ? b.op(Op::TST, 1, 0, 0) : b.cmp(1, 2);
        b.setx(1, 1).arg(2, 2);
        decide(b, GetParam());
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(all_pairs()), "");
    }
}

TEST_P(Branch, TwoOnTheSameCompare) {
    for (const Op second : branches) {
        Builder b;
        b.arg(0, 1).arg(1, 2).cmp(1, 2);
        b.branch(second, b.here() + 6);
        decide(b, GetParam());
        b.setx(11, 3).ret(3);
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(all_pairs()), "");
    }
}

/// arg2 chooses the way; each way has its own compare (or none), then they meet at the branch.
TEST_P(Branch, WhereTwoComparesMeet) {
    for (const int second : {0, 1, 2, 3}) {
        Builder b;
        b.arg(0, 1).arg(1, 2).arg(2, 3).op(Op::TST, 3, 0, 0);
        b.branch(Op::BE, b.here() + 3);
        b.cmp(1, 2);
        b.branch(Op::BA, b.here() + 2);
        switch (second) {
        case 0: b.cmp(2, 1); break;
        case 1: b.op(Op::TST, 1, 0, 0); break;
        case 2: b.op(Op::NOP, 0, 0, 0); break; // the codes of the tst above
        default: b.cmp(1, 2); break;
        }
        decide(b, GetParam());
        Machine machine(b.difo);
        for (const std::uint64_t third : {0, 1})
            ASSERT_EQ(machine.compare(all_pairs(third)), "");
    }
}

/// The same compare on both ways, but one of them changes an operand.
TEST_P(Branch, WhereOneWayChangesAnOperand) {
    Builder b;
    b.arg(0, 1).arg(1, 2).arg(2, 3).cmp(1, 2);
    b.branch(Op::BGU, b.here() + 2);
    b.op(Op::ADD, 2, 3, 2);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs(5)), "");
}

TEST_P(Branch, WhereTheCodesAtEntryMeetACompare) {
    Builder b;
    b.arg(0, 1).arg(1, 2).setx(0, 3);
    b.branch(Op::BNE, b.here() + 2); // taken: all codes are 0
    b.cmp(1, 2);
    decide(b, GetParam());
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(all_pairs()), "");
}

/// scmp of arg0 and arg1; the codes before it are those of a cmp of arg2 and 5, or those at entry.
TEST_P(Branch, AfterScmp) {
    static const char texts[][16] = {"", "a", "abc", "abd", "ab", "\xff", "zebra"};
    for (const int before : {0, 1})
        for (const int between : {0, 1, 2}) {
            Builder b;
            b.arg(0, 1).arg(1, 2).arg(2, 3).setx(5, 4);
            if (before == 1)
                b.cmp(3, 4);
            b.op(Op::SCMP, 1, 2, 0);
            if (between == 1)
                b.op(Op::NOP, 0, 0, 0);
            if (between == 2)
                b.op(Op::ADD, 1, 2, 1);
            decide(b, GetParam());
            Machine machine(b.difo);
            std::vector<Shot> shots;
            for (const char* x : texts)
                for (const char* y : texts) {
                    Shot shot;
                    shot.args[0] = reinterpret_cast<std::uint64_t>(x);
                    shot.args[1] = reinterpret_cast<std::uint64_t>(y);
                    shot.args[2] = 9;
                    shots.push_back(shot);
                    shot.args[1] = 0; // NULL acts as ""
                    shots.push_back(shot);
                    shot.args[1] = 16; // BADADDR
                    shots.push_back(shot);
                    shot.access = DIFJIT_ACCESS_PROC; // KPRIV
                    shots.push_back(shot);
                }
            ASSERT_EQ(machine.compare(shots), "");
        }
}

/// Point 40: an unprivileged scmp whose NUL is outside its region leaves the codes as they were.
TEST_P(Branch, AfterAnScmpThatLeavesTheCodes) {
    for (const bool after_cmp : {false, true}) {
        Builder b;
        b.arg(0, 1).setx(5, 2).sets("x", 3);
        // 16 bytes of scratch without a NUL, at the very end of scratch memory.
        b.setx(4096 - 16, 4).op(Op::ALLOCS, 4, 0, 4).setx(16, 4).op(Op::ALLOCS, 4, 0, 4);
        b.setx(0x4141414141414141, 5).op(Op::STX, 5, 0, 4).setx(8, 6).op(Op::ADD, 4, 6, 6);
        b.op(Op::STX, 5, 0, 6);
        if (after_cmp)
            b.cmp(1, 2);
        b.op(Op::SCMP, 4, 3, 0);
        decide(b, GetParam());
        Machine machine(b.difo);
        std::vector<Shot> shots = all_pairs();
        for (Shot& shot : shots)
            shot.access = 0;
        ASSERT_EQ(machine.compare(shots), "");
    }
}

/// Chains as the D compiler makes of && and ||: an scmp behind a tst and its branch, whose codes it
/// may have to keep.
TEST_P(Branch, AfterScmpBehindATest) {
    for (const Op first : {Op::BE, Op::BNE, Op::BG, Op::BLE})
        for (const bool compare : {false, true})
            for (const std::size_t over : {2, 3, 8}) { // to the scmp, behind it, to the end
                Builder b;
                b.arg(0, 1).arg(1, 2).sets("x", 3);
                b.setx(4096 - 16, 4).op(Op::ALLOCS, 4, 0, 4).setx(16, 4).op(Op::ALLOCS, 4, 0, 4);
                b.setx(0x4141414141414141, 5).op(Op::STX, 5, 0, 4).setx(8, 6);
                b.op(Op::ADD, 4, 6, 6).op(Op::STX, 5, 0, 6);
                compare ? b.cmp(1, 2) : b.op(Op::TST, 1, 0, 0);
                b.branch(first, b.here() + over).setx(1, 1);
                b.op(Op::SCMP, 4, 3, 0); // without privilege it leaves the codes
                decide(b, GetParam());
                b.setx(11, 3).ret(3);
                Machine machine(b.difo);
                std::vector<Shot> shots = all_pairs();
                for (Shot& shot : shots)
                    shot.access = 0;
                ASSERT_EQ(machine.compare(shots), "");
            }
}

INSTANTIATE_TEST_SUITE_P(Opcodes, Branch, testing::ValuesIn(branches),
                         [](const auto& info) { return opcode_row(info.param).mnemonic; });

TEST(Flags, PointOneAndTwoByHand) {
    // INT64_MIN < 1 is false in DIF; after tst, a negative value is "greater".
    Builder b;
    b.arg(0, 1).arg(1, 2).cmp(1, 2);
    decide(b, Op::BL);
    Machine machine(b.difo);
    Shot shot;
    shot.args[0] = 0x8000000000000000, shot.args[1] = 1;
    EXPECT_EQ(machine.run(Executor::compiled, {shot}).at(0).value, 9u);

    Builder t;
    t.arg(0, 1).op(Op::TST, 1, 0, 0);
    decide(t, Op::BG);
    Machine negative(t.difo);
    shot.args[0] = ~0ull;
    EXPECT_EQ(negative.run(Executor::compiled, {shot}).at(0).value, 7u);
}

} // namespace
