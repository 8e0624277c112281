// SPDX-License-Identifier: BSD-2-Clause
// Parsing of format strings: every conversion, every flag, every error.
#include <gtest/gtest.h>

#include "engine/consumer/format.hpp"

namespace difjit::consumer {

static Conversion only(std::string_view format) {
    auto parsed = parse_format(format);
    EXPECT_TRUE(parsed) << format;
    EXPECT_EQ(parsed->size(), 1u) << format;
    return parsed->front();
}

static std::string error(std::string_view format) {
    auto parsed = parse_format(format);
    return parsed ? "" : parsed.error().message;
}

TEST(Format, EveryConversionHasItsStyle) {
    struct {
        std::string_view names;
        Style style;
    } rows[] = {
        {"d i hd hi ld li lld lli", Style::signed_number},
        {"o u x X p ho hu hx hX lo lu lx lX llo llu llx llX", Style::number},
        {"e E f g G Le LE Lf Lg LG", Style::floating},
        {"c", Style::character},
        {"C", Style::escaped_char},
        {"lc wc", Style::wide_char},
        {"s", Style::string},
        {"S", Style::escaped_string},
        {"ls ws", Style::wide_string},
        {"a", Style::kernel_address},
        {"A", Style::user_address},
        {"k", Style::stack},
        {"I", Style::inet_address},
        {"P", Style::port},
        {"Y", Style::time},
        {"T", Style::time822},
        {"%", Style::percent},
    };
    for (const auto& row : rows)
        for (std::size_t at = 0; at < row.names.size();) {
            std::size_t end = std::min(row.names.find(' ', at), row.names.size());
            std::string name = "%" + std::string(row.names.substr(at, end - at));
            EXPECT_EQ(only(name).style, row.style) << name;
            at = end + 1;
        }
}

TEST(Format, FlagsWidthAndPrecision) {
    Conversion c = only("%#+ -12.34lld");
    EXPECT_TRUE(c.alternate && c.plus && c.space && c.left);
    EXPECT_FALSE(c.zero_pad);
    EXPECT_EQ(c.width, 12);
    EXPECT_EQ(c.precision, 34);
    EXPECT_EQ(c.letter, 'd');
}

TEST(Format, ZeroAndMinusCancelEachOther) {
    EXPECT_TRUE(only("%-05d").zero_pad);
    EXPECT_FALSE(only("%-05d").left);
    EXPECT_TRUE(only("%0-5d").left);
    EXPECT_FALSE(only("%0-5d").zero_pad);
}

TEST(Format, StarsAndAggregations) {
    EXPECT_TRUE(only("%*d").dynamic_width);
    EXPECT_TRUE(only("%.*d").dynamic_precision);
    EXPECT_TRUE(only("%@8d").aggregation);
    EXPECT_EQ(only("%@8d").width, 8);
    EXPECT_EQ(only("%?p").width, 16);
    EXPECT_TRUE(only("%hx").is_short);
    EXPECT_FALSE(only("%x").is_short);
}

TEST(Format, TextAroundConversions) {
    auto parsed = parse_format("a%db%%c%sd");
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->size(), 4u);
    EXPECT_EQ((*parsed)[0].prefix, "a");
    EXPECT_EQ((*parsed)[1].prefix, "b");
    EXPECT_EQ((*parsed)[1].style, Style::percent);
    EXPECT_EQ((*parsed)[2].prefix, "c");
    EXPECT_EQ((*parsed)[3].prefix, "d");
    EXPECT_EQ((*parsed)[3].style, Style::none);
    EXPECT_EQ(only("").style, Style::none);
    EXPECT_EQ(only("text").prefix, "text");
}

TEST(Format, HugeNumbersAreCut) {
    EXPECT_EQ(only("%99999999999999999999d").width, field_limit);
    EXPECT_EQ(only("%.99999999999999999999d").precision, field_limit);
}

TEST(Format, Errors) {
    EXPECT_EQ(error("%"), "format conversion #1 name expected before end of format string");
    EXPECT_EQ(error("%d%5"), "format conversion #2 name expected before end of format string");
    EXPECT_EQ(error("%y"), "format conversion #1 is undefined: %y");
    EXPECT_EQ(error("%lld%lllld"), "format conversion #2 is undefined: %lllld");
    EXPECT_EQ(error("%1$d"), "format conversion #1 uses unsupported positional format (%n$)");
    EXPECT_EQ(error("%5%"), "format conversion #1 cannot be combined with other format flags: %%");
    EXPECT_EQ(error("%**d"),
              "format conversion #1 has more than one '*' specified for the output width");
    EXPECT_EQ(error("%.**d"),
              "format conversion #1 has more than one '*' specified for the output precision");
    EXPECT_EQ(error("%1.2.3d"), "format conversion #1 has more than one '.' specified");
}

} // namespace difjit::consumer
