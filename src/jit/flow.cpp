// SPDX-License-Identifier: BSD-2-Clause
// The forward pass over a unit. The state at a step is the meet of the states on all edges into it;
// a step is reached only if some branch that may be taken, or the step before, leads to it.
// Tests: tests/jit/flags_test.cpp, tests/jit/random_test.cpp (differential).
#include "jit/flow.hpp"

#include <algorithm>
#include <bit>
#include <map>

namespace difjit::jit {
namespace {

/// Bits that `value` needs as a signed number.
std::uint8_t signed_bits(std::uint64_t value) {
    const auto s = static_cast<std::int64_t>(value);
    return static_cast<std::uint8_t>(65 - std::countl_zero(s < 0 ? ~value : value));
}

Value meet(const Value& a, const Value& b) {
    return a == b ? a : Value::fits(std::max(a.bits, b.bits));
}

/// Who wrote the condition codes last.
struct Writer {
    enum Kind : std::uint8_t { entry, one, many } kind = entry;
    std::uint32_t step = 0;
    bool intact = true; ///< the operands are still in their registers
    std::optional<CodeBits> known = CodeBits{};
};

struct State {
    Value regs[DIFJIT_NREGS];
    Writer codes;
    std::int8_t depth = 0; // -1: unknown
    std::uint8_t written = 0;
};

bool same(const std::optional<CodeBits>& a, const std::optional<CodeBits>& b) {
    return a.has_value() && b.has_value() && a->n == b->n && a->z == b->z && a->c == b->c;
}

void merge(State& into, const State& from) {
    for (unsigned r = 0; r < DIFJIT_NREGS; r++)
        into.regs[r] = meet(into.regs[r], from.regs[r]);
    Writer& w = into.codes;
    const bool equal = w.kind == from.codes.kind && w.step == from.codes.step;
    if (!same(w.known, from.codes.known))
        w.known.reset();
    if (!equal || w.kind == Writer::many)
        w.kind = Writer::many;
    w.intact = w.intact && from.codes.intact;
    if (into.depth != from.depth)
        into.depth = -1;
    into.written &= from.written;
}

class Pass {
  public:
    Pass(const Unit& unit, bool optimise) : unit_(unit), optimise_(optimise) {
        flow_.steps.resize(unit.steps.size());
    }

    Flow run() {
        State state;
        for (unsigned r = 0; r < DIFJIT_NREGS; r++)
            state.regs[r] = r == 0 || optimise_ ? Value::known(0) : Value{};
        bool falls_in = true;
        for (std::uint32_t pc = 0; pc < unit_.steps.size(); pc++) {
            enter(pc, state, falls_in);
            if (flow_.steps[pc].reached)
                falls_in = step(pc, state);
        }
        finish();
        return std::move(flow_);
    }

  private:
    void enter(std::uint32_t pc, State& state, bool& falls_in) {
        StepFlow& f = flow_.steps[pc];
        const auto pending = pending_.find(pc);
        if (pending != pending_.end()) {
            if (falls_in)
                merge(state, pending->second);
            else
                state = pending->second;
            pending_.erase(pending);
            f.target = true;
            falls_in = true;
        }
        f.reached = falls_in;
        f.depth = state.depth;
        if (f.reached && state.depth < 0)
            flow_.fixed_depth = false;
    }

    /// Returns whether the next step may follow.
    bool step(std::uint32_t pc, State& state) {
        const Step& s = unit_.steps[pc];
        StepFlow& f = flow_.steps[pc];
        f.r1 = state.regs[s.r1], f.r2 = state.regs[s.r2], f.rd = state.regs[s.rd];
        if (is_branch(s.op))
            return branch(pc, state);
        if (s.op == Op::RET)
            return false;
        compare(pc, state);
        tuple(s, state);
        if (const std::uint8_t rd = written_register(s); rd != 0)
            write(pc, rd, state);
        return true;
    }

    void jump(std::uint32_t target, const State& state) {
        const auto [place, fresh] = pending_.try_emplace(target, state);
        if (!fresh)
            merge(place->second, state);
    }

    bool branch(std::uint32_t pc, State& state) {
        const Step& s = unit_.steps[pc];
        StepFlow& f = flow_.steps[pc];
        f.codes = s.op == Op::BA ? Codes::always : resolve(pc, state);
        const bool decides = f.codes == Codes::compare || f.codes == Codes::saved;
        if (f.codes != Codes::never) {
            State taken = state;
            if (decides)
                learn(taken.codes, s.op, true);
            jump(s.target, taken);
        }
        if (decides)
            learn(state.codes, s.op, false);
        return f.codes != Codes::always;
    }

    /// What the codes are on one side of a branch. Z alone says that N and C are 0, whoever wrote
    /// it; after a tst they are 0 anyway.
    void learn(Writer& w, Op op, bool taken) const {
        if (!optimise_)
            return;
        const bool tst = w.kind == Writer::one && unit_.steps[w.step].op == Op::TST;
        const bool zero = op == Op::BE || (tst && (op == Op::BLE || op == Op::BLEU));
        const bool other = op == Op::BNE || (tst && (op == Op::BG || op == Op::BGU));
        if (!zero && !other)
            return;
        const bool z = zero == taken;
        if (z || tst)
            w.known = CodeBits{false, z, false};
    }

    /// In the run of branches right behind an scmp its result is still in the machine's flags.
    bool follows(std::uint32_t compare, std::uint32_t pc) const {
        for (std::uint32_t i = compare + 1; i <= pc; i++) {
            const Op op = unit_.steps[i].op;
            if (flow_.steps[i].target || (i < pc && !is_branch(op) && op != Op::NOP))
                return false;
        }
        return true;
    }

    Codes resolve(std::uint32_t pc, const State& state) {
        const Writer& w = state.codes;
        StepFlow& f = flow_.steps[pc];
        if (optimise_ && w.known)
            return branch_taken(unit_.steps[pc].op, *w.known) ? Codes::always : Codes::never;
        f.compare = w.step;
        if (!optimise_ || w.kind != Writer::one)
            return use_saved(w);
        const bool scmp = unit_.steps[w.step].op == Op::SCMP;
        if (scmp ? !follows(w.step, pc) : !w.intact)
            return use_saved(w);
        return by_operands(pc, w.step);
    }

    /// tst and scmp leave some codes 0 for good; that decides some branches.
    Codes by_operands(std::uint32_t pc, std::uint32_t compare) const {
        const Op op = unit_.steps[pc].op;
        const Op writer = unit_.steps[compare].op;
        if (writer != Op::CMP) {
            if (op == Op::BLU || (writer == Op::TST && op == Op::BL))
                return Codes::never;
            if (op == Op::BGEU || (writer == Op::TST && op == Op::BGE))
                return Codes::always;
        }
        return Codes::compare;
    }

    Codes use_saved(const Writer& w) {
        if (w.kind == Writer::one)
            flow_.steps[w.step].save = true;
        else
            save_all_ = true;
        return Codes::saved;
    }

    void compare(std::uint32_t pc, State& state) {
        const Step& s = unit_.steps[pc];
        StepFlow& f = flow_.steps[pc];
        Writer& w = state.codes;
        if (s.op == Op::SCMP) {
            // It may leave the codes as they were; where those are known, nothing need be saved.
            const bool fresh = optimise_ && w.known && !w.known->c;
            if (fresh)
                f.keep = w.known->n ? -1 : w.known->z ? 0 : 1;
            f.codes = fresh ? Codes::unused : use_saved(w);
            w = {fresh ? Writer::one : Writer::many, pc, true, std::nullopt};
            return;
        }
        if (s.op != Op::CMP && s.op != Op::TST)
            return;
        w = {Writer::one, pc, true, std::nullopt};
        const bool constant = f.r1.constant && (s.op == Op::TST || f.r2.constant);
        if (!constant)
            return;
        w.known = s.op == Op::CMP ? compare_codes(f.r1.value, f.r2.value)
                                  : CodeBits{false, f.r1.value == 0, false};
    }

    void push(State& state) {
        if (state.depth < 0 || state.depth >= static_cast<int>(DIFJIT_NTUPLE))
            return; // the ninth faults
        state.written |= static_cast<std::uint8_t>(1u << state.depth);
        state.depth++;
    }

    void tuple(const Step& s, State& state) {
        switch (s.op) {
        case Op::PUSHTR:
        case Op::PUSHTV: push(state); break;
        case Op::POPTS:
            if (state.depth > 0)
                state.depth--;
            break;
        case Op::FLUSHTS: state.depth = 0; break;
        case Op::CALL:
            if (s.subr != Subr::INVALID) {
                const unsigned reads = (1u << subroutine_row(s.subr).maximum) - 1;
                reads_slots_ |= reads != 0;
                flow_.stale_slots |= static_cast<std::uint8_t>(reads & ~state.written);
            }
            break;
        default: break;
        }
    }

    void write(std::uint32_t pc, std::uint8_t rd, State& state) {
        const Step& s = unit_.steps[pc];
        StepFlow& f = flow_.steps[pc];
        const Value value = optimise_ ? result(s, f) : Value{};
        if (value.constant)
            f.result = value.value;
        state.regs[rd] = value;
        if (state.codes.kind != Writer::one)
            return;
        const Step& compare = unit_.steps[state.codes.step];
        const StepFlow& operands = flow_.steps[state.codes.step];
        if ((compare.r1 == rd && !operands.r1.constant) ||
            (compare.op == Op::CMP && compare.r2 == rd && !operands.r2.constant))
            state.codes.intact = false;
    }

    static Value result(const Step& s, const StepFlow& f) {
        const OpcodeRow& row = opcode_row(s.op);
        if (row.width != 0)
            return row.width == 8 ? Value{} : Value::fits(row.width * 8u + (row.is_signed ? 0 : 1));
        switch (s.op) {
        case Op::SETX: return Value::known(s.value);
        case Op::MOV: return f.r1;
        case Op::NOT: return f.r1.constant ? Value::known(~f.r1.value) : Value::fits(f.r1.bits);
        case Op::LDLS:
        case Op::LDTS: return s.id < DIFJIT_USER_VARIABLE_BASE ? Value::known(0) : Value{};
        case Op::LDGS:
            return s.var == Var::EPID || s.var == Var::ID || s.var == Var::CPU ? Value::fits(33)
                                                                               : Value{};
        case Op::LDTA:
        case Op::LDGA:
        case Op::SETS:
        case Op::CALL:
        case Op::LDGAA:
        case Op::LDTAA:
        case Op::ALLOCS: return Value{};
        default: return arithmetic(s.op, f.r1, f.r2);
        }
    }

    static Value arithmetic(Op op, const Value& a, const Value& b) {
        if (a.constant && b.constant) {
            const std::optional<std::uint64_t> value = compute(op, a.value, b.value);
            return value ? Value::known(*value) : Value{};
        }
        const unsigned widest = std::max(a.bits, b.bits);
        switch (op) {
        case Op::AND:
            if (b.constant && static_cast<std::int64_t>(b.value) >= 0)
                return b.value == 0 ? Value::known(0) : Value::fits(b.bits);
            if (a.constant && static_cast<std::int64_t>(a.value) >= 0)
                return a.value == 0 ? Value::known(0) : Value::fits(a.bits);
            return Value::fits(widest);
        case Op::OR:
        case Op::XOR: return Value::fits(widest);
        case Op::ADD:
        case Op::SUB: return Value::fits(widest + 1);
        case Op::SRL: return b.constant ? Value::fits(65 - (b.value & 63)) : Value{};
        case Op::SRA: return Value::fits(a.bits);
        case Op::MUL:
            if ((a.constant && a.value == 0) || (b.constant && b.value == 0))
                return Value::known(0);
            return Value::fits(a.bits + b.bits);
        default: return Value{};
        }
    }

    void finish() {
        if (!optimise_)
            flow_.fixed_depth = false;
        for (std::uint32_t pc = 0; pc < unit_.steps.size(); pc++) {
            StepFlow& f = flow_.steps[pc];
            const Op op = unit_.steps[pc].op;
            const bool compare = op == Op::CMP || op == Op::TST || op == Op::SCMP;
            if (compare && f.reached && save_all_)
                f.save = true;
            flow_.saves_codes |= f.save;
        }
        flow_.initial_codes = save_all_;
        flow_.saves_codes |= save_all_;
        if (!flow_.fixed_depth)
            flow_.stale_slots = reads_slots_ ? 0xff : 0;
    }

    const Unit& unit_;
    const bool optimise_;
    Flow flow_;
    std::map<std::uint32_t, State> pending_;
    bool save_all_ = false;
    bool reads_slots_ = false;
};

} // namespace

Value Value::known(std::uint64_t value) {
    return {true, signed_bits(value), value};
}

Flow analyse(const Unit& unit, bool optimise) {
    return Pass(unit, optimise).run();
}

CodeBits compare_codes(std::uint64_t r1, std::uint64_t r2) {
    const std::uint64_t difference = r1 - r2;
    return {difference >> 63 != 0, difference == 0, r1 < r2};
}

bool branch_taken(Op branch, CodeBits b) {
    switch (branch) {
    case Op::BE: return b.z;
    case Op::BNE: return !b.z;
    case Op::BG: return !(b.z || b.n);
    case Op::BGU: return !(b.c || b.z);
    case Op::BGE: return !b.n;
    case Op::BGEU: return !b.c;
    case Op::BL: return b.n;
    case Op::BLU: return b.c;
    case Op::BLE: return b.z || b.n;
    case Op::BLEU: return b.c || b.z;
    default: return true;
    }
}

std::optional<std::uint64_t> compute(Op op, std::uint64_t a, std::uint64_t b) {
    const auto sa = static_cast<std::int64_t>(a), sb = static_cast<std::int64_t>(b);
    const bool divides = op == Op::SDIV || op == Op::UDIV || op == Op::SREM || op == Op::UREM;
    if (divides && b == 0)
        return std::nullopt;
    switch (op) {
    case Op::OR: return a | b;
    case Op::XOR: return a ^ b;
    case Op::AND: return a & b;
    case Op::SLL: return a << (b & 63);
    case Op::SRL: return a >> (b & 63);
    case Op::SRA: return static_cast<std::uint64_t>(sa >> (b & 63));
    case Op::SUB: return a - b;
    case Op::ADD: return a + b;
    case Op::MUL: return a * b;
    case Op::SDIV: return b == ~0ull ? 0 - a : static_cast<std::uint64_t>(sa / sb);
    case Op::SREM: return b == ~0ull ? 0 : static_cast<std::uint64_t>(sa % sb);
    case Op::UDIV: return a / b;
    case Op::UREM: return a % b;
    default: return std::nullopt;
    }
}

} // namespace difjit::jit
