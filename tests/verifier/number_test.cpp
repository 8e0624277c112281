// SPDX-License-Identifier: BSD-2-Clause
// Soundness of the abstract number: what holds for every concrete word that it stands for.
//
// Abstract values are made from small sets of corner words and by transfer functions, and each
// result is checked to contain the concrete result of every pair of words.
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "verifier/number.hpp"

namespace difjit::verifier {
namespace {

using Words = std::vector<std::uint64_t>;

struct Sample {
    Number number;
    Words words;
};

std::uint64_t corner(std::mt19937_64& random) {
    static constexpr std::array<std::uint64_t, 18> corners = {
        0,          1,
        2,          3,
        7,          8,
        63,         64,
        0x7f,       0x80,
        0xff,       0x7fffffff,
        0x80000000, 0xffffffff,
        INT64_MAX,  static_cast<std::uint64_t>(INT64_MIN),
        UINT64_MAX, UINT64_MAX - 1};
    switch (random() % 4) {
    case 0: return random();
    case 1: return random() % 70;
    default: return corners[random() % corners.size()] + (random() % 3 == 0 ? random() % 3 : 0);
    }
}

/// A Number that is the join of a few words, so that all of its views are in play.
Sample sample(std::mt19937_64& random) {
    Sample s;
    const unsigned n = 1 + static_cast<unsigned>(random() % 4);
    for (unsigned i = 0; i < n; i++) {
        s.words.push_back(corner(random));
        const Number one = Number::constant(s.words.back());
        s.number = i == 0 ? one : join(s.number, one);
    }
    return s;
}

struct Operation {
    const char* name;
    Number (*abstract)(const Number&, const Number&);
    bool (*defined)(std::uint64_t, std::uint64_t);
    std::uint64_t (*concrete)(std::uint64_t, std::uint64_t);
};

bool always(std::uint64_t, std::uint64_t) {
    return true;
}
bool divisor(std::uint64_t, std::uint64_t b) {
    return b != 0;
}
std::int64_t s(std::uint64_t w) {
    return static_cast<std::int64_t>(w);
}
bool wraps(std::uint64_t a, std::uint64_t b) {
    return s(a) == INT64_MIN && s(b) == -1;
}

const Operation operations[] = {
    {"add", add, always, [](auto a, auto b) { return a + b; }},
    {"subtract", subtract, always, [](auto a, auto b) { return a - b; }},
    {"multiply", multiply, always, [](auto a, auto b) { return a * b; }},
    {"divide_unsigned", divide_unsigned, divisor, [](auto a, auto b) { return a / b; }},
    {"remainder_unsigned", remainder_unsigned, divisor, [](auto a, auto b) { return a % b; }},
    {"divide_signed", divide_signed, divisor,
     [](auto a, auto b) { return wraps(a, b) ? a : static_cast<std::uint64_t>(s(a) / s(b)); }},
    {"remainder_signed", remainder_signed, divisor,
     [](auto a, auto b) { return wraps(a, b) ? 0 : static_cast<std::uint64_t>(s(a) % s(b)); }},
    {"and", bit_and, always, [](auto a, auto b) { return a & b; }},
    {"or", bit_or, always, [](auto a, auto b) { return a | b; }},
    {"xor", bit_xor, always, [](auto a, auto b) { return a ^ b; }},
    {"shift_left", shift_left, always, [](auto a, auto b) { return a << (b & 63); }},
    {"shift_right", shift_right, always, [](auto a, auto b) { return a >> (b & 63); }},
    {"shift_right_signed", shift_right_signed, always,
     [](auto a, auto b) { return static_cast<std::uint64_t>(s(a) >> (b & 63)); }},
};

TEST(Number, EveryOperationContainsEveryConcreteResult) {
    std::mt19937_64 random(1);
    for (const Operation& operation : operations)
        for (int i = 0; i < 20000; i++) {
            const Sample a = sample(random), b = sample(random);
            const Number result = operation.abstract(a.number, b.number);
            for (const auto x : a.words)
                for (const auto y : b.words)
                    if (operation.defined(x, y)) {
                        ASSERT_TRUE(result.contains(operation.concrete(x, y)))
                            << operation.name << " of " << x << " and " << y;
                    }
        }
}

TEST(Number, OperationsOnConstantsAreExact) {
    std::mt19937_64 random(2);
    for (const Operation& operation : operations)
        for (int i = 0; i < 2000; i++) {
            const std::uint64_t a = corner(random), b = corner(random);
            if (!operation.defined(a, b) || operation.abstract == divide_signed ||
                operation.abstract == remainder_signed)
                continue; // those two give up on magnitudes where signs differ
            const Number result = operation.abstract(Number::constant(a), Number::constant(b));
            ASSERT_EQ(result, Number::constant(operation.concrete(a, b)))
                << operation.name << " of " << a << " and " << b;
        }
}

struct Relation {
    const char* name;
    bool (*assume)(Number&, Number&);
    bool (*holds)(std::uint64_t, std::uint64_t);
};

const Relation relations[] = {
    {"equal", assume_equal, [](auto a, auto b) { return a == b; }},
    {"not equal", assume_not_equal, [](auto a, auto b) { return a != b; }},
    {"below", assume_below, [](auto a, auto b) { return a < b; }},
    {"not above", assume_not_above, [](auto a, auto b) { return a <= b; }},
    {"less", assume_less, [](auto a, auto b) { return s(a) < s(b); }},
    {"not greater", assume_not_greater, [](auto a, auto b) { return s(a) <= s(b); }},
};

TEST(Number, AssumingARelationKeepsEveryPairForWhichItHolds) {
    std::mt19937_64 random(3);
    for (const Relation& relation : relations)
        for (int i = 0; i < 20000; i++) {
            const Sample a = sample(random), b = sample(random);
            Number x = a.number, y = b.number;
            const bool possible = relation.assume(x, y);
            for (const auto u : a.words)
                for (const auto v : b.words)
                    if (relation.holds(u, v)) {
                        ASSERT_TRUE(possible) << relation.name << " " << u << " " << v;
                        ASSERT_TRUE(x.contains(u) && y.contains(v))
                            << relation.name << " " << u << " " << v;
                    }
        }
}

TEST(Number, MeetIsWhatIsInBoth) {
    std::mt19937_64 random(4);
    for (int i = 0; i < 20000; i++) {
        const Sample a = sample(random), b = sample(random);
        Number both;
        const bool any = meet(a.number, b.number, both);
        for (const auto w : a.words)
            if (b.number.contains(w)) {
                ASSERT_TRUE(any && both.contains(w)) << w;
            }
    }
}

TEST(Number, ViewsSharpenEachOther) {
    const Number byte = Number::between(0, 255);
    EXPECT_EQ(byte.smin, 0);
    EXPECT_EQ(byte.smax, 255);
    EXPECT_EQ(byte.unknown, 255u);
    // The sign extension that D compilers make of a 32-bit value: sll 32, sra 32.
    const Number word =
        shift_right_signed(shift_left(Number::any(), Number::constant(32)), Number::constant(32));
    EXPECT_EQ(word.smin, INT32_MIN);
    EXPECT_EQ(word.smax, INT32_MAX);
    // Multiples of 8 below 64.
    const Number eighths = bit_and(Number::between(0, 63), Number::constant(~std::uint64_t{7}));
    EXPECT_EQ(eighths.umax, 56u);
    EXPECT_EQ(eighths.trailing_zeros(), 3u);
    // n != 0 on an unsigned range starting at 0.
    Number n = Number::between(0, 9), zero = Number::constant(0);
    ASSERT_TRUE(assume_not_equal(n, zero));
    EXPECT_EQ(n.umin, 1u);
}

TEST(Number, LoadsAreAsWideAsTheyAre) {
    EXPECT_EQ(loaded(1, false).umax, 255u);
    EXPECT_EQ(loaded(2, true).smin, -32768);
    EXPECT_EQ(loaded(4, true).smax, INT32_MAX);
    EXPECT_EQ(loaded(8, false), Number::any());
}

TEST(Number, DifferencesThatWrapAreNoticed) {
    EXPECT_TRUE(difference_overflows(Number::any(), Number::constant(1)));
    EXPECT_FALSE(difference_overflows(loaded(4, true), loaded(4, true)));
}

} // namespace
} // namespace difjit::verifier
