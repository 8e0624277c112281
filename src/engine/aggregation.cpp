// SPDX-License-Identifier: BSD-2-Clause
// The aggregating functions: dtrace_aggregate_min and its siblings, and how results are merged.
//
// Where the reference's arithmetic overflows into memory that is not the value's (lquantize with a
// difference past 32 bits, llquantize past 64), ours is exact: an overflow goes to the last bucket.

#include "engine/aggregation.hpp"

namespace difjit::engine {
namespace {

using Wide = unsigned __int128;

std::uint32_t log2_floor(std::uint64_t value) {
    return 63 - static_cast<std::uint32_t>(__builtin_clzll(value));
}

std::uint32_t quantize_bucket(std::int64_t value) {
    if (value == 0)
        return quantize_zero_bucket;
    if (value > 0)
        return quantize_zero_bucket + 1 + log2_floor(static_cast<std::uint64_t>(value));
    const std::uint32_t magnitude = log2_floor(0 - static_cast<std::uint64_t>(value));
    return magnitude >= quantize_zero_bucket ? 0 : quantize_zero_bucket - 1 - magnitude;
}

/// Index of the counted word behind the argument: 0 underflow, levels + 1 overflow.
std::uint32_t lquantize_bucket(const LquantizeArg& arg, std::int32_t value) {
    if (value < arg.base)
        return 0;
    const std::int64_t level = (std::int64_t{value} - arg.base) / arg.step;
    return level < arg.levels ? static_cast<std::uint32_t>(level) + 1 : arg.levels + 1u;
}

/// value * factor, or the greatest number.
std::int64_t scale(std::int64_t value, std::uint16_t factor) {
    std::int64_t result;
    return __builtin_mul_overflow(value, factor, &result) ? INT64_MAX : result;
}

void add_square(std::uint64_t* sum, std::uint64_t value) {
    const auto signed_value = static_cast<std::int64_t>(value);
    const std::uint64_t magnitude = signed_value < 0 ? 0 - value : value;
    const Wide total = ((Wide{sum[1]} << 64) | sum[0]) + Wide{magnitude} * Wide{magnitude};
    sum[0] = static_cast<std::uint64_t>(total);
    sum[1] = static_cast<std::uint64_t>(total >> 64);
}

} // namespace

bool llquantize_valid(const LlquantizeArg& arg) {
    if (arg.factor < 2 || arg.low >= arg.high || arg.steps < arg.factor)
        return false;
    std::uint64_t power = arg.factor; // the steps must divide a power of the factor evenly
    while (power < arg.steps)
        power *= arg.factor;
    return power % arg.steps == 0 && arg.steps % arg.factor == 0;
}

std::uint32_t llquantize_bucket(const LlquantizeArg& arg, std::int64_t value) {
    std::int64_t limit = 1;
    std::uint32_t order = 0;
    for (; order < arg.low && limit != INT64_MAX; ++order)
        limit = scale(limit, arg.factor);
    std::int64_t last = limit;
    if (value < last)
        return 0;

    std::uint32_t base = 1;
    limit = scale(limit, arg.factor);
    for (order = arg.low; order <= arg.high; ++order) {
        const std::uint32_t buckets =
            limit > arg.steps ? arg.steps : static_cast<std::uint32_t>(limit);
        const std::int64_t next = scale(limit, arg.factor);
        if (next == INT64_MAX)
            value = limit - 1; // as the reference: the last magnitude has but its last bucket
        if (value < limit)
            return base + static_cast<std::uint32_t>((value - last) / (limit / buckets));
        base += buckets - buckets / arg.factor;
        last = limit;
        limit = next;
    }
    return base;
}

std::uint32_t aggregation_value_size(ActionKind kind, std::uint64_t arg) {
    switch (kind) {
    case ActionKind::COUNT:
    case ActionKind::MIN:
    case ActionKind::MAX:
    case ActionKind::SUM: return 8;
    case ActionKind::AVG: return 16;
    case ActionKind::STDDEV: return 32;
    case ActionKind::QUANTIZE: return quantize_buckets * 8;
    case ActionKind::LQUANTIZE: {
        const LquantizeArg a = lquantize_arg(arg);
        return a.step == 0 || a.levels == 0 ? 0 : (a.levels + 3u) * 8;
    }
    case ActionKind::LLQUANTIZE: {
        const LlquantizeArg a = llquantize_arg(arg);
        return llquantize_valid(a) ? (llquantize_bucket(a, INT64_MAX) + 2) * 8 : 0;
    }
    default: return 0;
    }
}

std::uint64_t aggregation_initial(ActionKind kind, std::uint64_t arg) {
    switch (kind) {
    case ActionKind::MIN: return INT64_MAX;
    case ActionKind::MAX: return static_cast<std::uint64_t>(INT64_MIN);
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: return arg;
    default: return 0;
    }
}

void aggregation_apply(ActionKind kind, std::uint64_t* value, std::uint64_t expression,
                       std::uint64_t increment) {
    const auto number = static_cast<std::int64_t>(expression);
    switch (kind) {
    case ActionKind::COUNT: ++value[0]; break;
    case ActionKind::SUM: value[0] += expression; break;
    case ActionKind::MIN:
        if (number < static_cast<std::int64_t>(value[0]))
            value[0] = expression;
        break;
    case ActionKind::MAX:
        if (number > static_cast<std::int64_t>(value[0]))
            value[0] = expression;
        break;
    case ActionKind::AVG:
        ++value[0];
        value[1] += expression;
        break;
    case ActionKind::STDDEV:
        ++value[0];
        value[1] += expression;
        add_square(value + 2, expression);
        break;
    case ActionKind::QUANTIZE: value[quantize_bucket(number)] += increment; break;
    case ActionKind::LQUANTIZE:
        value[1 + lquantize_bucket(lquantize_arg(value[0]),
                                   static_cast<std::int32_t>(
                                       static_cast<std::uint32_t>(expression)))] += increment;
        break;
    case ActionKind::LLQUANTIZE:
        value[1 + llquantize_bucket(llquantize_arg(value[0]), number)] += increment;
        break;
    default: break;
    }
}

bool aggregation_merge(ActionKind kind, std::uint32_t size, std::uint64_t* into,
                       const std::uint64_t* from) {
    std::uint32_t first = 0;
    switch (kind) {
    case ActionKind::MIN:
    case ActionKind::MAX: aggregation_apply(kind, into, from[0], 1); return true;
    case ActionKind::STDDEV: {
        into[0] += from[0];
        into[1] += from[1];
        const Wide sum = ((Wide{into[3]} << 64) | into[2]) + ((Wide{from[3]} << 64) | from[2]);
        into[2] = static_cast<std::uint64_t>(sum);
        into[3] = static_cast<std::uint64_t>(sum >> 64);
        return true;
    }
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE:
        if (into[0] != from[0])
            return false;
        first = 1;
        break;
    default: break;
    }
    for (std::uint32_t i = first; i < size / 8; ++i)
        into[i] += from[i];
    return true;
}

} // namespace difjit::engine
