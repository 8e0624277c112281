// SPDX-License-Identifier: BSD-2-Clause
// Who may read and write what.
#include <gtest/gtest.h>

#include "runtime/variables.hpp"
#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

constexpr std::uint32_t first = DIFJIT_USER_VARIABLE_BASE;

Object with_variables() {
    Object o;
    o.strtab = std::string("\0abc", 5);
    o.vars = {declare(first, DIFJIT_SCOPE_GLOBAL, string_type(16)),
              declare(first + 1, DIFJIT_SCOPE_GLOBAL, by_value),
              declare(first, DIFJIT_SCOPE_LOCAL, struct_type(13)),
              declare(first + 1, DIFJIT_SCOPE_LOCAL, by_value),
              declare(first, DIFJIT_SCOPE_THREAD, string_type(16))};
    o.text = {Instruction::indexed(Op::STTS, first, 0).word};
    return o;
}

class Access : public testing::Test {
  protected:
    World world{with_variables()};
    difjit_frame f = world.frame();
    std::uint64_t global(std::uint32_t i) {
        return reinterpret_cast<std::uint64_t>(world.vstate().globals[i].data);
    }
    void restrict() { f.access = DIFJIT_ACCESS_PROC; }
};

TEST_F(Access, AllOfScratchIsWritable) {
    EXPECT_TRUE(canstore(&f, world.scratch(), 4096));
    EXPECT_TRUE(canstore(&f, world.scratch() + 4095, 1)) << "beyond what is in use, too";
    EXPECT_TRUE(canstore(&f, world.scratch() + 4095, 0));
    EXPECT_FALSE(canstore(&f, world.scratch() + 4096, 0));
    EXPECT_FALSE(canstore(&f, world.scratch(), 4097));
    EXPECT_FALSE(canstore(&f, world.scratch() - 1, 1));
    EXPECT_FALSE(canstore(&f, world.scratch() + 8, UINT64_MAX)) << "a size that wraps around";
    EXPECT_EQ(f.flags, 0u) << "canstore says so, and no more";
}

TEST_F(Access, StaticsAreWritableByReferenceWithTheirHeader) {
    EXPECT_TRUE(canstore(&f, global(0), 8 + 16));
    EXPECT_FALSE(canstore(&f, global(0), 8 + 17));
    EXPECT_FALSE(canstore(&f, global(1), 8)) << "a by-value global is not";
    const auto local = reinterpret_cast<std::uint64_t>(f.locals);
    EXPECT_TRUE(canstore(&f, local, 8 + 13));
    EXPECT_FALSE(canstore(&f, local, 8 + 17)) << "not into the next one";
    EXPECT_TRUE(canstore(&f, local + world.vstate().layout.local_stride, 8 + 13))
        << "another CPU's copy";
}

TEST_F(Access, DynamicVariablesData) {
    traced(world, "value");
    store_thread(&f, first, place);
    const std::uint64_t data = load_thread(&f, first);
    ASSERT_NE(data, 0u);
    EXPECT_TRUE(canstore(&f, data, 16));
    EXPECT_FALSE(canstore(&f, data - 40, 8)) << "its keys are not data";
    EXPECT_FALSE(canstore(&f, data, world.vstate().dynamic.chunk_size));
    store_thread(&f, first, 0);
    EXPECT_FALSE(canstore(&f, data, 16)) << "a free chunk";
    const auto buckets = reinterpret_cast<std::uint64_t>(world.vstate().dynamic.buckets);
    EXPECT_FALSE(canstore(&f, buckets, 8));
}

TEST_F(Access, WithoutThePrivilegeOnlyOnesOwnIsReadable) {
    restrict();
    EXPECT_TRUE(canload(&f, world.strtab(), 5));
    EXPECT_TRUE(canload(&f, world.scratch(), 8));
    EXPECT_TRUE(canload(&f, global(0), 24));
    EXPECT_EQ(f.flags, 0u);
    EXPECT_FALSE(canload(&f, world.strtab(), 6));
    EXPECT_EQ(fault_name(f.flags), "KPRIV");
    EXPECT_EQ(f.illval, world.strtab());
}

TEST_F(Access, WithThePrivilegeEverythingIs) {
    std::uint64_t remain = 0;
    EXPECT_TRUE(canload(&f, 0, UINT64_MAX));
    EXPECT_TRUE(strcanload(&f, 1, 256, &remain));
    EXPECT_EQ(remain, 256u);
    EXPECT_TRUE(vcanload(&f, 1, struct_type(24), &remain));
    EXPECT_EQ(remain, 24u);
    EXPECT_TRUE(vcanload(&f, 1, string_type(24), &remain));
    EXPECT_EQ(remain, 256u) << "a string's limit is strsize, not its type's size";
}

TEST_F(Access, AStringMustEndInsideItsRegion) {
    restrict();
    std::uint64_t remain = 0;
    EXPECT_TRUE(strcanload(&f, world.strtab() + 1, 256, &remain));
    EXPECT_EQ(remain, 4u);
    Object o;
    o.strtab = "abc"; // no NUL
    World open(o);
    difjit_frame g = open.frame();
    g.access = 0;
    EXPECT_FALSE(strcanload(&g, open.strtab(), 256, &remain));
    EXPECT_EQ(g.flags, 0u) << "point 40: without a flag";
    EXPECT_FALSE(strcanload(&g, place, 256, &remain));
    EXPECT_EQ(fault_name(g.flags), "KPRIV");
}

} // namespace
} // namespace difjit::test
