// SPDX-License-Identifier: BSD-2-Clause
// The analysis: one pass over a DIFO that the structure rules accept; facts out, violations out.
//
// DIF branches go forward only, so by the time an instruction is reached every path to it has been
// seen: one pass in order is a complete abstract interpretation, and it is linear. Freestanding;
// all memory is the caller's: ask workspace size and fact capacity first. Not for probe context.
#ifndef DIFJIT_VERIFIER_ANALYSIS_HPP
#define DIFJIT_VERIFIER_ANALYSIS_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include <difjit/abi.h>

#include "verifier/facts.hpp"
#include "verifier/paths_at.hpp"
#include "verifier/transfer.hpp"

namespace difjit::verifier {

/// Sees the state before each instruction that is reached: for listings and for the containment
/// oracle of the tests.
struct Watcher {
    virtual void before(std::uint32_t pc, const Paths& paths) = 0;

  protected:
    ~Watcher() = default;
};

/// Bytes of workspace for this DIFO, 16-aligned: a state for each branch that may wait, and a few.
std::size_t analysis_workspace(const difjit_difo& difo);

/// How many facts there can be.
inline std::size_t fact_capacity(const difjit_difo& difo) {
    return difo.text_len * facts_per_instruction;
}

/// Analyses a DIFO that verify() accepted. Returns how many facts were written, ascending in pc; 0
/// as well where the workspace is too small, which is always sound.
std::size_t analyse(const difjit_difo& difo, const Assumptions& assumptions,
                    std::span<std::byte> workspace, std::span<Fact> facts,
                    Watcher* watcher = nullptr);

} // namespace difjit::verifier

#endif
