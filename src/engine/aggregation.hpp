// SPDX-License-Identifier: BSD-2-Clause
// The format of aggregation snapshots, and what the aggregating functions keep.
//
// Freestanding; shared by the engine, which fills these, and the consumer, which reads them.
// Follows dtrace_aggregate and the DTRACE_QUANTIZE_*, DTRACE_LQUANTIZE_* and DTRACE_LLQUANTIZE_*
// macros of dtrace.h. Covered by tests/engine/test_aggregation.cpp.
//
// A snapshot (Session::snapshot_aggregations) is a sequence of entries. At each place stands a
// uint32_t: 0 is padding of 4 bytes; anything else is the aggregation id that an entry begins with.
// Entries are 8-byte aligned from the start of the data. One entry is AggregationInfo::size bytes:
//
//     offset 0                            uint32_t aggregation id
//     records[i].offset, i < last         key i: records[i].size bytes, records[i].kind says what
//     records[last].offset                the function's value: records[last].size bytes of
//     uint64_t
//
// Offsets of AggregationInfo::records count from the start of the entry. records[0] is the
// aggregation variable's id (AggregationInfo::varid), the D keys follow; an increment argument has
// no record. Strings in keys are filled up with zeros. A key stands once in the snapshot of a CPU;
// the consumer merges CPUs and successive snapshots, each of which starts empty.
#ifndef DIFJIT_ENGINE_AGGREGATION_HPP
#define DIFJIT_ENGINE_AGGREGATION_HPP

#include <cstddef>
#include <cstdint>

#include "dif/actions.hpp"

namespace difjit::engine {

// count, min, max, sum: one word. min starts at INT64_MAX, max at INT64_MIN.
// avg: [count, sum]. stddev: [count, sum, sum of squares low, high], the squares in 128 bits.

/// quantize(): one word for each bucket; bucket quantize_zero_bucket holds 0.
inline constexpr std::uint32_t quantize_buckets = 127;
inline constexpr std::uint32_t quantize_zero_bucket = 63;

/// The lower bound of a bucket (for negative ones: the bound away from zero is its value too).
constexpr std::int64_t quantize_bucket_value(std::uint32_t bucket) {
    if (bucket < quantize_zero_bucket)
        return -static_cast<std::int64_t>(std::uint64_t{1} << (quantize_zero_bucket - 1 - bucket));
    if (bucket == quantize_zero_bucket)
        return 0;
    return static_cast<std::int64_t>(std::uint64_t{1} << (bucket - quantize_zero_bucket - 1));
}

/// lquantize(): word 0 is the action's argument, word 1 the underflow, then `levels` buckets, then
/// the overflow: levels + 3 words.
struct LquantizeArg {
    std::int32_t base;
    std::uint16_t step;
    std::uint16_t levels;
};
constexpr LquantizeArg lquantize_arg(std::uint64_t arg) {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(arg)),
            static_cast<std::uint16_t>(arg >> 48), static_cast<std::uint16_t>(arg >> 32)};
}

/// llquantize(): word 0 is the action's argument, word 1 the values below factor^low, then the
/// buckets of each magnitude, the last word the values from factor^(high + 1) on.
struct LlquantizeArg {
    std::uint16_t factor;
    std::uint16_t low;
    std::uint16_t high;
    std::uint16_t steps;
};
constexpr LlquantizeArg llquantize_arg(std::uint64_t arg) {
    return {static_cast<std::uint16_t>(arg >> 48), static_cast<std::uint16_t>(arg >> 32),
            static_cast<std::uint16_t>(arg >> 16), static_cast<std::uint16_t>(arg)};
}
/// Is the argument one that dtrace_ecb_aggregation_create accepts?
bool llquantize_valid(const LlquantizeArg& arg);
/// Index of a value's bucket (word index - 1): 0 is the underflow.
std::uint32_t llquantize_bucket(const LlquantizeArg& arg, std::int64_t value);

/// Bytes of a function's value; 0: the kind or its argument is not valid.
std::uint32_t aggregation_value_size(ActionKind kind, std::uint64_t arg);

/// What the first word of a new entry's value holds: min, max and the *quantize() arguments.
std::uint64_t aggregation_initial(ActionKind kind, std::uint64_t arg);

/// Applies a function to its value once. `increment`: 1, or the function's last argument.
void aggregation_apply(ActionKind kind, std::uint64_t* value, std::uint64_t expression,
                       std::uint64_t increment);

/// Adds `from` to `into`, both values of the same function (dt_aggregate_*: merging CPUs).
/// false: the words that hold an argument differ.
bool aggregation_merge(ActionKind kind, std::uint32_t size, std::uint64_t* into,
                       const std::uint64_t* from);

} // namespace difjit::engine

#endif
