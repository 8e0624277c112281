// SPDX-License-Identifier: BSD-2-Clause
// Cases as JSON: descriptions and records by name and value, so that nobody counts bytes.
//
// cases/README.md describes the format.
#ifndef DIFJIT_TESTS_ENGINE_CONSUMER_CASE_FILE_HPP
#define DIFJIT_TESTS_ENGINE_CONSUMER_CASE_FILE_HPP

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <difjit/consumer.hpp>

#include "engine/consumer/fake_session.hpp"

namespace difjit::test {

struct CaseFile {
    FakeSession session;
    ConsumerOptions options; ///< but for where output goes
    std::map<std::uint64_t, std::string> symbols;
    std::vector<std::string> formats; ///< "text", "json", "jsonl"
};

/// Throws on a malformed case.
CaseFile read_case(const std::filesystem::path& path);

} // namespace difjit::test

#endif
