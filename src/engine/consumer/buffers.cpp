// SPDX-License-Identifier: BSD-2-Clause
// Principal buffers; see buffers.hpp.
#include "engine/consumer/buffers.hpp"

#include <algorithm>
#include <queue>

#include <fmt/format.h>

#include "engine/engine.hpp"

namespace difjit::consumer {

Buffer::Buffer(const Session& session, BufferSnapshot snapshot)
    : session_(&session), snapshot_(std::move(snapshot)) {
    auto& data = snapshot_.data;
    if (snapshot_.oldest > 0 && snapshot_.oldest < data.size()) // a ring that has wrapped
        std::rotate(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(snapshot_.oldest),
                    data.end());
}

/// Words of 0 between records, which align them.
std::size_t Buffer::skip_padding(std::size_t offset) const {
    constexpr std::size_t word = sizeof(std::uint32_t);
    while (snapshot_.data.size() - offset >= word &&
           load<std::uint32_t>(snapshot_.data, offset) == 0)
        offset += word;
    return snapshot_.data.size() - offset < word ? snapshot_.data.size() : offset;
}

Result<std::optional<Firing>> Buffer::peek() {
    Bytes data = snapshot_.data;
    offset_ = skip_padding(offset_);
    if (offset_ == data.size())
        return std::nullopt;
    std::size_t at = offset_;
    auto header = load<engine::RecordHeader>(data, at);
    auto give_up = [&](std::string what) {
        offset_ = data.size();
        return fail(fmt::format("buffer of CPU {}, offset {}: {}", cpu(), at, what));
    };
    const EcbInfo* ecb = session_->ecb(header.epid);
    if (ecb == nullptr)
        return give_up(fmt::format("no enabled probe ID {}", header.epid));
    if (ecb->size < sizeof header)
        return give_up(
            fmt::format("enabled probe ID {} has records of {} bytes", header.epid, ecb->size));
    if (ecb->size > data.size() - at)
        return give_up(
            fmt::format("a record of enabled probe ID {} needs {} bytes, but {} are left",
                        header.epid, ecb->size, data.size() - at));
    size_ = ecb->size;
    Firing firing;
    firing.ecb = ecb;
    firing.cpu = cpu();
    firing.timestamp = std::uint64_t{header.timestamp_hi} << 32 | header.timestamp_lo;
    firing.data = data.subspan(at, size_);
    return firing;
}

void Buffer::pop() {
    offset_ += size_;
    size_ = 0;
}

std::uint32_t Buffer::following() const {
    std::size_t next = skip_padding(offset_ + size_);
    return next < snapshot_.data.size() ? load<std::uint32_t>(snapshot_.data, next) : 0;
}

Result<void> consume_buffer(Buffer& buffer, const Consume& each) {
    for (;;) {
        auto firing = buffer.peek();
        if (!firing)
            return std::unexpected(firing.error());
        if (!*firing)
            return {};
        std::uint32_t following = buffer.following();
        auto done = each(**firing, following);
        buffer.pop();
        if (!done)
            return done;
    }
}

void TimeOrder::add(Buffer buffer) {
    // The first snapshot of a round says until when all of them are complete; 0: it doesn't say.
    if (!horizon_)
        horizon_ = buffer.timestamp() != 0 ? buffer.timestamp() : UINT64_MAX;
    buffers_.push_back(std::move(buffer));
}

namespace {
struct Head {
    std::uint64_t timestamp;
    std::size_t age; ///< of equal ones the older buffer's is first
    std::list<Buffer>::iterator buffer;

    bool operator<(const Head& other) const { // the queue's top is its greatest
        return timestamp != other.timestamp ? timestamp > other.timestamp : age > other.age;
    }
};
} // namespace

Result<void> TimeOrder::consume(bool stopped, const Consume& each) {
    std::uint64_t horizon = stopped ? UINT64_MAX : horizon_.value_or(UINT64_MAX);
    horizon_.reset();
    Result<void> result;
    std::priority_queue<Head> heads;
    auto push = [&](std::size_t age, std::list<Buffer>::iterator buffer) {
        auto firing = buffer->peek();
        if (!firing && result)
            result = std::unexpected(firing.error());
        if (firing && *firing)
            heads.push({(*firing)->timestamp, age, buffer});
        else
            buffers_.erase(buffer);
    };
    std::size_t age = 0;
    for (auto buffer = buffers_.begin(); buffer != buffers_.end();)
        push(age++, buffer++);
    while (!heads.empty() && heads.top().timestamp <= horizon) {
        Head head = heads.top();
        heads.pop();
        auto firing = head.buffer->peek();
        auto done = each(**firing, head.buffer->following());
        if (!done && result)
            result = done;
        head.buffer->pop();
        push(head.age, head.buffer);
    }
    return result;
}

} // namespace difjit::consumer
