// SPDX-License-Identifier: BSD-2-Clause
// How aggregations compare: by variable, by value, by key.
//
// Follows dt_aggregate_varcmp, _valcmp, _keycmp and _bundlecmp of dt_aggregate.c. Values are
// weighed once before a sort: a histogram's weight is its sum. Covered by
// tests/engine/consumer/cases/{agg-sort,printa-joined}*.
#ifndef DIFJIT_ENGINE_CONSUMER_ORDER_HPP
#define DIFJIT_ENGINE_CONSUMER_ORDER_HPP

#include <cstdint>

#include "engine/consumer/aggregates.hpp"

namespace difjit::consumer {

/// What a value is sorted by: an integer, or a histogram's weight.
struct Weight {
    ActionKind kind = ActionKind::NONE;
    std::int64_t integer = 0;
    BucketWeight buckets;
};
Weight weight(const Aggregate& aggregate);

// Each returns -1, 0 or 1. `keypos` is option aggsortkeypos: the key part that is compared first.
int compare_values(const Weight& left, const Weight& right);
int compare_keys(const Aggregate& left, const Aggregate& right, std::uint64_t keypos);
int compare_variables(const Aggregate& left, const Aggregate& right);

} // namespace difjit::consumer

#endif
