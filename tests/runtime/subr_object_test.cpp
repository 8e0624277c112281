// SPDX-License-Identifier: BSD-2-Clause
// Subroutines about the host's objects, and those that FreeBSD compiles out (point 41).
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

constexpr Subr locks[] = {Subr::MUTEX_OWNED,     Subr::MUTEX_OWNER,    Subr::MUTEX_TYPE_ADAPTIVE,
                          Subr::MUTEX_TYPE_SPIN, Subr::RW_READ_HELD,   Subr::RW_WRITE_HELD,
                          Subr::RW_ISWRITER,     Subr::SX_SHARED_HELD, Subr::SX_EXCLUSIVE_HELD,
                          Subr::SX_ISEXCLUSIVE};

TEST(Objects, LocksAreTheHosts) {
    World world;
    difjit_frame f = world.frame();
    for (const Subr subr : locks) {
        world.firing.objects[subr] = 100 + static_cast<std::uint64_t>(subr);
        EXPECT_EQ(call(f, subr, {place}), 100 + static_cast<std::uint64_t>(subr));
    }
    EXPECT_EQ(f.flags, 0u);
}

TEST(Objects, LocksMustBeReadable) {
    World world;
    difjit_frame f = world.frame();
    f.access = DIFJIT_ACCESS_PROC;
    for (const Subr subr : locks) {
        f.flags = 0;
        world.firing.objects[subr] = 1;
        EXPECT_EQ(call(f, subr, {place}), 0u);
        EXPECT_EQ(fault_name(f.flags), "KPRIV");
        EXPECT_EQ(f.illval, place);
    }
}

TEST(Objects, GetfNeedsTheProcess) {
    World world;
    difjit_frame f = world.frame();
    world.firing.objects[Subr::GETF] = 0x1234;
    EXPECT_EQ(call(f, Subr::GETF, {3}), 0x1234u);
    EXPECT_EQ(f.getf, 0x1234u);
    f.access = 0;
    EXPECT_EQ(call(f, Subr::GETF, {3}), 0u);
    EXPECT_EQ(fault_name(f.flags), "UPRIV");
}

TEST(Objects, ProgenyofAsksTheHost) {
    World world;
    difjit_frame f = world.frame();
    world.firing.variables = {{Var::PID, 7}, {Var::PPID, 1}};
    EXPECT_EQ(call(f, Subr::PROGENYOF, {7}), 1u);
    EXPECT_EQ(call(f, Subr::PROGENYOF, {8}), 0u);
}

TEST(Objects, WhatFreeBsdCompilesOutKeepsItsRegister) {
    World world;
    difjit_frame f = world.frame();
    for (const Subr subr :
         {Subr::MSGDSIZE, Subr::MSGSIZE, Subr::GETMAJOR, Subr::GETMINOR, Subr::DDI_PATHNAME})
        EXPECT_EQ(call(f, subr, {1, 2}, 0x77), 0x77u);
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(f.scratch_ptr, f.scratch_base);
}

} // namespace
} // namespace difjit::test
