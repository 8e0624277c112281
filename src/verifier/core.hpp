// SPDX-License-Identifier: BSD-2-Clause
// The verifier's freestanding core: judges one DIFO, writes what it finds into the caller's
// storage.
//
// Follows dtrace_difo_validate and dtrace_difo_validate_helper; beyond them, the rules of set OURS.
// Tested in tests/verifier/.
#ifndef DIFJIT_VERIFIER_CORE_HPP
#define DIFJIT_VERIFIER_CORE_HPP

#include <cstddef>
#include <cstdint>

#include <difjit/abi.h>

#include "verifier/rules.hpp"

namespace difjit::verifier::core {

/// One broken rule.
struct Finding {
    std::uint32_t pc;    ///< instruction, or row of the variable table (rule_row(rule).place)
    std::uint32_t value; ///< what the message names; %d shows it as signed
    Rule rule;
};

/// Where findings go: those that fit; count is of all.
struct Findings {
    Finding* storage = nullptr;
    std::uint32_t capacity = 0;
    std::uint32_t count = 0;

    void add(std::uint32_t pc, Rule rule, std::uint32_t value = 0) {
        if (count < capacity)
            storage[count] = {pc, value, rule};
        if (count != UINT32_MAX)
            count++;
    }
};

/// What is known of variables that DIFOs before this one declared: dtrace_vstate_t.
struct KnownVariables {
    const difjit_var* (*find)(void* context, std::uint8_t scope, std::uint32_t id) = nullptr;
    void* context = nullptr;
};

struct Settings {
    bool helper = false;          ///< also the rules of set HELPER
    bool reference_rules = false; ///< not the rules of set OURS
    bool reference_list = false;  ///< stop where the reference stops; implies reference_rules
    std::uint32_t max_statics = DIFJIT_STATVAR_MAXSIZE;
    KnownVariables known;
};

/// Bytes of memory that verify needs for this DIFO, aligned to 8; with only the reference's rules
/// it needs none.
std::size_t workspace_size(const difjit_difo& difo);

/// All violations, in the order of the reference's passes; none: the DIFO may run. False where the
/// workspace is too small: then the findings say nothing.
bool verify(const difjit_difo& difo, const Settings& settings, void* workspace, std::size_t size,
            Findings& findings);

/// Bytes of memory that check_bounds needs, aligned to 8.
std::size_t bounds_workspace(const difjit_difo& difo);

/// For hosts whose probes have at most args_bound arguments, and a DIFO in which verify found
/// nothing: is an index of args[] outside on every path? False where the workspace is too small.
bool check_bounds(const difjit_difo& difo, std::uint32_t args_bound, void* workspace,
                  std::size_t size, Findings& findings);

/// dtdo_destructive: is copyout or copyoutstr called? (semantics.md point 52)
bool is_destructive(const difjit_difo& difo);

/// The instruction that takes this one's place where kernel memory may not be read: rld* for ld*
/// (semantics.md point 49).
std::uint32_t restricted(std::uint32_t word);

} // namespace difjit::verifier::core

#endif
