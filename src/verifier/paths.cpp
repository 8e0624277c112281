// SPDX-License-Identifier: BSD-2-Clause
// What no path provides: a register that is read though nothing on any way to it writes it, and a
// subroutine that on no way has its arguments on the tuple stack (semantics.md decision 1, points 5
// and 35).
//
// Control flow goes forward only, so one pass in order of instructions sees every path: the state
// before an instruction is the union of the states that lead to it. Both rules refuse only what is
// wrong on every path; the deeper analysis proves more. Tested in tests/verifier/cases/paths.txt.
#include "dif/subroutines.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

// A state is a word: bits 0..7 the registers that some path has written, bits 8..16 the depths that
// the tuple stack may have. 0: no path leads here.
constexpr std::uint32_t registers = 0xff;
constexpr std::uint32_t depths_shift = 8;
constexpr std::uint32_t depths = 0x1ff << depths_shift;
constexpr std::uint32_t start = 1u | 1u << depths_shift; // %r0, empty stack

std::uint32_t push(std::uint32_t state) {
    // The ninth push faults, so that path ends.
    return (state & registers) | ((state & depths) << 1 & depths);
}

std::uint32_t pop(std::uint32_t state) {
    const std::uint32_t empty = state & 1u << depths_shift;
    return (state & registers) | ((state & depths) >> 1 & depths) | empty;
}

std::uint32_t after(const Instruction& in, const OpcodeRow& row, std::uint32_t state) {
    switch (in.op()) {
    case Op::PUSHTR:
    case Op::PUSHTV: state = push(state); break;
    case Op::POPTS: state = pop(state); break;
    case Op::FLUSHTS: state = (state & registers) | 1u << depths_shift; break;
    default: break;
    }
    if ((row.writes & column::RD) != 0)
        state |= 1u << in.rd();
    return (state & depths) == 0 ? 0 : state;
}

void check_reads(const Instruction& in, const OpcodeRow& row, std::uint32_t pc, std::uint32_t state,
                 Findings& findings) {
    const auto check = [&](std::uint8_t which, std::uint32_t number) {
        if ((row.reads & which) != 0 && (state >> number & 1) == 0)
            findings.add(pc, Rule::UNWRITTEN, number);
    };
    check(column::R1, in.r1());
    check(column::R2, in.r2());
    if (in.op() != Op::CALL) // what leaves rd alone does not need its value
        check(column::RD, in.rd());
}

void check_arguments(const difjit_difo& difo, const Instruction& in, std::uint32_t pc,
                     std::uint32_t state, Findings& findings) {
    const Subr subr = subr_from_number(static_cast<Dialect>(difo.dialect), in.subr_number());
    if (subr == Subr::INVALID)
        return;
    const std::uint32_t enough =
        depths & ~((1u << (depths_shift + subroutine_row(subr).minimum)) - 1);
    if ((state & enough) == 0)
        findings.add(pc, Rule::ARGUMENTS, in.subr_number());
}

} // namespace

void check_paths(const difjit_difo& difo, std::uint32_t* workspace, Findings& findings) {
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++)
        workspace[pc] = 0;
    if (difo.text_len != 0)
        workspace[0] = start;
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        const std::uint32_t state = workspace[pc];
        if (state == 0)
            continue;
        const Instruction in{difo.text[pc]};
        const OpcodeRow& row = opcode_row(in.op());
        check_reads(in, row, pc, state, findings);
        if (in.op() == Op::CALL)
            check_arguments(difo, in, pc, state, findings);
        const std::uint32_t next = after(in, row, state);
        if (is_branch(in.op()))
            workspace[in.label()] |= next;
        if (in.op() != Op::RET && in.op() != Op::BA && pc + 1 < difo.text_len)
            workspace[pc + 1] |= next;
    }
}

} // namespace difjit::verifier::core
