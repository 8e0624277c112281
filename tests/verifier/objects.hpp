// SPDX-License-Identifier: BSD-2-Clause
// DIF objects of the corpus's difo/*.jsonl, for the verifier's tests (tests/corpus/README.md).
#ifndef DIFJIT_TESTS_VERIFIER_OBJECTS_HPP
#define DIFJIT_TESTS_VERIFIER_OBJECTS_HPP

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include <difjit/program.hpp>

namespace difjit::test {

inline std::vector<nlohmann::json> read_lines(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error("no file " + path);
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(file, line);)
        if (!line.empty())
            lines.push_back(nlohmann::json::parse(line));
    return lines;
}

inline std::uint64_t number(const nlohmann::json& value) {
    return value.is_string() ? std::stoull(value.get<std::string>(), nullptr, 0)
                             : value.get<std::uint64_t>();
}

/// A name, or a number that has none.
inline std::uint8_t code(const nlohmann::json& value, const std::vector<std::string>& names) {
    if (!value.is_string())
        return value.get<std::uint8_t>();
    for (std::size_t i = 0; i < names.size(); i++)
        if (names[i] == value)
            return static_cast<std::uint8_t>(i);
    throw std::runtime_error("no such name: " + value.dump());
}

inline difjit_type type_of(const nlohmann::json& value) {
    const bool byref = value.at("byref"), string = byref && value.value("string", true);
    return {static_cast<std::uint8_t>(string ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF), 0,
            static_cast<std::uint8_t>(byref ? DIFJIT_TF_BYREF : 0), 0,
            value.at("size").get<std::uint32_t>()};
}

inline Difo object(const nlohmann::json& line) {
    Difo difo;
    for (const auto& word : line.at("text"))
        difo.text.push_back(static_cast<std::uint32_t>(number(word)));
    for (const auto& value : line.at("ints"))
        difo.ints.push_back(number(value));
    const std::string hex = line.at("strtab");
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        difo.strtab.push_back(static_cast<char>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    for (const auto& var : line.at("vars"))
        difo.vars.push_back(
            {0, var.at("id").get<std::uint32_t>(), code(var.at("kind"), {"array", "scalar"}),
             code(var.at("scope"), {"global", "thread", "local"}), 0, type_of(var)});
    difo.rtype = type_of(line.at("rtype"));
    return difo;
}

} // namespace difjit::test

#endif
