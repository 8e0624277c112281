// SPDX-License-Identifier: BSD-2-Clause
// One tracing session from start to end, as dtrace(1) would run it: programs enabled, probes fired
// from a source, buffers consumed as (the firings' own) time goes by, output written.
//
// Tests: tests/harness/trace_test.cpp.
#ifndef DIFJIT_HARNESS_TRACE_HPP
#define DIFJIT_HARNESS_TRACE_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <difjit/consumer.hpp>
#include <difjit/error.hpp>
#include <difjit/session.hpp>

#include "harness/firings.hpp"

namespace difjit::harness {

/// Where firings come from: a file, or the load generator.
class FiringSource {
  public:
    virtual ~FiringSource() = default;
    /// Strsize, scratch, privilege and memory that the firings assume.
    [[nodiscard]] virtual const FiringSetting& setting() const = 0;
    [[nodiscard]] virtual const std::vector<ProbeInfo>& probes() const = 0;
    [[nodiscard]] virtual std::uint32_t ncpus() const = 0;
    [[nodiscard]] virtual std::uint64_t total() const = 0;
    /// The next firing, valid until the next call; nullptr at the end.
    virtual const FiringLine* next() = 0;
};

/// A firings file as a source. Keeps a reference.
class RecordedFirings final : public FiringSource {
  public:
    explicit RecordedFirings(const Firings& firings) : firings_(firings) {}
    [[nodiscard]] const FiringSetting& setting() const override { return firings_.setting; }
    [[nodiscard]] const std::vector<ProbeInfo>& probes() const override { return firings_.probes; }
    [[nodiscard]] std::uint32_t ncpus() const override { return firings_.ncpus(); }
    [[nodiscard]] std::uint64_t total() const override { return firings_.lines.size(); }
    const FiringLine* next() override {
        return at_ < firings_.lines.size() ? &firings_.lines[at_++] : nullptr;
    }

  private:
    const Firings& firings_;
    std::size_t at_ = 0;
};

struct TraceOptions {
    Engine engine = Engine::jit;
    std::uint32_t ncpus = 0; ///< at least; 0: what the source needs
    std::vector<std::pair<std::string, std::string>> options; ///< -x, after the programs' own
    OutputFormat format = OutputFormat::text;
    bool quiet = false;
    std::function<void(std::string_view)> write;       ///< output
    std::function<void(std::string_view)> report;      ///< drops and errors
    std::function<bool(std::uint64_t fired)> progress; ///< now and then; false: stop
};

struct TraceReport {
    Session::Summary summary;
    Consumer::Totals totals;
    Status status;
    std::uint64_t fired = 0;
    std::uint64_t fire_ns = 0; ///< inside probes
    std::optional<int> exit_status;
};

/// The error names the program that is at fault.
Result<TraceReport> trace(const std::vector<Program>& programs, FiringSource& source,
                          const TraceOptions& options);

/// The session's probes for these names, index by index; dtrace:::BEGIN, END and ERROR are its own.
std::vector<engine::Probe*> session_probes(Session& session, const std::vector<ProbeInfo>& names);

} // namespace difjit::harness

#endif
