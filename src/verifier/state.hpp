// SPDX-License-Identifier: BSD-2-Clause
// The abstract state before an instruction: registers, tuple stack, condition codes.
//
// Freestanding; states are large and live in the caller's workspace, never on the stack.
#ifndef DIFJIT_VERIFIER_STATE_HPP
#define DIFJIT_VERIFIER_STATE_HPP

#include <cstdint>

#include <difjit/abi.h>

#include "verifier/value.hpp"

namespace difjit::verifier {

/// One slot of the tuple stack.
struct Slot {
    Value value;
    std::uint64_t size_max = 0; ///< by-ref: at most so many bytes
    bool by_ref = false;
    bool mixed = false; ///< a value on one path, a reference on another
};

/// What the condition codes come from, while the registers still hold what was compared.
struct Codes {
    enum class From : std::uint8_t { entry, compare, test, strings, unknown } from = From::entry;
    std::uint8_t r1 = 0, r2 = 0;
    bool operator==(const Codes&) const = default;
};

struct State {
    Value registers[DIFJIT_NREGS];
    Slot tuple[DIFJIT_NTUPLE];
    Codes codes;
    std::uint8_t written_always = 1; ///< registers that every path has written, as bits; %r0 is
    std::uint8_t written_ever = 1;   ///< that some path has
    std::uint8_t depth_min = 0, depth_max = 0;
    std::uint8_t pushed = 0; ///< slots that have ever been written on every path, from the bottom

    /// The state at entry: everything 0 (semantics.md, decision 1), nothing written.
    void reset();
    /// Copies what lives: unused slots of the tuple stack are left out.
    void assign(const State& other);
    /// Makes this the join of both.
    void merge(const State& other);
    /// Is some register a different constant in the other?
    [[nodiscard]] bool differs(const State& other) const;
    /// rd gets a value: codes that were made of its old one are lost.
    void write(unsigned rd, const Value& value);
};

/// What holds after a branch that was (not) taken. False: that can't happen.
bool assume_branch(State& state, std::uint8_t op, bool taken);

} // namespace difjit::verifier

#endif
