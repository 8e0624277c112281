// SPDX-License-Identifier: BSD-2-Clause
// The arithmetic of printed numbers, against values computed by hand.
#include <array>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

#include "engine/consumer/numbers.hpp"

namespace difjit::consumer {

template <std::size_t N>
static Bytes words(const std::array<std::uint64_t, N>& values) {
    return std::as_bytes(std::span(values));
}

static std::uint64_t negative(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

TEST(Numbers, DivisionIsTotal) {
    EXPECT_EQ(divide(-7, 2), -3);
    EXPECT_EQ(divide(7, 0), 7);
    EXPECT_EQ(divide(INT64_MIN, -1), INT64_MIN);
}

TEST(Numbers, NormalizationIsUnsigned) {
    EXPECT_EQ(normalized(-5, 1), -5);
    EXPECT_EQ(normalized(10, 3), 3);
    EXPECT_EQ(normalized(-10, 2), 9223372036854775803);
    EXPECT_EQ(normalized(10, 0), 10);
}

TEST(Numbers, AveragesRoundTowardsZero) {
    std::array<std::uint64_t, 2> value{3, negative(-10)};
    EXPECT_EQ(average(words(value), 1), -3);
    EXPECT_EQ(average(words(value), 2), -1);
    // What printa()'s %@d prints of it: libdtrace divides the sum without its sign.
    EXPECT_EQ(average_unsigned(words(value), 1), (UINT64_MAX - 9) / 3);
    EXPECT_EQ(average(words(std::array<std::uint64_t, 2>{0, 5}), 1), 0);
    EXPECT_EQ(average_unsigned(words(std::array<std::uint64_t, 2>{0, 5}), 1), 0u);
}

TEST(Numbers, StandardDeviationIsThatOfThePopulation) {
    // 2 4 4 4 5 5 7 9: mean 5, squares 232 / 8 - 25 = 4.
    EXPECT_EQ(standard_deviation(words(std::array<std::uint64_t, 4>{8, 40, 232, 0}), 1), 2u);
    EXPECT_EQ(standard_deviation(words(std::array<std::uint64_t, 4>{0, 0, 0, 0}), 1), 0u);
    // The sum of squares has 128 bits: two values ±2^62.
    EXPECT_EQ(standard_deviation(words(std::array<std::uint64_t, 4>{2, 0, 0, 1ull << 61}), 1),
              1ull << 62);
    // Normalized by 2: the squares by 4.
    EXPECT_EQ(standard_deviation(words(std::array<std::uint64_t, 4>{8, 40, 232, 0}), 2), 1u);
}

TEST(Numbers, RootOfTheLargestSquare) {
    std::array<std::uint64_t, 4> value{1, 0, UINT64_MAX, UINT64_MAX};
    EXPECT_EQ(standard_deviation(words(value), 1), UINT64_MAX);
}

TEST(Numbers, DigitsCountAPowerOfTenShort) {
    EXPECT_EQ(digits(0), 4);
    EXPECT_EQ(digits(9999), 4);
    EXPECT_EQ(digits(10000), 4); // "val > cmp" of the reference
    EXPECT_EQ(digits(10001), 5);
    EXPECT_EQ(digits(-1024), 5);
    EXPECT_EQ(digits(INT64_MAX), 19);
    EXPECT_EQ(digits(INT64_MIN), 20);
}

TEST(Numbers, ReadsStopAtTheEnd) {
    std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
    EXPECT_EQ(load<std::uint32_t>(bytes, 1), 0x0302u);
    EXPECT_EQ(load<std::uint32_t>(bytes, 3), 0u);
    EXPECT_EQ(load<std::uint32_t>(bytes, SIZE_MAX), 0u);
    EXPECT_FALSE(slice(bytes, 2, 2));
    EXPECT_FALSE(slice(bytes, SIZE_MAX, 2));
    EXPECT_TRUE(slice(bytes, 3, 0));
    EXPECT_EQ(unsigned_integer(bytes), std::nullopt);
}

} // namespace difjit::consumer
