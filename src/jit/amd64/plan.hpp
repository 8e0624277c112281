// SPDX-License-Identifier: BSD-2-Clause
// What amd64 code does with each step, and where DIF's registers live.
#ifndef DIFJIT_JIT_AMD64_PLAN_HPP
#define DIFJIT_JIT_AMD64_PLAN_HPP

#include <array>
#include <cstdint>
#include <vector>

#include "jit/flow.hpp"
#include "jit/unit.hpp"

namespace difjit::jit::amd64 {

/// Machine registers by hardware number.
enum Machine : std::uint8_t {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    NONE
};

struct StepPlan {
    bool emit = false;                     ///< it makes code
    bool calls = false;                    ///< it calls a helper
    std::uint8_t uses = 0, live_after = 0; ///< DIF registers, as bits
};

struct Plan {
    std::vector<StepPlan> steps;
    std::array<Machine, DIFJIT_NREGS> home{}; ///< of each DIF register; NONE: it is never needed
    std::uint8_t used = 0;                    ///< DIF registers that have a home
    std::uint8_t spilled = 0; ///< those whose home a call destroys though they live across one
    std::uint8_t zero_at_entry = 0;
    Machine frame = RDI;          ///< holds the difjit_frame
    bool calls = false;           ///< some step calls
    std::vector<Machine> saved;   ///< callee-saved registers to push, in order
    std::uint32_t stack = 0;      ///< bytes below them
    std::uint32_t spill_base = 0; ///< where in them the spilled registers go, by DIF number
};

/// The step leaves nothing to do: `call` of a subroutine that the reference has compiled out.
bool is_empty_call(const Step& step);
/// A built-in variable that is read from the frame: its offset and width, or width 0.
struct FrameField {
    std::uint32_t offset, width;
};
FrameField frame_field(const Step& step, const StepFlow& flow);

Plan make_plan(const Unit& unit, const Flow& flow, bool optimise);

} // namespace difjit::jit::amd64

#endif
