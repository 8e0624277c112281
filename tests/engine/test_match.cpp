// SPDX-License-Identifier: BSD-2-Clause
// Matching of probe descriptions: the reference's rules, and the same answers as its recursion.

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "engine/match.hpp"

namespace difjit::engine {
namespace {

TEST(Glob, ElementsOfPatterns) {
    const struct {
        const char *string, *pattern;
        int result;
    } cases[] = {
        {"read", "read", 1},
        {"read", "rea", 0},
        {"rea", "read", 0},
        {"read", "r*", 1},
        {"read", "*d", 1},
        {"read", "*", 1},
        {"", "*", 1},
        {"", "", 1},
        {"", "?", 0},
        {"read", "r?ad", 1},
        {"read", "????", 1},
        {"read", "?????", 0},
        {"read", "[pqr]ead", 1},
        {"read", "[!pqr]ead", 0},
        {"read", "[a-z]*", 1},
        {"Read", "[a-z]*", 0},
        {"read", "[!A-Z]*", 1},
        {"a-b", "a[x-]b", 1},
        {"read", "[r", 0},
        {"read", "[", 0},
        {"read", "r\\ead", 1},
        {"r*ad", "r\\*ad", 1},
        {"read", "r\\*ad", 0},
        {"read", "read\\", 0},
        {"a]b", "a[\\]]b", 1},
        {"abcabd", "*abd", 1},
        {"aXbXc", "a*b*c", 1},
        {"abc", "a**c", 1},
        {"ab", "a*b*", 1},
        {"ab", "ab*?", 0},
        {"b", "[a-c]", 1},
        {"c", "[a-c]", 1},
        {"d", "[a-c]", 0},
        {"read", "read*", 1},
    };
    for (const auto& c : cases)
        EXPECT_EQ(match_glob(c.string, c.pattern), c.result) << c.string << " ~ " << c.pattern;
}

TEST(Glob, MoreThanEightLevelsOfStarsAreGivenUp) {
    EXPECT_EQ(match_glob("aaaaaaaaaaaa", "*a*a*a*a*a*a*a*a"), 1);
    EXPECT_EQ(match_glob("aaaaaaaaaaaa", "*a*a*a*a*a*a*a*a*a"), -1);
    EXPECT_EQ(match_part("aaaaaaaaaaaa", "*a*a*a*a*a*a*a*a*a"), -1);
}

TEST(Glob, TakesNoExponentialTime) {
    const std::string string(20000, 'a');
    EXPECT_EQ(match_glob(string.c_str(), "*a*a*a*a*a*a*a*b"), 0);
}

/// dtrace_match_glob's recursion over literals, '?' and '*'.
int recursive(const char* s, const char* p, int depth) {
    if (depth > 8)
        return -1;
    for (;; ++s, ++p) {
        if (*p == '\0')
            return *s == '\0' ? 1 : 0;
        if (*p == '*') {
            while (*p == '*')
                ++p;
            if (*p == '\0')
                return 1;
            for (; *s != '\0'; ++s)
                if (const int r = recursive(s, p, depth + 1); r != 0)
                    return r;
            return 0;
        }
        if (*s == '\0' || (*p != '?' && *p != *s))
            return 0;
    }
}

TEST(Glob, AgreesWithTheRecursion) {
    std::mt19937 random(7);
    const auto word = [&](const char* alphabet, int kinds, int most) {
        std::string out(random() % most, ' ');
        for (char& c : out)
            c = alphabet[random() % kinds];
        return out;
    };
    int matched = 0;
    for (int i = 0; i < 200000; ++i) {
        const std::string s = word("ab", 2, 14);
        const std::string p = word("ab?***", 6, 22);
        const int expected = recursive(s.c_str(), p.c_str(), 0);
        matched += expected == 1;
        ASSERT_EQ(match_glob(s.c_str(), p.c_str()), expected) << s << " ~ " << p;
    }
    EXPECT_GT(matched, 1000);
}

TEST(Probes, EmptyPartsMatchEverything) {
    const ProbeNames read{"syscall", "freebsd", "read", "entry"};
    EXPECT_TRUE(match_probe(read, {"", "", "", "entry"}));
    EXPECT_TRUE(match_probe(read, {"syscall", "", "re*", ""}));
    EXPECT_FALSE(match_probe(read, {"syscall", "", "re", ""}));
    EXPECT_FALSE(match_probe(read, {"syscall", "", "", "return"}));
    EXPECT_FALSE(match_probe(read, {"io", "", "", "entry"}));
}

TEST(Probes, AnEmptyDescriptionMeansProbesWithAFunction) {
    EXPECT_TRUE(match_probe({"syscall", "freebsd", "read", "entry"}, {"", "", "", ""}));
    EXPECT_FALSE(match_probe({"dtrace", "", "", "BEGIN"}, {"", "", "", ""}));
}

} // namespace
} // namespace difjit::engine
