// SPDX-License-Identifier: BSD-2-Clause
// Opcodes: the enum and the table that opcodes.def makes.
//
// Freestanding. A switch over Op with no default fails to compile when a row is missing
// (-Wall -Werror), which is how executors and verifier stay complete.
// Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_OPCODES_HPP
#define DIFJIT_DIF_OPCODES_HPP

#include <cstdint>

#include "dif/columns.hpp"

namespace difjit {

/// DIF_OP_*. A word's top byte may hold other values: ask is_opcode first.
enum class Op : std::uint8_t {
#define DIF_OPCODE(name, number, ...) name = number,
#include "dif/opcodes.def"
};

/// One row of opcodes.def.
struct OpcodeRow {
    Op op;
    const char* mnemonic;
    Format format;
    std::uint8_t reads, writes;       ///< column::R1, R2, RD
    std::uint8_t cc_reads, cc_writes; ///< column::N, Z, V, C
    std::uint8_t width;               ///< bytes that a load or store touches, or 0
    bool is_signed;                   ///< the load extends the sign
    Memory memory;
    std::uint32_t faults;  ///< DIFJIT_FAULT_*, DIFJIT_FLAG_DROP
    std::uint32_t effects; ///< column::LOADS ...
    const char* meaning;
    const char* source;
};

namespace detail::opcodes {
using namespace column;
inline constexpr OpcodeRow rows[] = {
#define DIF_OPCODE(name, number, mnemonic, format, reads, writes, cc_reads, cc_writes, width,      \
                   is_signed, memory, faults, effects, meaning, source)                            \
    {Op::name, mnemonic,  Format::format, reads,  writes,  cc_reads, cc_writes,                    \
     width,    is_signed, Memory::memory, faults, effects, meaning,  source},
#include "dif/opcodes.def"
};
} // namespace detail::opcodes

/// All rows, in order of number from 1 on: what fuzzers and coverage tables walk.
inline constexpr auto& opcode_rows = detail::opcodes::rows;
inline constexpr std::uint32_t opcode_count = sizeof(opcode_rows) / sizeof(opcode_rows[0]);

/// Is this the number of an opcode?
constexpr bool is_opcode(std::uint32_t number) {
    return number - 1 < opcode_count;
}

/// The row of an opcode. The number must be one: is_opcode.
constexpr const OpcodeRow& opcode_row(Op op) {
    return opcode_rows[static_cast<unsigned>(op) - 1];
}

/// Does it branch on a condition or always (ba)?
constexpr bool is_branch(Op op) {
    return Op::BA <= op && op <= Op::BLEU;
}

/// May the verifier accept it at all?
constexpr bool is_executable(Op op) {
    return op < Op::XLATE;
}

} // namespace difjit

#endif
