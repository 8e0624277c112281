// SPDX-License-Identifier: BSD-2-Clause
// The rows of a quantize(), lquantize() or llquantize() value, trimmed as DTrace trims them.
//
// Follows dt_print_quantize, dt_print_lquantize and dt_print_llquantize of dt_consume.c: one empty
// row stays on each side of the rows that are not. Pictures and JSON are made from these rows.
// Covered by tests/engine/consumer/cases/*quantize*.
#ifndef DIFJIT_ENGINE_CONSUMER_BUCKETS_HPP
#define DIFJIT_ENGINE_CONSUMER_BUCKETS_HPP

#include <cstdint>
#include <vector>

#include <difjit/error.hpp>

#include "dif/actions.hpp"
#include "engine/consumer/bytes.hpp"

namespace difjit::consumer {

/// What a row's bound means: everything below it, the bucket itself, everything from it on.
enum class Bound : std::uint8_t { below, at, from };

struct Bucket {
    Bound bound = Bound::at;
    std::int64_t value = 0;
    std::int64_t count = 0;
};

/// Is this one of the three functions whose value is rows?
constexpr bool has_buckets(ActionKind kind) {
    return kind == ActionKind::QUANTIZE || kind == ActionKind::LQUANTIZE ||
           kind == ActionKind::LLQUANTIZE;
}

/// All rows, none trimmed. Error: the value's size and its argument don't fit each other.
Result<std::vector<Bucket>> all_buckets(ActionKind kind, Bytes value);

/// The rows that are printed.
Result<std::vector<Bucket>> shown_buckets(ActionKind kind, Bytes value);

/// The sum that dtrace sorts these values by, and the weight at zero that breaks a tie.
struct BucketWeight {
    long double sum = 0;
    std::int64_t zero = 0;
};
BucketWeight bucket_weight(ActionKind kind, Bytes value);

} // namespace difjit::consumer

#endif
