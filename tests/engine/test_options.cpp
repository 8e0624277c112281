// SPDX-License-Identifier: BSD-2-Clause
// Options: spelling, defaults, limits.

#include <gtest/gtest.h>

#include "engine/options.hpp"

namespace difjit::engine {
namespace {

TEST(Sizes, AreNumbersWithSuffixes) {
    EXPECT_EQ(parse_size("4096"), 4096u);
    EXPECT_EQ(parse_size("4k"), 4096u);
    EXPECT_EQ(parse_size("2M"), 2u << 20);
    EXPECT_EQ(parse_size("1g"), 1u << 30);
    EXPECT_EQ(parse_size("1T"), std::uint64_t{1} << 40);
    EXPECT_EQ(parse_size("0x10k"), 16u << 10);
    EXPECT_EQ(parse_size("010"), 8u);
    EXPECT_EQ(parse_size("0"), 0u);
    for (const char* bad :
         {"", "k", "4x", "4kk", "-1", "4 k", "09", "0x", "9999999999999999999", "9999999t", "4.5m"})
        EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Rates, AreNanosecondsOrFrequencies) {
    EXPECT_EQ(parse_rate("5"), 5u);
    EXPECT_EQ(parse_rate("5ns"), 5u);
    EXPECT_EQ(parse_rate("5us"), 5'000u);
    EXPECT_EQ(parse_rate("5usec"), 5'000u);
    EXPECT_EQ(parse_rate("5MS"), 5'000'000u);
    EXPECT_EQ(parse_rate("5s"), 5'000'000'000u);
    EXPECT_EQ(parse_rate("2m"), 120'000'000'000u);
    EXPECT_EQ(parse_rate("1hour"), 3600'000'000'000u);
    EXPECT_EQ(parse_rate("1d"), 86400'000'000'000u);
    EXPECT_EQ(parse_rate("101hz"), 9900990u);
    EXPECT_EQ(parse_rate("0hz"), 0u);
    for (const char* bad : {"", "hz", "5x", "5 s", "-5s", "99999999999d", "5hzz"})
        EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(Defaults, AreDtraces) {
    const Options o;
    EXPECT_EQ(o[OptionId::BUFSIZE], 4u << 20);
    EXPECT_EQ(o[OptionId::AGGSIZE], 4u << 20);
    EXPECT_EQ(o[OptionId::STRSIZE], 256u);
    EXPECT_EQ(o[OptionId::BUFPOLICY], bufpolicy_switch);
    EXPECT_EQ(o[OptionId::BUFRESIZE], bufresize_auto);
    EXPECT_EQ(o[OptionId::NSPEC], 1u);
    EXPECT_EQ(o[OptionId::SPECSIZE], 32u << 10);
    EXPECT_EQ(o[OptionId::CLEANRATE], 9900990u);
    EXPECT_EQ(o[OptionId::SWITCHRATE], 1'000'000'000u);
    EXPECT_EQ(o[OptionId::TEMPORAL], 1u);
    EXPECT_FALSE(o.is_set(OptionId::QUIET));
    EXPECT_FALSE(o.is_set(OptionId::DYNVARSIZE));
    EXPECT_EQ(o.at(10000), option_unset);
}

TEST(Setting, FollowsTheKindOfOption) {
    Options o;
    EXPECT_TRUE(o.set("bufsize", "16k", false));
    EXPECT_EQ(o[OptionId::BUFSIZE], 16384u);
    EXPECT_TRUE(o.set("bufpolicy", "ring", false));
    EXPECT_EQ(o[OptionId::BUFPOLICY], bufpolicy_ring);
    EXPECT_TRUE(o.set("bufresize", "manual", false));
    EXPECT_EQ(o[OptionId::BUFRESIZE], bufresize_manual);
    EXPECT_TRUE(o.set("quiet", "", false));
    EXPECT_TRUE(o.is_set(OptionId::QUIET));
    EXPECT_TRUE(o.set("quiet", "off", false));
    EXPECT_FALSE(o.is_set(OptionId::QUIET));
    EXPECT_TRUE(o.set("quiet", "YES", false));
    EXPECT_EQ(o[OptionId::QUIET], 1u);
    EXPECT_TRUE(o.set("nspec", "8", false));
    EXPECT_EQ(o[OptionId::NSPEC], 8u);
    EXPECT_TRUE(o.set("switchrate", "10hz", false));
    EXPECT_EQ(o[OptionId::SWITCHRATE], 100'000'000u);
}

TEST(Setting, EveryOptionOfTheTableHasAName) {
    for (const OptionRow& row : option_rows) {
        Options o;
        const char* value = "1";
        if (row.kind == OptionKind::BUFPOLICY)
            value = "fill";
        if (row.kind == OptionKind::BUFRESIZE)
            value = "manual";
        const auto ok = o.set(row.name, value, false);
        if (row.kind == OptionKind::ZONE) {
            EXPECT_FALSE(ok);
            continue;
        }
        EXPECT_TRUE(ok) << row.name;
        EXPECT_EQ(o[row.id], 1u) << row.name;
    }
}

TEST(Setting, SaysWhatIsWrongAndChangesNothing) {
    Options o;
    const auto message = [&](const char* name, const char* value, bool active = false) {
        const auto ok = o.set(name, value, active);
        return ok ? std::string() : ok.error().message;
    };
    EXPECT_EQ(message("nosuch", "1"), bad_option_name);
    EXPECT_EQ(message("bufsize", "big"), bad_option_value);
    EXPECT_EQ(message("bufpolicy", "Ring"), bad_option_value);
    EXPECT_EQ(message("bufpolicy", ""), bad_option_value);
    EXPECT_EQ(message("strsize", "0"), bad_option_value);
    EXPECT_EQ(message("strsize", "8g"), bad_option_value);
    EXPECT_EQ(message("quiet", "maybe"), bad_option_value);
    EXPECT_EQ(message("bufsize", "1m", true), option_while_active);
    EXPECT_EQ(message("quiet", "yes", true), "");
    EXPECT_EQ(o[OptionId::BUFSIZE], 4u << 20);
    EXPECT_EQ(o[OptionId::STRSIZE], 256u);
}

TEST(Setting, ByNumberAsInAnOptionsDof) {
    Options o;
    EXPECT_TRUE(o.set(static_cast<std::uint32_t>(OptionId::BUFSIZE), 65536));
    EXPECT_EQ(o[OptionId::BUFSIZE], 65536u);
    EXPECT_FALSE(o.set(option_count, 1));
    EXPECT_FALSE(o.set(static_cast<std::uint32_t>(OptionId::BUFSIZE), option_unset));
    EXPECT_FALSE(o.set(static_cast<std::uint32_t>(OptionId::BUFSIZE), ~std::uint64_t{0}));
    EXPECT_TRUE(o.set(static_cast<std::uint32_t>(OptionId::CPU), ~std::uint64_t{0}));
    EXPECT_FALSE(o.set(static_cast<std::uint32_t>(OptionId::BUFPOLICY), 3));
    EXPECT_FALSE(o.set(static_cast<std::uint32_t>(OptionId::STACKFRAMES), 0));
}

} // namespace
} // namespace difjit::engine
