// SPDX-License-Identifier: BSD-2-Clause
// Option values are read as dt_options.c reads them.
#include <gtest/gtest.h>

#include "dif/option_text.hpp"

namespace difjit::text {
namespace {

std::optional<std::uint64_t> parse(const char* name, const char* value) {
    const OptionRow* row = find_option(name);
    EXPECT_NE(row, nullptr) << name;
    return row != nullptr ? parse_option(*row, value) : std::nullopt;
}

TEST(Option, Sizes) {
    EXPECT_EQ(parse("bufsize", "512"), 512U);
    EXPECT_EQ(parse("bufsize", "4k"), 4096U);
    EXPECT_EQ(parse("bufsize", "4M"), 4U << 20);
    EXPECT_EQ(parse("bufsize", "1g"), 1U << 30);
    EXPECT_EQ(parse("bufsize", "1t"), std::uint64_t{1} << 40);
    EXPECT_EQ(parse("strsize", "0x40"), 64U);
    EXPECT_EQ(parse("bufsize", "0x10k"), 16384U);
    EXPECT_EQ(parse("bufsize", "4mb"), std::nullopt);
    EXPECT_EQ(parse("bufsize", "x"), std::nullopt);
    EXPECT_EQ(parse("bufsize", ""), std::nullopt);
    EXPECT_EQ(parse("bufsize", "9223372036854775807"), INT64_MAX);
    EXPECT_EQ(parse("bufsize", "9223372036854775808"), std::nullopt);
    EXPECT_EQ(parse("bufsize", "9999999999t"), std::nullopt);
    EXPECT_EQ(parse("bufsize", "99999999999999999999"), std::nullopt);
}

TEST(Option, Rates) {
    EXPECT_EQ(parse("switchrate", "10ms"), 10000000U);
    EXPECT_EQ(parse("switchrate", "101hz"), 1000000000U / 101);
    EXPECT_EQ(parse("switchrate", "1"), 1U);
    EXPECT_EQ(parse("switchrate", "2sec"), 2000000000U);
    EXPECT_EQ(parse("switchrate", "1min"), 60000000000U);
    EXPECT_EQ(parse("switchrate", "1D"), 86400000000000U);
    EXPECT_EQ(parse("switchrate", "0hz"), 0U);
    EXPECT_EQ(parse("switchrate", "10 ms"), std::nullopt);
    EXPECT_EQ(parse("switchrate", "ms"), std::nullopt);
    EXPECT_EQ(parse("switchrate", "9223372036854775807d"), std::nullopt);
}

TEST(Option, FlagsAndPolicies) {
    EXPECT_EQ(parse("quiet", "yes"), 1U);
    EXPECT_EQ(parse("quiet", "ON"), 1U);
    EXPECT_EQ(parse("quiet", "off"), option_unset);
    EXPECT_EQ(parse("quiet", "unset"), option_unset);
    EXPECT_EQ(parse("quiet", "3"), 3U);
    EXPECT_EQ(parse("quiet", "-2"), option_unset);
    EXPECT_EQ(parse("quiet", "maybe"), std::nullopt);
    EXPECT_EQ(parse("bufpolicy", "ring"), 0U);
    EXPECT_EQ(parse("bufpolicy", "fill"), 1U);
    EXPECT_EQ(parse("bufpolicy", "switch"), 2U);
    EXPECT_EQ(parse("bufpolicy", "drop"), std::nullopt);
    EXPECT_EQ(parse("bufresize", "manual"), 1U);
    EXPECT_EQ(parse("nspec", "4"), 4U);
}

TEST(Option, LibraryActionsHaveNames) {
    for (const LibAction action : {LibAction::CLEAR, LibAction::TRUNC, LibAction::SETOPT}) {
        ASSERT_NE(library_action_name(action), nullptr);
        EXPECT_EQ(find_library_action(library_action_name(action)), action);
    }
    EXPECT_EQ(library_action_name(LibAction::INVALID), nullptr);
    EXPECT_EQ(find_library_action("printf"), LibAction::INVALID);
}

} // namespace
} // namespace difjit::text
