// SPDX-License-Identifier: BSD-2-Clause
// The order of records, and buffers that are not what they should be.
#include <cstring>

#include <gtest/gtest.h>

#include "engine/consumer/buffers.hpp"
#include "engine/consumer/fake_session.hpp"
#include "engine/engine.hpp"

namespace difjit::consumer {

class Buffers : public testing::Test {
  protected:
    void SetUp() override {
        EcbInfo ecb;
        ecb.epid = 1;
        ecb.size = 16;
        session_.ecbs[1] = ecb;
    }

    Buffer buffer(std::uint32_t cpu, std::uint64_t taken, std::vector<std::uint64_t> times) {
        BufferSnapshot snapshot;
        snapshot.cpu = cpu;
        snapshot.timestamp = taken;
        for (std::uint64_t time : times) {
            std::byte record[16]{};
            engine::RecordHeader header{1, static_cast<std::uint32_t>(time >> 32),
                                        static_cast<std::uint32_t>(time)};
            std::memcpy(record, &header, sizeof header);
            snapshot.data.insert(snapshot.data.end(), record, record + sizeof record);
        }
        return {session_, std::move(snapshot)};
    }

    /// "cpu:time cpu:time ..."
    std::string consume(bool stopped) {
        std::string seen;
        auto done = order_.consume(stopped, [&](Firing& firing, std::uint32_t) -> Result<void> {
            seen += (seen.empty() ? "" : " ") + std::to_string(firing.cpu) + ":" +
                    std::to_string(firing.timestamp);
            return {};
        });
        EXPECT_TRUE(done);
        return seen;
    }

    test::FakeSession session_;
    TimeOrder order_;
};

TEST_F(Buffers, AreMergedByTime) {
    order_.add(buffer(0, 100, {1, 4, 9}));
    order_.add(buffer(1, 100, {2, 3, 0x100000000}));
    order_.add(buffer(2, 100, {}));
    EXPECT_EQ(consume(true), "0:1 1:2 1:3 0:4 0:9 1:4294967296");
    EXPECT_EQ(consume(true), "");
}

TEST_F(Buffers, WaitForWhatOthersMayStillHave) {
    order_.add(buffer(0, 10, {1}));
    order_.add(buffer(1, 12, {2, 11}));
    EXPECT_EQ(consume(false), "0:1 1:2");
    order_.add(buffer(0, 20, {10, 19}));
    order_.add(buffer(1, 22, {21}));
    EXPECT_EQ(consume(false), "0:10 1:11 0:19");
    EXPECT_EQ(consume(true), "1:21");
}

TEST_F(Buffers, EqualTimesKeepTheOrderOfBuffers) {
    order_.add(buffer(0, 5, {5, 5}));
    order_.add(buffer(1, 5, {5}));
    order_.add(buffer(0, 6, {5}));
    EXPECT_EQ(consume(true), "0:5 0:5 1:5 0:5");
}

TEST_F(Buffers, WithoutATimeNothingWaits) {
    order_.add(buffer(0, 0, {7}));
    order_.add(buffer(1, 0, {3}));
    EXPECT_EQ(consume(false), "1:3 0:7");
}

TEST_F(Buffers, ABrokenOneLosesItsRestOnly) {
    BufferSnapshot broken;
    broken.cpu = 3;
    broken.data.assign(24, std::byte{0xff});
    order_.add({session_, broken});
    order_.add(buffer(1, 0, {3, 4}));
    std::string seen;
    auto done = order_.consume(true, [&](Firing& firing, std::uint32_t) -> Result<void> {
        seen += std::to_string(firing.timestamp);
        return {};
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "buffer of CPU 3, offset 0: no enabled probe ID 4294967295");
    EXPECT_EQ(seen, "34");
    EXPECT_EQ(consume(true), "");
}

TEST_F(Buffers, FollowingLooksOverPadding) {
    BufferSnapshot snapshot;
    snapshot.data.assign(36, std::byte{0});
    snapshot.data[0] = std::byte{1};  // a record of 16 bytes
    snapshot.data[20] = std::byte{1}; // one word of padding later another one
    Buffer buffer(session_, snapshot);
    ASSERT_TRUE(buffer.peek()->has_value());
    EXPECT_EQ(buffer.following(), 1u);
    buffer.pop();
    ASSERT_TRUE(buffer.peek()->has_value());
    EXPECT_EQ(buffer.following(), 0u);
    buffer.pop();
    EXPECT_FALSE(buffer.peek()->has_value());
}

TEST_F(Buffers, OldestOutsideOfTheBufferIsIgnored) {
    BufferSnapshot snapshot;
    snapshot.data.assign(16, std::byte{0});
    snapshot.data[0] = std::byte{1};
    snapshot.oldest = 99999;
    Buffer buffer(session_, snapshot);
    EXPECT_TRUE(buffer.peek()->has_value());
}

} // namespace difjit::consumer
