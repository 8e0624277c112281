// SPDX-License-Identifier: BSD-2-Clause
// What no path provides: a register that is read though nothing on any way to it writes it; a
// subroutine that on no way has its arguments on the tuple stack, or on each has a reference where
// it takes a value; a push that on each way is one too many (semantics.md decision 1, points 5 and
// 35). And a tuple stack whose depth depends on the way, where it is used.
//
// Control flow goes forward only, so one pass in order of instructions sees every path: the state
// before an instruction is the union of the states that lead to it. Tested in
// tests/verifier/cases/paths.txt.
#include <bit>

#include "dif/subroutines.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

// A state is a word: bits 0..7 the registers that some path has written, bits 8..16 the depths that
// the tuple stack may have, bits 17..24 the slots that hold no reference on some path. No depth: no
// path leads here.
constexpr std::uint32_t depths_shift = 8;
constexpr std::uint32_t depths = 0x1ff << depths_shift;
constexpr std::uint32_t values_shift = 17;
constexpr std::uint32_t values = 0xffu << values_shift;
constexpr std::uint32_t start = 1u | 1u << depths_shift | values; // %r0, empty stack

std::uint32_t lowest_depth(std::uint32_t state) {
    return static_cast<std::uint32_t>(std::countr_zero((state & depths) >> depths_shift));
}

bool depths_differ(std::uint32_t state) {
    const std::uint32_t set = state & depths;
    return (set & (set - 1)) != 0;
}

/// The slots that the depths name, as `values` has them.
std::uint32_t tops(std::uint32_t state) {
    return (state & depths) >> depths_shift << values_shift & values;
}

std::uint32_t push(std::uint32_t state, bool by_ref) {
    if (!by_ref)
        state |= tops(state);
    else if (!depths_differ(state))
        state &= ~tops(state);
    // The ninth push faults, so that path ends.
    return (state & ~depths) | ((state & depths) << 1 & depths);
}

std::uint32_t pop(std::uint32_t state) {
    const std::uint32_t empty = state & 1u << depths_shift;
    return (state & ~depths) | ((state & depths) >> 1 & depths) | empty;
}

/// An associative array's key is completed behind the top: those slots hold no references.
std::uint32_t complete_key(std::uint32_t state) {
    return state | (values << lowest_depth(state) & values);
}

std::uint32_t after(const Instruction& in, const OpcodeRow& row, std::uint32_t state) {
    switch (in.op()) {
    case Op::PUSHTR: state = push(state, true); break;
    case Op::PUSHTV: state = push(state, false); break;
    case Op::POPTS: state = pop(state); break;
    case Op::FLUSHTS: state = (state & ~depths) | 1u << depths_shift; break;
    case Op::LDGAA:
    case Op::LDTAA:
    case Op::STGAA:
    case Op::STTAA: state = complete_key(state); break;
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

bool is_value(Argument argument) {
    switch (argument) {
    case Argument::INTEGER:
    case Argument::CHARACTER:
    case Argument::SIZE:
    case Argument::USER:
    case Argument::OBJECT: return true;
    default: return false; // compilers push strings and arrays either way
    }
}

void check_arguments(const difjit_difo& difo, const Instruction& in, std::uint32_t pc,
                     std::uint32_t state, Findings& findings) {
    const Subr subr = subr_from_number(static_cast<Dialect>(difo.dialect), in.subr_number());
    if (subr == Subr::INVALID)
        return;
    const SubroutineRow& row = subroutine_row(subr);
    const std::uint32_t enough = depths & ~((1u << (depths_shift + row.minimum)) - 1);
    if ((state & enough) == 0)
        return findings.add(pc, Rule::ARGUMENTS, in.subr_number());
    if (row.maximum != 0 && depths_differ(state))
        findings.add(pc, Rule::TUPLE_DIFFERS);
    for (std::uint32_t i = 0; i < row.minimum; i++)
        if (is_value(subr_argument(subr, i)) && (state >> (values_shift + i) & 1) == 0)
            findings.add(pc, Rule::ARGUMENT_KIND, in.subr_number());
}

/// What pushes, and what takes the whole tuple stack as its key.
void check_tuple(const Instruction& in, const OpcodeRow& row, std::uint32_t pc, std::uint32_t state,
                 Findings& findings) {
    if ((row.effects & column::PUSHES) != 0 && lowest_depth(state) == DIFJIT_NTUPLE)
        findings.add(pc, Rule::TUPLE_FULL, DIFJIT_NTUPLE);
    if (in.op() != Op::CALL && (row.effects & column::READS_TUPLE) != 0 && depths_differ(state))
        findings.add(pc, Rule::TUPLE_DIFFERS);
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
        check_tuple(in, row, pc, state, findings);
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
