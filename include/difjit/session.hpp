// SPDX-License-Identifier: BSD-2-Clause
// A tracing session in a process: programs in, probes fired, records and aggregations out.
//
// It is what /dev/dtrace and libdtrace's handle are to dtrace(1): enable, go, fire, consume, stop.
// `fire` is probe-safe and may run on many threads, one CPU slot each; everything else is called by
// one controlling thread.
#ifndef DIFJIT_SESSION_HPP
#define DIFJIT_SESSION_HPP

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/event.hpp>
#include <difjit/host.h>
#include <difjit/program.hpp>

namespace difjit::engine {
struct Probe;
struct Observer;
} // namespace difjit::engine

namespace difjit {

/// Which executor runs DIFOs.
enum class Engine { interp, jit };

struct SessionOptions {
    Engine engine = Engine::jit;
    const difjit_host* host = nullptr; ///< nullptr: the process host
    std::uint32_t ncpus = 1;
    std::uint32_t access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
    std::uint64_t scratch_size = 0; ///< 0: what the engine finds right for strsize
    bool description_epids = false; ///< EPID = position of the ECB description + 1 (corpus format)
    bool predicate_cache = true;
    bool endless_buffers = false; ///< replay: buffers never fill (corpus README)
    bool fire_error = true;       ///< a fault fires dtrace:::ERROR; replay: only what is listed
    bool reference_rules = false; ///< accept what only dtrace_difo_validate accepts
    bool optimise = true;         ///< of the JIT
    std::uint64_t rand_seed = 0;
};

/// One action's place in a record, for consumers.
struct RecordInfo {
    std::uint32_t kind = 0;
    std::uint32_t size = 0, offset = 0;
    std::uint16_t alignment = 1;
    std::uint64_t arg = 0, uarg = 0;
    std::optional<std::string> format;
    difjit_type type{}; ///< result type of its DIFO
    bool in_tuple = false;
};

struct ProbeInfo {
    std::uint32_t id = 0;
    std::string provider, module, function, name;
};

/// dtrace_eprobedesc_t.
struct EcbInfo {
    std::uint32_t epid = 0;
    ProbeInfo probe;
    std::uint32_t size = 0;
    std::uint64_t uarg = 0;
    std::vector<RecordInfo> records;
};

/// dtrace_aggdesc_t: the key records, then the aggregating action's.
struct AggregationInfo {
    std::uint32_t id = 0;    ///< aggregation id, as in aggregation buffers
    std::uint32_t varid = 0; ///< the D variable: 1, 2, …
    std::uint32_t epid = 0;
    std::uint32_t size = 0;
    std::vector<RecordInfo> records;
};

/// One CPU's buffer after a switch: dtrace_bufdesc_t.
struct BufferSnapshot {
    std::uint32_t cpu = 0;
    std::vector<std::byte> data;
    std::uint64_t oldest = 0; ///< ring: where the oldest record starts
    std::uint64_t drops = 0, errors = 0;
    std::uint64_t timestamp = 0;
};

/// dtrace_status_t and the dynamic-variable and speculation drops.
struct Status {
    std::uint64_t dynamic_drops = 0, dynamic_dirty_drops = 0, dynamic_rinsing_drops = 0;
    std::uint64_t speculation_drops = 0, speculation_busy = 0, speculation_unavailable = 0;
    std::uint64_t errors = 0;
    std::uint64_t double_errors = 0; ///< faults in dtrace:::ERROR's own enablings
    bool exiting = false, killed = false;
    std::uint64_t filled = 0; ///< fill buffers that are full
};

/// A run-time option's value after parsing: bytes, a rate in ns, a count.
using OptionValue = std::uint64_t;

class Session {
  public:
    static Result<std::unique_ptr<Session>> create(const SessionOptions& options);
    virtual ~Session() = default;

    /// `-x name=value`, as dtrace(1) spells it: sizes with k/m/g/t, rates with hz/us/ms/s.
    virtual Result<void> set_option(std::string_view name, std::string_view value) = 0;
    virtual OptionValue option(std::uint32_t dtraceopt) const = 0;

    /// Makes a probe known. Probes that no ECB matches cost nothing. nargs: what the provider has.
    virtual engine::Probe* create_probe(const ProbeInfo& probe, std::uint32_t nargs = 10) = 0;

    /// Verifies, keeps and (with the JIT) compiles a program; options DOF sets options. All or
    /// nothing. Programs are enabled in order before go().
    virtual Result<void> enable(Program program) = 0;

    /// Allocates buffers, matches ECBs to probes, fires BEGIN on CPU 0 (if fire_begin), goes
    /// active.
    virtual Result<void> go(bool fire_begin = true) = 0;

    /// Fires END (if fire_end) and stops for good.
    virtual void stop(bool fire_end = true) = 0;

    /// Fires a probe. Probe context.
    virtual void fire(engine::Probe& probe, const engine::Event& event) = 0;
    virtual void fire(engine::Probe& probe, const engine::Event& event,
                      engine::Observer& observer) = 0;

    /// The pseudo-probes dtrace:::BEGIN, END and ERROR.
    virtual engine::Probe& begin_probe() = 0;
    virtual engine::Probe& end_probe() = 0;
    virtual engine::Probe& error_probe() = 0;

    /// Cleaners of dynamic variables and speculations; runs at cleanrate by the caller's clock.
    virtual void clean() = 0;
    /// The consumer is alive: resets the deadman.
    virtual void alive() = 0;

    /// Switches a CPU's principal buffer (or copies a fill/ring buffer) and returns its records.
    virtual BufferSnapshot snapshot(std::uint32_t cpu) = 0;
    /// The same for the aggregation buffer; raw entries, see src/engine/aggregation.hpp.
    virtual BufferSnapshot snapshot_aggregations(std::uint32_t cpu) = 0;
    virtual Status status() const = 0;
    virtual std::optional<int> exit_status() const = 0;

    virtual const EcbInfo* ecb(std::uint32_t epid) const = 0;
    virtual const AggregationInfo* aggregation(std::uint32_t id) const = 0;
    virtual const std::vector<ProbeInfo>& probes() const = 0;
    virtual std::uint32_t ncpus() const = 0;

    /// What was loaded, for reports.
    struct Summary {
        std::size_t programs = 0, ecbs = 0, enablings = 0, difos = 0, instructions = 0;
        std::size_t compiled = 0, code_bytes = 0;
        std::uint64_t compile_ns = 0;
    };
    virtual Summary summary() const = 0;

    /// All global scalars at this moment, by id (corpus format): by-value as 8 bytes, by-ref as
    /// their storage, nullopt: NULL.
    struct Global {
        std::uint32_t id = 0;
        bool byref = false;
        std::optional<std::vector<std::byte>> bytes;
    };
    virtual std::vector<Global> globals() const = 0;
};

} // namespace difjit

#endif
