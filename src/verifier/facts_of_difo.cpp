// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/facts_of_difo.hpp"

#include <memory>

#include <difjit/verifier.hpp>
#include <fmt/format.h>

namespace difjit::verifier {

namespace {

struct FactRow {
    std::string_view name, text;
};

constexpr FactRow fact_rows[] = {
#define DIFJIT_FACT(name, text, meaning) {#name, text},
#include "verifier/facts.def"
};

std::string_view region_text(Region region) {
    switch (region) {
    case Region::string_table: return "the string table";
    case Region::global: return "the global";
    case Region::local: return "the clause-local";
    case Region::dynamic: return "the dynamic variable";
    case Region::scratch: return "the allocation";
    case Region::string: return "the new string";
    case Region::host_string: return "the host's string";
    case Region::number: break;
    }
    return "memory";
}

/// Addresses and masks are read in hexadecimal, counts are not.
std::string word_text(std::uint64_t word) {
    constexpr std::uint64_t readable = 1'000'000;
    return word < readable ? fmt::format("{}", word) : fmt::format("{:#x}", word);
}

/// INT64_MIN and INT64_MAX are where a bound says nothing.
std::string signed_text(std::uint64_t word) {
    const auto value = static_cast<std::int64_t>(word);
    return value == INT64_MIN   ? "INT64_MIN"
           : value == INT64_MAX ? "INT64_MAX"
                                : fmt::format("{}", value);
}

std::string placeholder(const Fact& fact, std::string_view name) {
    if (name == "a")
        return word_text(fact.a);
    if (name == "b")
        return word_text(fact.b);
    if (name == "sa")
        return signed_text(fact.a);
    if (name == "sb")
        return signed_text(fact.b);
    if (name == "reg")
        return fmt::format("{}", fact.reg);
    return std::string(region_text(fact.region));
}

} // namespace

Facts analyse(const difjit_difo& difo, const Assumptions& assumptions) {
    Facts facts{assumptions, std::vector<Fact>(fact_capacity(difo))};
    const std::size_t words = analysis_workspace(difo) / sizeof(std::uint64_t) + 1;
    const auto workspace = std::make_unique_for_overwrite<std::uint64_t[]>(words); // not cleared
    facts.all.resize(analyse(difo, assumptions,
                             std::as_writable_bytes(std::span(workspace.get(), words)), facts.all));
    return facts;
}

std::string_view fact_name(FactKind kind) {
    return fact_rows[static_cast<std::size_t>(kind)].name;
}

std::string fact_text(const Fact& fact) {
    std::string out;
    std::string_view rest = fact_rows[static_cast<std::size_t>(fact.kind)].text;
    for (auto open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
        const auto close = rest.find('}', open);
        out += rest.substr(0, open);
        out += placeholder(fact, rest.substr(open + 1, close - open - 1));
        rest.remove_prefix(close + 1);
    }
    return out += rest;
}

std::vector<ProvedFact> prove(const Difo& difo, std::uint64_t strsize) {
    Options options;
    options.reference_rules = true;
    std::vector<ProvedFact> proved;
    if (!verify(difo, options).empty())
        return proved;
    for (const Fact& fact : analyse(difo.view(), Assumptions{strsize}).all)
        proved.push_back({fact.pc, fact_name(fact.kind), fact_text(fact)});
    return proved;
}

} // namespace difjit::verifier
