// SPDX-License-Identifier: BSD-2-Clause
// User variables (semantics.md points 22-30, decision 6, 12).
#include "runtime/variables.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

constexpr std::uint32_t first = DIFJIT_USER_VARIABLE_BASE;
constexpr std::uint32_t text = first, structure = first + 1, number = first + 2;

Object with_variables() {
    Object o;
    for (const std::uint8_t scope :
         {DIFJIT_SCOPE_GLOBAL, DIFJIT_SCOPE_THREAD, DIFJIT_SCOPE_LOCAL}) {
        o.vars.push_back(declare(text, scope, string_type(8)));
        o.vars.push_back(declare(structure, scope, struct_type(8)));
        o.vars.push_back(declare(number, scope, by_value));
    }
    o.text = {Instruction::indexed(Op::STTS, number, 0).word};
    return o;
}

class Variables : public testing::Test {
  protected:
    World world{with_variables()};
    difjit_frame f = world.frame();
};

TEST_F(Variables, FreshOnesAreZeroOrEmptyNotNull) {
    EXPECT_EQ(load_global(&f, number), 0u);
    EXPECT_EQ(load_local(&f, number), 0u);
    EXPECT_NE(load_global(&f, text), 0u);
    EXPECT_EQ(text_at(load_global(&f, text)), "");
    EXPECT_EQ(load_thread(&f, number), 0u);
    EXPECT_EQ(load_thread(&f, text), 0u) << "a thread-local one is not there";
}

TEST_F(Variables, ByValueIsAlways64Bits) {
    store_global(&f, number, 0x123456789abcdef0);
    store_local(&f, number, UINT64_MAX);
    store_thread(&f, number, 0x8000000000000000);
    EXPECT_EQ(load_global(&f, number), 0x123456789abcdef0u);
    EXPECT_EQ(load_local(&f, number), UINT64_MAX);
    EXPECT_EQ(load_thread(&f, number), 0x8000000000000000u);
}

TEST_F(Variables, StringsAreCopiedUpToTheirSizeWithoutAForcedNul) { // point 26
    traced(world, "0123456789");
    store_global(&f, text, place);
    const auto* bytes = reinterpret_cast<const char*>(load_global(&f, text));
    EXPECT_EQ(std::string(bytes, 8), "01234567");
    f.strsize = 3;
    traced(world, "abcdef");
    store_global(&f, text, place);
    EXPECT_EQ(std::string(bytes, 8), "abc34567");
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Variables, StoringZeroMakesAByRefStaticNull) {
    traced(world, "abc");
    store_global(&f, text, place);
    store_global(&f, text, 0);
    EXPECT_EQ(load_global(&f, text), 0u);
    store_local(&f, structure, 0);
    EXPECT_EQ(load_local(&f, structure), 0u);
    f.access = DIFJIT_ACCESS_PROC;
    store_global(&f, text, place); // may not be read, but the header was cleared before (point 25)
    EXPECT_EQ(fault_name(f.flags), "KPRIV");
    EXPECT_EQ(text_at(load_global(&f, text)), "abc");
}

TEST_F(Variables, AStructureWhoseEndIsNotThere) {
    world.firing.memory = {{place, "abcd"}};
    store_global(&f, structure, place);
    EXPECT_EQ(fault_name(f.flags), "BADADDR");
    EXPECT_EQ(f.illval, place + 4) << "copied from the back: the lowest byte that is not there";
}

TEST_F(Variables, ClauseLocalsArePerCpuAndStay) { // point 27
    difjit_frame g = world.frame(1);
    store_local(&f, number, 1);
    store_local(&g, number, 2);
    EXPECT_EQ(load_local(&f, number), 1u);
    difjit_frame later = world.frame(1);
    EXPECT_EQ(load_local(&later, number), 2u);
}

TEST_F(Variables, ThreadLocalsAreByThreadAndInterruptLevel) {
    store_thread(&f, number, 7);
    world.firing.thread++;
    EXPECT_EQ(load_thread(&f, number), 0u);
    world.firing.thread--;
    world.firing.interrupts = 1;
    EXPECT_EQ(load_thread(&f, number), 0u);
    world.firing.interrupts = 0;
    EXPECT_EQ(load_thread(&f, number), 7u);
    difjit_frame g = world.frame(1);
    EXPECT_EQ(load_thread(&g, number), 7u) << "on whatever CPU";
}

TEST_F(Variables, StoringToAThreadLocalForgetsTheCachedPredicate) {
    world.predcache = 5;
    store_thread(&f, number, 1);
    EXPECT_EQ(world.predcache, 0u);
    world.predcache = 5;
    f.tuple_top = 0;
    store_array(&f, number, 1, true);
    EXPECT_EQ(world.predcache, 5u) << "sttaa does not (point 54)";
}

TEST_F(Variables, StoringZeroDeallocates) {
    store_thread(&f, number, 7);
    EXPECT_NE(world.vstate().dynamic.buckets, nullptr);
    store_thread(&f, number, 0);
    EXPECT_EQ(load_thread(&f, number), 0u);
    EXPECT_NE(world.vstate().dynamic.cpus[0].dirty, nullptr);
}

TEST_F(Variables, AFailedByRefStoreLeavesZeros) { // decision 6
    traced(world, "old");
    store_thread(&f, text, place);
    store_thread(&f, text, 0);
    dynvar_clean(&world.vstate());
    f.access = DIFJIT_ACCESS_PROC;
    for (int i = 0; i < 3; i++) { // through whatever chunks there are
        f.flags = 0;
        world.firing.thread++;
        store_thread(&f, text, place);
        EXPECT_EQ(fault_name(f.flags), "KPRIV");
        f.flags = 0;
        const std::uint64_t data = load_thread(&f, text);
        ASSERT_NE(data, 0u) << "allocated all the same";
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(data), 8), std::string(8, '\0'));
    }
}

TEST_F(Variables, AGlobalIsReadWholeWhileAnotherCpuWritesIt) { // decision 12
    difjit_frame g = world.frame(1);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (std::uint64_t value = 0; !stop; value = ~value)
            store_global(&g, number, value);
    });
    for (int i = 0; i < 200000; i++) {
        const std::uint64_t value = load_global(&f, number);
        EXPECT_TRUE(value == 0 || value == UINT64_MAX) << value;
    }
    stop = true;
    writer.join();
}

TEST_F(Variables, UndeclaredOnesAreNotTouched) { // decision 8
    for (const int n :
         {DIFJIT_HELPER_LDTS, DIFJIT_HELPER_LDGAA, DIFJIT_HELPER_LDTAA, DIFJIT_HELPER_LDGS_REF,
          DIFJIT_HELPER_LDLS_REF, DIFJIT_HELPER_STTS, DIFJIT_HELPER_STGAA, DIFJIT_HELPER_STTAA,
          DIFJIT_HELPER_STGS_REF, DIFJIT_HELPER_STLS_REF}) {
        for (const std::uint64_t id : {first + 3, 0u, 0x4ffu, 0xffffu, UINT32_MAX}) {
            f.flags = 0;
            EXPECT_EQ(helper(static_cast<std::uint32_t>(n))(&f, id, 1, 0), 0u);
            EXPECT_EQ(fault_name(f.flags), "ILLOP") << n << " " << id;
        }
    }
}

} // namespace
} // namespace difjit::test
