// SPDX-License-Identifier: BSD-2-Clause
// A whole session as `difjit run` makes it: options, pseudo-probes, exit, output.
#include "harness/trace.hpp"

#include <gtest/gtest.h>

#include "harness/compare.hpp"
#include "harness/corpus.hpp"
#include "harness/load.hpp"

namespace difjit::harness {
namespace {

struct Traced {
    TraceReport report;
    std::string output, reports, error;
};

Traced run(const std::string& name, TraceOptions options = {}) {
    Traced traced;
    Firings firings = tests::corpus_firings(name);
    RecordedFirings source(firings);
    options.write = [&](std::string_view text) { traced.output += text; };
    options.report = [&](std::string_view text) { traced.reports += text; };
    auto report = trace({tests::corpus_program(name)}, source, options);
    if (report)
        traced.report = *report;
    else
        traced.error = report.error().message;
    return traced;
}

TEST(Trace, PrintsAndCounts) {
    Traced traced = run("monitor-writes");
    EXPECT_EQ(traced.error, "");
    EXPECT_NE(traced.output.find("nginx"), std::string::npos) << traced.output;
    EXPECT_NE(traced.output.find("------------- Distribution -------------"), std::string::npos)
        << traced.output;
    EXPECT_GT(traced.report.fired, 0U);
    EXPECT_EQ(traced.report.totals.drops, 0U);
}

TEST(Trace, ExitEndsIt) {
    Traced traced = run("exit-begin-end");
    EXPECT_EQ(traced.error, "");
    ASSERT_TRUE(traced.report.exit_status);
    EXPECT_EQ(*traced.report.exit_status, 3);
    EXPECT_NE(traced.output.find("end"), std::string::npos) << traced.output;
}

TEST(Trace, UnknownOptionIsAnError) {
    TraceOptions options;
    options.options = {{"nonsense", "1"}};
    EXPECT_NE(run("assoc", options).error.find("-x nonsense"), std::string::npos);
}

TEST(Trace, ProgressCanStopIt) {
    Program program = tests::corpus_program("cost-count");
    Load load(std::span(&program, 1), {1'000'000, 1, 1});
    TraceOptions options;
    options.write = [](std::string_view) {};
    options.report = options.write;
    options.progress = [](std::uint64_t) { return false; };
    auto report = trace({program}, load, options);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_GT(report->fired, 0U);
    EXPECT_LT(report->fired, 1'000'000U);
}

TEST(Compare, LinesAreCountedAndShown) {
    auto difference = compare_lines("a\nb\nc\n", "a\nB\nc\nd\n", "left", "right");
    EXPECT_EQ(difference.lines, 4U);
    EXPECT_EQ(difference.different, 2U);
    EXPECT_NE(difference.first.find("line 2"), std::string::npos);
    EXPECT_NE(difference.first.find("right: B"), std::string::npos);
    EXPECT_EQ(compare_lines("a\n\n", "a\n\n", "l", "r").different, 0U);
    EXPECT_EQ(compare_lines("a\n\n", "a\n", "l", "r").different, 1U);
    EXPECT_EQ(compare_lines("", "", "l", "r").lines, 0U);
}

TEST(Compare, MeasuresBothEngines) {
    auto firings = tests::corpus_firings("cost-count");
    for (Engine engine : {Engine::interp, Engine::jit}) {
        auto ns = measure({tests::corpus_program("cost-count")}, firings, engine, 1'000'000);
        ASSERT_TRUE(ns) << ns.error().message;
        EXPECT_GT(*ns, 0.0);
    }
}

} // namespace
} // namespace difjit::harness
