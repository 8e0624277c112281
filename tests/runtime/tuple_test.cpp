// SPDX-License-Identifier: BSD-2-Clause
// pushtr, pushtv, scmp, copys (semantics.md points 20, 35, 36, 38-40, decision 4).
#include "runtime/tuple.hpp"

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

class Tuple : public testing::Test {
  protected:
    World world;
    difjit_frame f = world.frame();
};

TEST_F(Tuple, StringsAreMeasuredWhenPushed) {
    traced(world, "hello");
    push_reference(&f, DIFJIT_TYPE_STRING, place, 256);
    EXPECT_EQ(f.tuple[0].value, place);
    EXPECT_EQ(f.tuple[0].size, 6u);
    push_reference(&f, DIFJIT_TYPE_STRING, place, 3);
    EXPECT_EQ(f.tuple[1].size, 4u) << "the bound and one more byte (point 36)";
    traced(world, std::string(300, 'x'));
    push_reference(&f, DIFJIT_TYPE_STRING, place, 0);
    EXPECT_EQ(f.tuple[2].size, 257u) << "256 where the register holds 0, whatever strsize is";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Tuple, APushedNullStringIsABadAddress) {
    push_reference(&f, DIFJIT_TYPE_STRING, 0, 256);
    EXPECT_EQ(fault_name(f.flags), "BADADDR");
    EXPECT_EQ(f.illval, 0u);
}

TEST_F(Tuple, StructuresAreNotReadWhenPushed) {
    push_reference(&f, DIFJIT_TYPE_CTF, 0, 24);
    EXPECT_EQ(f.tuple[0].size, 24u);
    push_reference(&f, DIFJIT_TYPE_CTF, 7, 0);
    EXPECT_EQ(f.tuple[1].size, 0u) << "by value: the pointer";
    push_reference(&f, DIFJIT_TYPE_CTF, 0, INT64_MAX);
    EXPECT_EQ(f.tuple_top, 3u);
    EXPECT_EQ(f.flags, 0u);
    push_reference(&f, DIFJIT_TYPE_CTF, 0, std::uint64_t{1} << 63);
    EXPECT_EQ(fault_name(f.flags), "ILLOP");
    EXPECT_EQ(f.tuple_top, 3u);
}

TEST_F(Tuple, HoldsEight) {
    for (std::uint64_t i = 0; i < 8; i++)
        push_value(&f, i);
    EXPECT_EQ(f.flags, 0u);
    push_value(&f, 8);
    EXPECT_EQ(fault_name(f.flags), "TUPOFLOW");
    EXPECT_EQ(f.tuple_top, 8u);
    f.flags = 0;
    push_reference(&f, DIFJIT_TYPE_STRING, 0, 256); // not even looked at
    EXPECT_EQ(fault_name(f.flags), "TUPOFLOW");
}

TEST_F(Tuple, AnEndlessStringIsNotFollowedForEver) { // decision 5
    world.firing.memory = {{place, std::string(3 << 20, 'x')}};
    push_reference(&f, DIFJIT_TYPE_STRING, place, UINT64_MAX);
    EXPECT_EQ(f.tuple[0].size, (1u << 20) + 1);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Tuple, ComparesUpToStrsize) {
    const std::uint64_t a = traced(world, "abcX"), b = traced(world, "abcY", place + 0x1000);
    EXPECT_LT(static_cast<std::int64_t>(string_compare(&f, a, b)), 0);
    f.strsize = 3;
    EXPECT_EQ(string_compare(&f, a, b), 0u);
}

TEST_F(Tuple, NullIsTheEmptyString) { // decision 4
    const std::uint64_t a = traced(world, "a"), empty = traced(world, "", place + 0x1000);
    EXPECT_LT(static_cast<std::int64_t>(string_compare(&f, 0, a)), 0);
    EXPECT_GT(static_cast<std::int64_t>(string_compare(&f, a, 0)), 0);
    EXPECT_EQ(string_compare(&f, 0, empty), 0u);
    EXPECT_EQ(string_compare(&f, 0, 0), 0u);
}

TEST_F(Tuple, AStringThatMayNotBeReadLeavesTheCodes) {
    f.access = 0;
    EXPECT_EQ(static_cast<std::int64_t>(string_compare(&f, place, 0)), INT64_MIN);
    EXPECT_EQ(fault_name(f.flags), "KPRIV");
}

TEST_F(Tuple, CopysChecksTheDestinationFirst) {
    copy_structure(&f, 0, 0, place);
    EXPECT_EQ(fault_name(f.flags), "BADADDR") << "size 0 still needs a valid destination";
    EXPECT_EQ(f.illval, place);
    f.flags = 0;
    copy_structure(&f, 0, 0, world.scratch());
    EXPECT_EQ(f.flags, 0u);
    traced(world, "0123456");
    copy_structure(&f, place, 8, world.scratch() + 1);
    EXPECT_EQ(text_at(world.scratch() + 1), "0123456");
    f.access = 0;
    copy_structure(&f, place, 8, world.scratch());
    EXPECT_EQ(fault_name(f.flags), "KPRIV");
}

} // namespace
} // namespace difjit::test
