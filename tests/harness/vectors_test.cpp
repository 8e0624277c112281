// SPDX-License-Identifier: BSD-2-Clause
// Single DIF objects: 3,000 with the reference's answers in both engines, and bad files of them.
#include "harness/vectors.hpp"

#include <sstream>

#include <gtest/gtest.h>

#include "harness/corpus.hpp"
#include "harness/difo_runner.hpp"

namespace difjit::tests {
namespace {

using nlohmann::json;

class VectorAnswers : public testing::TestWithParam<Engine> {};

TEST_P(VectorAnswers, AreTheReferences) {
    auto vectors = harness::read_vectors(corpus_path("difo/vectors.jsonl"));
    ASSERT_TRUE(vectors) << vectors.error().message;
    ASSERT_EQ(vectors->objects.size(), 3000U);
    std::istringstream reference(slurp(corpus_path("difo/vectors.jsonl")));
    std::string expected;
    std::getline(reference, expected); // the setting
    std::size_t line = 1, wrong = 0;
    auto done = harness::replay_vectors(*vectors, GetParam(), [&](std::string_view text) {
        std::getline(reference, expected);
        ++line;
        std::string difference =
            vector_difference(json::parse(expected)["runs"], json::parse(text));
        if (!difference.empty() && ++wrong <= 5)
            ADD_FAILURE() << "vectors.jsonl:" << line << ": " << difference;
        return true;
    });
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(line, 3001U);
    EXPECT_EQ(wrong, 0U);
}

INSTANTIATE_TEST_SUITE_P(Engines, VectorAnswers, testing::Values(Engine::interp, Engine::jit),
                         [](const auto& test) {
                             return test.param == Engine::jit ? "jit" : "interp";
                         });

constexpr const char* setting =
    R"({"memory":[],"user":[],"strsize":256,"scratchsize":64,"pid":1,"tid":2,"ppid":3,"uid":4,)"
    R"("gid":5,"errno":0,"execname":"a","cpu":0,"timestamp":"0x1","vtimestamp":"0x1",)"
    R"("walltimestamp":"0x1"})"
    "\n";

/// `ret %r1` after `setx 5, %r1`, as an object line whose parts a case replaces.
std::string object(const std::string& from = "", const std::string& to = "") {
    std::string line =
        R"({"text":["0x25000001","0x23000001"],"ints":["0x5"],"strtab":"00","vars":)"
        R"([{"id":1280,"scope":"global","kind":"scalar","byref":false,"size":8}],)"
        R"("rtype":{"byref":false,"size":8},"kernel":true,"runs":[{"args":["0x1"]}]})";
    if (!from.empty())
        line.replace(line.find(from), from.size(), to);
    return line + "\n";
}

TEST(VectorLines, RunAndShowGlobals) {
    auto vectors = harness::parse_vectors(setting + object(), "v");
    ASSERT_TRUE(vectors) << vectors.error().message;
    std::string out;
    auto done = harness::replay_vectors(*vectors, Engine::interp, [&](std::string_view line) {
        out = line;
        return true;
    });
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(out, R"({"runs":[{"args":["0x1"],"value":"0x5","fault":null,"drop":false,)"
                   R"("scratch":0,"globals":{"1280":"0x0"}}]})");
}

struct Bad {
    const char *from, *to, *message;
};

class BadObject : public testing::TestWithParam<Bad> {};

TEST_P(BadObject, IsRefusedWithItsLine) {
    auto vectors = harness::parse_vectors(setting + object(GetParam().from, GetParam().to), "v");
    ASSERT_FALSE(vectors);
    EXPECT_EQ(vectors.error().message.find("v:2: "), 0U) << vectors.error().message;
    EXPECT_NE(vectors.error().message.find(GetParam().message), std::string::npos)
        << vectors.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadObject,
    testing::Values(Bad{"\"0x25000001\"", "\"0x125000001\"", "more than 4294967295"},
                    Bad{"\"0x25000001\"", "\"25000001\"", "not a hexadecimal integer"},
                    Bad{"\"0x25000001\"", "1.5", "not an integer"},
                    Bad{"\"0x5\"", "\"0x10000000000000000\"", "does not fit 64 bits"},
                    Bad{"\"00\"", "\"0\"", "not whole bytes"}, Bad{"\"00\"", "\"zz\"", "not hex"},
                    Bad{"\"strtab\"", "\"x\"", "\"strtab\" is missing"},
                    Bad{"\"global\"", "\"galactic\"", "none of \"global\", \"thread\", \"local\""},
                    Bad{"\"global\"", "256", "more than 255"},
                    Bad{"{\"id\":1280", "7,{\"id\":1280", "not an object"},
                    Bad{"\"id\":1280", "\"id\":-1", "not an integer from 0 up"},
                    Bad{"\"byref\":false", "\"byref\":0", "neither true nor false"},
                    Bad{"\"runs\":[{\"args\":[\"0x1\"]}]", "\"runs\":3", "not an array"},
                    Bad{"[\"0x1\"]", "[1,2,3,4,5,6,7,8,9,10,11]", "at most 10"},
                    Bad{"\"kernel\":true", "\"rules\":\"mine\"", "can only be \"reference\""},
                    Bad{"\"kernel\":true", "\"kernel\":true,,", "bad JSON"}));

TEST(VectorLines, ARefusedObjectIsALineOfItsOwn) {
    std::string bad = object("\"0x23000001\"", "\"0x00000000\"");
    auto vectors = harness::parse_vectors(setting + bad + object(), "v");
    ASSERT_TRUE(vectors) << vectors.error().message;
    std::vector<std::string> lines;
    auto done = harness::replay_vectors(*vectors, Engine::interp, [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message.find("v:2: "), 0U) << done.error().message;
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(json::parse(lines[0]).contains("error")) << lines[0];
    EXPECT_TRUE(json::parse(lines[1]).contains("runs")) << lines[1];
}

TEST(VectorLines, EmptyFileIsRefused) {
    auto vectors = harness::parse_vectors("\n  \n", "v");
    ASSERT_FALSE(vectors);
    EXPECT_NE(vectors.error().message.find("is empty"), std::string::npos);
}

} // namespace
} // namespace difjit::tests
