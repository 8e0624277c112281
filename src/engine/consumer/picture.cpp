// SPDX-License-Identifier: BSD-2-Clause
// Bars of '@', and histograms packed into one line; see picture.hpp.
#include "engine/consumer/picture.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "engine/aggregation.hpp"
#include "engine/consumer/numbers.hpp"

namespace difjit::consumer {

static constexpr unsigned bar_columns = 40;
static constexpr double zoom_height = 0.95; // DTRACE_AGGZOOM_MAX

static long double magnitude(std::int64_t value) {
    auto wide = static_cast<long double>(value);
    return wide < 0 ? -wide : wide;
}

void Scale::add(std::int64_t value, const PictureStyle& style) {
    positives |= value > 0;
    negatives |= value < 0;
    if (style.zoom)
        total = std::max(total, magnitude(value) * (1 / zoom_height));
    else
        total += magnitude(value);
}

/// One of the block elements, which all take three bytes.
static std::string block(unsigned code) {
    return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
}

/// Bars with eighths of a column.
static std::string bar_utf8(std::int64_t count, std::uint64_t normal, const Scale& scale) {
    long double columns = magnitude(count) * bar_columns / scale.total;
    auto whole = std::min(static_cast<unsigned>(columns), bar_columns);
    auto eighths = static_cast<unsigned>((columns - whole) * 8);
    std::string drawn = "|";
    for (unsigned i = 0; i < whole; i++)
        drawn += block(0x2588);
    unsigned used = whole;
    if (eighths != 0 && used < bar_columns) {
        drawn += block(0x258f - (std::min(eighths, 7u) - 1));
        used++;
    }
    return drawn + fmt::format("{} {:<9}\n", std::string(bar_columns - used, ' '),
                               normalized(count, normal));
}

std::string bar(std::int64_t count, std::uint64_t normal, const Scale& scale,
                const PictureStyle& style) {
    bool both = scale.positives && scale.negatives;
    if (!scale.negatives && scale.positives && style.utf8_bars)
        return bar_utf8(count, normal, scale);
    unsigned columns = both ? bar_columns / 2 : bar_columns;
    unsigned depth = 0;
    if (scale.total > 0)
        depth = static_cast<unsigned>(magnitude(count) * columns / scale.total + 0.5);
    depth = std::min(depth, columns);
    std::string ats(depth, '@'), spaces(columns - depth, ' '), half(columns, ' ');
    std::int64_t shown = normalized(count, normal);
    if (!scale.negatives)
        return fmt::format("|{}{} {:<9}\n", ats, spaces, shown);
    if (!scale.positives)
        return fmt::format("{}{}| {:<9}\n", spaces, ats, shown);
    if (count <= 0)
        return fmt::format("{}{}|{} {:<9}\n", spaces, ats, half, shown);
    return fmt::format("{}|{}{} {:<9}\n", half, ats, spaces, shown);
}

std::string picture_header(int width) {
    return fmt::format("\n{:>{}} {:>41} {:<9}\n", width != 0 ? "key" : "value",
                       width != 0 ? width : 16, "------------- Distribution -------------",
                       "count");
}

static std::string bound_text(const Bucket& row) {
    switch (row.bound) {
    case Bound::below: return fmt::format("< {}", row.value);
    case Bound::from: return fmt::format(">= {}", row.value);
    case Bound::at: break;
    }
    return fmt::format("{}", row.value);
}

Result<std::string> picture(ActionKind kind, Bytes value, std::uint64_t normal,
                            const PictureStyle& style) {
    auto rows = shown_buckets(kind, value);
    if (!rows)
        return std::unexpected(rows.error());
    Scale scale;
    for (const Bucket& row : *rows)
        scale.add(row.count, style);
    std::string drawn = picture_header();
    for (const Bucket& row : *rows)
        drawn += fmt::format("{:>16} ", bound_text(row)) + bar(row.count, normal, scale, style);
    return drawn;
}

PackedRange packed_range(ActionKind kind, Bytes value) {
    int words = static_cast<int>(value.size() / sizeof(std::int64_t));
    if (kind == ActionKind::LQUANTIZE) // always its whole range
        return {1, words - 2};
    int zero = static_cast<int>(engine::quantize_zero_bucket);
    PackedRange range{-1, -1};
    for (int i = 0; i < words; i++) {
        if (load<std::int64_t>(value, static_cast<std::size_t>(i) * 8) == 0)
            continue;
        range.first = range.first < 0 ? i : range.first;
        range.last = i;
    }
    return range.first < 0 ? PackedRange{zero, zero} : range;
}

/// quantize() shows one more bucket on each side.
static PackedRange widened(PackedRange range) {
    if (range.first != 0 && range.first != static_cast<int>(engine::quantize_zero_bucket))
        range.first--;
    if (range.last < static_cast<int>(engine::quantize_buckets) - 1)
        range.last++;
    return range;
}

std::string packed_header(ActionKind kind, PackedRange range, int width) {
    int left = 7, right = 8;
    if (kind == ActionKind::QUANTIZE) {
        range = widened(range);
        left = digits(engine::quantize_bucket_value(static_cast<std::uint32_t>(range.first)));
        right = digits(engine::quantize_bucket_value(static_cast<std::uint32_t>(range.last)));
    } else {
        range.last++;
    }
    auto columns = static_cast<std::size_t>(std::max(0, range.last - range.first + 1));
    return fmt::format("\n{:>{}} {:>{}} .{}. {:<{}} | count\n", width > 0 ? "key" : "", width,
                       "min", left, std::string(columns, '-'), "max", right);
}

static std::int64_t clamp(long double count) {
    constexpr long double limit = 0x1p63L;
    if (count >= limit)
        return INT64_MAX;
    return count < -limit ? INT64_MIN : static_cast<std::int64_t>(count);
}

/// One bucket as one character.
static std::string packed_character(long double count, long double total,
                                    const PictureStyle& style) {
    static constexpr std::string_view ascii = "__xxxxXX", below = "vvvvVV";
    if (count == 0 || total == 0)
        return " ";
    auto step = [&](std::string_view levels) {
        long double height = (count < 0 ? -count : count) * (levels.size() - 1) / total;
        return std::min(static_cast<std::size_t>(height + 0.5), levels.size() - 1);
    };
    if (count < 0)
        return {below[step(below)]};
    if (style.utf8_packed) // as many levels as the ASCII ones
        return block(0x2581 + static_cast<unsigned>(step(ascii)));
    return {ascii[step(ascii)]};
}

Result<std::string> packed_picture(ActionKind kind, Bytes value, PackedRange range,
                                   const PictureStyle& style) {
    auto rows = all_buckets(kind, value);
    if (!rows)
        return std::unexpected(rows.error());
    if (kind == ActionKind::QUANTIZE)
        range = widened(range);
    else
        range = {0, static_cast<int>(rows->size()) - 1};
    Scale scale;
    long double count = 0;
    std::string cells;
    auto shown = std::span(*rows).subspan(static_cast<std::size_t>(range.first),
                                          static_cast<std::size_t>(range.last) + 1 -
                                              static_cast<std::size_t>(range.first));
    for (const Bucket& row : shown) {
        scale.add(row.count, style);
        count += static_cast<long double>(row.count);
    }
    for (const Bucket& row : shown)
        cells += packed_character(static_cast<long double>(row.count), scale.total, style);
    std::int64_t sum = clamp(count);
    std::int64_t low = shown.front().value, high = shown.back().value;
    if (kind == ActionKind::QUANTIZE)
        return fmt::format(" {:>{}} :{}: {:<{}} | {}\n", low, digits(low), cells, high,
                           digits(high), sum);
    return fmt::format("{:>8} :{}: {:<8} | {}\n", bound_text(shown.front()), cells,
                       bound_text(shown.back()), sum);
}

} // namespace difjit::consumer
