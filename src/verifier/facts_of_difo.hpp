// SPDX-License-Identifier: BSD-2-Clause
// The analysis for users: facts that own their memory, and what they say in words.
//
// What the command prints and the compiler consumes. Tested in tests/verifier/analysis_test.cpp.
#ifndef DIFJIT_VERIFIER_FACTS_OF_DIFO_HPP
#define DIFJIT_VERIFIER_FACTS_OF_DIFO_HPP

#include <string>
#include <string_view>
#include <vector>

#include <difjit/program.hpp>

#include "verifier/analysis.hpp"

namespace difjit::verifier {

/// The facts of a DIFO, ascending in pc, and what they rely on.
struct Facts {
    Assumptions assumptions;
    std::vector<Fact> all;

    [[nodiscard]] std::span<const Fact> of(std::uint32_t pc) const { return facts_of(all, pc); }
};

/// Facts of a DIFO that keeps the reference's rules at least.
Facts analyse(const difjit_difo& difo, const Assumptions& assumptions = {});

/// FactKind's name: LOAD_INSIDE.
std::string_view fact_name(FactKind kind);
/// The column `text` of facts.def, filled in: "%r1 in [0, 255]".
std::string fact_text(const Fact& fact);

} // namespace difjit::verifier

#endif
