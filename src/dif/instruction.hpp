// SPDX-License-Identifier: BSD-2-Clause
// One DIF instruction: a 32-bit word, its fields and its encoders.
//
// Freestanding. Follows the DIF_INSTR_* macros of dtrace.h. Decoding never fails: every field of
// any word has a value; whether the word is an instruction is for is_opcode and the verifier to
// say. Tested in tests/dif/instruction_test.cpp.
#ifndef DIFJIT_DIF_INSTRUCTION_HPP
#define DIFJIT_DIF_INSTRUCTION_HPP

#include <cstdint>

#include "dif/opcodes.hpp"

namespace difjit {

struct Instruction {
    std::uint32_t word = 0;

    /// Bits 31..24, any value.
    [[nodiscard]] constexpr std::uint32_t opcode() const { return word >> 24; }
    /// The same as an Op: one of its names only where is_opcode(opcode()).
    [[nodiscard]] constexpr Op op() const { return static_cast<Op>(word >> 24); }
    [[nodiscard]] constexpr std::uint32_t r1() const { return (word >> 16) & 0xff; }
    [[nodiscard]] constexpr std::uint32_t r2() const { return (word >> 8) & 0xff; }
    [[nodiscard]] constexpr std::uint32_t rd() const { return word & 0xff; }
    /// Branches: the index of the instruction to go on with.
    [[nodiscard]] constexpr std::uint32_t label() const { return word & 0xffffff; }
    /// Scalar and associative variables. Arrays (ldga, ldta): array().
    [[nodiscard]] constexpr std::uint32_t var() const { return (word >> 8) & 0xffff; }
    [[nodiscard]] constexpr std::uint32_t array() const { return r1(); }
    [[nodiscard]] constexpr std::uint32_t integer_index() const { return (word >> 8) & 0xffff; }
    [[nodiscard]] constexpr std::uint32_t string_offset() const { return (word >> 8) & 0xffff; }
    [[nodiscard]] constexpr std::uint32_t subr_number() const { return (word >> 8) & 0xffff; }
    [[nodiscard]] constexpr std::uint32_t xlate_index() const { return (word >> 8) & 0xffff; }
    /// pushtr, pushtv: DIFJIT_TYPE_*.
    [[nodiscard]] constexpr std::uint32_t type() const { return r1(); }

    constexpr bool operator==(const Instruction&) const = default;

    /// Three bytes: registers, or type, array and registers.
    static constexpr Instruction make(Op op, std::uint32_t r1, std::uint32_t r2, std::uint32_t rd) {
        return {static_cast<std::uint32_t>(op) << 24 | (r1 & 0xff) << 16 | (r2 & 0xff) << 8 |
                (rd & 0xff)};
    }
    /// A branch.
    static constexpr Instruction branch(Op op, std::uint32_t label) {
        return {static_cast<std::uint32_t>(op) << 24 | (label & 0xffffff)};
    }
    /// A 16-bit index and a register: setx, sets, call, scalar and associative variables, xlate.
    static constexpr Instruction indexed(Op op, std::uint32_t index, std::uint32_t rd) {
        return {static_cast<std::uint32_t>(op) << 24 | (index & 0xffff) << 8 | (rd & 0xff)};
    }
};
static_assert(sizeof(Instruction) == 4);

} // namespace difjit

#endif
