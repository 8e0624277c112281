// SPDX-License-Identifier: BSD-2-Clause
// How aggregations compare; see order.hpp.
#include "engine/consumer/order.hpp"

#include "engine/consumer/numbers.hpp"

namespace difjit::consumer {

template <class T>
static int compare(const T& left, const T& right) {
    return left < right ? -1 : right < left ? 1 : 0;
}

Weight weight(const Aggregate& aggregate) {
    Weight result;
    result.kind = aggregate.kind();
    Bytes value = aggregate.value();
    switch (result.kind) {
    case ActionKind::AVG: result.integer = average(value, 1); break;
    case ActionKind::STDDEV:
        // Compared as unsigned: a root of 128 bits fits 64, so a bias keeps the order.
        result.integer = static_cast<std::int64_t>(standard_deviation(value, 1) ^ 1ull << 63);
        break;
    case ActionKind::QUANTIZE:
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: result.buckets = bucket_weight(result.kind, value); break;
    default: result.integer = load<std::int64_t>(value); break;
    }
    return result;
}

int compare_values(const Weight& left, const Weight& right) {
    if (left.kind != right.kind) // one variable has one function: only where somebody lies
        return compare(left.kind, right.kind);
    if (!has_buckets(left.kind))
        return compare(left.integer, right.integer);
    int by_sum = compare(left.buckets.sum, right.buckets.sum);
    return by_sum != 0 ? by_sum : compare(left.buckets.zero, right.buckets.zero);
}

/// One part of the key: integers by value, the rest byte by byte.
static int compare_part(const RecordInfo& record, Bytes left, Bytes right) {
    auto left_number = unsigned_integer(left), right_number = unsigned_integer(right);
    if (left_number && right_number)
        return compare(*left_number, *right_number);
    auto kind = static_cast<ActionKind>(record.kind);
    if (kind == ActionKind::USYM || kind == ActionKind::UMOD || kind == ActionKind::UADDR) {
        int by_pid = compare(load<std::uint64_t>(left), load<std::uint64_t>(right));
        return by_pid != 0 ? by_pid
                           : compare(load<std::uint64_t>(left, 8), load<std::uint64_t>(right, 8));
    }
    return left.empty() ? 0 : compare(std::memcmp(left.data(), right.data(), left.size()), 0);
}

int compare_keys(const Aggregate& left, const Aggregate& right, std::uint64_t keypos) {
    const auto &left_records = left.info->records, &right_records = right.info->records;
    if (left_records.size() != right_records.size())
        return compare(left_records.size(), right_records.size());
    // Record 0 is the variable's id, the last one the value.
    std::size_t end = left_records.size() - 1;
    if (keypos >= end || keypos + 1 >= end)
        keypos = 0;
    for (std::size_t i = 1; i < end; i++) {
        std::size_t index = i + keypos < end ? i + keypos : i + keypos - end + 1;
        const RecordInfo &l = left_records[index], &r = right_records[index];
        if (l.size != r.size)
            return compare(l.size, r.size);
        int by_part = compare_part(l, slice(left.data, l.offset, l.size).value_or(Bytes{}),
                                   slice(right.data, r.offset, r.size).value_or(Bytes{}));
        if (by_part != 0)
            return by_part;
    }
    return 0;
}

int compare_variables(const Aggregate& left, const Aggregate& right) {
    return compare(left.varid, right.varid);
}

} // namespace difjit::consumer
