// SPDX-License-Identifier: BSD-2-Clause
// Runs the cases in cases/*.txt (their form: cases/README.md), and sees to it that every rule of
// rules.def has one.
#include <algorithm>
#include <difjit/text.hpp>
#include <difjit/verifier.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

#include "verifier/rules.hpp"

using namespace difjit;

namespace {

/// Place of an expected violation: text or variables, and the index.
using At = std::pair<bool, std::uint32_t>;

struct Case {
    std::string file, name;
    int line = 0;
    Difo known, difo; ///< the declarations of a DIFO before, and the DIFO itself
    verifier::Options options;
    std::map<At, std::multiset<std::string>> expected;
};

std::string trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
    return first == text.npos ? "" : std::string(text.substr(first, last - first + 1));
}

/// One blank between words, and no comment.
std::string squeeze(std::string_view text) {
    std::istringstream in{std::string(text.substr(0, text.find('!')))};
    std::string out;
    for (std::string word; in >> word;)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

class Parser {
  public:
    explicit Parser(const std::filesystem::path& path) : path_(path), in_(path) {}

    std::vector<Case> parse() {
        for (std::string line; std::getline(in_, line);) {
            number_++;
            if (line.empty() || line[0] == '#')
                continue;
            std::string errors;
            if (const auto bang = line.find("! "); bang != line.npos) {
                errors = line.substr(bang + 2);
                line.resize(bang);
            }
            parse_line(trim(line), errors);
        }
        return std::move(cases_);
    }

  private:
    void parse_line(const std::string& line, const std::string& errors) {
        if (line.starts_with("== ")) {
            Case c;
            c.file = path_.filename();
            c.name = line.substr(3);
            c.line = number_;
            c.difo.rtype = {DIFJIT_TYPE_CTF, 0, 0, 0, 8};
            cases_.push_back(std::move(c));
            return expect({false, 0}, errors);
        }
        ASSERT_FALSE(cases_.empty()) << where();
        const auto colon = line.find(": ");
        if (colon != line.npos)
            return setting(line.substr(0, colon), line.substr(colon + 2), errors);
        Difo& difo = cases_.back().difo;
        difo.text.push_back(static_cast<std::uint32_t>(std::stoul(line.substr(0, 8), nullptr, 16)));
        // The words beside the hexadecimal are for readers; they must be true.
        EXPECT_EQ(squeeze(line.substr(8)), squeeze(disassemble(difo.text.back()))) << where();
        expect({false, static_cast<std::uint32_t>(difo.text.size() - 1)}, errors);
    }

    static std::string disassemble(std::uint32_t word) {
        Difo alone;
        alone.text = {word};
        return text::disassemble_instruction(alone, 0);
    }

    void setting(const std::string& key, const std::string& value, const std::string& errors) {
        Case& c = cases_.back();
        std::istringstream in(value);
        if (key == "rtype") {
            c.difo.rtype = type(in);
        } else if (key == "ints") {
            for (std::string word; in >> word;)
                c.difo.ints.push_back(std::stoull(word, nullptr, 0));
        } else if (key == "strtab") {
            for (std::size_t i = 0; i + 1 < value.size(); i += 2)
                c.difo.strtab.push_back(
                    static_cast<char>(std::stoul(value.substr(i, 2), nullptr, 16)));
        } else if (key == "known") {
            c.known.vars.push_back(variable(in));
        } else if (key == "var") {
            c.difo.vars.push_back(variable(in));
            expect({true, static_cast<std::uint32_t>(c.difo.vars.size() - 1)}, errors);
        } else if (key == "options") {
            for (std::string word; in >> word;)
                option(c, word);
        } else {
            ADD_FAILURE() << where() << key;
        }
    }

    void option(Case& c, const std::string& word) {
        if (word == "helper")
            c.options.helper = true;
        else if (word == "reference")
            c.options.reference_rules = true;
        else if (word == "freebsd11")
            c.difo.dialect = Dialect::freebsd11;
        else if (word == "illumos")
            c.difo.dialect = Dialect::illumos;
        else if (word.starts_with("max-statics="))
            c.options.max_statics = static_cast<std::uint32_t>(std::stoul(word.substr(12)));
        else if (word.starts_with("args-bound="))
            c.options.args_bound = static_cast<std::uint32_t>(std::stoul(word.substr(11)));
        else
            ADD_FAILURE() << where() << word;
    }

    std::uint8_t code(std::istringstream& in, const std::vector<std::string>& names) {
        std::string word;
        in >> word;
        const auto at = std::ranges::find(names, word);
        return static_cast<std::uint8_t>(at != names.end() ? at - names.begin() : std::stoi(word));
    }

    difjit_type type(std::istringstream& in) {
        std::string word, size;
        in >> word;
        if (word.find_first_not_of("0123456789") == word.npos)
            return {DIFJIT_TYPE_CTF, 0, 0, 0, static_cast<std::uint32_t>(std::stoul(word))};
        in >> size;
        const bool byref = word.starts_with("by-ref"), string = word == "by-ref";
        return {static_cast<std::uint8_t>(string ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF), 0,
                static_cast<std::uint8_t>(byref ? DIFJIT_TF_BYREF : 0), 0,
                static_cast<std::uint32_t>(std::stoul(size))};
    }

    difjit_var variable(std::istringstream& in) {
        difjit_var var{};
        var.scope = code(in, {"global", "thread", "local"});
        var.kind = code(in, {"array", "scalar"});
        in >> var.id;
        var.type = type(in);
        return var;
    }

    void expect(At at, const std::string& errors) {
        std::istringstream in(errors);
        for (std::string error; std::getline(in, error, ';');)
            cases_.back().expected[at].insert(trim(error));
    }

    std::string where() const { return fmt::format("{}:{}: ", path_.string(), number_); }

    std::filesystem::path path_;
    std::ifstream in_;
    int number_ = 0;
    std::vector<Case> cases_;
};

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const auto& entry :
         std::filesystem::directory_iterator(DIFJIT_SOURCE_DIR "/tests/verifier/cases"))
        if (entry.path().extension() == ".txt")
            std::ranges::move(Parser(entry.path()).parse(), std::back_inserter(cases));
    return cases;
}

/// Declarations of an earlier DIFO come with a program whose first DIFO has them.
std::vector<verifier::Violation> judge(const Case& c) {
    if (c.known.vars.empty())
        return verifier::verify(c.difo, c.options);
    Program program;
    for (const difjit_var& var :
         c.known.vars) { // one DIFO each: a table does not contradict itself
        Difo earlier;
        earlier.text = {0x23000000};
        earlier.vars = {var};
        program.difos.push_back(earlier);
    }
    program.difos.push_back(c.difo);
    std::vector<verifier::Violation> violations;
    for (verifier::ProgramViolation& v : verifier::verify(program, c.options))
        if (v.difo == static_cast<std::int32_t>(program.difos.size()) - 1)
            violations.push_back(std::move(v.violation));
    return violations;
}

} // namespace

TEST(Cases, SayWhatStandsInThem) {
    const auto cases = all_cases();
    ASSERT_GT(cases.size(), 70u);
    for (const Case& c : cases) {
        std::map<At, std::multiset<std::string>> found;
        for (const verifier::Violation& v : judge(c))
            found[{v.in_variables, v.pc}].insert(fmt::format("{}: {}", v.rule, v.message));
        EXPECT_EQ(found, c.expected) << c.file << ":" << c.line << ": " << c.name;
    }
}

TEST(Cases, EveryRuleHasOne) {
    std::set<std::string> seen;
    for (const Case& c : all_cases())
        for (const auto& [at, errors] : c.expected)
            for (const std::string& error : errors)
                seen.insert(error.substr(0, error.find(':')));
    for (const verifier::RuleRow& row : verifier::rule_rows)
        EXPECT_TRUE(seen.contains(row.identifier)) << row.identifier;
    EXPECT_EQ(seen.size(), verifier::rule_count);
}
