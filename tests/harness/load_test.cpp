// SPDX-License-Identifier: BSD-2-Clause
// The load generator: concrete probes, plausible arguments, the same for one seed.
#include "harness/load.hpp"

#include <set>

#include <gtest/gtest.h>

#include "harness/compare.hpp"
#include "harness/corpus.hpp"

namespace difjit::harness {
namespace {

Program program_on(std::initializer_list<ProbeDescription> probes) {
    Program program;
    for (const auto& probe : probes) {
        program.ecbs.emplace_back();
        program.ecbs.back().probe = probe;
    }
    return program;
}

TEST(Load, FillsGlobs) {
    EXPECT_EQ(fill_glob("", "read"), "read");
    EXPECT_EQ(fill_glob("*", "read"), "read");
    EXPECT_EQ(fill_glob("vop_*", "read"), "vop_read");
    EXPECT_EQ(fill_glob("a?c", "x"), "axc");
    EXPECT_EQ(fill_glob("[bcd]io", "x"), "bio");
    EXPECT_EQ(fill_glob("[!b]io", "x"), "_io");
    EXPECT_EQ(fill_glob("a\\*b", "x"), "a*b");
    EXPECT_EQ(fill_glob("a[b", "x"), "a[b");
}

TEST(Load, ReturnsFollowTheirEntries) {
    const Program programs[] = {program_on({{"syscall", "", "read", "entry"},
                                            {"syscall", "", "read", "return"},
                                            {"", "", "", "BEGIN"}})};
    Firings firings = Load::record(programs, {1000, 1, 4});
    ASSERT_EQ(firings.lines.size(), 1000U);
    std::set<std::uint64_t> inside;
    std::uint64_t last = 0;
    for (const auto& line : firings.lines) {
        const ProbeInfo& probe = firings.probes[line.probe];
        EXPECT_NE(probe.name, "BEGIN");
        if (probe.name == "entry")
            EXPECT_TRUE(inside.insert(line.tid).second) << "entered twice";
        else
            EXPECT_EQ(inside.erase(line.tid), 1U) << "returned without entry";
        EXPECT_GT(line.timestamp, last);
        EXPECT_LT(line.cpu, 4U);
        last = line.timestamp;
    }
}

TEST(Load, OneSeedOneLoad) {
    const Program programs[] = {program_on({{"syscall", "", "*", "entry"}})};
    auto words = [&](std::uint64_t seed) {
        std::vector<std::uint64_t> all;
        for (const auto& line : Load::record(programs, {200, seed, 2}).lines) {
            all.push_back(line.timestamp);
            all.insert(all.end(), line.args.begin(), line.args.end());
        }
        return all;
    };
    EXPECT_EQ(words(1), words(1));
    EXPECT_NE(words(1), words(2));
}

TEST(Load, NoProbesNoFirings) {
    const Program programs[] = {program_on({{"dtrace", "", "", "BEGIN"}})};
    Load load(programs, {100, 1, 1});
    EXPECT_EQ(load.total(), 0U);
    EXPECT_EQ(load.next(), nullptr);
}

/// What the load fires must mostly work: programs that follow pointers find something there.
TEST(Load, PointersCanBeFollowed) {
    for (const char* name : {"pointer-chase", "open-watch", "copyin", "strings-basic"}) {
        Program program = tests::corpus_program(name);
        Firings firings = Load::record(std::span(&program, 1), {200, 1, 2});
        auto comparison = compare_engines({program}, firings);
        ASSERT_TRUE(comparison) << name << ": " << comparison.error().message;
        EXPECT_EQ(comparison->divergences, 0U) << name << ": " << comparison->first;
        EXPECT_LT(comparison->report.totals.errors, 100U) << name;
    }
}

} // namespace
} // namespace difjit::harness
