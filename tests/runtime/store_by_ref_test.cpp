// SPDX-License-Identifier: BSD-2-Clause
// By-ref records (decision 14).
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

constexpr difjit_type user_string{DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYUREF, 0, 8};

class StoreByRef : public testing::Test {
  protected:
    World world;
    difjit_frame f = world.frame();
    std::uint8_t record[8] = {9, 9, 9, 9, 9, 9, 9, 9};

    std::string stored(const difjit_type& type, std::uint64_t addr, bool in_tuple = false) {
        store_by_ref(&f, type, record, sizeof record, addr, in_tuple);
        return {record, record + sizeof record};
    }
};

TEST_F(StoreByRef, AStringIsFilledUpWithZeros) {
    world.firing.memory = {{place, std::string("abc\0efgh", 8)}};
    EXPECT_EQ(stored(string_type(8), place), std::string("abc\0\0\0\0\0", 8));
    EXPECT_EQ(stored(string_type(8), place, true), std::string("abc\0\0\0\0\0", 8));
    world.firing.memory = {{place, "abcdefghij"}};
    EXPECT_EQ(stored(string_type(8), place), "abcdefgh") << "no NUL is forced";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(StoreByRef, AStringEndsAtTheFirstByteThatIsNotThere) {
    world.firing.memory = {{place, "abc"}};
    EXPECT_EQ(stored(string_type(8), place), std::string("abc\0\0\0\0\0", 8));
    EXPECT_EQ(fault_name(f.flags), "BADADDR");
    EXPECT_EQ(f.illval, place + 3);
}

TEST_F(StoreByRef, OtherDataIsReadToItsEnd) {
    world.firing.memory = {{place, "abc"}, {place + 5, "f"}};
    EXPECT_EQ(stored(struct_type(8), place), std::string("abc\0\0\0\0\0", 8))
        << "every byte behind a fault reads 0";
    EXPECT_EQ(f.illval, place + 7) << "the last byte that is not there";
}

TEST_F(StoreByRef, UserMemoryStopsAtTheFault) {
    world.firing.user = {{0x30000000, std::string("ab\0d", 4)}, {0x30001000, "xyz"}};
    EXPECT_EQ(stored(user_string, 0x30000000), std::string("ab\0\0\0\0\0\0", 8));
    EXPECT_EQ(f.flags, 0u);
    std::memset(record, 9, sizeof record);
    EXPECT_EQ(stored(user_string, 0x30001000), "xyz\x09\x09\x09\x09\x09");
    EXPECT_EQ(f.illval, 0x30001003u);
}

} // namespace
} // namespace difjit::test
