// SPDX-License-Identifier: BSD-2-Clause
// Loads at every edge of memory, and variables of every kind.
#include <cstring>
#include <sys/mman.h>

#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

constexpr std::size_t page = 4096;

/// Three pages of which the middle one is there.
std::uint64_t island() {
    static const std::uint64_t base = [] {
        auto* p = static_cast<std::uint8_t*>(
            mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (std::size_t i = 0; i < 3 * page; i++)
            p[i] = static_cast<std::uint8_t>(0x81 + i * 37);
        mprotect(p, page, PROT_NONE);
        mprotect(p + 2 * page, page, PROT_NONE);
        return reinterpret_cast<std::uint64_t>(p) + page;
    }();
    return base;
}

std::vector<std::uint64_t> edges() {
    std::vector<std::uint64_t> all = {0,
                                      1,
                                      8,
                                      0x10,
                                      0x7fffffffeff9,
                                      0x7ffffffffff8,
                                      0x7ffffffffffc,
                                      0x7fffffffffff,
                                      0x800000000000,
                                      0x800000000001,
                                      0xffff7fffffffffff,
                                      0xffff800000000000,
                                      0x4141414141414141,
                                      0xfffffffffffffff8,
                                      0xffffffffffffffff};
    for (std::uint64_t i = 0; i < 10; i++) {
        all.push_back(island() - 9 + i);
        all.push_back(island() + page - 9 + i);
    }
    return all;
}

std::vector<Shot> at_edges(std::uint32_t access) {
    std::vector<Shot> shots;
    for (const std::uint64_t address : edges()) {
        Shot shot;
        shot.args[0] = address;
        shot.access = access;
        shots.push_back(shot);
    }
    return shots;
}

class Load : public testing::TestWithParam<Op> {};

TEST_P(Load, AtEveryEdge) {
    for (const unsigned rd : {1u, 2u}) {
        Builder b;
        b.arg(0, 1).op(Op::NOP, 0, 0, 0).op(GetParam(), 1, 0, rd).op(Op::ADD, rd, 1, rd).ret(rd);
        Machine machine(b.difo);
        for (const std::uint32_t access :
             {DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC, 0 | DIFJIT_ACCESS_PROC})
            ASSERT_EQ(machine.compare(at_edges(access)), "");
    }
}

TEST_P(Load, FromAConstantAddress) {
    for (const std::uint64_t address : edges()) {
        Builder b;
        b.setx(address, 3).op(GetParam(), 3, 0, 3).ret(3);
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare({Shot{}}), "");
    }
}

/// Its result is not used, but the fault is an effect.
TEST_P(Load, WhoseResultIsDeadStillFaults) {
    Builder b;
    b.arg(0, 1).op(GetParam(), 1, 0, 2).setx(1, 2).ret(2);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(at_edges(DIFJIT_ACCESS_KERNEL)), "");
    Shot shot;
    EXPECT_EQ(machine.run(Executor::compiled, {shot}).at(0).flags, DIFJIT_FAULT_BADADDR);
}

constexpr Op loads[] = {Op::LDSB,  Op::LDSH,  Op::LDSW,  Op::LDUB,  Op::LDUH,  Op::LDUW,  Op::LDX,
                        Op::RLDSB, Op::RLDSH, Op::RLDSW, Op::RLDUB, Op::RLDUH, Op::RLDUW, Op::RLDX,
                        Op::ULDSB, Op::ULDSH, Op::ULDSW, Op::ULDUB, Op::ULDUH, Op::ULDUW, Op::ULDX};
INSTANTIATE_TEST_SUITE_P(Opcodes, Load, testing::ValuesIn(loads),
                         [](const auto& info) { return opcode_row(info.param).mnemonic; });

TEST(Load, IllvalIsTheFirstByteThatIsNotThere) {
    Builder b;
    b.arg(0, 1).op(Op::LDX, 1, 0, 1).ret(1);
    Machine machine(b.difo);
    Shot shot;
    shot.args[0] = island() + page - 3;
    const Outcome o = machine.run(Executor::compiled, {shot}).at(0);
    EXPECT_EQ(o.flags, DIFJIT_FAULT_BADADDR);
    EXPECT_EQ(o.illval, island() + page);
    EXPECT_EQ(o.fault_offset, 4u);
    EXPECT_EQ(o.value, 0u);
}

TEST(Load, InCodeThatAlsoCallsHelpers) {
    Builder b;
    b.arg(0, 1).setx(24, 2).op(Op::ALLOCS, 2, 0, 3).op(Op::LDX, 1, 0, 4).op(Op::STX, 4, 0, 3);
    b.op(Op::LDUB, 1, 0, 5).op(Op::ADD, 5, 3, 5).ret(5);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(at_edges(DIFJIT_ACCESS_KERNEL)), "");
}

class Store : public testing::TestWithParam<Op> {};

TEST_P(Store, InAndOutOfScratch) {
    Builder b;
    b.setx(32, 2).op(Op::ALLOCS, 2, 0, 3).arg(0, 1).op(Op::ADD, 3, 1, 3);
    b.setx(0x1122334455667788, 4).op(GetParam(), 4, 0, 3).arg(1, 5).op(GetParam(), 0, 0, 5).ret(3);
    Machine machine(b.difo);
    std::vector<Shot> shots;
    for (const std::uint64_t offset : {0, 1, 2, 3, 4, 8, 24, 31, 4088, 4093, 4096, -8})
        for (const std::uint64_t address :
             {std::uint64_t{0}, std::uint64_t{1}, island(), ~std::uint64_t{0}}) {
            Shot shot;
            shot.args[0] = offset, shot.args[1] = address;
            shots.push_back(shot);
        }
    EXPECT_EQ(machine.compare(shots), "");
}

INSTANTIATE_TEST_SUITE_P(Opcodes, Store, testing::Values(Op::STB, Op::STH, Op::STW, Op::STX),
                         [](const auto& info) { return opcode_row(info.param).mnemonic; });

std::vector<Shot> counting(std::size_t n) {
    std::vector<Shot> shots(n);
    for (std::size_t i = 0; i < n; i++)
        shots[i].args[0] = i * 0x123456789 + 1;
    return shots;
}

TEST(Variables, ByValueOfEachScope) {
    struct {
        std::uint8_t scope;
        Op load, store;
    } const scopes[] = {{DIFJIT_SCOPE_GLOBAL, Op::LDGS, Op::STGS},
                        {DIFJIT_SCOPE_LOCAL, Op::LDLS, Op::STLS},
                        {DIFJIT_SCOPE_THREAD, Op::LDTS, Op::STTS}};
    for (const auto& s : scopes) {
        Builder b;
        b.variable(1280, s.scope).variable(1283, s.scope);
        b.arg(0, 1).indexed(s.load, 1283, 2).op(Op::ADD, 1, 2, 3).indexed(s.store, 1283, 3);
        b.setx(0x1234567890, 4).indexed(s.store, 1280, 4).setx(77, 4).indexed(s.store, 1280, 4);
        b.indexed(s.load, 1280, 5).op(Op::XOR, 5, 2, 5).ret(5);
        Machine machine(b.difo);
        ASSERT_EQ(machine.compare(counting(5)), "");
    }
}

TEST(Variables, ByRefOfEachScope) {
    struct {
        std::uint8_t scope;
        Op load, store;
    } const scopes[] = {{DIFJIT_SCOPE_GLOBAL, Op::LDGS, Op::STGS},
                        {DIFJIT_SCOPE_LOCAL, Op::LDLS, Op::STLS},
                        {DIFJIT_SCOPE_THREAD, Op::LDTS, Op::STTS}};
    for (const auto& s : scopes) {
        Builder b;
        b.variable(1280, s.scope, true, 64).variable(1281, s.scope, true, 24);
        b.indexed(s.load, 1280, 1).sets("a string of some length", 2).indexed(s.store, 1280, 2);
        b.indexed(s.load, 1280, 3).indexed(s.store, 1281, 0).indexed(s.load, 1281, 4);
        b.op(Op::ADD, 1, 3, 5).op(Op::ADD, 4, 5, 5).arg(1, 6).indexed(s.store, 1280, 6).ret(5);
        Machine machine(b.difo);
        std::vector<Shot> shots = counting(4);
        shots[2].args[1] = 8; // BADADDR at the last store
        ASSERT_EQ(machine.compare(shots), "");
    }
}

TEST(Variables, BuiltIns) {
    for (std::uint32_t id = 0x100; id < 0x220; id++) {
        if (id == 0x110 || id == 0x111 || id == 0x11b || id == 0x11c)
            continue; // live stacks differ from executor to executor
        Builder b;
        b.indexed(Op::LDGS, id, 1).op(Op::ADD, 1, 1, 2).op(Op::XOR, 1, 2, 1).ret(1);
        Machine machine(b.difo);
        std::vector<Shot> shots(3);
        for (std::size_t i = 0; i < 10; i++)
            shots[0].args[i] = shots[1].args[i] = i * 1000;
        shots[1].access = 0;
        shots[2].access = DIFJIT_ACCESS_PROC;
        ASSERT_EQ(machine.compare(shots), "") << std::hex << id;
    }
}

TEST(Variables, Arrays) {
    for (unsigned array = 0; array < 3; array++)
        for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10},
                                          ~std::uint64_t{0}, std::uint64_t{1} << 32})
            for (const bool constant : {true, false}) {
                Builder b;
                if (constant)
                    b.setx(index, 2);
                else
                    b.arg(3, 2);
                b.op(Op::LDGA, array, 2, 1).ret(1);
                Machine machine(b.difo);
                Shot shot;
                for (std::size_t i = 0; i < 10; i++)
                    shot.args[i] = 50 + i;
                shot.args[3] = index;
                ASSERT_EQ(machine.compare({shot}), "");
            }
    Builder b;
    b.arg(0, 1).op(Op::LDTA, 0, 1, 2).ret(2);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare({Shot{}}), "");
}

TEST(Variables, OfABuiltInsIdInOtherScopesRead0) {
    Builder b;
    b.arg(0, 1).indexed(Op::LDTS, 0x106, 1).indexed(Op::LDLS, 0x107, 2).op(Op::ADD, 1, 2, 1).ret(1);
    Machine machine(b.difo);
    EXPECT_EQ(machine.compare(counting(1)), "");
}

/// Six values live across every call, more than there are callee-saved registers.
TEST(Registers, SevenLiveAcrossCalls) {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_THREAD);
    for (unsigned r = 1; r < 8; r++)
        b.arg(r, r);
    for (unsigned r = 1; r < 8; r++)
        b.indexed(Op::STTS, 1280, r).indexed(Op::LDTS, 1280, r);
    for (unsigned r = 2; r < 8; r++)
        b.op(Op::XOR, 1, r, 1).op(Op::SLL, 1, r, 1).op(Op::ADD, 1, r, 1);
    b.ret(1);
    Machine machine(b.difo);
    std::vector<Shot> shots(4);
    for (std::size_t i = 0; i < shots.size(); i++)
        for (std::size_t k = 0; k < 10; k++)
            shots[i].args[k] = (i + 1) * 0x9e3779b97f4a7c15 * (k + 3);
    EXPECT_EQ(machine.compare(shots), "");
}

TEST(Registers, StartAt0) {
    for (unsigned r = 1; r < 8; r++) {
        Builder b;
        b.arg(0, r == 1 ? 2 : 1).op(Op::TST, r == 1 ? 2 : 1, 0, 0);
        b.branch(Op::BE, b.here() + 2);
        b.setx(5, r).ret(r);
        Machine machine(b.difo);
        std::vector<Shot> shots(2);
        shots[1].args[0] = 1;
        ASSERT_EQ(machine.compare(shots), "");
        EXPECT_EQ(machine.run(Executor::compiled, shots).at(0).value, 0u);
    }
}

} // namespace
