// SPDX-License-Identifier: BSD-2-Clause
// Golden cases: cases/NAME.in.json is a session, NAME.text, .json, .jsonl what is printed of it,
// and NAME.report what goes to stderr.
//
// DIFJIT_UPDATE_CASES=1 writes the expected files anew; read the difference before you commit it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/consumer/case_file.hpp"

namespace difjit::test {

namespace fs = std::filesystem;

static fs::path folder() {
    return fs::path(DIFJIT_SOURCE_DIR) / "tests/engine/consumer/cases";
}

static std::vector<std::string> case_names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) {
        std::string file = entry.path().filename();
        if (file.ends_with(".in.json"))
            names.push_back(file.substr(0, file.size() - std::string(".in.json").size()));
    }
    std::ranges::sort(names);
    return names;
}

static std::string contents(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

struct Outputs {
    std::string output, report;
};

/// All rounds of a case through a consumer: the last one is end().
static Outputs run(CaseFile file, OutputFormat format) {
    Outputs outputs;
    ConsumerOptions options = file.options;
    options.format = format;
    options.write = [&](std::string_view text) { outputs.output += text; };
    options.report = [&](std::string_view text) { outputs.report += text; };
    auto name = [&file](std::uint64_t address) {
        auto found = file.symbols.find(address);
        return found == file.symbols.end() ? std::string() : found->second;
    };
    options.symbol = name;
    options.user_symbol = [name](std::uint64_t, std::uint64_t address) { return name(address); };
    auto consumer = Consumer::create(file.session, options);
    consumer->begin();
    for (std::size_t i = 0; i < file.session.rounds.size(); i++) {
        file.session.round = i;
        auto done = i + 1 < file.session.rounds.size() ? consumer->work() : consumer->end();
        if (!done)
            outputs.report += "error: " + done.error().message + "\n";
    }
    auto totals = consumer->totals();
    outputs.report += "totals: " + std::to_string(totals.records) + " records, " +
                      std::to_string(totals.errors) + " errors, " + std::to_string(totals.drops) +
                      " drops\n";
    return outputs;
}

static void compare(const std::string& name, const std::string& suffix, const std::string& got) {
    fs::path path = folder() / (name + "." + suffix);
    if (std::getenv("DIFJIT_UPDATE_CASES") != nullptr)
        std::ofstream(path, std::ios::binary) << got;
    ASSERT_TRUE(fs::exists(path)) << path;
    EXPECT_EQ(got, contents(path)) << path;
}

class ConsumerCase : public testing::TestWithParam<std::string> {};

TEST_P(ConsumerCase, PrintsAsExpected) {
    setenv("TZ", "UTC", 1);
    tzset();
    static const std::map<std::string, OutputFormat> formats = {
        {"text", OutputFormat::text}, {"json", OutputFormat::json}, {"jsonl", OutputFormat::jsonl}};
    CaseFile file = read_case(folder() / (GetParam() + ".in.json"));
    for (const std::string& format : file.formats) {
        Outputs outputs = run(file, formats.at(format));
        compare(GetParam(), format, outputs.output);
        // Messages of drops are in the document, so each kind of output has its own report.
        compare(GetParam(), format == "text" ? "report" : format + ".report", outputs.report);
        if (format == "json") {
            EXPECT_TRUE(nlohmann::json::accept(outputs.output));
        }
        if (format == "jsonl") {
            std::istringstream lines(outputs.output);
            for (std::string line; std::getline(lines, line);)
                EXPECT_TRUE(nlohmann::json::accept(line));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, ConsumerCase, testing::ValuesIn(case_names()),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

} // namespace difjit::test
