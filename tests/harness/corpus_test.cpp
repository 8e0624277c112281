// SPDX-License-Identifier: BSD-2-Clause
// Every corpus program in both engines (and unoptimised) against the reference's answers, line by
// line, byte by byte.
#include "harness/corpus.hpp"

#include <gtest/gtest.h>

#include "harness/compare.hpp"
#include "harness/replay.hpp"

namespace difjit::tests {
namespace {

struct Mode {
    const char* name;
    harness::ReplayOptions options;
};
constexpr Mode modes[] = {
    {"interp", {Engine::interp, true}},
    {"jit", {Engine::jit, true}},
    {"jit_unoptimised", {Engine::jit, false}},
};

class Corpus : public testing::TestWithParam<std::tuple<std::string, Mode>> {};

TEST_P(Corpus, AnswersAsTheReference) {
    const auto& [name, mode] = GetParam();
    std::string expected = slurp(corpus_path("expected/" + name + ".jsonl"));
    auto answers = harness::replay_text(corpus_program(name), corpus_firings(name), mode.options);
    ASSERT_TRUE(answers) << answers.error().message;
    auto difference = harness::compare_lines(expected, *answers, "reference", mode.name);
    EXPECT_EQ(difference.different, 0U) << difference.first;
    EXPECT_GT(difference.lines, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, Corpus,
                         testing::Combine(testing::ValuesIn(corpus_names("expected", ".jsonl")),
                                          testing::ValuesIn(modes)),
                         [](const auto& test) {
                             return test_name(std::get<0>(test.param)) + "_" +
                                    std::get<1>(test.param).name;
                         });

/// Also the programs whose answers are no one else's: the engines must agree, on output too.
class Engines : public testing::TestWithParam<std::string> {};

TEST_P(Engines, Agree) {
    auto comparison =
        harness::compare_engines({corpus_program(GetParam())}, corpus_firings(GetParam()));
    ASSERT_TRUE(comparison) << comparison.error().message;
    EXPECT_EQ(comparison->divergences, 0U) << comparison->first;
    EXPECT_GT(comparison->lines, 0U);
    EXPECT_EQ(comparison->report.summary.compiled, comparison->report.summary.difos);
}

INSTANTIATE_TEST_SUITE_P(All, Engines, testing::ValuesIn(corpus_names("firings", ".jsonl")),
                         [](const auto& test) { return test_name(test.param); });

} // namespace
} // namespace difjit::tests
