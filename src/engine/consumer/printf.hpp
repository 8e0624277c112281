// SPDX-License-Identifier: BSD-2-Clause
// A whole format applied to records: printf(), system(), freopen(), and printa() for one key.
//
// Follows dt_printf_format of dt_printf.c. Covered by tests/engine/consumer/cases/{printf,printa}*.
#ifndef DIFJIT_ENGINE_CONSUMER_PRINTF_HPP
#define DIFJIT_ENGINE_CONSUMER_PRINTF_HPP

#include <span>
#include <string>

#include "engine/consumer/convert.hpp"

namespace difjit::consumer {

/// Records with the bytes that their offsets count in.
struct Arguments {
    std::span<const RecordInfo> records;
    Bytes data;
};

/// One aggregation's value for the '@' conversions: its last record.
struct ValueView {
    const AggregationInfo* info = nullptr;
    Bytes data; ///< of the whole entry
    std::uint64_t normal = 1;

    [[nodiscard]] const RecordInfo& record() const { return info->records.back(); }
    [[nodiscard]] Bytes value() const {
        return slice(data, record().offset, record().size).value_or(Bytes{});
    }
};

struct Printed {
    std::string text;
    std::size_t used = 0; ///< how many records the format took
};

/// `values` is empty for printf(); for printa() the '@' conversions take them in order, and again
/// the last one when they are used up.
Result<Printed> print_format(const Print& print, const Format& format, Arguments arguments,
                             std::span<const ValueView> values = {});

} // namespace difjit::consumer

#endif
