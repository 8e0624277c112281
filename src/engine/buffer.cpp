// SPDX-License-Identifier: BSD-2-Clause
// Reserving space in a buffer: dtrace_buffer_reserve, policy by policy.

#include "engine/buffer.hpp"

#include "engine/engine.hpp"

namespace difjit::engine {
namespace {

constexpr std::int64_t no_room = -1;

std::int64_t drop(Buffer& buffer) {
    count_one(buffer.drops);
    return no_room;
}

/// Fills up to the next multiple of `align` with padding EPIDs; offsets are multiples of 4.
std::uint64_t pad(Buffer& buffer, std::uint64_t offset, std::uint64_t align) {
    for (; (offset & (align - 1)) != 0 && offset + 4 <= buffer.size; offset += 4)
        __builtin_memcpy(buffer.tomax + offset, &epid_none, 4);
    return offset;
}

/// Size of the record or padding at an offset of a ring.
std::uint64_t record_size(const Buffer& buffer, std::uint64_t offset, const BufferRules& rules) {
    std::uint32_t epid;
    __builtin_memcpy(&epid, buffer.tomax + offset, 4);
    if (epid == epid_none || epid > rules.necbs || rules.ecbs[epid - 1] == nullptr)
        return 4;
    const std::uint64_t size = rules.ecbs[epid - 1]->size;
    return size == 0 || size > buffer.size - offset ? 4 : size;
}

/// Moves the oldest record behind [offset, offset + total). If even the last record of the buffer
/// has to go, the oldest is the first again; where the new one starts at 0 as well, nothing old is
/// left, and the buffer is as if it had never come round.
void make_room(Buffer& buffer, std::uint64_t offset, std::uint64_t total, std::uint64_t oldest,
               const BufferRules& rules) {
    while (offset + total > oldest) {
        const std::uint64_t size = record_size(buffer, oldest, rules);
        if (oldest + size < buffer.size) {
            oldest += size;
            continue;
        }
        if (offset == 0) {
            buffer.flags &= ~static_cast<std::uint32_t>(BUFFER_WRAPPED);
            buffer.offset = 0;
            __builtin_memset(buffer.tomax + total, 0, buffer.size - total);
        }
        oldest = 0;
        break;
    }
    buffer.wrapped = oldest;
}

std::int64_t reserve_ring(Buffer& buffer, std::uint64_t needed, std::uint64_t align,
                          const BufferRules& rules) {
    std::uint64_t offset = buffer.offset;
    std::uint64_t total = needed + (offset & (align - 1));
    const bool at_end = total > buffer.size - offset;

    if ((buffer.flags & BUFFER_WRAPPED) != 0 || at_end) {
        std::uint64_t oldest = buffer.wrapped;
        if (at_end) {
            if (total > buffer.size)
                return drop(buffer);
            // The new record goes to the top. An oldest record before `offset` was moved there by
            // an earlier reservation that was not used; it stays.
            if ((buffer.flags & BUFFER_WRAPPED) == 0 || oldest >= offset)
                oldest = 0;
            __builtin_memset(buffer.tomax + offset, 0, buffer.size - offset);
            offset = 0;
            total = needed;
            buffer.flags |= BUFFER_WRAPPED;
            make_room(buffer, offset, total, oldest, rules);
        } else if (oldest >= offset) {
            make_room(buffer, offset, total, oldest, rules);
        }
    }
    return static_cast<std::int64_t>(pad(buffer, offset, align));
}

std::int64_t reserve_fill(Buffer& buffer, std::uint64_t needed, std::uint64_t align,
                          const BufferRules& rules) {
    if ((buffer.flags & BUFFER_FULL) != 0 && !rules.cooldown)
        return no_room;
    const std::uint64_t kept_free = rules.cooldown ? 0 : rules.kept_free;
    const std::uint64_t offset = pad(buffer, buffer.offset, align);
    if (kept_free > buffer.size || offset > buffer.size - kept_free ||
        needed > buffer.size - kept_free - offset) {
        __atomic_store_n(&buffer.flags, buffer.flags | BUFFER_FULL, __ATOMIC_RELAXED);
        return no_room;
    }
    return static_cast<std::int64_t>(offset);
}

std::int64_t reserve_endless(Buffer& buffer, std::uint64_t needed, std::uint64_t align) {
    std::uint64_t offset = pad(buffer, buffer.offset, align);
    if ((offset & (align - 1)) != 0 || needed > buffer.size - offset)
        offset = 0;
    if (needed > buffer.size)
        return drop(buffer);
    return static_cast<std::int64_t>(offset);
}

} // namespace

std::int64_t buffer_reserve_slow(Buffer& buffer, std::uint64_t needed, std::uint64_t align,
                                 const BufferRules& rules) {
    if (buffer.tomax == nullptr)
        return drop(buffer);
    if ((buffer.flags & BUFFER_ENDLESS) != 0)
        return reserve_endless(buffer, needed, align);
    if ((buffer.flags & BUFFER_RING) != 0)
        return reserve_ring(buffer, needed, align, rules);
    if ((buffer.flags & BUFFER_FILL) != 0)
        return reserve_fill(buffer, needed, align, rules);

    const std::uint64_t offset = pad(buffer, buffer.offset, align);
    if ((offset & (align - 1)) != 0 || needed > buffer.size - offset)
        return drop(buffer);
    return static_cast<std::int64_t>(offset);
}

Switched buffer_switch(Buffer& buffer) {
    const Switched taken{buffer.tomax, buffer.offset, buffer.drops, buffer.errors};
    std::uint8_t* const other = buffer.xamot;
    buffer.xamot = buffer.tomax;
    buffer.tomax = other;
    buffer.offset = 0;
    __atomic_store_n(&buffer.drops, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&buffer.errors, 0, __ATOMIC_RELAXED);
    return taken;
}

void buffer_polish(Buffer& buffer) {
    if ((buffer.flags & BUFFER_WRAPPED) == 0)
        return;
    if (buffer.offset < buffer.wrapped) {
        __builtin_memset(buffer.tomax + buffer.offset, 0, buffer.wrapped - buffer.offset);
    } else if (buffer.offset > buffer.wrapped) {
        // A reservation came round and was not used.
        __builtin_memset(buffer.tomax + buffer.offset, 0, buffer.size - buffer.offset);
        __builtin_memset(buffer.tomax, 0, buffer.wrapped);
    }
}

} // namespace difjit::engine
