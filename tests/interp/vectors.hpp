// SPDX-License-Identifier: BSD-2-Clause
// Runs a file of vectors (tests/corpus/README.md, "difo/") and compares with the answers in it.
#ifndef DIFJIT_TESTS_INTERP_VECTORS_HPP
#define DIFJIT_TESTS_INTERP_VECTORS_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace difjit::test {

struct VectorReport {
    std::size_t objects = 0, runs = 0, faults = 0;
    std::vector<std::string> differences; ///< "line 5, run 0: value 0x1, not 0x2"
};

VectorReport run_vectors(const std::string& path);

} // namespace difjit::test

#endif
