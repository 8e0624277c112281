// SPDX-License-Identifier: BSD-2-Clause
// Files of single DIFOs: vectors with their runs, and invalid objects (tests/corpus/README.md,
// "difo").
//
// Any bytes may come in. Tests: tests/harness/vectors_test.cpp.
#ifndef DIFJIT_HARNESS_VECTORS_HPP
#define DIFJIT_HARNESS_VECTORS_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/program.hpp>

#include "harness/firings.hpp"

namespace difjit::harness {

/// The first line of vectors.jsonl: what all objects run with.
struct VectorSetting {
    std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT;
    std::uint64_t scratch_size = 0;
    std::vector<MemoryRegion> memory, user;
    FiringLine firing; ///< identity and time; no arguments
};

/// One object.
struct Vector {
    std::size_t line = 0; ///< in its file
    Difo difo;
    bool kernel = true, proc = true;
    bool reference_rules = false; ///< "rules":"reference"
    std::vector<std::vector<std::uint64_t>> run_args;

    [[nodiscard]] std::uint32_t access() const { return access_bits(kernel, proc); }
};

struct Vectors {
    std::string name;
    VectorSetting setting;
    std::vector<Vector> objects;
};

Result<Vectors> parse_vectors(std::string_view text, const std::string& name);
Result<Vectors> read_vectors(const std::string& path);

/// invalid.jsonl: objects only, without a setting and without runs.
Result<std::vector<Vector>> parse_objects(std::string_view text, const std::string& name);
Result<std::vector<Vector>> read_objects(const std::string& path);

} // namespace difjit::harness

#endif
