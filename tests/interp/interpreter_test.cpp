// SPDX-License-Identifier: BSD-2-Clause
// The interpreter itself: every opcode's rule, flags, faults, decisions 1-3, and what it does with
// things that no verifier lets through.
#include "interp/interpreter.hpp"

#include <random>

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

constexpr std::uint32_t first = DIFJIT_USER_VARIABLE_BASE;

std::uint32_t op(Op o, std::uint32_t r1 = 0, std::uint32_t r2 = 0, std::uint32_t rd = 0) {
    return Instruction::make(o, r1, r2, rd).word;
}
std::uint32_t indexed(Op o, std::uint32_t index, std::uint32_t rd) {
    return Instruction::indexed(o, index, rd).word;
}
std::uint32_t setx(std::uint32_t index, std::uint32_t rd) {
    return indexed(Op::SETX, index, rd);
}
std::uint32_t branch(Op o, std::uint32_t label) {
    return Instruction::branch(o, label).word;
}
std::uint32_t ret(std::uint32_t r) {
    return op(Op::RET, 0, 0, r);
}

struct Answer {
    std::uint64_t value;
    std::string fault;
    std::uint32_t pc;
    std::uint64_t illval;
};

Answer run(const Object& object) {
    World world(object, {1, 256, 4096});
    difjit_frame f = world.frame();
    const std::uint64_t value = interp::execute(&f, &world.difo());
    return {value, fault_name(f.flags), f.fault_offset / 4, f.illval};
}

/// r1 = a, r2 = b, r3 = a op b.
Answer binary(Op o, std::uint64_t a, std::uint64_t b) {
    Object object;
    object.ints = {a, b};
    object.text = {setx(0, 1), setx(1, 2), op(o, 1, 2, 3), ret(3)};
    return run(object);
}

/// Is the branch taken behind a compare of a and b?
bool taken(Op o, std::uint64_t a, std::uint64_t b) {
    Object object;
    object.ints = {a, b, 1};
    object.text = {setx(0, 1), setx(1, 2), op(Op::CMP, 1, 2), branch(o, 5), ret(0),
                   setx(2, 3), ret(3)};
    return run(object).value == 1;
}

constexpr auto minimum = static_cast<std::uint64_t>(INT64_MIN);

TEST(Interpreter, Arithmetic) {
    EXPECT_EQ(binary(Op::OR, 0xf0, 0x0f).value, 0xffu);
    EXPECT_EQ(binary(Op::XOR, 0xff, 0x0f).value, 0xf0u);
    EXPECT_EQ(binary(Op::AND, 0xff, 0x0f).value, 0x0fu);
    EXPECT_EQ(binary(Op::ADD, UINT64_MAX, 2).value, 1u);
    EXPECT_EQ(binary(Op::SUB, 1, 2).value, UINT64_MAX);
    EXPECT_EQ(binary(Op::MUL, minimum, 3).value, minimum);
    EXPECT_EQ(binary(Op::SDIV, static_cast<std::uint64_t>(-7), 2).value,
              static_cast<std::uint64_t>(-3));
    EXPECT_EQ(binary(Op::SREM, static_cast<std::uint64_t>(-7), 2).value, UINT64_MAX);
    EXPECT_EQ(binary(Op::UDIV, UINT64_MAX, 2).value, INT64_MAX);
    EXPECT_EQ(binary(Op::UREM, UINT64_MAX, 16).value, 15u);
    EXPECT_EQ(binary(Op::NOT, 1, 0).value, UINT64_MAX - 1);
    EXPECT_EQ(binary(Op::MOV, 5, 0).value, 5u);
}

TEST(Interpreter, TheLeastNumberByMinusOne) { // decision 2
    EXPECT_EQ(binary(Op::SDIV, minimum, UINT64_MAX).value, minimum);
    EXPECT_EQ(binary(Op::SREM, minimum, UINT64_MAX).value, 0u);
    EXPECT_EQ(binary(Op::SDIV, minimum, UINT64_MAX).fault, "");
}

TEST(Interpreter, ShiftCountsAreModulo64) { // decision 3
    EXPECT_EQ(binary(Op::SLL, 1, 65).value, 2u);
    EXPECT_EQ(binary(Op::SRL, 4, 64).value, 4u);
    EXPECT_EQ(binary(Op::SRA, minimum, 127).value, UINT64_MAX);
    EXPECT_EQ(binary(Op::SRL, minimum, 63).value, 1u);
}

TEST(Interpreter, DivisionByZero) {
    for (const Op o : {Op::SDIV, Op::UDIV, Op::SREM, Op::UREM}) {
        const Answer a = binary(o, 1, 0);
        EXPECT_EQ(a.value, 0u);
        EXPECT_EQ(a.fault, "DIVZERO");
        EXPECT_EQ(a.pc, 2u);
    }
}

TEST(Interpreter, SignedBranchesFollowTheWrappedDifference) { // point 1
    EXPECT_FALSE(taken(Op::BL, minimum, 1)) << "INT64_MIN < 1 is false";
    EXPECT_TRUE(taken(Op::BG, minimum, 1));
    EXPECT_TRUE(taken(Op::BL, static_cast<std::uint64_t>(-1), 1));
    EXPECT_TRUE(taken(Op::BLU, 1, 2));
    EXPECT_TRUE(taken(Op::BGU, UINT64_MAX, 1));
    EXPECT_TRUE(taken(Op::BE, 3, 3));
    EXPECT_TRUE(taken(Op::BLE, 3, 3));
    EXPECT_TRUE(taken(Op::BGE, 3, 3));
    EXPECT_TRUE(taken(Op::BLEU, 3, 3));
    EXPECT_TRUE(taken(Op::BGEU, 3, 3));
    EXPECT_FALSE(taken(Op::BNE, 3, 3));
    EXPECT_TRUE(taken(Op::BA, 0, 0));
}

TEST(Interpreter, TstKnowsZeroOnly) { // point 2
    const auto after_tst = [](Op o, std::uint64_t a) {
        Object object;
        object.ints = {a, 1};
        object.text = {setx(0, 1), op(Op::TST, 1), branch(o, 4), ret(0), setx(1, 3), ret(3)};
        return run(object).value == 1;
    };
    EXPECT_TRUE(after_tst(Op::BG, UINT64_MAX)) << "a negative value is 'greater'";
    EXPECT_FALSE(after_tst(Op::BL, UINT64_MAX));
    EXPECT_TRUE(after_tst(Op::BGEU, 0));
    EXPECT_TRUE(after_tst(Op::BE, 0));
    EXPECT_FALSE(after_tst(Op::BLU, 0));
}

TEST(Interpreter, EverythingStartsAtZero) { // decision 1, point 4
    Object object;
    object.ints = {1};
    for (const Op o : {Op::BGE, Op::BG, Op::BGU, Op::BGEU, Op::BNE}) {
        object.text = {branch(o, 2), ret(0), setx(0, 1), ret(1)};
        EXPECT_EQ(run(object).value, 1u);
    }
    for (const Op o : {Op::BE, Op::BL, Op::BLU, Op::BLE, Op::BLEU}) {
        object.text = {branch(o, 2), ret(0), setx(0, 1), ret(1)};
        EXPECT_EQ(run(object).value, 0u);
    }
    for (std::uint32_t r = 0; r < 8; r++) {
        object.text = {ret(r)};
        EXPECT_EQ(run(object).value, 0u);
    }
}

TEST(Interpreter, AFaultEndsItAndKeepsWhatWasStored) { // point 8
    Object object;
    object.ints = {5, 9};
    object.vars = {declare(first, DIFJIT_SCOPE_GLOBAL, by_value)};
    object.text = {setx(0, 1), indexed(Op::STGS, first, 1), op(Op::LDX, 1, 0, 2),
                   setx(1, 1), indexed(Op::STGS, first, 1), ret(1)};
    World world(object);
    difjit_frame f = world.frame();
    EXPECT_EQ(interp::execute(&f, &world.difo()), 0u);
    EXPECT_EQ(f.fault_offset, 8u);
    EXPECT_EQ(f.illval, 5u);
    EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(world.vstate().globals[0].data), 5u);
    const std::uint64_t again = interp::execute(&f, &world.difo());
    EXPECT_EQ(again, 0u) << "with a fault on entry nothing runs";
    EXPECT_EQ(f.fault_offset, 0u);
}

TEST(Interpreter, ADropDoesNotEndIt) { // point 9
    Object object;
    object.ints = {5};
    object.text = {setx(0, 1), ret(1)};
    World world(object);
    difjit_frame f = world.frame();
    f.flags = DIFJIT_FLAG_DROP;
    EXPECT_EQ(interp::execute(&f, &world.difo()), 5u);
}

TEST(Interpreter, IllvalStaysWhatTheLastFaultMadeIt) { // decision 11, point 10
    Object object;
    object.text = {op(Op::SDIV, 0, 0, 1), ret(1)};
    World world(object);
    difjit_frame f = world.frame();
    f.illval = 0x1234;
    interp::execute(&f, &world.difo());
    EXPECT_EQ(f.illval, 0x1234u) << "DIVZERO does not write it";
}

TEST(Interpreter, RetAnywhereEndsIt) {
    Object object;
    object.ints = {1, 2};
    object.text = {setx(0, 1), ret(1), setx(1, 1), ret(1)};
    EXPECT_EQ(run(object).value, 1u);
    object.text = {};
    EXPECT_EQ(run(object).value, 0u) << "an empty text too";
}

TEST(Interpreter, ThreadArraysAndBuiltinsOfOtherScopes) { // points 22, 33
    Object object;
    object.text = {op(Op::LDTA, 0, 0, 1), ret(1)};
    EXPECT_EQ(run(object).fault, "ILLOP");
    for (const Op o : {Op::LDLS, Op::LDTS}) {
        object.text = {indexed(o, 0x118, 1), ret(1)};
        EXPECT_EQ(run(object).fault, "") << "silently 0";
        EXPECT_EQ(run(object).value, 0u);
    }
    for (const Op o :
         {Op::LDGS, Op::LDGAA, Op::LDTAA, Op::STGS, Op::STLS, Op::STTS, Op::STGAA, Op::STTAA}) {
        object.text = {indexed(o, 0x4f1, 1), ret(1)};
        EXPECT_EQ(run(object).fault, "ILLOP") << "decision 8";
    }
}

TEST(Interpreter, FlushtsLeavesStaleSlots) { // point 35
    Object object;
    object.ints = {0x1234};
    object.text = {setx(0, 1), op(Op::PUSHTV, 0, 0, 1), op(Op::FLUSHTS),
                   indexed(Op::CALL, static_cast<std::uint32_t>(Subr::HTONS), 2), ret(2)};
    EXPECT_EQ(run(object).value, 0x3412u);
    object.text = {op(Op::POPTS), op(Op::POPTS), ret(0)};
    EXPECT_EQ(run(object).fault, "") << "popts on an empty stack";
}

TEST(Interpreter, TheNinthPushOverflows) {
    Object object;
    for (int i = 0; i < 9; i++)
        object.text.push_back(op(Op::PUSHTV, 0, 0, 0));
    object.text.push_back(ret(0));
    const Answer a = run(object);
    EXPECT_EQ(a.fault, "TUPOFLOW");
    EXPECT_EQ(a.pc, 8u);
}

TEST(Interpreter, DialectsNumberSubroutinesDifferently) { // contract 7
    Object object;
    object.ints = {0x30};
    object.text = {setx(0, 1),
                   op(Op::PUSHTV, 0, 0, 1),
                   op(Op::PUSHTV, 0, 0, 1),
                   op(Op::PUSHTV, 0, 0, 1),
                   op(Op::PUSHTV, 0, 0, 1),
                   indexed(Op::CALL, 47, 2),
                   ret(2)};
    object.dialect = DIFJIT_DIALECT_FREEBSD11; // typeref
    EXPECT_NE(run(object).value, 0u);
    object.dialect = DIFJIT_DIALECT_FREEBSD; // sx_shared_held
    EXPECT_EQ(run(object).value, 0u);
}

TEST(Interpreter, WhatNoVerifierAcceptsIsIllegal) {
    Object object;
    for (const std::uint32_t word : {0u, op(Op::XLATE), op(Op::XLARG), 0xff000000u, 0x50000000u}) {
        object.text = {word, ret(0)};
        EXPECT_EQ(run(object).fault, "ILLOP");
    }
    object.text = {setx(0, 1), ret(1)}; // no integer table
    EXPECT_EQ(run(object).fault, "ILLOP");
    object.text = {indexed(Op::SETS, 0, 1), ret(1)}; // no string table
    EXPECT_EQ(run(object).fault, "ILLOP");
    object.text = {op(Op::NOP), branch(Op::BA, 0), ret(0)}; // backward
    EXPECT_EQ(run(object).fault, "ILLOP");
    object.text = {branch(Op::BA, 0xffffff)}; // out of the text: it ends
    EXPECT_EQ(run(object).fault, "");
    object.text = {indexed(Op::CALL, 0xffff, 1), ret(1)}; // the reference's switch has no default
    EXPECT_EQ(run(object).fault, "");
}

TEST(Interpreter, ZeroStaysZero) {
    Object object;
    object.ints = {5};
    object.text = {setx(0, 0), ret(0)};
    EXPECT_EQ(run(object).value, 0u);
}

/// Random words, most of them real opcodes with any operands: nothing may be touched that is not
/// this consumer's. Sanitizers see what this test does not.
TEST(Interpreter, IsMemorySafeForAnything) {
    std::mt19937_64 random(1); // fixed: a failure can be repeated
    for (int i = 0; i < 20000; i++) {
        Object object;
        object.strtab = std::string("\0abc\0def", 8);
        for (int k = 0; k < 4; k++)
            object.ints.push_back(random() >> random() % 64);
        object.ints.push_back(place);
        for (std::uint32_t v = 0; v < 3; v++)
            for (std::uint8_t scope = 0; scope < 4; scope++)
                object.vars.push_back(
                    declare(first + v, scope,
                            v == 0   ? by_value
                            : v == 1 ? string_type(9)
                                     : struct_type(13),
                            random() % 2 == 0 ? DIFJIT_VAR_KIND_ARRAY : DIFJIT_VAR_KIND_SCALAR));
        const std::size_t length = 1 + random() % 40;
        for (std::size_t k = 0; k < length; k++) {
            const auto o = static_cast<Op>(random() % 82);
            switch (random() % 4) {
            case 0: object.text.push_back(static_cast<std::uint32_t>(random())); break;
            case 1: object.text.push_back(indexed(o, first + random() % 4, random() % 8)); break;
            case 2: object.text.push_back(indexed(o, random() % 60, random() % 8)); break;
            default: object.text.push_back(op(o, random() % 8, random() % 8, random() % 8));
            }
        }
        World world(object, {1, 512, 2048});
        traced(world, "some text");
        difjit_frame f = world.frame();
        f.access = random() % 3 == 0 ? 0 : f.access;
        for (std::uint64_t& a : f.args)
            a = random() % 2 == 0 ? place : world.scratch() + random() % 600;
        const std::uint64_t value = interp::execute(&f, &world.difo());
        ASSERT_TRUE(value == 0 || (f.flags & DIFJIT_FLAG_FAULT) == 0);
        ASSERT_LE(f.scratch_ptr, f.scratch_base + f.scratch_size);
        ASSERT_LE(f.tuple_top, DIFJIT_NTUPLE);
    }
}

} // namespace
} // namespace difjit::test
