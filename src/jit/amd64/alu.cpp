// SPDX-License-Identifier: BSD-2-Clause
// Arithmetic. rcx and rdx are free for each step; rax too where the DIFO divides (plan.cpp).
//
// DIF has three operands, the machine two: the destination may be either source, so each case says
// in which order it writes. Constants are immediates where they fit. Shift counts are modulo 64 on
// this machine by themselves (decision 3); a division never raises #DE (decision 2, point 7).
// Test: tests/jit/alu_test.cpp.
#include <bit>

#include "jit/amd64/emitter.hpp"

namespace difjit::jit::amd64 {

using namespace asmjit;

namespace {

bool fits32(std::uint64_t value) {
    const auto s = static_cast<std::int64_t>(value);
    return s >= INT32_MIN && s <= INT32_MAX;
}

std::int32_t low32(std::uint64_t value) {
    return static_cast<std::int32_t>(value);
}

} // namespace

void Emitter::alu(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const Gp d = home(s.rd);
    const Argument a = r1_of(pc), b = r2_of(pc);
    switch (s.op) {
    case Op::OR:
    case Op::XOR:
    case Op::AND:
    case Op::ADD:
    case Op::MUL: return commutative(s.op, d, a, b);
    case Op::SUB: return subtract(d, a, b);
    case Op::SLL:
    case Op::SRL:
    case Op::SRA: return shift(s.op, d, a, b);
    default: return divide(pc, d, a, b);
    }
}

void Emitter::binary(Op op, Gp to, Gp from) {
    switch (op) {
    case Op::OR: a_.or_(to, from); break;
    case Op::XOR: a_.xor_(to, from); break;
    case Op::AND: a_.and_(to, from); break;
    case Op::ADD: a_.add(to, from); break;
    default: a_.imul(to, from); break;
    }
}

void Emitter::binary(Op op, Gp to, std::int32_t constant) {
    switch (op) {
    case Op::OR: a_.or_(to, constant); break;
    case Op::XOR: a_.xor_(to, constant); break;
    case Op::AND: a_.and_(to, constant); break;
    default: a_.add(to, constant); break;
    }
}

void Emitter::commutative(Op op, Gp d, const Argument& a, const Argument& b) {
    if (a.value.constant && b.value.constant) { // optimise off: %r0 twice
        load_constant(d, compute(op, a.value.value, b.value.value).value_or(0));
        return;
    }
    if (a.value.constant)
        return commutative_constant(op, d, home(b.reg), a.value.value);
    if (b.value.constant)
        return commutative_constant(op, d, home(a.reg), b.value.value);
    const Gp x = home(a.reg), y = home(b.reg);
    if (d == x)
        binary(op, d, y);
    else if (d == y)
        binary(op, d, x);
    else if (op == Op::ADD)
        a_.lea(d, x86::ptr(x, y));
    else {
        a_.mov(d, x);
        binary(op, d, y);
    }
}

void Emitter::commutative_constant(Op op, Gp d, Gp a, std::uint64_t b) {
    if (op == Op::MUL)
        return multiply_constant(d, a, b);
    if (op == Op::AND)
        return and_constant(d, a, b);
    if (b == 0)
        return move(d, a);
    if (op == Op::XOR && b == ~0ull) {
        move(d, a);
        a_.not_(d);
        return;
    }
    if (!fits32(b)) {
        load_constant(x86::rcx, b);
        move(d, a);
        return binary(op, d, x86::rcx);
    }
    if (op == Op::ADD && d != a) {
        a_.lea(d, x86::ptr(a, low32(b)));
        return;
    }
    move(d, a);
    binary(op, d, low32(b));
}

void Emitter::and_constant(Gp d, Gp a, std::uint64_t b) {
    switch (b) {
    case 0: a_.xor_(d.r32(), d.r32()); return;
    case 0xff: a_.movzx(d.r32(), a.r8()); return;
    case 0xffff: a_.movzx(d.r32(), a.r16()); return;
    case 0xffffffff: a_.mov(d.r32(), a.r32()); return;
    default: break;
    }
    if (b <= UINT32_MAX) { // the upper half becomes 0 by itself
        if (d != a)
            a_.mov(d.r32(), a.r32());
        a_.and_(d.r32(), low32(b));
        return;
    }
    if (!fits32(b)) {
        load_constant(x86::rcx, b);
        move(d, a);
        a_.and_(d, x86::rcx);
        return;
    }
    move(d, a);
    a_.and_(d, low32(b));
}

void Emitter::multiply_constant(Gp d, Gp a, std::uint64_t b) {
    if (b == 0) {
        a_.xor_(d.r32(), d.r32());
    } else if (std::has_single_bit(b)) {
        move(d, a);
        if (b != 1)
            a_.shl(d, std::countr_zero(b));
    } else if (fits32(b)) {
        a_.imul(d, a, low32(b));
    } else if (d != a) {
        load_constant(d, b);
        a_.imul(d, a);
    } else {
        load_constant(x86::rcx, b);
        a_.imul(d, x86::rcx);
    }
}

void Emitter::subtract(Gp d, const Argument& a, const Argument& b) {
    if (b.value.constant) {
        if (a.value.constant)
            return load_constant(d, a.value.value - b.value.value);
        return commutative_constant(Op::ADD, d, home(a.reg), 0 - b.value.value);
    }
    const Gp y = home(b.reg);
    if (a.value.constant) {
        const std::uint64_t constant = a.value.value;
        if (constant == 0 || (d == y && fits32(constant))) {
            move(d, y);
            a_.neg(d);
            if (constant != 0)
                a_.add(d, low32(constant));
        } else {
            const Gp t = d == y ? Gp(x86::rcx) : d;
            load_constant(t, constant);
            a_.sub(t, y);
            move(d, t);
        }
        return;
    }
    const Gp x = home(a.reg);
    if (d == y && d != x) {
        a_.neg(d);
        a_.add(d, x);
        return;
    }
    move(d, x);
    a_.sub(d, y);
}

void Emitter::shift(Op op, Gp d, const Argument& a, const Argument& b) {
    const auto by = [this, op, d](auto count) {
        switch (op) {
        case Op::SLL: a_.shl(d, count); break;
        case Op::SRL: a_.shr(d, count); break;
        default: a_.sar(d, count); break;
        }
    };
    if (b.value.constant) {
        load_operand(d, a.reg, a.value);
        if (const auto count = static_cast<int>(b.value.value & 63); count != 0)
            by(count);
        return;
    }
    a_.mov(x86::ecx, home(b.reg).r32()); // first: d may be the count's register
    load_operand(d, a.reg, a.value);
    by(x86::cl);
}

void Emitter::divide(std::uint32_t pc, Gp d, const Argument& a, const Argument& b) {
    const Op op = unit_.steps[pc].op;
    if (b.value.constant) {
        if (b.value.value == 0)
            return raise(DIFJIT_FAULT_DIVZERO, pc);
        return divide_constant(op, d, a, b.value.value);
    }
    const Gp y = home(b.reg);
    a_.test(y, y);
    jump(Cond::kZ, raise_label(DIFJIT_FAULT_DIVZERO, pc));
    if (op == Op::UDIV || op == Op::UREM)
        return divide_machine(op, d, a, y);
    const Label minus_one = a_.newLabel(), done = a_.newLabel();
    a_.cmp(y, -1);
    jump(Cond::kE, minus_one);
    divide_machine(op, d, a, y);
    a_.bind(done);
    cold(minus_one, [this, op, d, a, done] {
        divide_constant(op, d, a, ~0ull);
        jump(done);
    });
}

/// By a constant other than 0. The signed ones round towards 0, so only 1 and -1 are shortcuts.
void Emitter::divide_constant(Op op, Gp d, const Argument& a, std::uint64_t b) {
    const bool is_signed = op == Op::SDIV || op == Op::SREM;
    const bool remainder = op == Op::SREM || op == Op::UREM;
    if (b == 1 || (is_signed && b == ~0ull)) {
        if (remainder)
            return load_constant(d, 0);
        load_operand(d, a.reg, a.value);
        if (b != 1)
            a_.neg(d);
        return;
    }
    if (!is_signed && std::has_single_bit(b)) {
        load_operand(d, a.reg, a.value);
        if (remainder)
            return and_constant(d, d, b - 1);
        a_.shr(d, std::countr_zero(b));
        return;
    }
    load_constant(x86::rcx, b);
    divide_machine(op, d, a, x86::rcx);
}

void Emitter::divide_machine(Op op, Gp d, const Argument& a, Gp b) {
    load_operand(x86::rax, a.reg, a.value);
    if (op == Op::SDIV || op == Op::SREM) {
        a_.cqo();
        a_.idiv(b);
    } else {
        a_.xor_(x86::edx, x86::edx);
        a_.div(b);
    }
    move(d, op == Op::SDIV || op == Op::UDIV ? x86::rax : x86::rdx);
}

} // namespace difjit::jit::amd64
