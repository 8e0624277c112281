// SPDX-License-Identifier: BSD-2-Clause
// Aggregations without a format; see aggregate_text.hpp.
#include "engine/consumer/aggregate_text.hpp"

#include <fmt/format.h>

#include "engine/consumer/dump.hpp"
#include "engine/consumer/numbers.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

using Text = Result<std::string>;

/// Columns of a key part by its size.
static int column_width(std::size_t size, bool packed) {
    switch (size) {
    case 1: return 3;
    case 2: return 5;
    case 4: return 8;
    case 8: return 16;
    default: return packed ? 16 : -50;
    }
}

static Text key_text(const Print& print, const RecordInfo& record, Bytes data, bool packed) {
    auto kind = static_cast<ActionKind>(record.kind);
    if (is_stack(kind))
        return stack_text(print, record, data);
    if (is_symbol(kind))
        return fmt::format("  {:<50}", symbol_text(kind, data, print.symbols));
    int width = column_width(data.size(), packed);
    switch (data.size()) {
    case 1: return fmt::format(" {:>{}}", load<std::uint8_t>(data), width);
    case 2: return fmt::format(" {:>{}}", load<std::uint16_t>(data), width);
    case 4: return fmt::format(" {:>{}}", load<std::int32_t>(data), width);
    case 8: return fmt::format(" {:>{}}", load<std::int64_t>(data), width);
    default: return bytes_text(data, width, false, print.settings.rawbytes);
    }
}

AggregateText::Layout AggregateText::layout(const Aggregate& aggregate) const {
    ActionKind kind = aggregate.kind();
    if (print_.settings.agghist && (kind == ActionKind::COUNT || kind == ActionKind::SUM))
        return Layout::histogram;
    if (print_.settings.aggpack && (kind == ActionKind::QUANTIZE || kind == ActionKind::LQUANTIZE))
        return Layout::packed;
    return Layout::plain;
}

std::string AggregateText::header(const Aggregate& aggregate, Layout layout) {
    if (layout == Layout::plain || header_of_ == aggregate.varid)
        return "";
    header_of_ = aggregate.varid;
    int width = 0;
    const auto& records = aggregate.info->records;
    for (std::size_t i = 1; i + 1 < records.size(); i++)
        width += column_width(records[i].size, true) + 1;
    return layout == Layout::histogram ? picture_header(width)
                                       : packed_header(aggregate.kind(), aggregate.packed, width);
}

Text AggregateText::keys(const Aggregate& aggregate, bool packed) {
    std::string out;
    const auto& records = aggregate.info->records;
    for (std::size_t i = 1; i + 1 < records.size(); i++) {
        auto data = slice(aggregate.data, records[i].offset, records[i].size).value_or(Bytes{});
        auto part = key_text(print_, records[i], data, packed);
        if (!part)
            return part;
        out += *part;
    }
    return out;
}

Text AggregateText::value(const Aggregate& aggregate, Layout layout) {
    Bytes value = aggregate.value();
    const PictureStyle& style = print_.settings.picture;
    if (layout == Layout::histogram)
        return " " + bar(load<std::int64_t>(value), aggregate.normal, aggregate.scale, style);
    if (layout == Layout::packed)
        return packed_picture(aggregate.kind(), value, aggregate.packed, style);
    switch (aggregate.kind()) {
    case ActionKind::QUANTIZE:
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: return picture(aggregate.kind(), value, aggregate.normal, style);
    case ActionKind::AVG: return fmt::format(" {:>16}", average(value, aggregate.normal));
    case ActionKind::STDDEV:
        return fmt::format(" {:>16}", standard_deviation(value, aggregate.normal));
    default: return fmt::format(" {:>16}", normalized(load<std::int64_t>(value), aggregate.normal));
    }
}

Text AggregateText::entry(const Aggregate& aggregate) {
    Layout shape = layout(aggregate);
    std::string out = header(aggregate, shape);
    auto key = keys(aggregate, shape != Layout::plain);
    auto shown = value(aggregate, shape);
    if (!key)
        return key;
    if (!shown)
        return shown;
    return out + *key + *shown + (shape == Layout::plain ? "\n" : "");
}

Text AggregateText::row(const Aggregates::Joined& joined) {
    auto out = keys(*joined.key, false);
    if (!out)
        return out;
    for (const Aggregate* aggregate : joined.values) {
        auto shown = value(*aggregate, Layout::plain);
        if (!shown)
            return shown;
        *out += *shown;
    }
    *out += "\n";
    return out;
}

} // namespace difjit::consumer
