// SPDX-License-Identifier: BSD-2-Clause
// A DIFO as the compiler works on it: decoded, checked, numbers of its dialect translated.
//
// decode → (optimiser) → analyse → back end. A pass between them rewrites steps and nothing else.
#ifndef DIFJIT_JIT_UNIT_HPP
#define DIFJIT_JIT_UNIT_HPP

#include <cstdint>
#include <vector>

#include <difjit/abi.h>
#include <difjit/error.hpp>

#include "dif/opcodes.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit::jit {

/// One DIF instruction. Fields that an opcode does not have are 0.
struct Step {
    Op op = Op::NOP;
    std::uint8_t r1 = 0, r2 = 0, rd = 0; ///< rd is also the source of st*, push* and ret
    std::uint32_t target = 0;            ///< branches
    std::uint32_t id = 0;                ///< user variable; pushtr: type kind
    Var var = Var::INVALID;              ///< built-in variable
    Subr subr = Subr::INVALID;           ///< call; INVALID does nothing (semantics.md point 41)
    bool byref = false;                  ///< the user variable's declaration
    std::uint64_t value = 0;             ///< setx: the constant; sets: offset in the string table
};

struct Unit {
    const difjit_difo* difo = nullptr;
    std::vector<Step> steps;
};

/// Refuses whatever the structure rules of the verifier refuse and code would depend on: registers,
/// forward branches, table indices, undeclared variables, a last instruction that is not ret.
Result<Unit> decode(const difjit_difo& difo);

/// Register that the step may write, 0 for none (%r0 is never written).
std::uint8_t written_register(const Step& step);

/// Registers that it reads, as bits.
std::uint8_t read_registers(const Step& step);

} // namespace difjit::jit

#endif
