// SPDX-License-Identifier: BSD-2-Clause
// The corpus's 3,000 objects, two runs each, against what the reference's interpreter answered.
#include "interp/vectors.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace difjit::test {
namespace {

TEST(Vectors, AreAnsweredAsTheReferenceDoes) {
    const VectorReport report = run_vectors(DIFJIT_SOURCE_DIR "/tests/corpus/difo/vectors.jsonl");
    EXPECT_EQ(report.objects, 3000u);
    EXPECT_EQ(report.runs, 6000u);
    EXPECT_EQ(report.faults, 790u);
    EXPECT_EQ(report.differences.size(), 0u);
    for (std::size_t i = 0; i < std::min<std::size_t>(report.differences.size(), 20); i++)
        ADD_FAILURE() << report.differences[i];
}

} // namespace
} // namespace difjit::test
