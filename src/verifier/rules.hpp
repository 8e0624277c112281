// SPDX-License-Identifier: BSD-2-Clause
// The rules of rules.def as an enum with its table. Freestanding.
#ifndef DIFJIT_VERIFIER_RULES_HPP
#define DIFJIT_VERIFIER_RULES_HPP

#include <cstdint>

namespace difjit::verifier {

enum class Rule : std::uint8_t {
#define DIFJIT_RULE(name, ...) name,
#include "verifier/rules.def"
};

/// What a violation's place counts.
enum class Place : std::uint8_t { TEXT, VARS };

/// Whose rule it is.
enum class RuleSet : std::uint8_t { REFERENCE, HELPER, OURS };

struct RuleRow {
    Rule rule;
    const char* identifier;
    Place place;
    RuleSet set;
    const char* message;
    const char* source;
};

inline constexpr RuleRow rule_rows[] = {
#define DIFJIT_RULE(name, identifier, where, set, message, source)                                 \
    {Rule::name, identifier, Place::where, RuleSet::set, message, source},
#include "verifier/rules.def"
};
inline constexpr std::uint32_t rule_count = sizeof(rule_rows) / sizeof(rule_rows[0]);

constexpr const RuleRow& rule_row(Rule rule) {
    return rule_rows[static_cast<unsigned>(rule)];
}

} // namespace difjit::verifier

#endif
