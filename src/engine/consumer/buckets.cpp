// SPDX-License-Identifier: BSD-2-Clause
// The rows of a quantize(), lquantize() or llquantize() value; see buckets.hpp.
#include "engine/consumer/buckets.hpp"

#include <cstddef>

#include "engine/aggregation.hpp"

namespace difjit::consumer {

using Rows = std::vector<Bucket>;

static std::unexpected<Error> mismatch(const char* function, Bytes value) {
    return fail(std::string(function) + "() value of " + std::to_string(value.size()) +
                " bytes does not match its argument");
}

static std::int64_t word(Bytes value, std::size_t index) {
    return load<std::int64_t>(value, index * sizeof(std::int64_t));
}

static Result<Rows> quantize_rows(Bytes value) {
    if (value.size() != engine::quantize_buckets * sizeof(std::int64_t))
        return mismatch("quantize", value);
    Rows rows;
    for (std::uint32_t i = 0; i < engine::quantize_buckets; i++)
        rows.push_back({Bound::at, engine::quantize_bucket_value(i), word(value, i)});
    return rows;
}

static Result<Rows> lquantize_rows(Bytes value) {
    auto [base, step, levels] = engine::lquantize_arg(load<std::uint64_t>(value));
    if (value.size() != (std::size_t{levels} + 3) * sizeof(std::int64_t))
        return mismatch("lquantize", value);
    Rows rows{{Bound::below, base, word(value, 1)}};
    for (std::int64_t i = 0; i < levels; i++)
        rows.push_back({Bound::at, base + i * step, word(value, static_cast<std::size_t>(i) + 2)});
    rows.push_back({Bound::from, base + std::int64_t{levels} * step, word(value, levels + 2u)});
    return rows;
}

/// Lower bounds of llquantize()'s buckets from factor^low on, the overflow's too if it is kept.
static Result<std::vector<std::int64_t>> llquantize_bounds(const engine::LlquantizeArg& arg,
                                                           std::size_t buckets, Bytes value) {
    std::int64_t bound = 1, next = 0;
    for (std::uint32_t order = 0; order < arg.low; order++)
        if (__builtin_mul_overflow(bound, std::int64_t{arg.factor}, &bound))
            return mismatch("llquantize", value);
    std::vector<std::int64_t> bounds;
    for (std::uint32_t order = arg.low; order <= arg.high; order++) {
        if (__builtin_mul_overflow(bound, std::int64_t{arg.factor}, &next))
            return mismatch("llquantize", value);
        std::int64_t step = next > arg.steps ? next / arg.steps : 1;
        for (; bound < next; bound += step) {
            bounds.push_back(bound);
            if (bounds.size() > buckets || step > next - bound)
                return mismatch("llquantize", value);
        }
    }
    // Where the magnitude above the last one would overflow, the kernel keeps no overflow bucket.
    if (bounds.size() + 1 == buckets)
        bounds.push_back(bound);
    else if (bounds.size() != buckets)
        return mismatch("llquantize", value);
    return bounds;
}

static Result<Rows> llquantize_rows(Bytes value) {
    auto arg = engine::llquantize_arg(load<std::uint64_t>(value));
    if (value.size() < 4 * sizeof(std::int64_t) || arg.factor < 2 || arg.low >= arg.high ||
        arg.steps == 0 || arg.factor > arg.steps)
        return mismatch("llquantize", value);
    auto bounds = llquantize_bounds(arg, value.size() / sizeof(std::int64_t) - 2, value);
    if (!bounds)
        return std::unexpected(bounds.error());
    Rows rows{{Bound::below, bounds->front(), word(value, 1)}};
    std::int64_t overflow = 1;
    for (std::uint32_t order = 0; order <= arg.high; order++)
        overflow *= arg.factor; // llquantize_bounds() has seen that it fits
    for (std::size_t i = 0; i < bounds->size(); i++)
        rows.push_back(
            {(*bounds)[i] == overflow ? Bound::from : Bound::at, (*bounds)[i], word(value, i + 2)});
    return rows;
}

Result<Rows> all_buckets(ActionKind kind, Bytes value) {
    switch (kind) {
    case ActionKind::QUANTIZE: return quantize_rows(value);
    case ActionKind::LQUANTIZE: return lquantize_rows(value);
    case ActionKind::LLQUANTIZE: return llquantize_rows(value);
    default: return fail("an aggregating function without buckets");
    }
}

/// What is printed where there is nothing: the rows around 0, or the first ones.
static void keep_empty(ActionKind kind, Rows& rows) {
    std::size_t first = kind == ActionKind::QUANTIZE ? engine::quantize_zero_bucket - 1 : 0;
    std::size_t count = kind == ActionKind::LLQUANTIZE ? 2 : 3;
    rows = Rows(rows.begin() + static_cast<std::ptrdiff_t>(first),
                rows.begin() + static_cast<std::ptrdiff_t>(std::min(first + count, rows.size())));
}

Result<Rows> shown_buckets(ActionKind kind, Bytes value) {
    auto rows = all_buckets(kind, value);
    if (!rows)
        return rows;
    // quantize() never looks at its last bucket: a value that is only there prints as nothing.
    std::size_t limit = rows->size() - (kind == ActionKind::QUANTIZE ? 1 : 0);
    std::size_t first = 0, last = rows->size() - 1;
    while (first < limit && (*rows)[first].count == 0)
        first++;
    if (first == limit) {
        keep_empty(kind, *rows);
        return rows;
    }
    while (last > 0 && (*rows)[last].count == 0)
        last--;
    first -= first > 0 ? 1 : 0;
    last += last + 1 < rows->size() ? 1 : 0;
    return Rows(rows->begin() + static_cast<std::ptrdiff_t>(first),
                rows->begin() + static_cast<std::ptrdiff_t>(last) + 1);
}

BucketWeight bucket_weight(ActionKind kind, Bytes value) {
    BucketWeight weight;
    auto rows = all_buckets(kind, value);
    if (!rows)
        return weight;
    for (const Bucket& row : *rows) {
        std::int64_t at = row.value;
        // What is below a range counts as one less than its bound; lquantize()'s overflow as one
        // more than its last bucket's base plus step, which the reference has in `base` by then.
        if (row.bound == Bound::below)
            at -= 1;
        else if (row.bound == Bound::from && kind == ActionKind::LQUANTIZE)
            at += 1;
        weight.sum += static_cast<long double>(row.count) * static_cast<long double>(at);
        if (at == 0 && kind != ActionKind::LLQUANTIZE)
            weight.zero = row.count;
    }
    if (kind == ActionKind::LLQUANTIZE)
        weight.zero = word(value, 1);
    return weight;
}

} // namespace difjit::consumer
