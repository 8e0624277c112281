// SPDX-License-Identifier: BSD-2-Clause
// The verifier's user interface. The freestanding core is src/verifier/; this wraps it with text.
#ifndef DIFJIT_VERIFIER_HPP
#define DIFJIT_VERIFIER_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/program.hpp>

namespace difjit::verifier {

/// One broken rule. `pc` is the instruction, or the index in the variable table for rules about it
/// (corpus README, "invalid.jsonl").
struct Violation {
    std::uint32_t pc = 0;
    std::string_view rule;     ///< identifier: src/verifier/rules.def
    std::string message;       ///< what the reference says, filled in: "invalid register 9"
    bool in_variables = false; ///< pc is a row of the variable table
};

struct Options {
    bool helper = false; ///< also dtrace_difo_validate_helper's rules
    /// Privilege to read kernel memory. Without it loads are restricted (restrict_loads), which no
    /// rule depends on.
    bool kernel = true;
    std::uint32_t max_statics = 16384; ///< dtrace_statvar_maxsize
    /// Only dtrace_difo_validate's rules: accept what the reference accepts and would panic on.
    bool reference_rules = false;
    /// Only the list that dtrace_difo_validate itself gives: its rules, in its order, and nothing
    /// behind the place where it stops (semantics.md point 45).
    bool reference_list = false;
    /// How many arguments the host's probes have at most; 0: it does not say.
    std::uint32_t args_bound = 0;
};

/// Every violation: those of the text in order of instruction, then those of the variable table.
/// Empty: the DIFO may run.
std::vector<Violation> verify(const Difo& difo, const Options& options = {});

/// Also across DIFOs: the same user variable must agree everywhere (semantics.md point 50).
struct ProgramViolation {
    std::int32_t ecb = -1;  ///< first ECB that uses the DIFO, -1: none
    std::int32_t difo = -1; ///< index in Program::difos
    Violation violation;
};
std::vector<ProgramViolation> verify(const Program& program, const Options& options = {});

/// What the analysis proves of one instruction (docs/verifier.md, "Facts").
struct ProvedFact {
    std::uint32_t pc = 0;
    std::string_view kind; ///< src/verifier/facts.def
    std::string text;      ///< "%r1 in [0, 255]"
};

/// All facts of a DIFO, ascending in pc; none where it breaks one of the reference's rules. They
/// hold where strings are limited to `strsize` bytes.
std::vector<ProvedFact> prove(const Difo& difo, std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT);

/// What dtrace_difo_validate does to a DIFO of a consumer that may not read kernel memory: ld*
/// becomes rld* (semantics.md point 49).
void restrict_loads(Difo& difo);

/// Does the DIFO call copyout or copyoutstr (dtdo_destructive)?
bool is_destructive(const Difo& difo);

} // namespace difjit::verifier

#endif
