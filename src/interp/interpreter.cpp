// SPDX-License-Identifier: BSD-2-Clause
// The reference interpreter: dtrace_dif_emulate, slow and obvious on purpose.
//
// It decodes every instruction anew, looks every built-in and subroutine up by its number, and
// checks every operand again that a verifier has checked, so that it is right by reading it and
// safe for anything. Compiled code is compared with it; speed lives there. All that touches more
// than a register is the runtime's. Tested in tests/interp/interpreter_test.cpp, and by the corpus
// in tests/interp/vectors_test.cpp.
#include "interp/interpreter.hpp"

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/variables.hpp"

namespace difjit::interp {

namespace {

using namespace runtime;

/// The condition codes; V is always 0 in DIF (semantics.md points 1-3).
struct Codes {
    bool n = false, z = false, c = false;
};

/// One run. Registers, tuple slots and condition codes start at 0 (decision 1).
class Machine {
  public:
    explicit Machine(difjit_frame* frame) : f_(frame), difo_(*frame->difo) {}
    std::uint64_t run();

  private:
    difjit_frame* f_;
    const difjit_difo& difo_;
    std::uint64_t regs_[DIFJIT_NREGS] = {};
    Codes codes_;
    std::uint32_t pc_ = 0;
    std::uint64_t value_ = 0;
    Instruction in_;

    // %r0 is never written: the verifier refuses it, and a store that got here all the same is
    // lost.
    void set(std::uint64_t value) {
        if ((in_.rd() & 7) != 0)
            regs_[in_.rd() & 7] = value;
    }
    [[nodiscard]] std::uint64_t r1() const { return regs_[in_.r1() & 7]; }
    [[nodiscard]] std::uint64_t r2() const { return regs_[in_.r2() & 7]; }
    [[nodiscard]] std::uint64_t rd() const { return regs_[in_.rd() & 7]; }
    [[nodiscard]] std::int64_t s1() const { return static_cast<std::int64_t>(r1()); }
    [[nodiscard]] std::int64_t s2() const { return static_cast<std::int64_t>(r2()); }

    void step();
    void divide(Op op);
    void branch(Op op);
    void access(Op op);
    void constant(Op op);
    void scalar(Op op);
    void array(Op op);
    void tuple(Op op);
    void call();
    void compare_strings();
    std::uint64_t helper(std::uint32_t n, std::uint64_t a = 0, std::uint64_t b = 0,
                         std::uint64_t c = 0) {
        return runtime::helper(n)(f_, a, b, c);
    }
    void illegal() { f_->flags |= DIFJIT_FAULT_ILLOP; }
};

std::uint64_t Machine::run() {
    f_->tuple_top = 0;
    for (difjit_key& slot : f_->tuple)
        slot = {0, 0};
    std::uint32_t at = 0;
    while (pc_ < difo_.text_len && !has_fault(f_)) {
        at = pc_++;
        in_ = Instruction{difo_.text[at]};
        step();
    }
    if (!has_fault(f_))
        return value_;
    f_->fault_offset = at * 4;
    return 0;
}

void Machine::step() {
    if (!is_opcode(in_.opcode()))
        return illegal();
    const Op op = in_.op();
    switch (op) {
    case Op::OR: return set(r1() | r2());
    case Op::XOR: return set(r1() ^ r2());
    case Op::AND: return set(r1() & r2());
    case Op::SLL: return set(r1() << (r2() & 63));
    case Op::SRL: return set(r1() >> (r2() & 63));
    case Op::SRA: return set(static_cast<std::uint64_t>(s1() >> (r2() & 63)));
    case Op::SUB: return set(r1() - r2());
    case Op::ADD: return set(r1() + r2());
    case Op::MUL: return set(r1() * r2());
    case Op::SDIV:
    case Op::UDIV:
    case Op::SREM:
    case Op::UREM: return divide(op);
    case Op::NOT: return set(~r1());
    case Op::MOV: return set(r1());
    case Op::CMP:
        codes_ = {static_cast<std::int64_t>(r1() - r2()) < 0, r1() == r2(), r1() < r2()};
        return;
    case Op::TST: codes_ = {false, r1() == 0, false}; return;
    case Op::BA:
    case Op::BE:
    case Op::BNE:
    case Op::BG:
    case Op::BGU:
    case Op::BGE:
    case Op::BGEU:
    case Op::BL:
    case Op::BLU:
    case Op::BLE:
    case Op::BLEU: return branch(op);
    case Op::LDSB:
    case Op::LDSH:
    case Op::LDSW:
    case Op::LDUB:
    case Op::LDUH:
    case Op::LDUW:
    case Op::LDX:
    case Op::ULDSB:
    case Op::ULDSH:
    case Op::ULDSW:
    case Op::ULDUB:
    case Op::ULDUH:
    case Op::ULDUW:
    case Op::ULDX:
    case Op::RLDSB:
    case Op::RLDSH:
    case Op::RLDSW:
    case Op::RLDUB:
    case Op::RLDUH:
    case Op::RLDUW:
    case Op::RLDX:
    case Op::STB:
    case Op::STH:
    case Op::STW:
    case Op::STX: return access(op);
    case Op::RET:
        value_ = rd();
        pc_ = difo_.text_len;
        return;
    case Op::NOP: return;
    case Op::SETX:
    case Op::SETS: return constant(op);
    case Op::SCMP: return compare_strings();
    case Op::LDGA: {
        const Var var = var_from_id(static_cast<Dialect>(difo_.dialect), in_.array());
        return set(helper(DIFJIT_HELPER_VARIABLE, static_cast<std::uint64_t>(var), r2()));
    }
    case Op::LDTA: // there are no thread-local arrays (point 33)
        illegal();
        return set(0);
    case Op::LDGS:
    case Op::STGS:
    case Op::LDTS:
    case Op::STTS:
    case Op::LDLS:
    case Op::STLS: return scalar(op);
    case Op::LDGAA:
    case Op::LDTAA:
    case Op::STGAA:
    case Op::STTAA: return array(op);
    case Op::CALL: return call();
    case Op::PUSHTR:
    case Op::PUSHTV:
    case Op::POPTS:
    case Op::FLUSHTS: return tuple(op);
    case Op::ALLOCS: return set(helper(DIFJIT_HELPER_ALLOCS, r1()));
    case Op::COPYS: helper(DIFJIT_HELPER_COPYS, r1(), r2(), rd()); return;
    case Op::XLATE:
    case Op::XLARG: return illegal();
    }
}

void Machine::divide(Op op) {
    if (r2() == 0) {
        f_->flags |= DIFJIT_FAULT_DIVZERO;
        return set(0);
    }
    const bool wraps = s1() == INT64_MIN && s2() == -1; // decision 2
    switch (op) {
    case Op::SDIV: return set(wraps ? r1() : static_cast<std::uint64_t>(s1() / s2()));
    case Op::SREM: return set(wraps ? 0 : static_cast<std::uint64_t>(s1() % s2()));
    case Op::UDIV: return set(r1() / r2());
    default: return set(r1() % r2());
    }
}

void Machine::branch(Op op) {
    bool taken = true;
    switch (op) {
    case Op::BE: taken = codes_.z; break;
    case Op::BNE: taken = !codes_.z; break;
    case Op::BG: taken = !(codes_.z || codes_.n); break;
    case Op::BGU: taken = !(codes_.c || codes_.z); break;
    case Op::BGE: taken = !codes_.n; break;
    case Op::BGEU: taken = !codes_.c; break;
    case Op::BL: taken = codes_.n; break;
    case Op::BLU: taken = codes_.c; break;
    case Op::BLE: taken = codes_.z || codes_.n; break;
    case Op::BLEU: taken = codes_.c || codes_.z; break;
    default: break; // ba
    }
    if (!taken)
        return;
    if (in_.label() < pc_) // backward: no verifier lets it through
        return illegal();
    pc_ = in_.label();
}

void Machine::access(Op op) {
    const OpcodeRow& row = opcode_row(op);
    const std::uint64_t width = row.width | (row.is_signed ? sign_extend : 0);
    switch (row.memory) {
    case Memory::KERNEL: return set(load(f_, r1(), width));
    case Memory::RESTRICTED: // a refused load leaves rd as it was
        if (canload(f_, r1(), row.width))
            set(load(f_, r1(), width));
        return;
    case Memory::USER: return set(load_user(f_, r1(), width));
    case Memory::STORE: store(f_, rd(), r1(), row.width); return;
    case Memory::NONE: return;
    }
}

void Machine::constant(Op op) {
    if (op == Op::SETX)
        return in_.integer_index() < difo_.int_len ? set(difo_.ints[in_.integer_index()])
                                                   : illegal();
    if (in_.string_offset() >= difo_.str_len)
        return illegal();
    set(address_of(difo_.strtab + in_.string_offset()));
}

void Machine::compare_strings() {
    const auto result = static_cast<std::int64_t>(helper(DIFJIT_HELPER_SCMP, r1(), r2()));
    if (result != INT64_MIN) // a string that may not be read leaves the codes (point 40)
        codes_ = {result < 0, result == 0, false};
}

void Machine::scalar(Op op) {
    const std::uint32_t id = in_.var();
    if (op == Op::LDGS && id < DIFJIT_USER_VARIABLE_BASE) {
        const Var var = var_from_id(static_cast<Dialect>(difo_.dialect), id);
        return set(helper(DIFJIT_HELPER_VARIABLE, static_cast<std::uint64_t>(var)));
    }
    if ((op == Op::LDLS || op == Op::LDTS) && id < DIFJIT_USER_VARIABLE_BASE)
        return set(0); // point 22
    switch (op) {
    case Op::LDGS: return declares_global(f_, id) ? set(load_global(f_, id)) : illegal();
    case Op::LDLS: return declares_local(f_, id) ? set(load_local(f_, id)) : illegal();
    case Op::LDTS: return declares_thread(f_, id) ? set(load_thread(f_, id)) : illegal();
    case Op::STGS: return declares_global(f_, id) ? store_global(f_, id, rd()) : illegal();
    case Op::STLS: return declares_local(f_, id) ? store_local(f_, id, rd()) : illegal();
    default: return declares_thread(f_, id) ? store_thread(f_, id, rd()) : illegal();
    }
}

void Machine::array(Op op) {
    const std::uint32_t id = in_.var();
    const bool thread = op == Op::LDTAA || op == Op::STTAA;
    if (!declares_array(f_, id, thread))
        return illegal();
    if (op == Op::LDGAA || op == Op::LDTAA)
        return set(load_array(f_, id, thread));
    store_array(f_, id, rd(), thread);
}

void Machine::tuple(Op op) {
    switch (op) {
    case Op::PUSHTR: helper(DIFJIT_HELPER_PUSHTR, in_.type(), rd(), r2()); return;
    case Op::PUSHTV: helper(DIFJIT_HELPER_PUSHTV, rd()); return;
    case Op::POPTS: f_->tuple_top -= f_->tuple_top != 0; return;
    default: f_->tuple_top = 0; return;
    }
}

void Machine::call() {
    const Subr subr = subr_from_number(static_cast<Dialect>(difo_.dialect), in_.subr_number());
    if (subr == Subr::INVALID)
        return; // the reference's switch has no default (point 41)
    set(helper(DIFJIT_HELPER_SUBR_BASE + static_cast<std::uint32_t>(subr), rd()));
}

} // namespace

std::uint64_t run(difjit_frame* frame) {
    if (has_fault(frame)) {
        frame->fault_offset = 0;
        return 0;
    }
    return Machine(frame).run();
}

} // namespace difjit::interp
