// SPDX-License-Identifier: BSD-2-Clause
// How much the analysis sees: the shapes that D compilers make, each with the facts that must come
// of it, and what must not be claimed. Soundness is oracle_test.cpp's.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include <difjit/text.hpp>
#include <difjit/verifier.hpp>
#include <fmt/format.h>

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "verifier/facts_of_difo.hpp"

using namespace difjit;
using namespace difjit::verifier;

namespace {

constexpr std::uint32_t arg0 = 0x106, x = 1280, s = 1281;

std::uint32_t op(Op o, std::uint32_t r1, std::uint32_t r2, std::uint32_t rd) {
    return Instruction::make(o, r1, r2, rd).word;
}
std::uint32_t at(Op o, std::uint32_t index, std::uint32_t rd) {
    return Instruction::indexed(o, index, rd).word;
}
std::uint32_t to(Op o, std::uint32_t label) {
    return Instruction::branch(o, label).word;
}
std::uint32_t call(Subr subr, std::uint32_t rd) {
    return at(Op::CALL, static_cast<std::uint32_t>(subr), rd);
}

difjit_var variable(std::uint32_t id, std::uint8_t scope, bool by_ref, std::uint32_t size) {
    return {0,
            id,
            DIFJIT_VAR_KIND_SCALAR,
            scope,
            0,
            {static_cast<std::uint8_t>(by_ref ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF), 0,
             static_cast<std::uint8_t>(by_ref ? DIFJIT_TF_BYREF : 0), 0, size}};
}

/// A DIFO with the integers 0 to 9 and then those given; a string table; x by value and s by
/// reference as a global, a thread-local and a clause-local each.
Difo difo(std::vector<std::uint32_t> text, std::vector<std::uint64_t> ints = {}) {
    Difo d;
    d.text = std::move(text);
    for (std::uint64_t i = 0; i < 10; i++)
        d.ints.push_back(i);
    d.ints.insert(d.ints.end(), ints.begin(), ints.end());
    d.strtab = std::string("\0abcdef\0ghi\0", 12);
    d.rtype = {DIFJIT_TYPE_CTF, 0, 0, 0, 8};
    for (const std::uint8_t scope :
         {DIFJIT_SCOPE_GLOBAL, DIFJIT_SCOPE_THREAD, DIFJIT_SCOPE_LOCAL}) {
        d.vars.push_back(variable(x, scope, false, 8));
        d.vars.push_back(variable(s, scope, true, 16));
    }
    return d;
}

/// Every fact in words, "pc: text", of a DIFO that the verifier accepts.
std::vector<std::string> facts(const Difo& d) {
    for (const Violation& v : verify(d))
        ADD_FAILURE() << v.pc << ": " << v.message;
    std::vector<std::string> all;
    for (const ProvedFact& fact : prove(d))
        all.push_back(fmt::format("{}: {}", fact.pc, fact.text));
    return all;
}

void expect_fact(const Difo& d, const std::string& fact) {
    const auto all = facts(d);
    EXPECT_TRUE(std::ranges::find(all, fact) != all.end())
        << fact << " is not in\n"
        << fmt::format("{}", fmt::join(all, "\n"));
}

void expect_no_fact(const Difo& d, std::uint32_t pc, std::string_view kind) {
    for (const ProvedFact& fact : prove(d))
        EXPECT_FALSE(fact.pc == pc && fact.kind == kind) << fact.text;
}

} // namespace

TEST(Analysis, ConstantsAreFolded) {
    expect_fact(
        difo({at(Op::SETX, 3, 1), at(Op::SETX, 4, 2), op(Op::MUL, 1, 2, 1), op(Op::RET, 0, 0, 1)}),
        "2: %r1 = 12");
}

TEST(Analysis, SignExtensionPairs) {
    // (int8_t)arg0, as compilers write it: left by 56, right by 56.
    const Difo d = difo({at(Op::LDGS, arg0, 1), at(Op::SETX, 10, 2), op(Op::SLL, 1, 2, 1),
                         op(Op::SRA, 1, 2, 1), op(Op::RET, 0, 0, 1)},
                        {56});
    expect_fact(d, "2: the shift count is below 64");
    expect_fact(d, "3: %r1 in [-128, 127]");
}

TEST(Analysis, ZeroExtensionPairs) {
    expect_fact(difo({at(Op::LDGS, arg0, 1), at(Op::SETX, 10, 2), op(Op::SLL, 1, 2, 1),
                      op(Op::SRL, 1, 2, 1), op(Op::RET, 0, 0, 1)},
                     {48}),
                "3: %r1 in [0, 65535]");
}

TEST(Analysis, ADivisorThatWasTested) {
    // arg0 != 0 ? 100 / arg0 : 0
    const Difo d =
        difo({at(Op::LDGS, arg0, 1), op(Op::TST, 1, 0, 0), to(Op::BE, 6), at(Op::SETX, 9, 2),
              op(Op::SDIV, 2, 1, 1), op(Op::RET, 0, 0, 1), op(Op::RET, 0, 0, 0)});
    expect_fact(d, "4: the divisor is not 0");
    expect_fact(d, "4: not INT64_MIN / -1");
}

TEST(Analysis, ADivisorThatWasNotTested) {
    const Difo d = difo({at(Op::LDGS, arg0, 1), at(Op::LDGS, arg0, 2), op(Op::SDIV, 2, 1, 1),
                         op(Op::SDIV, 2, 1, 2), op(Op::RET, 0, 0, 1)});
    expect_no_fact(d, 2, "DIVISOR_NOT_0");
    expect_no_fact(d, 2, "DIVIDE_NO_WRAP");
}

TEST(Analysis, ADivisionThatWentWellSaysThatItsDivisorIsNot0) {
    expect_fact(difo({at(Op::LDGS, arg0, 1), at(Op::SETX, 9, 2), op(Op::UDIV, 2, 1, 3),
                      op(Op::UREM, 2, 1, 3), op(Op::RET, 0, 0, 3)}),
                "3: the divisor is not 0");
}

TEST(Analysis, TheBooleanOfAComparison) {
    // r = arg0 > 5; if (r) the register is above 5.
    const Difo d = difo({
        at(Op::LDGS, arg0, 1), at(Op::SETX, 5, 2), op(Op::CMP, 1, 2, 0), to(Op::BGU, 6),
        op(Op::MOV, 0, 0, 3), to(Op::BA, 7), // 0
        at(Op::SETX, 1, 3),                  // 1
        op(Op::TST, 3, 0, 0), to(Op::BE, 11), op(Op::MOV, 1, 0, 4),
        op(Op::RET, 0, 0, 4),                       // it was above
        op(Op::MOV, 1, 0, 4), op(Op::RET, 0, 0, 4), // it was not
    });
    expect_fact(d, "9: %r4 in [6, 0xffffffffffffffff] unsigned");
    expect_fact(d, "11: %r4 in [0, 5]");
}

TEST(Analysis, TheBooleanOfAConjunction) {
    // arg0 != 0 && arg0 < 8, made into 0 or 1, tested; inside, arg0 is in 1..7 and may divide.
    const Difo d = difo({
        at(Op::LDGS, arg0, 1),
        op(Op::TST, 1, 0, 0),
        to(Op::BE, 8), //
        at(Op::SETX, 8, 2),
        op(Op::CMP, 1, 2, 0),
        to(Op::BGEU, 8), //
        at(Op::SETX, 1, 3),
        to(Op::BA, 9),        // 1
        op(Op::MOV, 0, 0, 3), // 0
        op(Op::TST, 3, 0, 0),
        to(Op::BE, 13), //
        op(Op::UDIV, 3, 1, 4),
        op(Op::RET, 0, 0, 1), //
        op(Op::RET, 0, 0, 0),
    });
    expect_fact(d, "11: the divisor is not 0");
}

TEST(Analysis, TheBooleanOfADisjunction) {
    // !(arg0 == 0 || arg0 > 7)
    const Difo d = difo({
        at(Op::LDGS, arg0, 1),
        op(Op::TST, 1, 0, 0),
        to(Op::BE, 8), //
        at(Op::SETX, 7, 2),
        op(Op::CMP, 1, 2, 0),
        to(Op::BGU, 8), //
        op(Op::MOV, 0, 0, 3),
        to(Op::BA, 9),      // 0
        at(Op::SETX, 1, 3), // 1
        op(Op::TST, 3, 0, 0),
        to(Op::BNE, 13), //
        op(Op::MOV, 1, 0, 4),
        op(Op::RET, 0, 0, 4), //
        op(Op::RET, 0, 0, 0),
    });
    expect_fact(d, "11: %r4 in [1, 7]");
}

TEST(Analysis, BranchesThatAreDecided) {
    const Difo d = difo({at(Op::SETX, 3, 1), op(Op::TST, 1, 0, 0), to(Op::BE, 4), to(Op::BNE, 5),
                         op(Op::RET, 0, 0, 1), op(Op::RET, 0, 0, 0)});
    expect_fact(d, "2: never taken");
    expect_fact(d, "3: always taken");
    expect_fact(d, "4: never reached");
}

TEST(Analysis, SignedBranchesKnowThatTheDifferenceWraps) {
    // INT64_MIN < 1 is false in DIF: N is the sign of the wrapped difference (point 1).
    const Difo wraps = difo({at(Op::SETX, 10, 1), at(Op::SETX, 1, 2), op(Op::CMP, 1, 2, 0),
                             to(Op::BL, 5), op(Op::RET, 0, 0, 0), op(Op::RET, 0, 0, 1)},
                            {std::uint64_t{1} << 63});
    expect_no_fact(wraps, 3, "BRANCH_ALWAYS");
    expect_no_fact(wraps, 5, "RESULT_SIGNED");
}

TEST(Analysis, LoadsOfTheStringTable) {
    // "abcdef"[arg0 & 3]
    const Difo d =
        difo({at(Op::SETS, 1, 1), at(Op::LDGS, arg0, 2), at(Op::SETX, 3, 3), op(Op::AND, 2, 3, 2),
              op(Op::ADD, 1, 2, 1), op(Op::LDUB, 1, 0, 2), op(Op::RET, 0, 0, 2)});
    expect_fact(d, "0: %r1: a string of at most 6 bytes");
    expect_fact(d, "3: %r2 in [0, 3]");
    expect_fact(d, "5: inside the string table, bytes [1, 5)");
    expect_fact(d, "5: %r2 in [0, 255]");
}

TEST(Analysis, LoadsThatRunOffTheStringTable) {
    const Difo d = difo(
        {at(Op::SETS, 8, 1), op(Op::LDUW, 1, 0, 2), op(Op::LDX, 1, 0, 2), op(Op::RET, 0, 0, 2)});
    expect_fact(d, "1: inside the string table, bytes [8, 12)");
    expect_no_fact(d, 2, "LOAD_INSIDE");
}

TEST(Analysis, APointerMovedAnywhereMayBeNull) {
    const Difo d = difo({at(Op::SETS, 1, 1), at(Op::LDGS, arg0, 2), op(Op::ADD, 1, 2, 1),
                         op(Op::UDIV, 2, 1, 3), op(Op::RET, 0, 0, 1)});
    expect_no_fact(d, 2, "NOT_NULL");
    expect_no_fact(d, 3, "DIVISOR_NOT_0");
}

TEST(Analysis, AClauseLocalStringThatWasTested) {
    // this->s != NULL ? this->s[0] : 0
    const Difo d =
        difo({at(Op::LDLS, s, 1), op(Op::TST, 1, 0, 0), to(Op::BE, 5), op(Op::LDSB, 1, 0, 1),
              op(Op::RET, 0, 0, 1), op(Op::LDSB, 1, 0, 2), op(Op::RET, 0, 0, 0)});
    expect_fact(d, "3: inside the clause-local, bytes [0, 1)");
    expect_no_fact(d, 5, "LOAD_INSIDE");
}

TEST(Analysis, AThreadLocalStringMayGoAtAnyTime) {
    const Difo d =
        difo({at(Op::LDTS, s, 1), op(Op::TST, 1, 0, 0), to(Op::BE, 6), op(Op::MOV, 1, 0, 2),
              op(Op::LDSB, 1, 0, 1), op(Op::RET, 0, 0, 1), op(Op::RET, 0, 0, 0)});
    expect_fact(d, "3: %r2 is not 0"); // the test is the register's, not the variable's
    expect_no_fact(d, 4, "LOAD_INSIDE");
}

TEST(Analysis, StoresIntoAnAllocation) {
    const Difo d = difo({at(Op::SETX, 10, 1), op(Op::ALLOCS, 1, 0, 2), op(Op::STX, 1, 0, 2),
                         at(Op::SETX, 8, 3), op(Op::ADD, 2, 3, 2), op(Op::STX, 1, 0, 2),
                         op(Op::ADD, 2, 3, 2), op(Op::STX, 1, 0, 2), op(Op::RET, 0, 0, 1)},
                        {16});
    expect_fact(d, "1: %r2 is not 0");
    expect_fact(d, "2: inside the allocation, bytes [0, 8), aligned");
    expect_fact(d, "5: inside the allocation, bytes [8, 16), aligned");
    expect_no_fact(d, 7, "STORE_INSIDE");
}

TEST(Analysis, AStoreThatMayBeMisaligned) {
    const Difo d = difo({at(Op::SETX, 10, 1), op(Op::ALLOCS, 1, 0, 2), at(Op::SETX, 2, 3),
                         op(Op::ADD, 2, 3, 2), op(Op::STW, 1, 0, 2), op(Op::STH, 1, 0, 2),
                         op(Op::RET, 0, 0, 1)},
                        {16});
    expect_no_fact(d, 4, "STORE_INSIDE");
    expect_fact(d, "5: inside the allocation, bytes [2, 4), aligned");
}

TEST(Analysis, AnAllocationAsLargeAsAnArgumentSays) {
    // alloca(arg0) has no certain byte; alloca((arg0 & 7) + 8) has 8.
    const Difo d =
        difo({at(Op::LDGS, arg0, 1), op(Op::ALLOCS, 1, 0, 2), op(Op::STB, 1, 0, 2),
              at(Op::SETX, 7, 3), op(Op::AND, 1, 3, 1), at(Op::SETX, 8, 3), op(Op::ADD, 1, 3, 1),
              op(Op::ALLOCS, 1, 0, 2), op(Op::STX, 1, 0, 2), op(Op::RET, 0, 0, 1)});
    expect_no_fact(d, 1, "NOT_NULL");
    expect_no_fact(d, 2, "STORE_INSIDE");
    expect_fact(d, "8: inside the allocation, bytes [0, 8), aligned");
}

TEST(Analysis, SubroutinesBoundTheirResults) {
    const Difo d = difo({at(Op::LDGS, arg0, 1), op(Op::PUSHTV, 0, 0, 1), call(Subr::LLTOSTR, 2),
                         call(Subr::HTONS, 3), op(Op::RET, 0, 0, 3)});
    expect_fact(d, "2: %r2 is not 0");
    expect_fact(d, "2: %r2: a string of at most 64 bytes");
    expect_fact(d, "3: %r3 in [0, 65535]");
    expect_fact(d, "3: tuple stack depth 1");
}

TEST(Analysis, AStoreMayUnendAString) {
    const Difo d = difo({at(Op::LDGS, arg0, 1), op(Op::PUSHTV, 0, 0, 1), call(Subr::LLTOSTR, 2),
                         op(Op::MOV, 2, 0, 3), op(Op::STB, 1, 0, 2), op(Op::MOV, 2, 0, 3),
                         op(Op::RET, 0, 0, 3)});
    expect_fact(d, "3: %r3: a string of at most 64 bytes");
    expect_no_fact(d, 5, "STRING_AT_MOST");
}

TEST(Analysis, ASubroutineThatStoresMayUnendAString) {
    const Difo d = difo({at(Op::LDGS, arg0, 1), op(Op::PUSHTV, 0, 0, 1), call(Subr::LLTOSTR, 2),
                         op(Op::PUSHTV, 0, 0, 2), op(Op::PUSHTV, 0, 0, 1), call(Subr::BCOPY, 3),
                         op(Op::MOV, 2, 0, 3), op(Op::RET, 0, 0, 3)});
    expect_fact(d, "2: %r2: a string of at most 64 bytes");
    expect_no_fact(d, 6, "STRING_AT_MOST");
}

TEST(Analysis, TheSizeOfAnAllocationComesFromTheTupleStack) {
    const Difo d = difo({at(Op::SETX, 9, 1), op(Op::PUSHTV, 0, 0, 1), call(Subr::ALLOCA, 2),
                         op(Op::STX, 1, 0, 2), op(Op::RET, 0, 0, 2)});
    expect_fact(d, "3: inside the allocation, bytes [0, 8), aligned");
}

TEST(Analysis, AnAssociativeAccessOverwritesTheSlotsBehindTheTop) {
    struct Last final : Watcher {
        unsigned pushed[6] = {};
        void before(std::uint32_t pc, const Paths& paths) override {
            pushed[pc] = paths.states[0]->pushed;
        }
    };
    for (const Op access : {Op::LDGAA, Op::LDTAA, Op::STGAA, Op::STTAA}) {
        Difo d = difo({at(Op::SETX, 8, 1), op(Op::PUSHTV, 0, 0, 1), op(Op::POPTS, 0, 0, 0),
                       at(access, x + 2, 1), op(Op::MOV, 0, 0, 3), op(Op::RET, 0, 0, 3)});
        for (const std::uint8_t scope : {DIFJIT_SCOPE_GLOBAL, DIFJIT_SCOPE_THREAD}) {
            difjit_var array = variable(x + 2, scope, false, 8);
            array.kind = DIFJIT_VAR_KIND_ARRAY;
            d.vars.push_back(array);
        }
        EXPECT_TRUE(verify(d).empty());
        Last watcher;
        const difjit_difo view = d.view();
        std::vector<std::uint64_t> workspace(analysis_workspace(view) / 8 + 1);
        std::vector<Fact> storage(fact_capacity(view));
        analyse(view, {}, std::as_writable_bytes(std::span(workspace)), storage, &watcher);
        EXPECT_EQ(watcher.pushed[3], 1u);
        EXPECT_EQ(watcher.pushed[4], 0u);
    }
}

TEST(Analysis, VariablesThatDisagreeSayNothing) {
    Difo d = difo({at(Op::LDLS, s, 1), op(Op::TST, 1, 0, 0), to(Op::BE, 5), op(Op::LDX, 1, 0, 1),
                   op(Op::RET, 0, 0, 1), op(Op::RET, 0, 0, 0)});
    expect_fact(d, "3: inside the clause-local, bytes [0, 8)");
    d.vars.push_back(variable(s, DIFJIT_SCOPE_LOCAL, true, 4));
    expect_no_fact(d, 3, "LOAD_INSIDE");
}

TEST(Analysis, MorePathsThanAreKeptApartAreJoined) {
    // Six constants in one register, six paths: all of them lie in the joined state.
    std::vector<std::uint32_t> text{at(Op::LDGS, arg0, 1)};
    for (std::uint32_t i = 0; i < 6; i++) {
        text.push_back(at(Op::SETX, i, 2));
        text.push_back(op(Op::CMP, 1, 2, 0));
        text.push_back(to(Op::BE, 19));
    }
    text.push_back(op(Op::MOV, 2, 0, 3)); // 19
    text.push_back(op(Op::RET, 0, 0, 3));
    expect_fact(difo(text), "19: %r3 in [0, 5]");
}

TEST(Analysis, ASmallWorkspaceGivesNoFacts) {
    const Difo d = difo({at(Op::SETX, 3, 1), op(Op::RET, 0, 0, 1)});
    const difjit_difo view = d.view();
    std::vector<std::uint64_t> workspace(analysis_workspace(view) / 8 + 1);
    const auto bytes = std::as_writable_bytes(std::span(workspace));
    std::vector<Fact> storage(fact_capacity(view));
    EXPECT_EQ(analyse(view, {}, bytes.first(analysis_workspace(view) - 1), storage), 0u);
    EXPECT_EQ(analyse(view, {}, bytes, storage), 1u);
    EXPECT_EQ(analyse(view, {}, bytes, {}), 0u); // no room for facts
}

TEST(Analysis, ALongTextOfBranchesTakesTimeInProportion) {
    // 30,000 branches to as many targets; a search through what waits would take minutes.
    std::vector<std::uint32_t> text{at(Op::LDGS, arg0, 1), op(Op::TST, 1, 0, 0)};
    constexpr std::uint32_t n = 30'000;
    for (std::uint32_t i = 0; i < n; i++)
        text.push_back(to(Op::BG, n + 2 + i));
    for (std::uint32_t i = 0; i < n; i++)
        text.push_back(op(Op::NOP, 0, 0, 0));
    text.push_back(op(Op::RET, 0, 0, 1));
    EXPECT_FALSE(prove(difo(text)).empty());
}

TEST(Facts, OfABrokenObjectAreNone) {
    EXPECT_TRUE(prove(difo({0xff000000, op(Op::RET, 0, 0, 0)})).empty());
    EXPECT_TRUE(prove(difo({})).empty());
}

/// docs/verifier.md has a table of all facts; it is that of facts.def.
TEST(Facts, PageHasTheTable) {
    std::ifstream file(DIFJIT_SOURCE_DIR "/docs/verifier.md");
    std::stringstream page;
    page << file.rdbuf();
    std::string table;
#define DIFJIT_FACT(name, text, meaning)                                                           \
    table += fmt::format("| `{}` | {} | {} |\n", #name, text, meaning);
#include "verifier/facts.def"
    EXPECT_NE(page.str().find(table), std::string::npos) << "docs/verifier.md lacks\n" << table;
}
