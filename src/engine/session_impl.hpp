// SPDX-License-Identifier: BSD-2-Clause
// The session: owns all that the engine's core only points at.
//
// session.cpp holds what is loaded (programs, options, probes), go.cpp makes it run and stops it,
// snapshot.cpp reads it.
#ifndef DIFJIT_ENGINE_SESSION_IMPL_HPP
#define DIFJIT_ENGINE_SESSION_IMPL_HPP

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <difjit/jit.hpp>
#include <difjit/session.hpp>

#include "engine/enabling.hpp"
#include "engine/mapping.hpp"
#include "engine/options.hpp"
#include "engine/state.hpp"
#include <difjit/process_host.hpp>

namespace difjit::engine {

/// A program that was enabled, with what became of its DIFOs.
struct LoadedProgram {
    std::string name;
    bool own = false; ///< the error program
    std::vector<Difo> difos;
    std::vector<difjit_difo> views; ///< of `difos`, with native code
    std::vector<std::vector<std::byte>> images;
    std::vector<jit::LoadedCode> code;
    std::deque<Enabling> enablings;
};

/// A probe and the names that it points at.
struct OwnedProbe {
    ProbeInfo info;
    Probe probe;
};

class SessionImpl final : public Session {
  public:
    explicit SessionImpl(const SessionOptions& options);
    ~SessionImpl() override;

    Result<void> set_option(std::string_view name, std::string_view value) override;
    OptionValue option(std::uint32_t dtraceopt) const override { return options_.at(dtraceopt); }
    Probe* create_probe(const ProbeInfo& probe, std::uint32_t nargs) override;
    Result<void> enable(Program program) override;
    Result<void> go(bool fire_begin) override;
    void stop(bool fire_end) override;
    void fire(Probe& probe, const Event& event) override;
    void fire(Probe& probe, const Event& event, Observer& observer) override;
    Probe& begin_probe() override { return probes_[0].probe; }
    Probe& end_probe() override { return probes_[1].probe; }
    Probe& error_probe() override { return probes_[2].probe; }
    void clean() override;
    void alive() override;
    BufferSnapshot snapshot(std::uint32_t cpu) override;
    BufferSnapshot snapshot_aggregations(std::uint32_t cpu) override;
    Status status() const override;
    std::optional<int> exit_status() const override;
    const EcbInfo* ecb(std::uint32_t epid) const override;
    const AggregationInfo* aggregation(std::uint32_t id) const override;
    const std::vector<ProbeInfo>& probes() const override { return probe_infos_; }
    std::uint32_t ncpus() const override { return consumer_.ncpus; }
    Summary summary() const override;
    std::vector<Global> globals() const override;

  private:
    // session.cpp
    Result<void> verify(const Program& program) const;
    Result<void> compile(LoadedProgram& loaded);
    LayoutOptions layout_options() const;
    Result<LoadedProgram> load(Program program);
    static bool matches(const Enabling& enabling, const OwnedProbe& probe);
    void match(Enabling& enabling, OwnedProbe& probe);
    void attach(Probe& probe, Ecb& ecb, Enabling& enabling);
    void publish_ecbs();

    // go.cpp
    Result<void> prepare();
    Result<void> check_destructive() const;
    Result<void> lay_out_all();
    Result<void> settle_sizes();
    Result<void> make_variables();
    Result<void> link_code();
    Result<void> make_all_buffers();
    Result<void> make_buffers(Buffer CpuSlot::* which, OptionId option, std::uint32_t flags,
                              std::uint64_t at_least, std::vector<Mapping>& memory);
    Result<void> make_speculations();
    Result<void> make_scratch();
    template <class Allocate>
    Result<std::uint64_t> fit(OptionId option, std::uint64_t size, Allocate allocate);
    bool allocate_halves(std::uint64_t size, std::uint32_t halves, std::uint64_t buffers,
                         std::vector<Mapping>& out) const;
    void reserve_for_end();
    void seed();
    void match_all();
    void fire_own(Probe& probe);
    bool traced(std::uint32_t cpu) const;
    std::uint64_t now() const;

    // snapshot.cpp
    void take_half(CpuSlot& slot, Buffer& buffer, BufferSnapshot& out);
    void take_whole(CpuSlot& slot, Buffer& buffer, BufferSnapshot& out);
    std::set<std::uint32_t> scalar_globals() const;

    SessionOptions settings_;
    Options options_;
    bool gone_ = false; ///< go() has succeeded
    bool has_error_program_ = false;
    // Of all programs: most bytes that an ECB reserves, and whether there are such actions at all.
    std::uint64_t needed_ = 0;
    bool aggregates_ = false, speculates_ = false;

    std::deque<LoadedProgram> programs_;
    std::deque<OwnedProbe> probes_; ///< BEGIN, END, ERROR first
    std::vector<ProbeInfo> probe_infos_;
    std::uint32_t next_probe_id_ = 1;
    std::uint32_t next_index_ = 0;             ///< of ECB descriptions
    std::vector<Ecb*> ecbs_;                   ///< by EPID - 1
    std::deque<std::vector<Ecb*>> ecb_tables_; ///< what the core looks at
    std::map<std::uint32_t, EcbInfo> ecb_infos_;
    std::map<std::uint32_t, AggregationInfo> aggregation_infos_;

    Consumer consumer_;
    std::vector<CpuSlot> slots_;
    std::vector<Mapping> principal_memory_, aggregation_memory_, speculation_memory_, scratch_;
    Mapping variables_;
    difjit_vstate* vstate_ = nullptr;
    std::vector<std::uint64_t> rand_;
    std::vector<runtime::Speculation> speculations_;
    std::vector<Buffer> speculation_buffers_;
    std::shared_ptr<jit::CodeArena> arena_;
    std::size_t code_bytes_ = 0;
    std::uint64_t compile_ns_ = 0;

    mutable difjit_frame control_frame_{}; ///< for the host, outside of firings
    std::uint64_t last_status_ = 0;
    std::uint64_t taken_errors_ = 0; ///< of buffers that were switched away
    host::Firing own_firing_;        ///< who fires BEGIN and END
    std::string own_name_;
    std::uint64_t own_predcache_ = 0;
};

} // namespace difjit::engine

#endif
