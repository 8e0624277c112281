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
    std::string_view rule; ///< identifier: src/verifier/rules.def
    std::string message;   ///< what the reference says, filled in: "invalid register 9"
};

struct Options {
    bool helper = false;              ///< also dtrace_difo_validate_helper's rules
    bool kernel = true;               ///< privilege to read kernel memory
    std::uint32_t max_statics = 16384; ///< dtrace_statvar_maxsize
};

/// Every violation, in order of instruction. Empty: the DIFO may run.
std::vector<Violation> verify(const Difo& difo, const Options& options = {});

/// Also across DIFOs: the same user variable must agree everywhere (semantics.md point 50).
struct ProgramViolation {
    std::int32_t ecb = -1;  ///< first ECB that uses the DIFO, -1: none
    std::int32_t difo = -1; ///< index in Program::difos
    Violation violation;
};
std::vector<ProgramViolation> verify(const Program& program, const Options& options = {});

/// What dtrace_difo_validate does to a DIFO of a consumer that may not read kernel memory: ld*
/// becomes rld* (semantics.md point 49).
void restrict_loads(Difo& difo);

/// Does the DIFO call copyout or copyoutstr (dtdo_destructive)?
bool is_destructive(const Difo& difo);

} // namespace difjit::verifier

#endif
