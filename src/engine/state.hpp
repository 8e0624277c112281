// SPDX-License-Identifier: BSD-2-Clause
// What the engine's core keeps of a consumer and of each CPU: dtrace_state_t and what hangs on it.
//
// Freestanding; all memory is the caller's (session.cpp, or a kernel shim). Concurrency: a CPU's
// slot is held by whoever fires on it or switches its buffers. Taking it is one atomic exchange; a
// firing that finds it taken is counted and goes on, the consumer waits. docs/engine.md tells the
// rules.
#ifndef DIFJIT_ENGINE_STATE_HPP
#define DIFJIT_ENGINE_STATE_HPP

#include <cstddef>
#include <cstdint>

#include "engine/aggregation.hpp"
#include "engine/buffer.hpp"
#include "engine/engine.hpp"

namespace difjit::engine {

/// A run of key bytes: one string record, or neighbouring records without a gap.
struct KeySegment {
    std::uint32_t offset; ///< from the aggregation's base
    std::uint32_t size;
    bool string; ///< ends at its NUL
};

/// An aggregating action of an ECB: dtrace_aggregation_t.
struct Aggregation {
    std::uint32_t id = 0;
    std::uint32_t base = 0;       ///< where its key's id word lies in the record: dtag_base
    std::uint32_t key_size = 0;   ///< from base to the value
    std::uint32_t value_size = 0; ///< bytes
    ActionKind function{};
    bool has_increment = false; ///< dtag_hasarg
    std::uint32_t first = 0;    ///< index of the key's first action
    std::uint32_t index = 0;    ///< of the aggregating action itself
    std::uint64_t initial = 0;  ///< first word of a new value
    const KeySegment* segments = nullptr;
    std::uint32_t nsegments = 0;
};

/// One CPU's part of a consumer. Nothing in it is touched by another CPU's firings.
struct alignas(64) CpuSlot {
    std::uint32_t taken = 0;            ///< somebody is in here
    std::uint32_t countdown = 1;        ///< firings until the deadman looks at the clock
    std::uint32_t nargs = DIFJIT_NARGS; ///< arguments that the last firing left in frame.args
    std::uint32_t reserved = 0;
    std::uint64_t refused = 0;    ///< firings that found the slot taken; changed atomically
    std::uint64_t chill_mark = 0; ///< chill(): start of the running interval
    std::uint64_t chilled = 0;    ///< ns in it
    Buffer principal;
    Buffer aggregation;
    alignas(64) difjit_frame frame;       ///< of ordinary probes
    alignas(64) difjit_frame error_frame; ///< of dtrace:::ERROR, which fires inside a firing
};

/// dtrace_state_t.
struct alignas(64) Consumer {
    std::uint32_t activity = 0; ///< enum Activity; changed atomically
    std::uint32_t ncpus = 0;
    CpuSlot* cpus = nullptr;
    BufferRules rules;
    Buffer* speculation_buffers = nullptr; ///< [speculation * ncpus + cpu]
    Probe* error_probe = nullptr;          ///< fires at a fault; nullptr: nothing fires
    const difjit_host* host = nullptr;
    std::uint32_t access = 0;
    bool deadman = true;             ///< watches the consumer
    std::uint64_t alive = 0;         ///< host->now when the consumer was last known to live; atomic
    std::uint64_t double_errors = 0; ///< faults in ERROR's own ECBs; atomic
    std::uint32_t exited = 0;        ///< exit() was carried out; atomic
    std::int32_t exit_status = 0;    ///< its argument; atomic
    alignas(64) difjit_state state{}; ///< what the runtime sees: rand, speculations
};

/// Nanoseconds after which a consumer that gave no sign of life is killed (dtrace_deadman_timeout).
inline constexpr std::uint64_t deadman_timeout = 10'000'000'000;
/// The deadman looks at the clock once in so many firings of a CPU.
inline constexpr std::uint32_t deadman_interval = 64;

inline Activity activity_of(const Consumer& c) {
    return static_cast<Activity>(__atomic_load_n(&c.activity, __ATOMIC_ACQUIRE));
}
inline void set_activity(Consumer& c, Activity activity) {
    __atomic_store_n(&c.activity, static_cast<std::uint32_t>(activity), __ATOMIC_SEQ_CST);
}
/// DRAINING by exit(); false: another CPU was first.
inline bool change_activity(Consumer& c, Activity from, Activity to) {
    auto expected = static_cast<std::uint32_t>(from);
    return __atomic_compare_exchange_n(&c.activity, &expected, static_cast<std::uint32_t>(to),
                                       false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/// The firing side: never waits.
inline bool try_take(CpuSlot& slot) {
    return __atomic_exchange_n(&slot.taken, 1, __ATOMIC_ACQUIRE) == 0;
}
inline void give_back(CpuSlot& slot) {
    __atomic_store_n(&slot.taken, 0, __ATOMIC_RELEASE);
}
/// The consumer's side: waits for the firing that is under way. Not for probe context.
inline void take(CpuSlot& slot) {
    while (!try_take(slot)) {
        while (__atomic_load_n(&slot.taken, __ATOMIC_RELAXED) != 0) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            asm volatile("yield");
#endif
        }
    }
}

/// Waits until every CPU has been outside of probe context once: dtrace_sync.
inline void synchronise(Consumer& c) {
    for (std::uint32_t cpu = 0; cpu < c.ncpus; ++cpu) {
        take(c.cpus[cpu]);
        give_back(c.cpus[cpu]);
    }
}

/// Points a slot's frames at what does not change between firings.
void prepare_frames(Consumer& c, std::uint32_t cpu, difjit_vstate* vstate, std::uint8_t* scratch,
                    std::uint64_t scratch_size, std::uint64_t strsize);

/// Adds `expression` to the entry of the key that lies at `record` + agg.base (dtrace_aggregate).
/// false: the key belongs to another function (ILLOP). A full buffer is a drop of its CPU.
bool aggregate(const Aggregation& agg, const std::uint8_t* record, Buffer& buffer,
               std::uint64_t expression, std::uint64_t increment);

/// speculate(): the buffer of speculation `which` on this CPU, or nullptr (which may set ILLOP).
Buffer* speculation_buffer(Consumer& c, std::uint32_t cpu, std::uint64_t which,
                           difjit_frame* frame);
/// commit() and discard().
void speculation_commit(Consumer& c, std::uint32_t cpu, std::uint64_t which, difjit_frame* frame);
void speculation_discard(Consumer& c, std::uint32_t cpu, std::uint64_t which, difjit_frame* frame);
/// The cleaner: gives back speculations that are committed on several CPUs or discarded. Takes each
/// CPU's slot for a moment. Not for probe context.
void speculation_clean(Consumer& c);

} // namespace difjit::engine

#endif
