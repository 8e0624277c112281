// SPDX-License-Identifier: BSD-2-Clause
// Trace buffers of one CPU: dtrace_buffer_t, its three policies, and its switch.
//
// Freestanding. Follows dtrace_buffer_reserve, dtrace_buffer_switch and dtrace_buffer_polish.
// Whoever touches a buffer holds its CPU's slot (state.hpp). Covered by
// tests/engine/test_buffer.cpp.
#ifndef DIFJIT_ENGINE_BUFFER_HPP
#define DIFJIT_ENGINE_BUFFER_HPP

#include <cstddef>
#include <cstdint>

namespace difjit::engine {

struct Ecb;

/// The EPID of padding (DTRACE_EPIDNONE).
inline constexpr std::uint32_t epid_none = 0;

/// What dtrace_buffer_t's flags say.
enum BufferFlag : std::uint32_t {
    BUFFER_RING = 0x1,
    BUFFER_FILL = 0x2,
    BUFFER_FULL = 0x4,      ///< fill: nothing more is kept
    BUFFER_WRAPPED = 0x8,   ///< ring: has come round
    BUFFER_CONSUMED = 0x10, ///< ring, fill: has been read
    BUFFER_ENDLESS = 0x20   ///< replay: starts over instead of dropping
};

struct alignas(64) Buffer {
    std::uint8_t* tomax = nullptr; ///< where probes store
    std::uint64_t size = 0;        ///< a multiple of 8
    std::uint64_t offset = 0;      ///< next free byte
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
    std::uint64_t drops = 0;
    std::uint64_t errors = 0;
    std::uint8_t* xamot = nullptr; ///< the other half; ring: none
    std::uint64_t wrapped = 0;     ///< ring: where the oldest record starts (dtb_xamot_offset)
    // An aggregation buffer's table of keys (aggregate.cpp).
    std::uint64_t hash_size = 0;
    std::uint64_t keys_free = 0; ///< keys grow down from here
};

/// What reserving needs to know of the consumer.
struct BufferRules {
    Ecb* const* ecbs = nullptr; ///< by EPID - 1: how long a ring's records are
    std::uint32_t necbs = 0;
    bool cooldown = false;       ///< END is firing
    std::uint64_t kept_free = 0; ///< bytes at the end of a fill buffer that only END may use
};

/// Reserves `needed` bytes at a multiple of `align`; negative: there is no room, and a drop is
/// counted (fill: the buffer is full). The space is taken by moving `offset` behind it.
std::int64_t buffer_reserve_slow(Buffer& buffer, std::uint64_t needed, std::uint64_t align,
                                 const BufferRules& rules);

inline std::int64_t buffer_reserve(Buffer& buffer, std::uint64_t needed, std::uint64_t align,
                                   const BufferRules& rules) {
    const std::uint64_t offset = buffer.offset;
    if (buffer.flags == 0 && (offset & (align - 1)) == 0 && needed <= buffer.size - offset &&
        buffer.tomax != nullptr)
        return static_cast<std::int64_t>(offset); // policy switch, aligned, room
    return buffer_reserve_slow(buffer, needed, align, rules);
}

/// Counters that a status request reads while probes fire.
inline void count_one(std::uint64_t& counter) {
    __atomic_store_n(&counter, counter + 1, __ATOMIC_RELAXED);
}

/// What a switch took away.
struct Switched {
    const std::uint8_t* data;
    std::uint64_t size;
    std::uint64_t drops;
    std::uint64_t errors;
};

/// Policy switch: exchanges the halves and starts the new one empty.
Switched buffer_switch(Buffer& buffer);

/// Ring: clears what lies between newest and oldest record, so that only valid records are read.
void buffer_polish(Buffer& buffer);

/// Aggregation buffers (aggregate.cpp). `prepare` divides a new buffer; `restart` makes the active
/// half empty, whose table of chains must be clear; `clear_chains` clears a half's table.
void aggregation_buffer_prepare(Buffer& buffer);
void aggregation_buffer_restart(Buffer& buffer);
void aggregation_buffer_clear_chains(const Buffer& buffer, std::uint8_t* half);

} // namespace difjit::engine

#endif
