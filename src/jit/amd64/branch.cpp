// SPDX-License-Identifier: BSD-2-Clause
// Compares, branches and ret.
//
// DIF's N is the sign of the wrapped difference and V is 0 (semantics.md point 1), so the machine's
// signed conditions, which look at its overflow flag, are right only where the difference cannot
// overflow: after a test, or where the operands are known to be narrow. Else bl and bge are the
// sign flag alone; bg and ble test the difference itself.
//
// A cmp or tst makes no code where it stands: each branch compares for itself, unless the flags
// still hold that very compare. Where the operands are gone, or several compares reach a branch,
// they are saved on the stack as a pair whose difference gives all codes: (r1, r2) for cmp, (r1 !=
// 0, 0) for tst, (sign, 0) for scmp, (1, 0) for the codes at entry. Test: tests/jit/flags_test.cpp.
#include "jit/amd64/emitter.hpp"

namespace difjit::jit::amd64 {

using namespace asmjit;

namespace {

bool fits32(std::uint64_t value) {
    const auto s = static_cast<std::int64_t>(value);
    return s >= INT32_MIN && s <= INT32_MAX;
}

bool needs_difference(Op op) {
    return op == Op::BG || op == Op::BLE;
}

bool is_equality(Op op) {
    return op == Op::BE || op == Op::BNE;
}

} // namespace

/// Does control get from behind `pc` to `target` without any code between?
bool Emitter::leads_to(std::uint32_t pc, std::uint32_t target) const {
    for (std::uint32_t i = pc + 1; i < target; i++)
        if (flow_.steps[i].reached && plan_.steps[i].emit)
            return false;
    return true;
}

/// ba: falls through where nothing lies between, returns where the target only returns.
void Emitter::go_to(std::uint32_t pc, std::uint32_t target) {
    if (leads_to(pc, target))
        return;
    if (unit_.steps[target].op == Op::RET)
        return ret(target);
    jump(labels_[target]);
}

void Emitter::branch(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    switch (flow_.steps[pc].codes) {
    case Codes::always: return go_to(pc, s.target);
    case Codes::saved: return branch_saved(s);
    case Codes::compare: return branch_compare(pc);
    default: return;
    }
}

void Emitter::branch_saved(const Step& s) {
    flags_.valid = false;
    const bool difference = needs_difference(s.op);
    a_.mov(x86::rcx, on_stack(0));
    if (difference) {
        a_.sub(x86::rcx, on_stack(8));
        a_.test(x86::rcx, x86::rcx);
    } else {
        a_.cmp(x86::rcx, on_stack(8));
    }
    jump_on(s.op, s.target, difference);
}

void Emitter::branch_compare(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const std::uint32_t compare = flow_.steps[pc].compare;
    const Op writer = unit_.steps[compare].op;
    Op op = s.op;
    if (writer != Op::CMP) { // C is 0, and N too for tst
        if (op == Op::BGU || (writer == Op::TST && op == Op::BG))
            op = Op::BNE;
        if (op == Op::BLEU || (writer == Op::TST && op == Op::BLE))
            op = Op::BE;
    }
    const bool is_unsigned = op == Op::BGU || op == Op::BGEU || op == Op::BLU || op == Op::BLEU;
    const bool usable = flags_.valid && flags_.compare == compare &&
                        !(is_unsigned && flags_.difference && flags_.carry_lost);
    if (!usable)
        set_flags(compare, op);
    jump_on(op, s.target, flags_.overflow_free);
}

/// Sets the machine's flags for the branch `op` on the codes of `compare`.
void Emitter::set_flags(std::uint32_t compare, Op op) {
    const Step& s = unit_.steps[compare];
    const StepFlow& f = flow_.steps[compare];
    const bool narrow = f.r1.bits <= 63 && f.r2.bits <= 63;
    flags_ = {true, compare, false, true, false};
    if (s.op == Op::TST || (f.r2.constant && f.r2.value == 0)) {
        const Gp x = f.r1.constant ? Gp(x86::rcx) : home(s.r1);
        load_operand(x, s.r1, f.r1);
        a_.test(x, x); // no carry and no overflow, as if 0 had been subtracted
        flags_.difference = true;
    } else if (needs_difference(op) && !narrow) {
        load_difference(compare);
        a_.test(x86::rcx, x86::rcx);
        flags_.difference = flags_.carry_lost = true;
    } else if (f.r1.constant && is_equality(op) && fits32(f.r1.value)) {
        a_.cmp(home(s.r2), static_cast<std::int32_t>(f.r1.value));
        flags_.valid = false; // turned round: good for this branch alone
    } else {
        compare_operands(compare);
        flags_.overflow_free = narrow;
    }
}

/// rcx = r1 - r2.
void Emitter::load_difference(std::uint32_t compare) {
    const Step& s = unit_.steps[compare];
    const StepFlow& f = flow_.steps[compare];
    if (f.r2.constant && fits32(0 - f.r2.value) && !f.r1.constant) {
        a_.lea(x86::rcx, x86::ptr(home(s.r1), static_cast<std::int32_t>(0 - f.r2.value)));
        return;
    }
    load_operand(x86::rcx, s.r1, f.r1);
    if (f.r2.constant) {
        load_constant(x86::rdx, f.r2.value);
        a_.sub(x86::rcx, x86::rdx);
    } else {
        a_.sub(x86::rcx, home(s.r2));
    }
}

void Emitter::compare_operands(std::uint32_t compare) {
    const Step& s = unit_.steps[compare];
    const StepFlow& f = flow_.steps[compare];
    const Gp x = f.r1.constant ? Gp(x86::rcx) : home(s.r1);
    load_operand(x, s.r1, f.r1);
    if (f.r2.constant && fits32(f.r2.value)) {
        a_.cmp(x, static_cast<std::int32_t>(f.r2.value));
        return;
    }
    const Gp y = f.r2.constant ? Gp(x86::rdx) : home(s.r2);
    load_operand(y, s.r2, f.r2);
    a_.cmp(x, y);
}

/// overflow_free: the machine's overflow flag is what DIF's V is, 0, or the difference did not
/// wrap.
void Emitter::jump_on(Op op, std::uint32_t target, bool overflow_free) {
    const Label& to = labels_[target];
    switch (op) {
    case Op::BE: return jump(Cond::kE, to);
    case Op::BNE: return jump(Cond::kNE, to);
    case Op::BL: return jump(overflow_free ? Cond::kL : Cond::kS, to);
    case Op::BGE: return jump(overflow_free ? Cond::kGE : Cond::kNS, to);
    case Op::BLU: return jump(Cond::kB, to);
    case Op::BGEU: return jump(Cond::kAE, to);
    case Op::BGU: return jump(Cond::kA, to);
    case Op::BLEU: return jump(Cond::kBE, to);
    default: break;
    }
    if (overflow_free)
        return jump(op == Op::BG ? Cond::kG : Cond::kLE, to);
    if (op == Op::BLE) {
        jump(Cond::kS, to);
        return jump(Cond::kE, to);
    }
    const Label over = a_.newLabel();
    jump(Cond::kS, over);
    jump(Cond::kNE, to);
    a_.bind(over);
}

/// cmp, tst: the operands are needed after their registers are gone.
void Emitter::save_compare(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const StepFlow& f = flow_.steps[pc];
    if (s.op == Op::CMP) {
        store_cell(on_stack(0), r1_of(pc));
        store_cell(on_stack(8), r2_of(pc));
        return;
    }
    if (f.r1.constant) {
        a_.mov(on_stack(0), f.r1.value != 0 ? 1 : 0);
    } else {
        a_.xor_(x86::ecx, x86::ecx);
        a_.test(home(s.r1), home(s.r1));
        a_.setne(x86::cl);
        a_.mov(on_stack(0), x86::rcx);
    }
    a_.mov(on_stack(8), 0);
}

/// scmp: the helper's answer is INT64_MIN where the codes stay as they were (point 4).
void Emitter::string_compare(std::uint32_t pc) {
    const StepFlow& f = flow_.steps[pc];
    call(pc, DIFJIT_HELPER_SCMP, {r1_of(pc), r2_of(pc)});
    if (f.codes == Codes::saved && !f.save)
        return; // no branch looks at them
    const Label keep = a_.newLabel(), set = a_.newLabel();
    a_.cmp(x86::rax, -256); // a difference of two bytes is above
    jump(Cond::kL, keep);
    a_.bind(set);
    if (f.save) {
        a_.mov(on_stack(0), x86::rax);
        a_.mov(on_stack(8), 0);
    }
    if (f.codes == Codes::saved) {
        a_.bind(keep);
        return;
    }
    a_.test(x86::rax, x86::rax);
    flags_ = {true, pc, true, true, false};
    const auto before = static_cast<std::uint64_t>(std::int64_t{f.keep});
    cold(keep, [this, set, before] {
        load_constant(x86::rax, before);
        jump(set);
    });
}

void Emitter::ret(std::uint32_t pc) {
    load_operand(x86::rax, unit_.steps[pc].rd, flow_.steps[pc].rd);
    epilogue();
}

} // namespace difjit::jit::amd64
