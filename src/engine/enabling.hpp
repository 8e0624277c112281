// SPDX-License-Identifier: BSD-2-Clause
// One ECB description on its way to ECBs on probes: what dtrace_ecb_create makes of it.
//
// The actions and aggregations of a description are laid out once and shared by its ECBs on all
// probes that it matches, as in the reference (dtrace_ecb_create_cache).
#ifndef DIFJIT_ENGINE_ENABLING_HPP
#define DIFJIT_ENGINE_ENABLING_HPP

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/program.hpp>
#include <difjit/session.hpp>

#include "engine/layout.hpp"
#include "engine/state.hpp"

namespace difjit::engine {

class Enabling {
  public:
    /// `difos`: the program's DIFOs as executors see them; they outlive the enabling.
    Enabling(EcbDescription description, std::span<const difjit_difo> difos, std::uint32_t index);

    /// Places the data. Also checks: call it before anything else. Aggregation ids start at
    /// `next_aggregation`, which goes on behind the last one.
    Result<void> lay_out(const LayoutOptions& options, std::uint32_t& next_aggregation);

    /// An ECB on a probe. It is on no list yet.
    Ecb& create(Consumer& consumer, Probe& probe, std::uint32_t epid);

    const EcbDescription& description() const { return description_; }
    const Ecb& prototype() const { return prototype_; }
    std::uint32_t index() const { return index_; }
    bool aggregates() const { return !aggregations_.empty(); }
    bool speculates() const;
    /// An action, or what a DIFO of a DIFEXPR action does, needs the destructive option (point 52).
    bool destructive() const;
    std::size_t ecbs() const { return ecbs_.size(); }

    std::uint32_t cache_id = 0; ///< of its predicate, once it is on a probe alone; 0: none

    /// What consumers read: dtrace_eprobedesc_t and dtrace_aggdesc_t.
    EcbInfo ecb_info(std::uint32_t epid, const ProbeInfo& probe) const;
    std::vector<AggregationInfo> aggregation_infos(std::uint32_t epid) const;

  private:
    RecordInfo record_info(std::uint32_t action, std::uint32_t base) const;

    EcbDescription description_;
    std::uint32_t index_;
    std::vector<std::uint64_t> args_; ///< as described, before layout fills in defaults
    std::vector<Action> actions_;
    std::vector<Aggregation> aggregations_;
    std::vector<KeySegment> segments_;
    Ecb prototype_;
    std::deque<Ecb> ecbs_;
};

/// libdtrace's program on dtrace:::ERROR (dt_handle.c): records arg1 … arg5; its uarg is 1.
Program error_program();
inline constexpr std::uint64_t error_program_uarg = 1; // DT_ECB_ERROR

} // namespace difjit::engine

#endif
