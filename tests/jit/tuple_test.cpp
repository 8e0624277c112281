// SPDX-License-Identifier: BSD-2-Clause
// The tuple stack: depth that is known and depth that is not, stale slots, overflow, keys of every
// kind, and the subroutines that look at the depth.
#include <gtest/gtest.h>

#include "dif/subroutines.hpp"
#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

Builder& push_value(Builder& b, unsigned r) {
    return b.op(Op::PUSHTV, DIFJIT_TYPE_CTF, 0, r);
}

void call(Builder& b, Subr subr, unsigned rd) {
    b.indexed(Op::CALL, subr_number(Dialect::freebsd, subr), rd);
}

std::vector<Shot> shots() {
    std::vector<Shot> all(3);
    all[0].args[0] = 5, all[0].args[1] = 16;
    all[1].args[0] = 0x8000000000000000, all[1].args[1] = 8;
    return all;
}

TEST(Tuple, CallWithTooFewArgumentsSeesStaleSlots) {
    // lltostr of 2 after a push of two and a flush: the base is stale but not counted.
    Builder b;
    b.arg(0, 1).arg(1, 2);
    push_value(push_value(b, 1), 2).op(Op::FLUSHTS, 0, 0, 0);
    push_value(b, 1);
    call(b, Subr::LLTOSTR, 3);
    b.op(Op::FLUSHTS, 0, 0, 0);
    push_value(push_value(b, 1), 2);
    call(b, Subr::LLTOSTR, 4);
    b.op(Op::LDUB, 3, 0, 3).op(Op::LDUB, 4, 0, 4).op(Op::ADD, 3, 4, 3).ret(3);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(shots()), "");
}

TEST(Tuple, CallWithoutAnyArgumentSees0) {
    for (const SubroutineRow& row : subroutine_rows) {
        if (row.numbers[0] == no_subroutine)
            continue;
        Builder b;
        b.setx(7, 3);
        call(b, row.subr, 3);
        b.ret(3);
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(shots()), "") << row.name;
        Builder one;
        one.setx(7, 3).setx(0x20, 4);
        push_value(one, 4).op(Op::POPTS, 0, 0, 0);
        call(one, row.subr, 3);
        one.ret(3);
        Machine again(one.difo);
        ASSERT_EQ(again.compare(shots()), "") << row.name;
    }
}

TEST(Tuple, TheNinthPushOverflows) {
    for (const int pushes : {8, 9}) {
        Builder b;
        b.arg(0, 1);
        for (int i = 0; i < pushes; i++)
            push_value(b, 1);
        b.ret(1);
        Machine machine(b.difo);
        EXPECT_EQ(machine.compare(shots()), "");
        EXPECT_EQ(machine.run(Executor::compiled, shots()).at(0).flags,
                  pushes == 9 ? std::uint32_t{DIFJIT_FAULT_TUPOFLOW} : 0u);
    }
}

TEST(Tuple, EightKeysAndTheVariablesOwn) {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_GLOBAL, false, 8, DIFJIT_VAR_KIND_ARRAY);
    b.variable(1280, DIFJIT_SCOPE_THREAD, false, 8, DIFJIT_VAR_KIND_ARRAY);
    b.arg(0, 1);
    for (int i = 0; i < 8; i++)
        push_value(b, 1);
    b.indexed(Op::STGAA, 1280, 1).indexed(Op::STTAA, 1280, 1);
    b.indexed(Op::LDGAA, 1280, 2).indexed(Op::LDTAA, 1280, 3).op(Op::ADD, 2, 3, 2).ret(2);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(shots()), "");
}

TEST(Tuple, KeysOfEveryKind) {
    Builder b;
    b.variable(1281, DIFJIT_SCOPE_GLOBAL, true, 32, DIFJIT_VAR_KIND_ARRAY);
    b.sets("a key", 1).arg(1, 2);
    b.op(Op::PUSHTR, DIFJIT_TYPE_STRING, 0, 1); // to the NUL, at most 256
    b.op(Op::PUSHTR, DIFJIT_TYPE_STRING, 2, 1); // at most arg1
    b.setx(4, 3).op(Op::PUSHTR, DIFJIT_TYPE_CTF, 3, 1);
    b.arg(0, 4).op(Op::PUSHTR, DIFJIT_TYPE_CTF, 0, 4); // size 0: the value itself
    b.indexed(Op::STGAA, 1281, 1).indexed(Op::LDGAA, 1281, 5).op(Op::LDUB, 5, 0, 5).ret(5);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(shots()), "");
}

TEST(Tuple, ReferenceKeysThatFault) {
    for (const bool constant : {true, false}) {
        Builder b;
        b.arg(2, 1);
        constant ? b.setx(~0ull, 2) : b.arg(3, 2);
        b.op(Op::PUSHTR, DIFJIT_TYPE_CTF, 2, 1).setx(1, 3).ret(3);
        Machine machine(b.difo);
        Shot shot;
        shot.args[3] = 1ull << 63;
        EXPECT_EQ(machine.compare({shot}), "");
        EXPECT_EQ(machine.run(Executor::compiled, {shot}).at(0).flags, DIFJIT_FAULT_ILLOP);
    }
    Builder null;
    null.arg(0, 1).op(Op::PUSHTR, DIFJIT_TYPE_STRING, 0, 0).ret(1);
    Machine machine(null.difo);
    EXPECT_EQ(machine.compare(shots()), "");
}

/// arg2 decides whether one or two are pushed: the depth is known at run time only.
TEST(Tuple, DepthThatDependsOnTheWay) {
    for (const Op last : {Op::NOP, Op::POPTS, Op::FLUSHTS}) {
        Builder b;
        b.variable(1280, DIFJIT_SCOPE_GLOBAL, false, 8, DIFJIT_VAR_KIND_ARRAY);
        b.arg(0, 1).arg(1, 2).arg(2, 3);
        push_value(b, 1).op(Op::TST, 3, 0, 0);
        b.branch(Op::BE, b.here() + 2);
        push_value(b, 2).op(last, 0, 0, 0);
        call(b, Subr::LLTOSTR, 4);
        b.op(Op::LDUB, 4, 0, 4).indexed(Op::STGAA, 1280, 4).op(Op::POPTS, 0, 0, 0);
        b.op(Op::POPTS, 0, 0, 0).op(Op::POPTS, 0, 0, 0).indexed(Op::LDGAA, 1280, 5);
        for (int i = 0; i < 9; i++)
            push_value(b, 4);
        b.op(Op::ADD, 4, 5, 4).ret(4);
        Machine machine(b.difo);
        std::vector<Shot> both = shots();
        both[0].args[2] = 1;
        ASSERT_EQ(machine.compare(both), "");
    }
}

TEST(Tuple, SubroutinesWithOptionalArguments) {
    for (const Subr subr :
         {Subr::SUBSTR, Subr::INDEX, Subr::RINDEX, Subr::STRTOLL, Subr::COPYINSTR})
        for (int extra = 0; extra < 2; extra++) {
            Builder b;
            b.sets("12abc12abc", 1).sets("abc", 2).setx(3, 3);
            b.op(Op::PUSHTR, DIFJIT_TYPE_STRING, 0, 1);
            if (subr == Subr::SUBSTR)
                push_value(b, 3);
            else if (subr == Subr::INDEX || subr == Subr::RINDEX)
                b.op(Op::PUSHTR, DIFJIT_TYPE_STRING, 0, 2);
            if (extra == 1)
                push_value(b, 3);
            call(b, subr, 4);
            b.ret(4);
            Machine machine(b.difo);
            ASSERT_EQ(machine.compare(shots()), "") << subroutine_row(subr).name;
        }
}

TEST(Tuple, CallsThatFreeBsdHasCompiledOutKeepRd) {
    for (const Subr subr : {Subr::MSGSIZE, Subr::GETMAJOR, Subr::DDI_PATHNAME}) {
        Builder b;
        b.arg(0, 1);
        call(b, subr, 1);
        b.setx(4, 2);
        call(b, subr, 2);
        b.op(Op::ADD, 1, 2, 1).ret(1);
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(shots()), "");
        EXPECT_EQ(machine.run(Executor::compiled, shots()).at(0).value, 9u);
    }
}

} // namespace
