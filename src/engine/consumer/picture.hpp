// SPDX-License-Identifier: BSD-2-Clause
// Bars of '@', and histograms packed into one line.
//
// Follows dt_print_quantline, dt_print_packed and the functions around them in dt_consume.c: the
// same arithmetic in long double, so that every bar has the reference's length. Covered by
// tests/engine/consumer/cases/{quantize,lquantize,llquantize,agghist,aggpack}*.
#ifndef DIFJIT_ENGINE_CONSUMER_PICTURE_HPP
#define DIFJIT_ENGINE_CONSUMER_PICTURE_HPP

#include <cstdint>
#include <span>
#include <string>

#include "engine/consumer/buckets.hpp"

namespace difjit::consumer {

/// How pictures are drawn.
struct PictureStyle {
    bool zoom = false;       ///< option aggzoom: the largest value fills 95% of a bar
    bool utf8_bars = false;  ///< bars of U+2588 ... instead of '@'
    bool utf8_packed = true; ///< packed histograms of U+2581 ... instead of "_xX"
};

/// What the length of bars is relative to: all values, and which signs they have.
struct Scale {
    long double total = 0;
    bool positives = false, negatives = false;

    void add(std::int64_t value, const PictureStyle& style);
};

/// A bar and the count behind it, as in "|@@@@      12 \n".
std::string bar(std::int64_t count, std::uint64_t normal, const Scale& scale,
                const PictureStyle& style);

/// "value  ------------- Distribution ------------- count", the first column `width` wide.
std::string picture_header(int width = 0);

/// The whole picture of a value, header included.
Result<std::string> picture(ActionKind kind, Bytes value, std::uint64_t normal,
                            const PictureStyle& style);

/// The rows that a packed histogram shows: indices into all_buckets(), kept alike for all keys.
struct PackedRange {
    int first = 0, last = 0;
};
PackedRange packed_range(ActionKind kind, Bytes value);
std::string packed_header(ActionKind kind, PackedRange range, int width);
Result<std::string> packed_picture(ActionKind kind, Bytes value, PackedRange range,
                                   const PictureStyle& style);

} // namespace difjit::consumer

#endif
