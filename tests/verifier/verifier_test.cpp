// SPDX-License-Identifier: BSD-2-Clause
// What the verifier does beyond single cases: order, storage, programs, privileges, and its page.
#include <algorithm>
#include <array>
#include <difjit/verifier.hpp>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "dif/instruction.hpp"
#include "verifier/core.hpp"

using namespace difjit;

namespace {

constexpr std::uint32_t ret = 0x23000000, bad = 0xff000000, write_r0 = 0x0e000000;

Difo difo_of(std::vector<std::uint32_t> text) {
    Difo difo;
    difo.text = std::move(text);
    difo.rtype = {DIFJIT_TYPE_CTF, 0, 0, 0, 8};
    return difo;
}

difjit_var global(std::uint32_t id, std::uint32_t size) {
    return {
        0, id, DIFJIT_VAR_KIND_SCALAR, DIFJIT_SCOPE_GLOBAL, 0, {DIFJIT_TYPE_CTF, 0, 0, 0, size}};
}

} // namespace

TEST(Verifier, ReferenceListStopsAtTheFirstBadInstruction) {
    // All errors of that instruction count, and the rules of the end are looked at all the same.
    Difo difo = difo_of({0x0708090a, bad, bad});
    difo.rtype.size = 3;
    difo.vars = {{0, 1280, 9, 0, 0, {}}};
    verifier::Options options;
    options.reference_list = true;
    std::vector<std::string> messages;
    for (const auto& v : verifier::verify(difo, options))
        messages.push_back(fmt::format("{}: {}", v.pc, v.message));
    EXPECT_EQ(messages, (std::vector<std::string>{"0: invalid register 8", "0: invalid register 9",
                                                  "0: invalid register 10",
                                                  "2: expected 'ret' as last DIF instruction",
                                                  "2: bad return size"}));
}

TEST(Verifier, ReferenceListStopsAtTheFirstBadRow) {
    Difo difo = difo_of({0x29050101, ret});
    difo.vars = {{0, 1280, 1, 7, 0, {}}, {0, 1280, 1, 8, 0, {}}};
    verifier::Options options;
    options.reference_list = true;
    const auto violations = verifier::verify(difo, options);
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0].message, "unrecognized variable scope 7");
    EXPECT_TRUE(violations[0].in_variables);
    EXPECT_EQ(verifier::verify(difo).size(), 3u); // both rows, and the load behind them
}

TEST(Verifier, ReferenceListStopsAtTheFirstIdBeyondTheTable) {
    const Difo difo = difo_of({0x29050101, 0x29050201, ret});
    verifier::Options options;
    options.reference_list = true;
    const auto violations = verifier::verify(difo, options);
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0].message, "invalid variable 1281");
    EXPECT_EQ(verifier::verify(difo).size(), 2u);
}

TEST(Verifier, FullListGoesByPlace) {
    Difo difo = difo_of({write_r0, 0x29050001, bad, ret});
    difo.vars = {{0, 1280, 1, 7, 0, {}}};
    std::vector<std::pair<bool, std::uint32_t>> places;
    for (const auto& v : verifier::verify(difo))
        places.emplace_back(v.in_variables, v.pc);
    EXPECT_EQ(places, (std::vector<std::pair<bool, std::uint32_t>>{
                          {false, 0}, {false, 1}, {false, 2}, {true, 0}}));
}

TEST(Verifier, FindsMoreThanItsFirstStorageHolds) {
    Difo difo = difo_of(std::vector<std::uint32_t>(1000, bad));
    difo.text.push_back(ret);
    const auto violations = verifier::verify(difo);
    ASSERT_EQ(violations.size(), 1000u);
    EXPECT_EQ(violations[999].pc, 999u);
}

TEST(Verifier, CoreCountsWhatDoesNotFit) {
    const Difo difo = difo_of({bad, bad, bad, ret});
    std::array<verifier::core::Finding, 2> storage{};
    verifier::core::Findings findings{storage.data(), 2, 0};
    verifier::core::Settings settings;
    EXPECT_FALSE(verifier::core::verify(difo.view(), settings, nullptr, 0, findings));
    settings.reference_rules = true; // need no workspace
    EXPECT_TRUE(verifier::core::verify(difo.view(), settings, nullptr, 0, findings));
    EXPECT_EQ(findings.count, 3u);
    EXPECT_EQ(storage[1].pc, 1u);
    EXPECT_EQ(storage[1].rule, verifier::Rule::OPCODE);
}

TEST(Verifier, CoreRefusesASmallWorkspace) {
    const Difo difo = difo_of({ret});
    verifier::core::Findings findings;
    std::vector<std::uint64_t> memory(verifier::core::workspace_size(difo.view()) / 8 + 1);
    EXPECT_FALSE(verifier::core::verify(difo.view(), {}, memory.data(),
                                        verifier::core::workspace_size(difo.view()) - 1, findings));
    EXPECT_TRUE(
        verifier::core::verify(difo.view(), {}, memory.data(), memory.size() * 8, findings));
    EXPECT_EQ(findings.count, 0u);
}

TEST(Verifier, ProgramNamesEcbAndDifo) {
    Program program;
    program.difos = {difo_of({ret}), difo_of({ret}), difo_of({bad, ret}), difo_of({bad, ret})};
    program.difos[0].vars = {global(1280, 8)};
    program.difos[1].vars = {global(1280, 4)};
    program.ecbs.resize(2);
    program.ecbs[0].predicate = 1;
    program.ecbs[1].actions.resize(2);
    program.ecbs[1].actions[0].difo = 0;
    program.ecbs[1].actions[1].difo = 2;
    const auto violations = verifier::verify(program);
    ASSERT_EQ(violations.size(), 3u);
    // DIFO 1 is come upon first, so DIFO 0 is the one that changes the size.
    EXPECT_EQ(violations[0].ecb, 1);
    EXPECT_EQ(violations[0].difo, 0);
    EXPECT_EQ(violations[0].violation.message, "1280 changed variable type size");
    EXPECT_EQ(violations[1].difo, 2);
    EXPECT_EQ(violations[2].ecb, -1);
    EXPECT_EQ(violations[2].difo, 3);
}

TEST(Verifier, ASharedDifoIsJudgedOnce) {
    Program program;
    program.difos = {difo_of({bad, ret})};
    program.ecbs.resize(3);
    for (EcbDescription& ecb : program.ecbs)
        ecb.predicate = 0;
    EXPECT_EQ(verifier::verify(program).size(), 1u);
}

TEST(Verifier, RestrictsLoads) {
    Difo difo = difo_of({0x1c010002, 0x22030004, 0x40010002, 0x47010002, 0x3c010002, ret});
    verifier::restrict_loads(difo);
    EXPECT_EQ(difo.text, (std::vector<std::uint32_t>{0x47010002, 0x4d030004, 0x40010002, 0x47010002,
                                                     0x3c010002, ret}));
    for (std::uint32_t op = 0; op < 256; op++) { // exactly the seven ld*
        Difo one = difo_of({op << 24 | 0x010002});
        verifier::restrict_loads(one);
        EXPECT_EQ(one.text[0] >> 24, op >= 28 && op <= 34 ? op + 43 : op);
    }
}

TEST(Verifier, DestructiveIsCopyout) {
    EXPECT_FALSE(verifier::is_destructive(difo_of({0x2f000c01, ret})));
    EXPECT_TRUE(verifier::is_destructive(difo_of({0x2f000d01, ret})));
    EXPECT_TRUE(verifier::is_destructive(difo_of({ret, 0x2f000e01, ret})));
}

// docs/verifier.md has a table of all rules; it is this one.
TEST(Verifier, PageHasTheTable) {
    std::ifstream file(DIFJIT_SOURCE_DIR "/docs/verifier.md");
    std::stringstream page;
    page << file.rdbuf();
    std::string table;
    for (const verifier::RuleRow& row : verifier::rule_rows)
        table += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.identifier,
                             row.place == verifier::Place::TEXT ? "text" : "variables",
                             row.set == verifier::RuleSet::REFERENCE ? "reference"
                             : row.set == verifier::RuleSet::HELPER  ? "helper"
                                                                     : "ours",
                             row.message, row.source);
    EXPECT_NE(page.str().find(table), std::string::npos) << "docs/verifier.md lacks\n" << table;
}
