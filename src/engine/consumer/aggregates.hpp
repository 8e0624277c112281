// SPDX-License-Identifier: BSD-2-Clause
// All aggregations of a session, merged over CPUs and snapshots, and the orders they are walked in.
//
// Follows dt_aggregate.c: dt_aggregate_snap_cpu, the comparison functions behind
// dtrace_aggregate_walk_*, dtrace_aggregate_walk_joined, and the walkers of trunc(), clear() and
// normalize() in dt_consume.c. Covered by tests/engine/consumer/cases/{agg,printa,trunc}*.
#ifndef DIFJIT_ENGINE_CONSUMER_AGGREGATES_HPP
#define DIFJIT_ENGINE_CONSUMER_AGGREGATES_HPP

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include <difjit/session.hpp>

#include "dif/actions.hpp"
#include "engine/consumer/buckets.hpp"
#include "engine/consumer/printf.hpp"
#include "engine/consumer/settings.hpp"
#include "engine/consumer/symbols.hpp"

namespace difjit::consumer {

/// One key of one aggregation: dt_ahashent_t.
struct Aggregate {
    const AggregationInfo* info = nullptr;
    std::uint32_t varid = 0;
    std::vector<std::byte> data; ///< AggregationInfo::size bytes
    std::uint64_t normal = 1;

    // What agghist and aggpack need to know about all keys of the variable; set by a walk.
    Scale scale;
    PackedRange packed;

    [[nodiscard]] ActionKind kind() const {
        return static_cast<ActionKind>(info->records.back().kind);
    }
    [[nodiscard]] ValueView view() const { return {info, data, normal}; }
    [[nodiscard]] Bytes value() const { return view().value(); }
};

class Aggregates {
  public:
    /// Adds what one CPU has gathered. Error: the snapshot is not as its descriptions say; what
    /// came before is kept.
    Result<void> merge(const Session& session, Bytes snapshot, const Symbols& symbols);

    /// In the order that options ask for: by variable, then value, then key.
    std::vector<Aggregate*> sorted(const Settings& settings);

    /// Several variables side by side: for each key the entries of `varids`, in that order. Where a
    /// variable does not have the key, its entry is a zero of the right kind.
    struct Joined {
        const Aggregate* key = nullptr;
        std::vector<const Aggregate*> values;
    };
    std::vector<Joined> joined(const Session& session, const std::vector<std::uint32_t>& varids,
                               const Settings& settings);

    void clear(std::uint32_t varid);
    void normalize(std::uint32_t varid, std::uint64_t normal);
    /// Keeps the `count` greatest entries, or the -count smallest.
    void truncate(std::uint32_t varid, std::int64_t count);

    /// Printed by printa(): not printed again at the end.
    void mark_printed(const AggregationInfo* info) { printed_[info] = true; }
    [[nodiscard]] bool printed(const AggregationInfo* info) const {
        return printed_.contains(info);
    }
    [[nodiscard]] bool empty() const { return entries_.empty(); }

  private:
    Result<void> add(const AggregationInfo& info, Bytes entry, const Symbols& symbols);
    const Aggregate* zero(const Session& session, std::uint32_t varid);

    std::list<Aggregate> entries_; ///< newest first, as libdtrace's list of all entries
    std::unordered_map<std::string, std::list<Aggregate>::iterator> index_; ///< by key
    std::list<Aggregate> zeros_; ///< what joined() made up; lives until its next call
    std::unordered_map<std::string, std::uint64_t> modules_; ///< mod(): one address for each
    std::unordered_map<const AggregationInfo*, bool> printed_;
};

} // namespace difjit::consumer

#endif
