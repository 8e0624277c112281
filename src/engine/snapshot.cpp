// SPDX-License-Identifier: BSD-2-Clause
// Reading a session: buffers, status, globals, and the signs of life that the deadman wants.
// Follows DTRACEIOC_BUFSNAP, DTRACEIOC_AGGSNAP, DTRACEIOC_STATUS and dtrace_state_deadman.

#include "engine/session_impl.hpp"

#include <cstring>

namespace difjit::engine {
namespace {

std::vector<std::byte> copy(const std::uint8_t* data, std::uint64_t size) {
    std::vector<std::byte> out(size);
    if (size != 0)
        std::memcpy(out.data(), data, size);
    return out;
}

} // namespace

/// Policy switch: takes what the CPU has recorded and lets it go on in the other half.
void SessionImpl::take_half(CpuSlot& slot, Buffer& buffer, BufferSnapshot& out) {
    take(slot);
    const Switched taken = buffer_switch(buffer);
    if (&buffer == &slot.aggregation)
        aggregation_buffer_restart(buffer); // its chains were cleared last time
    give_back(slot);
    out.data = copy(taken.data, taken.size);
    out.drops = taken.drops;
    out.errors = taken.errors;
    out.timestamp = now();
    if (&buffer == &slot.aggregation)
        aggregation_buffer_clear_chains(buffer, buffer.xamot);
}

/// Policies ring and fill: read once, when the session has stopped.
void SessionImpl::take_whole(CpuSlot& slot, Buffer& buffer, BufferSnapshot& out) {
    const Activity activity = activity_of(consumer_);
    if (activity != Activity::stopped && activity != Activity::killed)
        return;
    take(slot);
    if ((buffer.flags & BUFFER_CONSUMED) == 0) {
        std::uint64_t size = buffer.offset;
        if ((buffer.flags & BUFFER_WRAPPED) != 0) {
            buffer_polish(buffer);
            size = buffer.size;
            out.oldest = buffer.wrapped;
        }
        out.data = copy(buffer.tomax, size);
        out.drops = buffer.drops;
        out.errors = buffer.errors;
        __atomic_store_n(&buffer.flags, buffer.flags | BUFFER_CONSUMED, __ATOMIC_RELAXED);
    }
    give_back(slot);
    out.timestamp = now();
}

BufferSnapshot SessionImpl::snapshot(std::uint32_t cpu) {
    alive();
    BufferSnapshot out;
    out.cpu = cpu;
    if (!gone_ || cpu >= slots_.size())
        return out;
    CpuSlot& slot = slots_[cpu];
    Buffer& buffer = slot.principal;
    if (buffer.tomax == nullptr || (buffer.flags & BUFFER_ENDLESS) != 0)
        return out;
    if ((buffer.flags & (BUFFER_RING | BUFFER_FILL)) != 0) {
        take_whole(slot, buffer, out);
    } else {
        take_half(slot, buffer, out);
        taken_errors_ += out.errors;
    }
    // Firings that found the slot taken lost their records too.
    out.drops += __atomic_exchange_n(&slot.refused, 0, __ATOMIC_RELAXED);
    return out;
}

BufferSnapshot SessionImpl::snapshot_aggregations(std::uint32_t cpu) {
    alive();
    BufferSnapshot out;
    out.cpu = cpu;
    if (!gone_ || cpu >= slots_.size())
        return out;
    CpuSlot& slot = slots_[cpu];
    if (slot.aggregation.tomax != nullptr && (slot.aggregation.flags & BUFFER_ENDLESS) == 0)
        take_half(slot, slot.aggregation, out);
    return out;
}

Status SessionImpl::status() const {
    Status s;
    if (!gone_)
        return s;
    for (std::uint32_t cpu = 0; cpu < settings_.ncpus; ++cpu) {
        const runtime::DynvarDrops dynvar = runtime::dynvar_drops(vstate_, cpu);
        s.dynamic_drops += dynvar.capacity;
        s.dynamic_dirty_drops += dynvar.dirty;
        s.dynamic_rinsing_drops += dynvar.rinsing;
        const Buffer& buffer = slots_[cpu].principal;
        s.errors += __atomic_load_n(&buffer.errors, __ATOMIC_RELAXED);
        if ((__atomic_load_n(&buffer.flags, __ATOMIC_RELAXED) & BUFFER_FULL) != 0)
            ++s.filled;
    }
    s.errors += taken_errors_;
    const difjit_state& state = consumer_.state;
    s.speculation_drops = __atomic_load_n(&state.speculation_drops, __ATOMIC_RELAXED);
    s.speculation_busy = __atomic_load_n(&state.speculation_busy, __ATOMIC_RELAXED);
    s.speculation_unavailable = __atomic_load_n(&state.speculation_unavailable, __ATOMIC_RELAXED);
    s.double_errors = __atomic_load_n(&consumer_.double_errors, __ATOMIC_RELAXED);
    const Activity activity = activity_of(consumer_);
    s.exiting = activity == Activity::draining;
    s.killed = activity == Activity::killed;
    return s;
}

std::optional<int> SessionImpl::exit_status() const {
    if (__atomic_load_n(&consumer_.exited, __ATOMIC_ACQUIRE) == 0)
        return std::nullopt;
    return __atomic_load_n(&consumer_.exit_status, __ATOMIC_RELAXED);
}

void SessionImpl::alive() {
    last_status_ = now();
    __atomic_store_n(&consumer_.alive, last_status_, __ATOMIC_RELAXED);
}

void SessionImpl::clean() {
    constexpr std::uint64_t patience = 30'000'000'000; // dtrace_deadman_user
    if (!gone_)
        return;
    if (const std::uint64_t t = now(); t - last_status_ < patience)
        __atomic_store_n(&consumer_.alive, t, __ATOMIC_RELAXED);
    if (runtime::dynvar_clean_begin(vstate_)) {
        synchronise(consumer_); // nobody looks at what was dirty any more
        runtime::dynvar_clean_end(vstate_);
    }
    speculation_clean(consumer_);
}

/// Ids of the scalars: arrays share their numbers, but have no storage here.
std::set<std::uint32_t> SessionImpl::scalar_globals() const {
    std::set<std::uint32_t> ids;
    for (const LoadedProgram& program : programs_)
        for (const Difo& difo : program.difos)
            for (const difjit_var& var : difo.vars)
                if (var.scope == DIFJIT_SCOPE_GLOBAL && var.kind == DIFJIT_VAR_KIND_SCALAR &&
                    var.id >= DIFJIT_USER_VARIABLE_BASE &&
                    var.id - DIFJIT_USER_VARIABLE_BASE < vstate_->layout.nglobals)
                    ids.insert(var.id);
    return ids;
}

std::vector<Session::Global> SessionImpl::globals() const {
    constexpr std::size_t header = 8;
    constexpr std::uint8_t null_mark = 0xff;
    std::vector<Global> out;
    if (vstate_ == nullptr)
        return out;
    for (const std::uint32_t id : scalar_globals()) {
        const runtime::StaticVariable& v = vstate_->globals[id - DIFJIT_USER_VARIABLE_BASE];
        Global g;
        g.id = id;
        g.byref = v.byref;
        if (!v.byref)
            g.bytes = copy(v.data, 8);
        else if (v.data[0] != null_mark)
            g.bytes = copy(v.data + header, v.type.size);
        out.push_back(std::move(g));
    }
    return out;
}

} // namespace difjit::engine
