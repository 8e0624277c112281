// SPDX-License-Identifier: BSD-2-Clause
// Loads, stores and copies: faults, their addresses, and what is left behind.
#include "runtime/memory.hpp"

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

class Memory : public testing::Test {
  protected:
    Memory() {
        world.firing.memory = {{place, std::string("\x81\x82\x83\x84\x85\x86\x87\x88", 8)}};
    }
    World world{{}, {1, 256, 0}};
    difjit_frame f = world.frame();

    std::uint64_t loaded(std::uint64_t addr, std::uint64_t width) { return load(&f, addr, width); }
    void expect_fault(const char* name, std::uint64_t illval) {
        EXPECT_EQ(fault_name(f.flags), name);
        EXPECT_EQ(f.illval, illval);
    }
};

TEST_F(Memory, LoadsExtendByTheirWidth) {
    EXPECT_EQ(loaded(place, 1), 0x81u);
    EXPECT_EQ(loaded(place, 1 | sign_extend), 0xffffffffffffff81u);
    EXPECT_EQ(loaded(place, 2), 0x8281u);
    EXPECT_EQ(loaded(place, 2 | sign_extend), 0xffffffffffff8281u);
    EXPECT_EQ(loaded(place, 4), 0x84838281u);
    EXPECT_EQ(loaded(place, 4 | sign_extend), 0xffffffff84838281u);
    EXPECT_EQ(loaded(place, 8), 0x8887868584838281u);
    EXPECT_EQ(loaded(place + 1, 4), 0x85848382u) << "no alignment is asked for";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Memory, ALoadThatIsCutOffNamesTheFirstByteThatIsNotThere) {
    EXPECT_EQ(loaded(place + 5, 8), 0u);
    expect_fault("BADADDR", place + 8);
}

TEST_F(Memory, NothingIsThere) {
    EXPECT_EQ(loaded(0, 4), 0u);
    expect_fault("BADADDR", 0);
}

TEST_F(Memory, AToxicLoadNamesItsOwnAddress) {
    EXPECT_EQ(loaded(0x7ffffffffffc, 8), 0u);
    expect_fault("BADADDR", 0x7ffffffffffc);
    f.flags = 0;
    EXPECT_EQ(loaded(0xfffffffffffffffc, 8), 0u) << "and one that wraps around";
    expect_fault("BADADDR", 0xfffffffffffffffc);
}

TEST_F(Memory, BehindAFaultEveryLoadGivesZero) {
    f.flags = DIFJIT_FAULT_DIVZERO;
    EXPECT_EQ(loaded(place, 8), 0u);
    EXPECT_EQ(f.flags, DIFJIT_FAULT_DIVZERO);
}

TEST_F(Memory, UserLoads) {
    world.firing.user = {{0x30000000, "\xff\x01"}};
    EXPECT_EQ(load_user(&f, 0x30000000, 1 | sign_extend), UINT64_MAX);
    EXPECT_EQ(load_user(&f, 0x30000000, 4), 0u);
    expect_fault("BADADDR", 0x30000002);
    f.flags = 0;
    load_user(&f, place, 1); // kernel memory is not user memory
    expect_fault("BADADDR", place);
    f.flags = 0;
    load_user(&f, 0x800000000001, 1);
    expect_fault("BADADDR", 0x800000000001);
}

TEST_F(Memory, RestrictedLoadsAskFirst) {
    f.access = DIFJIT_ACCESS_PROC;
    load_restricted(&f, place, 4);
    expect_fault("KPRIV", place);
    f.flags = 0;
    EXPECT_EQ(load_restricted(&f, world.scratch(), 1), 0x11u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Memory, StoresGoToScratchAligned) {
    store(&f, world.scratch() + 8, 0x0102030405060708, 8);
    EXPECT_EQ(loaded(world.scratch() + 8, 8), 0x0102030405060708u);
    store(&f, world.scratch() + 8, 0xaabb, 1);
    EXPECT_EQ(loaded(world.scratch() + 8, 8), 0x01020304050607bbu);
    EXPECT_EQ(f.flags, 0u);
    store(&f, world.scratch() + 2, 1, 4);
    expect_fault("BADALIGN", world.scratch() + 2);
    f.flags = 0;
    store(&f, world.scratch() + 255, 1, 2); // both: the address comes first
    expect_fault("BADADDR", world.scratch() + 255);
    f.flags = 0;
    store(&f, place, 1, 1); // the kernel's memory is not written, whatever the privilege
    expect_fault("BADADDR", place);
}

TEST_F(Memory, CopiesLeaveZerosWhereTheyFault) {
    std::uint8_t bytes[12];
    std::memset(bytes, 0xee, sizeof bytes);
    copy_in(&f, bytes, place + 2, sizeof bytes); // dst is higher: from the back
    EXPECT_EQ(bytes[0], 0u);
    EXPECT_EQ(bytes[11], 0u);
    expect_fault("BADADDR", place + 8);
}

TEST_F(Memory, CopiesOverlapBothWays) {
    auto* s = reinterpret_cast<std::uint8_t*>(world.scratch());
    std::memcpy(s, "abcdefgh", 8);
    copy_in(&f, s + 2, world.scratch(), 6);
    EXPECT_EQ(std::string(s, s + 8), "ababcdef");
    copy_in(&f, s, world.scratch() + 2, 6);
    EXPECT_EQ(std::string(s, s + 8), "abcdefef");
}

TEST_F(Memory, StringsEndAtTheNulOrTheFault) {
    traced(world, "hello");
    std::uint8_t bytes[16];
    std::memset(bytes, 0xee, sizeof bytes);
    copy_string(&f, bytes, place, sizeof bytes);
    EXPECT_STREQ(reinterpret_cast<char*>(bytes), "hello");
    EXPECT_EQ(bytes[6], 0xee) << "nothing behind the NUL is written";
    EXPECT_EQ(string_length(&f, place, 256), 5u);
    EXPECT_EQ(string_length(&f, place, 3), 3u);
    EXPECT_EQ(f.flags, 0u);
    world.firing.memory = {{place, "hello"}};
    EXPECT_EQ(string_length(&f, place, 256), 5u);
    expect_fault("BADADDR", place + 5);
}

TEST_F(Memory, ComparesAsUnsignedBytes) {
    const std::uint64_t a = traced(world, "a\xff", place), b = traced(world, "ab", place + 0x1000);
    EXPECT_GT(compare_strings(&f, a, b, 256), 0);
    EXPECT_LT(compare_strings(&f, b, a, 256), 0);
    EXPECT_EQ(compare_strings(&f, a, b, 1), 0);
    EXPECT_EQ(compare_strings(&f, a, b, 0), 0);
    EXPECT_LT(compare_strings(&f, 0, a, 256), 0) << "NULL is the empty string";
    EXPECT_EQ(compare_strings(&f, 77, 77, 256), 0) << "the same address is not read";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Memory, ReaderSeesWhatIsWrittenToOwnMemory) {
    auto* s = reinterpret_cast<std::uint8_t*>(world.scratch());
    Reader reader(&f, world.scratch(), 256);
    EXPECT_EQ(reader.next(), 0x11u);
    s[1] = 0x42;
    EXPECT_EQ(reader.next(), 0x42u);
}

TEST_F(Memory, ReaderFaultsOnlyWhereItIsAsked) {
    world.firing.memory = {{place, "abc"}};
    Reader reader(&f, place, 64);
    for (int i = 0; i < 3; i++)
        reader.next();
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(reader.next(), 0u);
    expect_fault("BADADDR", place + 3);
    EXPECT_EQ(reader.next(), 0u);
    expect_fault("BADADDR", place + 4); // the next one overwrites it
}

} // namespace
} // namespace difjit::test
