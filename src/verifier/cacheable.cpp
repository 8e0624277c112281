// SPDX-License-Identifier: BSD-2-Clause
// Which opcodes and variables depend on nothing but the thread. Tested in
// tests/verifier/cacheable_test.cpp.
//
// `scmp` reads memory, so it counts as a load unless both addresses are known to be strings that
// only the thread decides: constants of the string table, and built-in strings such as execname.
// To know that, one forward pass keeps the set of registers that hold such a string on every path;
// it has room for texts of ordinary length, and longer ones are not cached.
#include "verifier/cacheable.hpp"

#include "dif/instruction.hpp"
#include "dif/variables.hpp"

namespace difjit {

namespace {

constexpr std::uint32_t longest = 256; // instructions

/// A built-in that is the same in every firing of one thread.
const VariableRow* thread_variable(const difjit_difo& difo, const Instruction& in) {
    const VariableRow* row =
        variable_row(var_from_id(static_cast<Dialect>(difo.dialect), in.var()));
    return row != nullptr && row->thread_only ? row : nullptr;
}

/// An instruction that computes from registers and constants only.
bool is_pure(Op op) {
    if (is_branch(op))
        return true;
    switch (op) {
    case Op::SETX:
    case Op::SETS:
    case Op::MOV:
    case Op::NOT:
    case Op::CMP:
    case Op::TST:
    case Op::NOP:
    case Op::RET: return true;
    default: return opcode_row(op).format == Format::R1_R2_RD && op != Op::COPYS;
    }
}

class Strings {
  public:
    /// Walks the text; false: something depends on more than the thread.
    bool check(const difjit_difo& difo);

  private:
    bool step(const difjit_difo& difo, const Instruction& in);
    bool holds(std::uint32_t r) const { return (state_ >> r & 1) != 0; }
    void set(std::uint32_t r, bool string) {
        state_ = static_cast<std::uint8_t>((state_ & ~(1u << r)) | (string ? 1u << r : 0u));
    }

    std::uint8_t at_[longest]; ///< registers that are strings on every path to an instruction
    bool reached_[longest];
    std::uint8_t state_ = 0;
};

bool Strings::step(const difjit_difo& difo, const Instruction& in) {
    if (!is_opcode(in.opcode()))
        return false;
    switch (in.op()) {
    case Op::SCMP: return holds(in.r1()) && holds(in.r2());
    case Op::LDGS: {
        const VariableRow* row = thread_variable(difo, in);
        set(in.rd(), row != nullptr && row->type == VarType::STRING);
        return row != nullptr;
    }
    case Op::SETS: set(in.rd(), true); return true;
    case Op::MOV: set(in.rd(), holds(in.r1())); return true;
    default:
        if ((opcode_row(in.op()).writes & column::RD) != 0)
            set(in.rd(), false);
        return is_pure(in.op());
    }
}

bool Strings::check(const difjit_difo& difo) {
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++)
        at_[pc] = 0xff, reached_[pc] = pc == 0;
    if (difo.text_len != 0)
        at_[0] = 0;
    const auto flow = [&](std::uint32_t to) {
        if (to < difo.text_len)
            at_[to] &= state_, reached_[to] = true;
    };
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        if (!reached_[pc])
            continue;
        const Instruction in{difo.text[pc]};
        state_ = at_[pc];
        if (!step(difo, in))
            return false;
        if (is_branch(in.op()))
            flow(in.label());
        if (in.op() != Op::BA && in.op() != Op::RET)
            flow(pc + 1);
    }
    return true;
}

} // namespace

bool is_cacheable(const difjit_difo& difo) {
    if (difo.text_len == 0 || difo.text_len > longest)
        return false;
    Strings strings;
    return strings.check(difo);
}

} // namespace difjit
