// SPDX-License-Identifier: BSD-2-Clause
// The corpus runner itself: a wrong answer, however small, must be found. If one of these fails,
// green corpus tests mean nothing.
#include <filesystem>

#include <gtest/gtest.h>

#include "harness/compare.hpp"
#include "harness/corpus.hpp"
#include "harness/difo_runner.hpp"
#include "harness/replay.hpp"
#include "tools/process.hpp"

namespace difjit::tests {
namespace {

using nlohmann::json;

/// How many lines of a program's answers differ from altered expectations.
std::size_t differing(const std::string& name, const std::string& expected) {
    auto answers = harness::replay_text(corpus_program(name), corpus_firings(name), {});
    if (!answers)
        return 0;
    return harness::compare_lines(expected, *answers, "reference", "here").different;
}

std::string altered(std::string text, const std::string& from, const std::string& to) {
    std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Runner, FindsAWrongAnswer) {
    std::string good = slurp(corpus_path("expected/globals.jsonl"));
    ASSERT_EQ(differing("globals", good), 0U);
    EXPECT_EQ(differing("globals", altered(good, "\"value\":\"0x", "\"value\":\"0x1")), 1U);
    EXPECT_EQ(differing("globals", altered(good, "\"record\":\"", "\"record\":\"00")), 1U);
    EXPECT_EQ(differing("globals", altered(good, "{\"globals\":{\"1280\":\"0x",
                                           "{\"globals\":{\"1280\":\"0x1")),
              1U);
    EXPECT_EQ(differing("globals", altered(good, "\"dynvar_drops\":0", "\"dynvar_drops\":1")), 1U);
}

TEST(Runner, FindsAWrongFault) {
    std::string good = slurp(corpus_path("expected/bad-load.jsonl"));
    ASSERT_EQ(differing("bad-load", good), 0U);
    EXPECT_EQ(differing("bad-load", altered(good, "\"pc\":1", "\"pc\":2")), 1U);
    EXPECT_EQ(differing("bad-load", altered(good, "\"illval\":\"0x10\"", "\"illval\":\"0x11\"")),
              1U);
    EXPECT_EQ(differing("bad-load", altered(good, "BADADDR", "ILLOP")), 1U);
}

TEST(Runner, FindsMissingAndExtraLines) {
    std::string good = slurp(corpus_path("expected/globals.jsonl"));
    EXPECT_EQ(differing("globals", good + good.substr(0, good.find('\n') + 1)), 1U);
    std::string shorter = good.substr(0, good.rfind('\n', good.size() - 2) + 1);
    EXPECT_EQ(differing("globals", shorter), 1U);
    EXPECT_GT(differing("globals", ""), 1U);
}

TEST(Runner, FindsAWrongFiring) {
    auto firings = corpus_firings("globals");
    firings.lines.front().args.front() ^= 1;
    auto answers = harness::replay_text(corpus_program("globals"), firings, {});
    ASSERT_TRUE(answers) << answers.error().message;
    std::string good = slurp(corpus_path("expected/globals.jsonl"));
    EXPECT_GT(harness::compare_lines(good, *answers, "reference", "here").different, 0U);
}

/// The first vectors' own runs, each altered once.
TEST(Runner, FindsAWrongVector) {
    std::istringstream lines(slurp(corpus_path("difo/vectors.jsonl")));
    std::string line;
    std::getline(lines, line);
    std::size_t found = 0, altered_runs = 0;
    for (int i = 0; i < 300 && std::getline(lines, line); ++i) {
        json runs = json::parse(line)["runs"];
        json same;
        same["runs"] = runs;
        ASSERT_EQ(vector_difference(runs, same), "");
        for (const char* key : {"value", "scratch", "drop", "record"}) {
            if (!runs[1].contains(key))
                continue;
            json wrong = same;
            json& answer = wrong["runs"][1][key];
            answer = answer.is_string()    ? json(answer.get<std::string>() + "0")
                     : answer.is_boolean() ? json(!answer.get<bool>())
                                           : json(answer.get<int>() + 1);
            ++altered_runs;
            found += vector_difference(runs, wrong).empty() ? 0 : 1;
        }
    }
    EXPECT_GT(altered_runs, 600U);
    EXPECT_EQ(found, altered_runs);
}

TEST(Runner, IllvalCountsOnlyWhereTheVectorHasIt) {
    json with = json::parse(R"([{"fault":{"kind":"BADADDR","illval":"0x10","pc":3}}])");
    json without = json::parse(R"([{"fault":{"kind":"BADADDR","pc":3}}])");
    EXPECT_EQ(vector_difference(without, {{"runs", with}}), "");
    EXPECT_NE(vector_difference(with, {{"runs", without}}), "");
}

/// The demo is what users see: an altered expectation must fail it.
TEST(Runner, TheDemoFailsOnAWrongAnswer) {
    namespace fs = std::filesystem;
    fs::path corpus = temporary_path("corpus");
    for (const char* folder : {"dof", "firings", "expected"})
        fs::create_directories(corpus / folder);
    fs::copy(corpus_path("dof/assoc.dof"), corpus / "dof/assoc.dof");
    fs::copy(corpus_path("firings/assoc.jsonl"), corpus / "firings/assoc.jsonl");
    std::string good = slurp(corpus_path("expected/assoc.jsonl"));
    temporary("corpus/expected/assoc.jsonl", good);
    Ran ran = difjit({"demo", "--corpus", corpus, "--time", "1"});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
    temporary("corpus/expected/assoc.jsonl", altered(good, "\"value\":\"0x", "\"value\":\"0x1"));
    ran = difjit({"demo", "--corpus", corpus, "--time", "1"});
    EXPECT_EQ(ran.status, 1) << ran.out;
    EXPECT_NE(ran.err.find("assoc: diverged at line"), std::string::npos) << ran.err;
    EXPECT_NE(ran.out.find("diverged  1"), std::string::npos) << ran.out;
}

} // namespace
} // namespace difjit::tests
