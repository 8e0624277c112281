// SPDX-License-Identifier: BSD-2-Clause
// rand() (semantics.md point 44). The numbers were computed with the reference's own generator,
// dtrace_xoroshiro128_plus.c, seeded with 1 and 2.
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

TEST(Rand, IsTheReferencesSequenceAndItsOwnOnEachCpu) {
    World one({}, {1, 64, 0});
    difjit_frame f = one.frame();
    EXPECT_EQ(call(f, Subr::RAND, {}), 3u) << "1 + 2: nothing advances CPU 0's only state";
    EXPECT_EQ(call(f, Subr::RAND, {}), 0x8000300000c003u);

    World two({}, {2, 64, 0});
    difjit_frame a = two.frame(0), b = two.frame(1);
    EXPECT_EQ(call(a, Subr::RAND, {}), 0xbc7f4d9a48015382u)
        << "seeding CPU 1 advances CPU 0 by 128";
    EXPECT_EQ(call(b, Subr::RAND, {}), 0xb138ecdd63ad55u);
}

TEST(Rand, WithoutAStateIsZero) {
    World world;
    difjit_frame f = world.frame();
    f.state = nullptr;
    EXPECT_EQ(call(f, Subr::RAND, {}), 0u);
}

} // namespace
} // namespace difjit::test
