// SPDX-License-Identifier: BSD-2-Clause
// The verifier against what OpenDTrace's own dtrace_difo_validate answered (corpus/difo).
#include <difjit/dof.hpp>
#include <difjit/verifier.hpp>
#include <filesystem>
#include <gtest/gtest.h>

#include "verifier/objects.hpp"

using namespace difjit;
using namespace difjit::test;

namespace {

const std::string corpus = DIFJIT_SOURCE_DIR "/tests/corpus/";

nlohmann::json as_json(const std::vector<verifier::Violation>& violations) {
    nlohmann::json errors = nlohmann::json::array();
    for (const verifier::Violation& v : violations)
        errors.push_back({{"pc", v.pc}, {"message", v.message}});
    return errors;
}

} // namespace

TEST(Reference, SameListForEveryInvalidObject) {
    verifier::Options options;
    options.reference_list = true;
    const auto lines = read_lines(corpus + "difo/invalid.jsonl");
    ASSERT_EQ(lines.size(), 400u);
    for (std::size_t i = 0; i < lines.size(); i++) {
        options.kernel = lines[i].at("kernel");
        const auto found = as_json(verifier::verify(object(lines[i]), options));
        EXPECT_EQ(found, lines[i].at("errors")) << "line " << i + 1;
    }
}

TEST(Reference, FullListHoldsTheReferencesErrors) {
    for (const auto& line : read_lines(corpus + "difo/invalid.jsonl")) {
        const auto found = as_json(verifier::verify(object(line)));
        for (const auto& error : line.at("errors"))
            EXPECT_NE(std::find(found.begin(), found.end(), error), found.end())
                << error << " not in " << found;
    }
}

TEST(Reference, EveryVectorIsAccepted) {
    const auto lines = read_lines(corpus + "difo/vectors.jsonl");
    ASSERT_EQ(lines.size(), 3001u);
    std::size_t by_reference_rules = 0;
    for (std::size_t i = 1; i < lines.size(); i++) {
        verifier::Options options;
        options.reference_rules = lines[i].value("rules", "") == "reference";
        by_reference_rules += options.reference_rules;
        const auto violations = verifier::verify(object(lines[i]), options);
        EXPECT_TRUE(violations.empty())
            << "line " << i + 1 << ": " << violations[0].pc << ": " << violations[0].message;
    }
    EXPECT_EQ(by_reference_rules, 31u);
}

TEST(Reference, EveryProgramIsAccepted) {
    std::size_t difos = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus + "dof")) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const auto program = dof::read(std::as_bytes(std::span(bytes)));
        ASSERT_TRUE(program) << program.error().message;
        difos += program->difos.size();
        const auto violations = verifier::verify(*program);
        EXPECT_TRUE(violations.empty())
            << entry.path() << ": DIFO " << violations[0].difo << ", " << violations[0].violation.pc
            << ": " << violations[0].violation.message;
    }
    EXPECT_GT(difos, 500u);
}
