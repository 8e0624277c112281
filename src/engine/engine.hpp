// SPDX-License-Identifier: BSD-2-Clause
// The engine's core: what dtrace_probe does around DIFOs. Freestanding; memory is the caller's.
//
// A consumer has ECBs on probes, one set of buffers a CPU, aggregations and speculations. `fire`
// runs in probe context on one CPU slot; everything else runs outside of it, as in DTrace. Sources:
// dtrace_probe, dtrace_buffer_reserve, dtrace_aggregate, dtrace_speculation_*, and dtrace_impl.h
// for the meaning of each field.
#ifndef DIFJIT_ENGINE_ENGINE_HPP
#define DIFJIT_ENGINE_ENGINE_HPP

#include <cstddef>
#include <cstdint>

#include <difjit/abi.h>
#include <difjit/event.hpp>
#include <difjit/host.h>

#include "runtime/runtime.hpp"

namespace difjit::engine {

/// Activity of a consumer: dtrace_activity_t.
enum class Activity : std::uint32_t {
    inactive,
    warmup,
    active,
    draining,
    cooldown,
    stopped,
    killed
};

enum class BufferPolicy : std::uint32_t { ring, fill, switching };

/// The header of each record: dtrace_rechdr_t. 4-byte aligned.
struct RecordHeader {
    std::uint32_t epid;
    std::uint32_t timestamp_hi;
    std::uint32_t timestamp_lo;
};
static_assert(sizeof(RecordHeader) == 12);

/// Where one action's data lies in its ECB's record: dtrace_recdesc_t.
struct RecordLayout {
    std::uint32_t size = 0;
    std::uint32_t offset = 0;
    std::uint16_t alignment = 1;
};

struct Aggregation;

/// How an action's value gets into the record.
enum class Store : std::uint8_t {
    value,       ///< its low `record.size` bytes
    reference,   ///< the bytes that it points to
    aggregation, ///< an aggregating action
    special      ///< whatever the kind says
};

/// One action of an ECB on a probe: dtrace_action_t.
struct Action {
    std::uint32_t kind = 0; ///< DTRACEACT_*, DTRACEAGG_*
    RecordLayout record;
    const difjit_difo* difo = nullptr;
    std::uint64_t arg = 0;
    Aggregation* aggregation = nullptr; ///< aggregating actions
    std::uint32_t ntuple = 0;           ///< aggregating actions: length of the key
    bool in_tuple = false;              ///< dta_intuple: part of an aggregation's key
    bool has_format = false;            ///< a format string stands in `arg`'s place
    Store store = Store::special;
};

struct Probe;
struct Consumer;

/// One enabling on one probe: dtrace_ecb_t.
struct Ecb {
    std::uint32_t epid = 0;
    std::uint32_t size = 0;      ///< of the record, header included; 0: nothing is recorded
    std::uint32_t needed = 0;    ///< bytes to reserve, aggregation keys included
    std::uint32_t alignment = 1; ///< of the record
    const difjit_difo* predicate = nullptr;
    Action* actions = nullptr;
    std::uint32_t nactions = 0;
    std::uint32_t index = 0; ///< position of its description in the program
    std::uint64_t uarg = 0;
    Probe* probe = nullptr;
    Consumer* consumer = nullptr;
    Ecb* next = nullptr; ///< on the same probe, in order of enabling
};

/// A probe: dtrace_probe_t.
/// The process host reads id and names through difjit_frame.probe: they come first.
struct Probe {
    std::uint32_t id = 0;
    const char* provider = "";
    const char* module = "";
    const char* function = "";
    const char* name = "";
    Ecb* ecbs = nullptr;            ///< read atomically: a probe can be enabled while it fires
    std::uint32_t predcache_id = 0; ///< dtpr_predcache: 0 none, else the cacheable predicate's id
    enum class Kind : std::uint8_t { ordinary, begin, end, error } kind = Kind::ordinary;
};

/// Sees what an ECB does, for replay and differential comparison. All hooks run in probe context.
struct Observer {
    virtual void begin(const Ecb&, difjit_frame&) {}
    /// The predicate returned `value` (or faulted: see frame flags).
    virtual void predicate(const Ecb&, std::uint64_t /*value*/, difjit_frame&) {}
    /// Action i ran. `value`: what its DIFO returned. `data`: what it stored in the trace buffer,
    /// or nullptr. Also called when the action faulted or dropped (frame flags tell).
    virtual void action(const Ecb&, std::uint32_t /*i*/, std::uint64_t /*value*/,
                        const std::uint8_t* /*data*/, std::uint32_t /*size*/, difjit_frame&) {}
    virtual void end(const Ecb&, difjit_frame&) {}

  protected:
    ~Observer() = default;
};

/// The DTRACEFLT_* number of the first fault among frame flags, 0: none.
std::uint32_t fault_code(std::uint32_t flags);

/// Fires a probe: every ECB on it, in order. Probe context.
void fire(Probe& probe, const Event& event);
/// The same, watched.
void fire(Probe& probe, const Event& event, Observer& observer);

} // namespace difjit::engine

#endif
