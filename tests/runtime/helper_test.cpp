// SPDX-License-Identifier: BSD-2-Clause
// Helper numbers: each has a function, nothing else has.
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

TEST(Helper, EveryRowHasOne) {
#define DIFJIT_HELPER(name, nargs, faults, meaning)                                                \
    EXPECT_NE(runtime::helper(DIFJIT_HELPER_##name), nullptr) << #name;
#include <difjit/helpers.def>
    for (std::uint32_t i = 0; i < subroutine_count; i++)
        EXPECT_NE(runtime::helper(DIFJIT_HELPER_SUBR_BASE + i), nullptr) << i;
}

TEST(Helper, OtherNumbersHaveNone) {
    EXPECT_EQ(runtime::helper(DIFJIT_HELPER_SUBR_BASE - 1), nullptr);
    EXPECT_EQ(runtime::helper(DIFJIT_HELPER_SUBR_BASE + subroutine_count), nullptr);
    EXPECT_EQ(runtime::helper(UINT32_MAX), nullptr);
}

TEST(Helper, SubroutinesSurviveAnyArguments) {
    World world({}, {1, 4096, 4096});
    traced(world, "some text");
    const std::uint64_t odd[] = {0,
                                 1,
                                 place,
                                 place + 4,
                                 UINT64_MAX,
                                 INT64_MAX,
                                 0x800000000000,
                                 world.scratch(),
                                 world.scratch() + 4090,
                                 std::uint64_t{1} << 32};
    for (std::uint32_t s = 0; s < subroutine_count; s++) {
        for (std::uint32_t i = 0; i < 1000; i++) {
            difjit_frame f = world.frame();
            f.access = i % 3 == 0 ? 0 : f.access;
            f.strsize = i % 5 == 0 ? 1 : 256;
            call(f, static_cast<Subr>(s),
                 {odd[i % 10], odd[i / 10 % 10], odd[i / 100], odd[i % 7]});
            ASSERT_LE(f.scratch_ptr, f.scratch_base + f.scratch_size);
        }
    }
}

} // namespace
} // namespace difjit::test
