// SPDX-License-Identifier: BSD-2-Clause
// The corpus as tests see it: names, programs, firings, expected answers, and how vectors compare.
#ifndef DIFJIT_TESTS_HARNESS_CORPUS_HPP
#define DIFJIT_TESTS_HARNESS_CORPUS_HPP

#include <string>
#include <vector>

#include <difjit/program.hpp>
#include <nlohmann/json.hpp>

#include "harness/firings.hpp"

namespace difjit::tests {

std::string corpus_path(const std::string& relative);

/// Names with a file in this folder of the corpus: corpus_names("expected", ".jsonl").
std::vector<std::string> corpus_names(const std::string& folder, const std::string& suffix);

/// A whole file. Throws where it can't be read: a test without its data is broken.
std::string slurp(const std::string& path);

Program corpus_program(const std::string& name);
harness::Firings corpus_firings(const std::string& name);

/// What of an object's line differs from the vector's "runs", by the rules of the corpus README
/// (illval counts only where the vector has one). "" : nothing.
std::string vector_difference(const nlohmann::json& expected_runs, const nlohmann::json& line);

/// For GoogleTest: letters, digits and underscores.
std::string test_name(const std::string& name);

} // namespace difjit::tests

#endif
