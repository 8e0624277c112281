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

/// What the condition codes come from, while the registers still hold what was compared.
struct Codes {
    enum class From : std::uint8_t { entry, compare, test, strings, unknown } from = From::entry;
    std::uint8_t r1 = 0, r2 = 0; ///< 0 where no register is meant
    bool operator==(const Codes&) const = default;
    void forget() {
        from = From::unknown;
        r1 = r2 = 0;
    }
};

struct State {
    // Only what the masks and `pushed` say is there; the rest is not initialised.
    Value registers[DIFJIT_NREGS];
    Value tuple[DIFJIT_NTUPLE];
    Codes codes;
    std::uint8_t written_always; ///< registers that every path has written, as bits; never %r0
    std::uint8_t written_ever;   ///< that some path has
    std::uint8_t depth_min, depth_max;
    std::uint8_t pushed;      ///< slots that hold what was last pushed there on every path
    std::uint8_t slot_refs;   ///< slots that some path pushed by reference, as bits
    std::uint8_t slot_values; ///< by value

    /// The state at entry: everything 0 (semantics.md, decision 1), nothing written.
    void reset();
    /// Copies what is there.
    void assign(const State& other);
    /// Makes this the join of both.
    void merge(const State& other);
    /// Is some register a different constant in the other?
    [[nodiscard]] bool differs(const State& other) const;

    /// What the register holds; 0 where nothing wrote it.
    [[nodiscard]] const Value& at(unsigned r) const {
        return (written_ever >> (r & 7) & 1) != 0 ? registers[r & 7] : zero_value;
    }
    /// What the slot holds, whoever wrote it.
    [[nodiscard]] Value slot(unsigned i) const { return i < pushed ? tuple[i] : Value::any(); }
    /// rd is about to be written; codes that were made of its old value are lost.
    Value& rewrite(unsigned rd) {
        const auto bit = static_cast<std::uint8_t>(1u << rd);
        written_always |= bit;
        written_ever |= bit;
        if (codes.r1 == rd || codes.r2 == rd)
            codes.forget();
        return registers[rd];
    }
};

/// What holds after a branch that was (not) taken. False: that can't happen.
bool assume_branch(State& state, std::uint8_t op, bool taken);

} // namespace difjit::verifier

#endif
