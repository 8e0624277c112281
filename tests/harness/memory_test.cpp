// SPDX-License-Identifier: BSD-2-Clause
// Recorded memory: at its addresses, filled up to whole pages, never over something else.
#include "harness/memory.hpp"

#include <cstring>
#include <sys/mman.h>

#include <gtest/gtest.h>

#include "host/recover.hpp"

namespace difjit::harness {
namespace {

MemoryRegion region(std::uint64_t address, std::size_t size, int fill = 0x41) {
    return {address, std::vector<std::byte>(size, std::byte(fill))};
}

std::size_t readable(std::uint64_t address, std::size_t size) {
    host::install_fault_handler();
    std::vector<std::byte> bytes(size);
    return host::safe_copy(bytes.data(), address, size);
}

TEST(MappedMemory, LiesWhereTheRecordSays) {
    const MemoryRegion regions[] = {region(0x20002000, 10), region(0x20000000, 5000)};
    {
        auto memory = MappedMemory::map(regions);
        ASSERT_TRUE(memory) << memory.error().message;
        const auto* at = reinterpret_cast<const char*>(0x20000000);
        EXPECT_EQ(at[4999], 'A');
        EXPECT_EQ(at[5000], 0);
        EXPECT_EQ(readable(0x20000000, 4 * page_bytes), 3 * page_bytes);
        EXPECT_EQ(host::safe_copy_to(0x20000000, "x", 1), 0U) << "it must be read-only";
    }
    EXPECT_EQ(readable(0x20000000, 1), 0U) << "gone with its owner";
}

TEST(MappedMemory, NeverReplacesAnything) {
    void* taken = mmap(nullptr, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(taken, MAP_FAILED);
    const MemoryRegion regions[] = {region(reinterpret_cast<std::uint64_t>(taken), 8)};
    auto memory = MappedMemory::map(regions);
    ASSERT_FALSE(memory);
    EXPECT_NE(memory.error().message.find("this process has something there"), std::string::npos)
        << memory.error().message;
    munmap(taken, page_bytes);
}

TEST(MappedMemory, RegionsAreChecked) {
    auto message = [](std::initializer_list<MemoryRegion> regions) {
        auto checked = check_regions(std::vector<MemoryRegion>(regions));
        return checked ? std::string() : checked.error().message;
    };
    EXPECT_EQ(message({region(0x1000, 4096), region(0x2000, 1)}), "");
    EXPECT_NE(message({region(0x1008, 1)}), "");
    EXPECT_NE(message({region(0x7ffffffff000, 4097)}), "");
    EXPECT_EQ(message({region(0x7ffffffff000, 4096)}), "");
    EXPECT_NE(message({region(0xfffffffffffff000, 1)}), "");
    EXPECT_NE(message({region(0x2000, 1), region(0x1000, 4097)}), "");
    EXPECT_EQ(message({region(0x1000, 0), region(0x1000, 1)}), "");
}

TEST(UserMemory, NeighboursAreOneWindow) {
    const MemoryRegion regions[] = {region(0x31000, 3, 2), region(0x30000, 4096, 1),
                                    region(0x40000, 1, 3)};
    UserMemory user(regions);
    ASSERT_EQ(user.windows().size(), 2U);
    EXPECT_EQ(user.windows()[0].address, 0x30000U);
    EXPECT_EQ(user.windows()[0].size, 0x2000U);
    EXPECT_EQ(user.windows()[0].data[4096], std::byte{2});
    EXPECT_EQ(user.windows()[0].data[4099], std::byte{0});
    EXPECT_EQ(user.windows()[1].address, 0x40000U);
}

TEST(UserMemory, WithoutRegionsNothingIsThere) {
    UserMemory user({});
    ASSERT_EQ(user.windows().size(), 1U);
    EXPECT_EQ(user.windows()[0].size, 0U);
}

TEST(ScratchArea, EndsAtAGuard) {
    for (std::size_t size : {8U, 100U, 4096U, 65536U}) {
        auto scratch = ScratchArea::map(size);
        ASSERT_TRUE(scratch) << scratch.error().message;
        EXPECT_EQ(scratch->base() % 8, 0U);
        std::memset(reinterpret_cast<void*>(scratch->base()), 1, size);
        EXPECT_EQ(readable(scratch->base(), size + 4096), (size + 7) / 8 * 8);
    }
}

} // namespace
} // namespace difjit::harness
