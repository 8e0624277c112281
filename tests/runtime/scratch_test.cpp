// SPDX-License-Identifier: BSD-2-Clause
// Scratch memory: alignment, exhaustion, what is zeroed (semantics.md points 17-19).
#include "runtime/scratch.hpp"

#include <gtest/gtest.h>

#include "runtime/tuple.hpp"
#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

class Scratch : public testing::Test {
  protected:
    World world{{}, {1, 64, 0}};
    difjit_frame f = world.frame();
};

TEST_F(Scratch, AllocsRoundsThePointerAndZeroes) {
    f.scratch_ptr += 3;
    EXPECT_EQ(allocate_zeroed(&f, 5), world.scratch() + 8);
    EXPECT_EQ(f.scratch_ptr, world.scratch() + 13) << "the size is not rounded";
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(world.scratch());
    EXPECT_EQ(bytes[2], 0x11u);
    for (int i = 3; i < 13; i++)
        EXPECT_EQ(bytes[i], 0u);
    EXPECT_EQ(bytes[13], 0x11u);
}

TEST_F(Scratch, AllOfItCanBeHad) {
    EXPECT_EQ(allocate_zeroed(&f, 64), world.scratch());
    EXPECT_EQ(allocate_zeroed(&f, 0), world.scratch() + 64);
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(allocate_zeroed(&f, 1), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
}

TEST_F(Scratch, SizesThatWrapAroundAreRefused) {
    f.scratch_ptr += 1;
    EXPECT_EQ(allocate_zeroed(&f, UINT64_MAX), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
    EXPECT_EQ(f.scratch_ptr, world.scratch() + 1);
}

TEST_F(Scratch, SizeZeroTwiceIsTheSamePlace) {
    EXPECT_EQ(allocate_zeroed(&f, 0), allocate_zeroed(&f, 0));
}

TEST_F(Scratch, UsedIsStricterThanStorable) {
    EXPECT_TRUE(canstore(&f, world.scratch(), 8));
    EXPECT_FALSE(in_used_scratch(&f, world.scratch(), 8));
    f.scratch_ptr += 8;
    EXPECT_TRUE(in_used_scratch(&f, world.scratch(), 8));
    EXPECT_TRUE(in_used_scratch(&f, world.scratch() + 8, 0));
    EXPECT_FALSE(in_used_scratch(&f, world.scratch() + 1, 8));
    EXPECT_FALSE(in_used_scratch(&f, world.scratch(), UINT64_MAX));
}

} // namespace
} // namespace difjit::test
