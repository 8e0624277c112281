// SPDX-License-Identifier: BSD-2-Clause
// A firing: dtrace_probe.
//
// For each ECB on the probe: the frame is made fresh, the predicate runs, and only if it holds is
// space reserved, the header written and the actions run one after the other, until a fault or a
// drop ends the ECB. Then the record is committed, or a fault fires dtrace:::ERROR. (The reference
// reserves before the predicate; here a full buffer costs a drop only where there was something to
// keep.) The same text serves observed firings: what the Observer sees costs nothing when it is
// off.
//
// Covered by tests/engine/test_fire.cpp.

#include "dif/actions.hpp"
#include "dif/variables.hpp"
#include "engine/state.hpp"
#include "interp/interpreter.hpp"

namespace difjit::engine {
namespace {

constexpr std::uint32_t no_fault_offset = UINT32_MAX; // the fault did not come from an instruction

/// One ECB's run.
struct Run {
    Consumer& consumer;
    CpuSlot& slot;
    const Ecb& ecb;
    difjit_frame* frame;
    Buffer* buffer = nullptr; ///< the principal one, or a speculation's
    std::uint8_t* record = nullptr;
    std::uint64_t offset = 0;   ///< of the record in the buffer
    std::uint64_t value = 0;    ///< of the last action with a DIFO that is not aggregating
    std::uint64_t tracemem = 0; ///< size that the next by-ref record is cut to, 0: none
    std::uint32_t stored = 0;   ///< bytes of the last action's data
    bool committed = false;
};

bool failed(const Run& r) {
    return (r.frame->flags & DIFJIT_FLAG_ERROR) != 0;
}

template <class T>
void put(std::uint8_t* at, T value) {
    __builtin_memcpy(at, &value, sizeof value);
}

std::uint64_t timestamp(difjit_frame* f) {
    if ((f->present & DIFJIT_PRESENT_TIMESTAMP) == 0) {
        f->timestamp = f->host->variable(f, static_cast<std::uint32_t>(Var::TIMESTAMP), 0);
        f->present |= DIFJIT_PRESENT_TIMESTAMP;
    }
    return f->timestamp;
}

void put_header(std::uint8_t* at, std::uint32_t epid, std::uint64_t time) {
    put(at, RecordHeader{epid, static_cast<std::uint32_t>(time >> 32),
                         static_cast<std::uint32_t>(time)});
}

/// A privilege that the action needs: false sets its fault (dtrace_priv_*).
bool permitted(const Run& r, std::uint32_t needed, std::uint32_t fault) {
    if ((r.consumer.access & needed) == needed)
        return true;
    r.frame->flags |= fault;
    return false;
}
constexpr std::uint32_t kernel_destructive = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_CONTROL;

// -- storing --------------------------------------------------------------------------------------

void store_value(Run& r, const Action& a) {
    std::uint8_t* const at = r.record + a.record.offset;
    switch (a.record.size) {
    case 1: put(at, static_cast<std::uint8_t>(r.value)); break;
    case 2: put(at, static_cast<std::uint16_t>(r.value)); break;
    case 4: put(at, static_cast<std::uint32_t>(r.value)); break;
    case 8: put(at, r.value); break;
    default: return;
    }
    r.stored = a.record.size;
}

/// `size` bytes from `address`, cut to what tracemem() said (semantics.md, decision 18).
void store_reference(Run& r, const Action& a, std::uint32_t offset, std::uint64_t size,
                     std::uint64_t address) {
    const difjit_type& type = a.difo->rtype;
    std::uint64_t bytes = size;
    if (r.tracemem != 0 && offset + r.tracemem < offset + size) {
        bytes = offset + r.tracemem < offset ? 0 : r.tracemem; // the sum wrapped: nothing
        r.tracemem = 0;
    }
    if (type.kind == DIFJIT_TYPE_STRING)
        bytes = size;
    if ((type.flags & DIFJIT_TF_BYREF) != 0 && !runtime::vcanload(r.frame, address, type, nullptr))
        return;
    r.stored = offset - a.record.offset + static_cast<std::uint32_t>(bytes);
    runtime::store_by_ref(r.frame, type, r.record + offset, bytes, address, a.in_tuple);
}

void store_result(Run& r, const Action& a) {
    if ((a.difo->rtype.flags & (DIFJIT_TF_BYREF | DIFJIT_TF_BYUREF)) != 0)
        store_reference(r, a, a.record.offset, a.record.size, r.value);
    else
        store_value(r, a);
}

/// printm(): the DIFO returned a memref, an address and a size; the record is the size and the
/// bytes.
void store_memref(Run& r, const Action& a) {
    constexpr std::uint64_t word = 8;
    if (!runtime::canload(r.frame, r.value, 2 * word))
        return;
    const std::uint64_t address = runtime::load(r.frame, r.value, word);
    const std::uint64_t size = runtime::load(r.frame, r.value + word, word);
    if (failed(r))
        return;
    if (a.record.size < word || size > a.record.size - word) {
        r.frame->flags |= DIFJIT_FLAG_DROP;
        return;
    }
    put(r.record + a.record.offset, size);
    r.stored = word;
    if ((a.difo->rtype.flags & (DIFJIT_TF_BYREF | DIFJIT_TF_BYUREF)) != 0)
        store_reference(r, a, a.record.offset + static_cast<std::uint32_t>(word), size, address);
}

// -- actions without a DIFO -----------------------------------------------------------------------

void stack(Run& r, const Action& a) {
    if (!permitted(r, DIFJIT_ACCESS_KERNEL, DIFJIT_FAULT_KPRIV))
        return;
    std::uint8_t* const at = r.record + a.record.offset;
    r.stored = a.record.size;
    if (r.consumer.host->stack != nullptr)
        r.consumer.host->stack(r.frame, reinterpret_cast<std::uint64_t*>(at), a.record.size / 8);
    else
        __builtin_memset(at, 0, a.record.size);
}

/// ustack() and jstack(): the pid, the frames, and room for a helper's names, which stays empty.
void ustack(Run& r, const Action& a) {
    if (!permitted(r, DIFJIT_ACCESS_PROC, DIFJIT_FAULT_UPRIV))
        return;
    const difjit_host& host = *r.consumer.host;
    const std::uint64_t words = (a.arg & UINT32_MAX) + 1;
    std::uint8_t* const at = r.record + a.record.offset;
    r.stored = a.record.size;
    const bool anchored = r.ecb.probe->function[0] != '\0';
    if (host.ustack == nullptr || words * 8 > a.record.size ||
        (anchored && host.interrupt_level != nullptr && host.interrupt_level(r.frame) != 0)) {
        __builtin_memset(at, 0, a.record.size);
        return;
    }
    __builtin_memset(at + words * 8, 0, a.record.size - words * 8);
    host.ustack(r.frame, reinterpret_cast<std::uint64_t*>(at), static_cast<std::uint32_t>(words));
}

void act(const Run& r, ActionKind kind, std::uint64_t value) {
    if (r.consumer.state.destructive != 0 && r.consumer.host->act != nullptr)
        r.consumer.host->act(r.frame, static_cast<std::uint32_t>(kind), value);
}

/// Carries out an action that has no DIFO to run; false: it has one.
bool without_difo(Run& r, const Action& a) {
    const auto kind = static_cast<ActionKind>(a.kind);
    switch (kind) {
    case ActionKind::STACK: stack(r, a); return true;
    case ActionKind::USTACK:
    case ActionKind::JSTACK: ustack(r, a); return true;
    case ActionKind::STOP:
        if (permitted(r, DIFJIT_ACCESS_CONTROL, DIFJIT_FAULT_UPRIV))
            act(r, kind, 0);
        return true;
    case ActionKind::BREAKPOINT:
    case ActionKind::PANIC:
        if (permitted(r, kernel_destructive, DIFJIT_FAULT_KPRIV))
            act(r, kind, 0);
        return true;
    default: return false;
    }
}

// -- actions with one -----------------------------------------------------------------------------

/// The clause's further records go to the speculation's buffer.
void speculate(Run& r) {
    Consumer& c = r.consumer;
    const Ecb& e = r.ecb;
    Buffer* const buffer = speculation_buffer(c, r.frame->cpu, r.value, r.frame);
    const std::int64_t offset =
        buffer == nullptr ? -1 : buffer_reserve(*buffer, e.needed, e.alignment, c.rules);
    if (offset < 0) {
        r.frame->flags |= DIFJIT_FLAG_DROP;
        return;
    }
    r.buffer = buffer;
    r.offset = static_cast<std::uint64_t>(offset);
    r.record = buffer->tomax + offset;
    if (e.size != 0)
        put_header(r.record, e.epid, UINT64_MAX); // the commit says when it was
}

void commit(Run& r) {
    if (r.ecb.size != 0)
        r.buffer->offset = r.offset + r.ecb.size;
    r.buffer = &r.slot.principal;
    speculation_commit(r.consumer, r.frame->cpu, r.value, r.frame);
    r.committed = true;
}

/// chill(): at most half of each second (dtrace_action_chill).
void chill(Run& r) {
    constexpr std::uint64_t most = 500'000'000;
    constexpr std::uint64_t interval = 1'000'000'000;
    if (!permitted(r, kernel_destructive, DIFJIT_FAULT_KPRIV))
        return;
    const std::uint64_t now = r.consumer.host->now(r.frame);
    if (now - r.slot.chill_mark > interval) {
        r.slot.chill_mark = now;
        r.slot.chilled = 0;
    }
    if (r.value > most || r.slot.chilled + r.value > most) {
        r.frame->flags |= DIFJIT_FAULT_ILLOP;
        return;
    }
    act(r, ActionKind::CHILL, r.value);
    r.slot.chilled += r.value;
    r.frame->present &= ~static_cast<std::uint32_t>(DIFJIT_PRESENT_TIMESTAMP);
}

void raise_signal(Run& r) {
    constexpr std::uint64_t nsig = 32; // FreeBSD's NSIG
    if (!permitted(r, DIFJIT_ACCESS_CONTROL, DIFJIT_FAULT_UPRIV))
        return;
    if (r.value >= nsig)
        r.frame->flags |= DIFJIT_FAULT_ILLOP;
    else
        act(r, ActionKind::RAISE, r.value);
}

/// exit(): the first one that a running session carries out stops it; END's may change the status.
void exit_session(Run& r, const Action& a) {
    Consumer& c = r.consumer;
    const Activity current = activity_of(c);
    if (current != Activity::cooldown) {
        const Activity from = current == Activity::warmup ? current : Activity::active;
        if (!change_activity(c, from, Activity::draining)) {
            r.frame->flags |= DIFJIT_FLAG_DROP;
            return;
        }
    }
    const auto status = static_cast<std::int32_t>(static_cast<std::uint32_t>(r.value));
    __atomic_store_n(&c.exit_status, status, __ATOMIC_RELAXED);
    __atomic_store_n(&c.exited, 1, __ATOMIC_RELEASE);
    store_value(r, a);
}

/// usym(), umod(), uaddr(): the pid beside the address.
void user_symbol(Run& r, const Action& a) {
    if (!permitted(r, DIFJIT_ACCESS_PROC, DIFJIT_FAULT_UPRIV))
        return;
    std::uint8_t* const at = r.record + a.record.offset;
    put(at, r.consumer.host->variable(r.frame, static_cast<std::uint32_t>(Var::PID), 0));
    put(at + 8, r.value);
    r.stored = 16;
}

void special(Run& r, const Action& a) {
    switch (static_cast<ActionKind>(a.kind)) {
    case ActionKind::SPECULATE: speculate(r); break;
    case ActionKind::COMMIT: commit(r); break;
    case ActionKind::DISCARD:
        speculation_discard(r.consumer, r.frame->cpu, r.value, r.frame);
        break;
    case ActionKind::EXIT: exit_session(r, a); break;
    case ActionKind::PRINTM: store_memref(r, a); break;
    case ActionKind::TRACEMEM_DYNSIZE:
        r.tracemem = r.value;
        store_result(r, a);
        break;
    case ActionKind::SYM:
    case ActionKind::MOD:
        if (permitted(r, DIFJIT_ACCESS_KERNEL, DIFJIT_FAULT_KPRIV))
            store_value(r, a);
        break;
    case ActionKind::USYM:
    case ActionKind::UMOD:
    case ActionKind::UADDR: user_symbol(r, a); break;
    case ActionKind::CHILL: chill(r); break;
    case ActionKind::RAISE: raise_signal(r); break;
    default: break;
    }
}

/// Returns what the action's DIFO returned, 0 without one.
std::uint64_t aggregating(Run& r, const Action& a) {
    const std::uint64_t expression =
        a.difo != nullptr ? interp::execute(r.frame, a.difo) : std::uint64_t{0};
    if (failed(r))
        return expression;
    if (!aggregate(*a.aggregation, r.record, r.slot.aggregation, expression, r.value))
        r.frame->flags |= DIFJIT_FAULT_ILLOP;
    return expression;
}

/// Runs one action; returns its DIFO's value.
std::uint64_t run_action(Run& r, const Action& a) {
    r.stored = 0;
    if (a.store == Store::aggregation)
        return aggregating(r, a);
    if (a.store == Store::special && without_difo(r, a))
        return 0;
    r.value = interp::execute(r.frame, a.difo);
    const std::uint64_t value = r.value;
    if (failed(r))
        return value;
    switch (a.store) {
    case Store::value: store_value(r, a); break;
    case Store::reference: store_reference(r, a, a.record.offset, a.record.size, value); break;
    default: special(r, a); break;
    }
    return value;
}

// -- ECBs -----------------------------------------------------------------------------------------

void fresh(const Ecb& ecb, difjit_frame* f) {
    f->flags = 0;
    f->fault_offset = no_fault_offset;
    f->illval = 0;
    f->scratch_ptr = f->scratch_base;
    f->epid = ecb.epid;
    f->present = 0;
    f->getf = 0;
}

/// Would dtrace_probe go on with an ECB of this probe now?
bool may_run(const Probe& probe, Activity activity) {
    switch (probe.kind) {
    case Probe::Kind::ordinary: return activity == Activity::active;
    case Probe::Kind::begin: return activity == Activity::active || activity == Activity::warmup;
    default: return activity != Activity::killed && activity != Activity::stopped;
    }
}

template <bool observed>
void run_probe(const Probe& probe, const Ecb* ecb, CpuSlot& slot, difjit_frame* f,
               Observer* observer);

/// A fault: dtrace:::ERROR tells which ECB, which action, where and why (dtrace_probe_error).
template <bool observed>
void report_fault(Run& r, std::uint32_t action, Observer* observer) {
    Consumer& c = r.consumer;
    count_one(r.slot.principal.errors);
    if (r.ecb.probe->kind == Probe::Kind::error) {
        __atomic_fetch_add(&c.double_errors, 1, __ATOMIC_RELAXED);
        return;
    }
    const Probe* const probe = c.error_probe;
    const Ecb* const first =
        probe != nullptr ? __atomic_load_n(&probe->ecbs, __ATOMIC_ACQUIRE) : nullptr;
    if (first == nullptr)
        return;
    const difjit_frame* const from = r.frame;
    difjit_frame* const f = &r.slot.error_frame;
    f->args[1] = r.ecb.epid;
    f->args[2] = action;
    f->args[3] = static_cast<std::uint64_t>(static_cast<std::int32_t>(from->fault_offset));
    f->args[4] = fault_code(from->flags);
    f->args[5] = from->illval;
    f->firing = from->firing;
    f->predcache = from->predcache;
    run_probe<observed>(*probe, first, r.slot, f, observer); // ERROR's own faults stop above
}

/// Runs the actions; returns the index of the one behind the last that ran.
template <bool observed>
std::uint32_t run_actions(Run& r, Observer* observer) {
    const Ecb& e = r.ecb;
    std::uint32_t i = 0;
    while (i < e.nactions && !failed(r)) {
        const Action& a = e.actions[i];
        const std::uint64_t value = run_action(r, a);
        if constexpr (observed)
            observer->action(e, i, value, r.stored != 0 ? r.record + a.record.offset : nullptr,
                             r.stored, *r.frame);
        ++i;
    }
    return i;
}

/// Reserves the record and writes its header; false: there is no room.
bool open_record(Run& r) {
    const Ecb& e = r.ecb;
    r.buffer = &r.slot.principal;
    const std::int64_t offset = buffer_reserve(*r.buffer, e.needed, e.alignment, r.consumer.rules);
    if (offset < 0)
        return false;
    r.offset = static_cast<std::uint64_t>(offset);
    r.record = r.buffer->tomax + offset;
    if (e.size != 0)
        put_header(r.record, e.epid, timestamp(r.frame));
    return true;
}

template <bool observed>
void run_ecb(Consumer& c, CpuSlot& slot, const Ecb& ecb, const Probe& probe, difjit_frame* f,
             Observer* observer) {
    if (ecb.predicate != nullptr) {
        const std::uint64_t holds = interp::execute(f, ecb.predicate);
        if constexpr (observed)
            observer->predicate(ecb, holds, *f);
        if (holds == 0 && (f->flags & DIFJIT_FLAG_ERROR) == 0) {
            const std::uint32_t cached = __atomic_load_n(&probe.predcache_id, __ATOMIC_RELAXED);
            if (cached != 0)
                *f->predcache = cached;
            return;
        }
    }
    Run r{c, slot, ecb, f};
    std::uint32_t ran = 0;
    if (!failed(r)) {
        if (!open_record(r))
            return;
        ran = run_actions<observed>(r, observer);
    }
    if ((f->flags & DIFJIT_FLAG_DROP) != 0)
        return;
    if ((f->flags & DIFJIT_FLAG_FAULT) != 0)
        report_fault<observed>(r, ran, observer);
    else if (!r.committed)
        r.buffer->offset = r.offset + ecb.size;
}

template <bool observed>
void run_probe(const Probe& probe, const Ecb* ecb, CpuSlot& slot, difjit_frame* f,
               Observer* observer) {
    f->probe = &probe;
    f->probe_id = probe.id;
    f->strtok = 0;
    f->strtok_limit = 0;
    Consumer* const c = ecb->consumer;
    for (; ecb != nullptr && ecb->consumer == c;
         ecb = __atomic_load_n(&ecb->next, __ATOMIC_ACQUIRE)) {
        if (!may_run(probe, activity_of(*c)))
            return; // an exit() just now, or a deadman
        fresh(*ecb, f);
        if constexpr (observed)
            observer->begin(*ecb, *f);
        run_ecb<observed>(*c, slot, *ecb, probe, f, observer);
        if constexpr (observed)
            observer->end(*ecb, *f);
    }
}

/// Is the consumer dead? One that may destroy things anyhow is left alone, as in the reference.
void watch(Consumer& c, CpuSlot& slot, difjit_frame* f) {
    slot.countdown = deadman_interval;
    if (!c.deadman)
        return;
    const std::uint64_t now = c.host->now(f);
    const std::uint64_t alive = __atomic_load_n(&c.alive, __ATOMIC_RELAXED);
    const bool destructive =
        c.state.destructive != 0 && (c.access & kernel_destructive) == kernel_destructive;
    if (now > alive && now - alive > deadman_timeout && !destructive)
        set_activity(c, Activity::killed);
}

void set_arguments(CpuSlot& slot, difjit_frame* f, const Event& event) {
    const std::uint32_t n = event.nargs < DIFJIT_NARGS ? event.nargs : DIFJIT_NARGS;
    for (std::uint32_t i = 0; i < n; ++i)
        f->args[i] = event.args[i];
    for (std::uint32_t i = n; i < slot.nargs; ++i) // the rest is 0 already
        f->args[i] = 0;
    slot.nargs = n;
    f->firing = event.firing;
    f->predcache = event.predcache;
}

/// The first ECB of another consumer on the same probe.
const Ecb* next_consumer(const Ecb* ecb) {
    const Consumer* const c = ecb->consumer;
    while (ecb != nullptr && ecb->consumer == c)
        ecb = __atomic_load_n(&ecb->next, __ATOMIC_ACQUIRE);
    return ecb;
}

template <bool observed>
void fire_consumer(const Probe& probe, const Ecb* ecb, const Event& event, Observer* observer) {
    Consumer& c = *ecb->consumer;
    if (!may_run(probe, activity_of(c)))
        return;
    if (event.cpu >= c.ncpus) {
        __atomic_fetch_add(&c.cpus[0].refused, 1, __ATOMIC_RELAXED);
        return;
    }
    CpuSlot& slot = c.cpus[event.cpu];
    if (!try_take(slot)) {
        __atomic_fetch_add(&slot.refused, 1, __ATOMIC_RELAXED);
        return;
    }
    difjit_frame* const f = &slot.frame;
    set_arguments(slot, f, event);
    if (--slot.countdown == 0)
        watch(c, slot, f);
    run_probe<observed>(probe, ecb, slot, f, observer);
    give_back(slot);
}

template <bool observed>
void fire_impl(const Probe& probe, const Event& event, Observer* observer) {
    const Ecb* ecb = __atomic_load_n(&probe.ecbs, __ATOMIC_ACQUIRE);
    if (ecb == nullptr)
        return;
    const std::uint32_t cached = __atomic_load_n(&probe.predcache_id, __ATOMIC_RELAXED);
    if (cached != 0 && *event.predcache == cached)
        return; // this thread's answer is known: false
    for (; ecb != nullptr; ecb = next_consumer(ecb))
        fire_consumer<observed>(probe, ecb, event, observer);
}

} // namespace

std::uint32_t fault_code(std::uint32_t flags) {
    // The rows stand in DTRACE_FLAGS2FLT's order.
#define DIFJIT_FAULT(name, bit, code, meaning)                                                     \
    if ((flags & (bit)) != 0)                                                                      \
        return code;
#include <difjit/faults.def>
    return 0;
}

void prepare_frames(Consumer& c, std::uint32_t cpu, difjit_vstate* vstate, std::uint8_t* scratch,
                    std::uint64_t scratch_size, std::uint64_t strsize) {
    for (difjit_frame* f : {&c.cpus[cpu].frame, &c.cpus[cpu].error_frame}) {
        *f = difjit_frame{};
        f->locals = vstate->local_area + vstate->layout.local_stride * cpu;
        f->scratch_base = reinterpret_cast<std::uint64_t>(scratch);
        f->scratch_ptr = f->scratch_base;
        f->scratch_size = scratch_size;
        f->vstate = vstate;
        f->state = &c.state;
        f->host = c.host;
        f->strsize = strsize;
        f->access = c.access;
        f->cpu = cpu;
    }
}

void fire(Probe& probe, const Event& event) {
    fire_impl<false>(probe, event, nullptr);
}

void fire(Probe& probe, const Event& event, Observer& observer) {
    fire_impl<true>(probe, event, &observer);
}

} // namespace difjit::engine
