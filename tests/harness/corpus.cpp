// SPDX-License-Identifier: BSD-2-Clause
// The corpus as tests see it.
#include "harness/corpus.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "harness/files.hpp"

namespace difjit::tests {

namespace fs = std::filesystem;

std::string corpus_path(const std::string& relative) {
    return std::string(DIFJIT_SOURCE_DIR) + "/tests/corpus/" + relative;
}

std::vector<std::string> corpus_names(const std::string& folder, const std::string& suffix) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(corpus_path(folder)))
        if (entry.path().extension() == suffix)
            names.push_back(entry.path().stem());
    std::ranges::sort(names);
    return names;
}

std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw std::runtime_error("cannot read " + path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Program corpus_program(const std::string& name) {
    auto programs = harness::read_programs(corpus_path("dof/" + name + ".dof"), Dialect::freebsd);
    if (!programs)
        throw std::runtime_error(name + ": " + programs.error().message);
    return programs->front();
}

harness::Firings corpus_firings(const std::string& name) {
    auto firings = harness::read_firings(corpus_path("firings/" + name + ".jsonl"));
    if (!firings)
        throw std::runtime_error(firings.error().message);
    return *firings;
}

std::string vector_difference(const nlohmann::json& expected_runs, const nlohmann::json& line) {
    if (!line.contains("runs"))
        return "no runs: " + line.dump();
    const auto& runs = line["runs"];
    if (runs.size() != expected_runs.size())
        return "number of runs";
    for (std::size_t i = 0; i < runs.size(); ++i) {
        auto expected = expected_runs[i];
        auto actual = runs[i];
        bool has_illval = !expected["fault"].is_null() && expected["fault"].contains("illval");
        if (!has_illval && actual["fault"].is_object())
            actual["fault"].erase("illval");
        if (expected != actual)
            return "run " + std::to_string(i) + "\n  reference: " + expected.dump() +
                   "\n  here:      " + actual.dump();
    }
    return {};
}

std::string test_name(const std::string& name) {
    std::string out = name;
    std::ranges::replace_if(
        out, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    return out;
}

} // namespace difjit::tests
