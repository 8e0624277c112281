// SPDX-License-Identifier: BSD-2-Clause
// Buffers by themselves: what each policy reserves, drops and keeps.

#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "engine/buffer.hpp"
#include "engine/engine.hpp"

namespace difjit::engine {
namespace {

struct Halves {
    explicit Halves(std::uint64_t size, std::uint32_t flags = 0)
        : first(size / 8), second(size / 8) {
        buffer.tomax = reinterpret_cast<std::uint8_t*>(first.data());
        buffer.xamot = reinterpret_cast<std::uint8_t*>(second.data());
        buffer.size = size;
        buffer.flags = flags;
    }
    std::vector<std::uint64_t> first, second;
    Buffer buffer;
};

void commit(Buffer& b, std::int64_t offset, std::uint32_t epid, std::uint32_t number,
            std::uint32_t size) {
    std::memset(b.tomax + offset, 0xee, size);
    std::memcpy(b.tomax + offset, &epid, 4);
    std::memcpy(b.tomax + offset + 4, &number, 4);
    b.offset = static_cast<std::uint64_t>(offset) + size;
}

TEST(SwitchBuffer, ReservesUntilItIsFullAndThenCountsDrops) {
    Halves h(64);
    const BufferRules rules;
    EXPECT_EQ(buffer_reserve(h.buffer, 20, 4, rules), 0);
    h.buffer.offset = 20;
    EXPECT_EQ(buffer_reserve(h.buffer, 24, 8, rules), 24); // padded
    std::uint32_t padding = 1;
    std::memcpy(&padding, h.buffer.tomax + 20, 4);
    EXPECT_EQ(padding, 0u);
    h.buffer.offset = 48;
    EXPECT_EQ(buffer_reserve(h.buffer, 16, 8, rules), 48);
    EXPECT_EQ(h.buffer.drops, 0u);
    EXPECT_LT(buffer_reserve(h.buffer, 17, 8, rules), 0);
    EXPECT_LT(buffer_reserve(h.buffer, UINT64_MAX, 8, rules), 0);
    EXPECT_EQ(h.buffer.drops, 2u);
}

TEST(SwitchBuffer, WithoutMemoryEverythingIsDropped) {
    Buffer none;
    EXPECT_LT(buffer_reserve(none, 0, 4, {}), 0);
    EXPECT_EQ(none.drops, 1u);
}

TEST(SwitchBuffer, SwitchingTakesDataAndCounters) {
    Halves h(64);
    h.buffer.offset = 40;
    h.buffer.drops = 3;
    h.buffer.errors = 2;
    const std::uint8_t* const data = h.buffer.tomax;
    const Switched taken = buffer_switch(h.buffer);
    EXPECT_EQ(taken.data, data);
    EXPECT_EQ(taken.size, 40u);
    EXPECT_EQ(taken.drops, 3u);
    EXPECT_EQ(taken.errors, 2u);
    EXPECT_EQ(h.buffer.offset, 0u);
    EXPECT_EQ(h.buffer.drops, 0u);
    EXPECT_NE(h.buffer.tomax, data);
    EXPECT_EQ(buffer_switch(h.buffer).size, 0u);
    EXPECT_EQ(h.buffer.tomax, data);
}

TEST(FillBuffer, IsFullOnceARecordDoesNotFitAndKeepsRoomForEnd) {
    Halves h(64, BUFFER_FILL);
    BufferRules rules;
    rules.kept_free = 16;
    EXPECT_EQ(buffer_reserve(h.buffer, 32, 8, rules), 0);
    h.buffer.offset = 32;
    EXPECT_LT(buffer_reserve(h.buffer, 20, 4, rules), 0);
    EXPECT_NE(h.buffer.flags & BUFFER_FULL, 0u);
    EXPECT_LT(buffer_reserve(h.buffer, 4, 4, rules), 0) << "what would fit comes too late";
    rules.cooldown = true;
    EXPECT_EQ(buffer_reserve(h.buffer, 32, 4, rules), 32);
    EXPECT_LT(buffer_reserve(h.buffer, 36, 4, rules), 0);
}

/// Rings against a model: after any sequence of records and of reservations that are not used, what
/// is read is the newest records in order, and nothing else.
TEST(RingBuffer, KeepsTheNewestRecordsInOrder) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        const std::uint32_t sizes[] = {12, 20, 16, 48};
        Ecb ecbs[4];
        Ecb* table[4];
        for (int i = 0; i < 4; ++i) {
            ecbs[i].size = sizes[i];
            table[i] = &ecbs[i];
        }
        BufferRules rules;
        rules.ecbs = table;
        rules.necbs = 4;
        Halves h(8 * (8 + random() % 40), BUFFER_RING);
        Buffer& b = h.buffer;
        std::uint32_t written = 0;
        std::vector<std::uint32_t> lengths;
        for (int step = 0; step < 100; ++step) {
            const std::uint32_t e = random() % 4;
            const std::uint64_t align = e % 2 == 0 ? 4 : 8;
            const std::int64_t at = buffer_reserve(b, sizes[e], align, rules);
            ASSERT_GE(at, 0);
            ASSERT_EQ(at % static_cast<std::int64_t>(align), 0);
            ASSERT_LE(static_cast<std::uint64_t>(at) + sizes[e], b.size);
            if (random() % 4 == 0)
                continue; // a predicate was false: not used
            commit(b, at, e + 1, written++, sizes[e]);
            lengths.push_back(sizes[e]);
        }
        const std::uint64_t end = (b.flags & BUFFER_WRAPPED) != 0 ? b.size : b.offset;
        buffer_polish(b);
        std::vector<std::uint32_t> seen;
        const auto walk = [&](std::uint64_t from, std::uint64_t to) {
            for (std::uint64_t at = from; at < to;) {
                std::uint32_t epid, number;
                std::memcpy(&epid, b.tomax + at, 4);
                if (epid == 0) {
                    at += 4;
                    continue;
                }
                ASSERT_LE(epid, 4u);
                std::memcpy(&number, b.tomax + at + 4, 4);
                seen.push_back(number);
                at += sizes[epid - 1];
                ASSERT_LE(at, b.size);
            }
        };
        if ((b.flags & BUFFER_WRAPPED) != 0) {
            walk(b.wrapped, end);
            walk(0, b.wrapped);
        } else {
            walk(0, end);
        }
        for (std::size_t i = 0; i < seen.size(); ++i)
            ASSERT_EQ(seen[i], written - seen.size() + i) << "round " << round;
        // Lost at most: the record that was in the way, what wrapping cuts off, two reservations
        // that were not used.
        std::uint64_t kept = 0;
        for (const std::uint32_t n : seen)
            kept += lengths[n];
        if (written > 50 && b.size > 5 * 48) {
            ASSERT_GE(kept + 4 * 48, b.size) << "round " << round;
        }
    }
}

TEST(RingBuffer, ARecordLargerThanTheRingIsADrop) {
    Halves h(32, BUFFER_RING);
    EXPECT_LT(buffer_reserve(h.buffer, 40, 8, {}), 0);
    EXPECT_EQ(h.buffer.drops, 1u);
    EXPECT_EQ(buffer_reserve(h.buffer, 32, 8, {}), 0);
}

TEST(EndlessBuffer, StartsOverInsteadOfDropping) {
    Halves h(32, BUFFER_ENDLESS);
    EXPECT_EQ(buffer_reserve(h.buffer, 24, 8, {}), 0);
    h.buffer.offset = 24;
    EXPECT_EQ(buffer_reserve(h.buffer, 24, 8, {}), 0);
    EXPECT_EQ(h.buffer.drops, 0u);
}

} // namespace
} // namespace difjit::engine
