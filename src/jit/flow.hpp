// SPDX-License-Identifier: BSD-2-Clause
// What the compiler knows about each step before it chooses instructions: constants, which compare
// reaches which branch, the depth of the tuple stack.
//
// Branches go forward only, so one pass in order of instruction is a fixed point.
#ifndef DIFJIT_JIT_FLOW_HPP
#define DIFJIT_JIT_FLOW_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "jit/unit.hpp"

namespace difjit::jit {

/// What is known of a register: its value, or in how many bits it fits as a signed number.
struct Value {
    bool constant = false;
    std::uint8_t bits = 64;
    std::uint64_t value = 0;

    static Value known(std::uint64_t value);
    static Value fits(unsigned bits) {
        return {false, static_cast<std::uint8_t>(bits < 64 ? bits : 64), 0};
    }
    bool operator==(const Value&) const = default;
};

/// How a branch, or an scmp that may leave the condition codes alone, gets at them.
enum class Codes : std::uint8_t {
    unused,
    never,   ///< the branch is known not to be taken
    always,  ///< the branch is known to be taken
    compare, ///< by the operands of `compare`, which hold the same values still
    saved    ///< by the saved operands
};

struct StepFlow {
    bool reached = false;
    bool target = false;                 ///< some branch that may be taken goes here
    Value r1, r2, rd;                    ///< operands before the step
    std::optional<std::uint64_t> result; ///< what it writes to rd, where that is a constant
    Codes codes = Codes::unused;
    std::uint32_t compare = 0; ///< step of the cmp, tst or scmp that decides the branch
    bool save = false;         ///< compare: its operands have to be saved
    std::int8_t keep = 1;      ///< scmp: what has the codes before it, as the sign of a compare
    std::int8_t depth = 0;     ///< tuple stack before the step
};

struct Flow {
    std::vector<StepFlow> steps;
    bool fixed_depth = true;      ///< the tuple stack's depth is known at every step
    std::uint8_t stale_slots = 0; ///< tuple slots that a call may read before this DIFO wrote them
    bool saves_codes = false;     ///< some step has `save`
    bool initial_codes = false;   ///< the codes at entry have to be saved as well
};

/// optimise off: no constants but %r0, no dead code, every compare is saved, no fixed depth.
Flow analyse(const Unit& unit, bool optimise);

/// The condition codes as one branch sees them (semantics.md points 1-4).
struct CodeBits {
    bool n = false, z = false, c = false;
};
bool branch_taken(Op branch, CodeBits codes);
CodeBits compare_codes(std::uint64_t r1, std::uint64_t r2);

/// The result of an arithmetic step; nullopt where it faults.
std::optional<std::uint64_t> compute(Op op, std::uint64_t r1, std::uint64_t r2);

} // namespace difjit::jit

#endif
