// SPDX-License-Identifier: BSD-2-Clause
// Speculations: dtrace_speculation_buffer, _commit, _discard and _clean.
//
// A speculation has one buffer a CPU and one state that CPUs change by compare-and-exchange. Where
// it was used on several CPUs, commit() and discard() only do this CPU's part; the cleaner does the
// rest and then gives the speculation back. dtrace_impl.h draws the state diagram.
//
// Covered by tests/engine/test_speculation.cpp.

#include "engine/state.hpp"

namespace difjit::engine {
namespace {

using runtime::SpeculationState;

SpeculationState load_state(const runtime::Speculation& s) {
    return static_cast<SpeculationState>(__atomic_load_n(&s.state, __ATOMIC_ACQUIRE));
}

bool change_state(runtime::Speculation& s, SpeculationState from, SpeculationState to) {
    auto expected = static_cast<std::uint32_t>(from);
    return __atomic_compare_exchange_n(&s.state, &expected, static_cast<std::uint32_t>(to), false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/// The speculation that `which` means; nullptr for 0 (none) and, with ILLOP, for what never was
/// one.
runtime::Speculation* find(Consumer& c, std::uint64_t which, difjit_frame* frame) {
    if (which == 0)
        return nullptr;
    if (which > c.state.nspeculations) {
        if (frame != nullptr)
            frame->flags |= DIFJIT_FAULT_ILLOP;
        return nullptr;
    }
    return &c.state.speculations[which - 1];
}

Buffer& buffer_of(Consumer& c, std::uint64_t which, std::uint32_t cpu) {
    return c.speculation_buffers[(which - 1) * c.ncpus + cpu];
}

/// Gives every record the time of the commit, so that the principal buffer stays in order of time.
void stamp(const Consumer& c, Buffer& src, std::uint64_t time) {
    for (std::uint64_t at = 0; at + sizeof(RecordHeader) <= src.offset;) {
        RecordHeader header;
        __builtin_memcpy(&header, src.tomax + at, sizeof header);
        if (header.epid == epid_none || header.epid > c.rules.necbs) {
            at += 4;
            continue;
        }
        header.timestamp_hi = static_cast<std::uint32_t>(time >> 32);
        header.timestamp_lo = static_cast<std::uint32_t>(time);
        __builtin_memcpy(src.tomax + at, &header, sizeof header);
        at += c.rules.ecbs[header.epid - 1]->size;
    }
}

/// Copies a speculative buffer into the principal one. All of it or, with a drop, nothing.
void copy_records(Consumer& c, std::uint32_t cpu, Buffer& src, difjit_frame* frame) {
    Buffer& dest = c.cpus[cpu].principal;
    if (src.offset == 0)
        return;
    const std::int64_t offset = buffer_reserve(dest, src.offset, 8, c.rules);
    if (offset < 0) {
        // The reference counts a second drop here, for the records are lost as a whole.
        count_one(dest.drops);
        return;
    }
    stamp(c, src, c.host->now(frame));
    __builtin_memcpy(dest.tomax + offset, src.tomax, src.offset);
    dest.offset = static_cast<std::uint64_t>(offset) + src.offset;
}

/// The state that commit() leads to, or `current` where it has nothing to do.
SpeculationState committed_state(SpeculationState current, const Buffer& src) {
    switch (current) {
    case SpeculationState::active: return SpeculationState::committing;
    case SpeculationState::active_one:
        // Something in our buffer: the one CPU is this one. Otherwise the cleaner has to come.
        return src.offset != 0 ? SpeculationState::committing : SpeculationState::committing_many;
    case SpeculationState::active_many: return SpeculationState::committing_many;
    default: return current;
    }
}

} // namespace

Buffer* speculation_buffer(Consumer& c, std::uint32_t cpu, std::uint64_t which,
                           difjit_frame* frame) {
    runtime::Speculation* const s = find(c, which, frame);
    if (s == nullptr)
        return nullptr;
    Buffer& buffer = buffer_of(c, which, cpu);
    for (;;) {
        const SpeculationState current = load_state(*s);
        SpeculationState next;
        switch (current) {
        case SpeculationState::active: next = SpeculationState::active_one; break;
        case SpeculationState::active_one:
            if (buffer.offset != 0)
                return &buffer; // the one CPU is this one
            next = SpeculationState::active_many;
            break;
        case SpeculationState::active_many: return &buffer;
        default: return nullptr;
        }
        if (change_state(*s, current, next))
            return &buffer;
    }
}

void speculation_commit(Consumer& c, std::uint32_t cpu, std::uint64_t which, difjit_frame* frame) {
    runtime::Speculation* const s = find(c, which, frame);
    if (s == nullptr)
        return;
    Buffer& src = buffer_of(c, which, cpu);
    SpeculationState current;
    SpeculationState next;
    do {
        current = load_state(*s);
        next = committed_state(current, src);
        if (next == current && current != SpeculationState::committing_many)
            return; // inactive, discarded, or another CPU commits what only it has
    } while (next != current && !change_state(*s, current, next));

    copy_records(c, cpu, src, frame);
    src.offset = 0;
    if (src.drops != 0) {
        __atomic_fetch_add(&c.state.speculation_drops, src.drops, __ATOMIC_RELAXED);
        src.drops = 0;
    }
    if (next == SpeculationState::committing && current != SpeculationState::committing)
        change_state(*s, SpeculationState::committing, SpeculationState::inactive);
}

void speculation_discard(Consumer& c, std::uint32_t cpu, std::uint64_t which, difjit_frame* frame) {
    runtime::Speculation* const s = find(c, which, frame);
    if (s == nullptr)
        return;
    Buffer& buffer = buffer_of(c, which, cpu);
    const bool ours = buffer.offset != 0;
    for (;;) {
        const SpeculationState current = load_state(*s);
        SpeculationState next;
        switch (current) {
        case SpeculationState::active:
        case SpeculationState::active_many: next = SpeculationState::discarding; break;
        case SpeculationState::active_one:
            next = ours ? SpeculationState::inactive : SpeculationState::discarding;
            break;
        default: return;
        }
        if (change_state(*s, current, next))
            break;
    }
    buffer.offset = 0;
    buffer.drops = 0;
}

namespace {

/// One CPU's part of the cleaner: dtrace_speculation_clean_here.
void clean_here(Consumer& c, std::uint32_t cpu) {
    for (std::uint32_t i = 0; i < c.state.nspeculations; ++i) {
        Buffer& src = buffer_of(c, i + 1, cpu);
        const SpeculationState state = load_state(c.state.speculations[i]);
        if (state == SpeculationState::discarding) {
            src.offset = 0;
            src.drops = 0;
        } else if (state == SpeculationState::committing_many && src.offset != 0) {
            speculation_commit(c, cpu, i + 1, &c.cpus[cpu].frame);
        }
    }
}

} // namespace

void speculation_clean(Consumer& c) {
    bool work = false;
    for (std::uint32_t i = 0; i < c.state.nspeculations; ++i) {
        runtime::Speculation& s = c.state.speculations[i];
        const SpeculationState state = load_state(s);
        s.cleaning =
            state == SpeculationState::discarding || state == SpeculationState::committing_many;
        work = work || s.cleaning != 0;
    }
    if (!work)
        return;
    for (std::uint32_t cpu = 0; cpu < c.ncpus; ++cpu) {
        take(c.cpus[cpu]);
        clean_here(c, cpu);
        give_back(c.cpus[cpu]);
    }
    for (std::uint32_t i = 0; i < c.state.nspeculations; ++i) {
        runtime::Speculation& s = c.state.speculations[i];
        if (s.cleaning == 0)
            continue;
        change_state(s, load_state(s), SpeculationState::inactive);
        s.cleaning = 0;
    }
}

} // namespace difjit::engine
