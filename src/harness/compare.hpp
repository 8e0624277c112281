// SPDX-License-Identifier: BSD-2-Clause
// Differential comparison: the same firings in both engines, everything a user can observe
// compared.
//
// Replay gives values, faults and records of each action; a full session gives the printed output.
// Both must be the same byte for byte. Tests: tests/harness/trace_test.cpp.
#ifndef DIFJIT_HARNESS_COMPARE_HPP
#define DIFJIT_HARNESS_COMPARE_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace.hpp"

namespace difjit::harness {

/// Two texts line by line.
struct TextDifference {
    std::size_t lines = 0;     ///< compared
    std::size_t different = 0; ///< differing, or only in one of them
    std::string first;         ///< where and how, "" if none differs
};
TextDifference compare_lines(std::string_view left, std::string_view right,
                             std::string_view left_name, std::string_view right_name);

struct Comparison {
    std::size_t lines = 0;       ///< answers compared
    std::size_t divergences = 0; ///< of answers and of output
    std::string first;
    TraceReport report; ///< of the compiled session
    std::string output; ///< what it printed
};

/// Runs `programs` (options DOF among them) over `firings` in both engines.
Result<Comparison> compare_engines(const std::vector<Program>& programs, const Firings& firings);

/// Nanoseconds per firing of an engine, the best of a few short rounds; nothing is printed.
Result<double> measure(const std::vector<Program>& programs, const Firings& firings, Engine engine,
                       std::uint64_t budget_ns);

} // namespace difjit::harness

#endif
