// SPDX-License-Identifier: BSD-2-Clause
// Liveness (backward, one pass: branches go forward) and the map from DIF's registers to the
// machine's.
//
// A register that does not live across a helper call takes a caller-saved one, so that most DIFOs
// push nothing; one that does takes a callee-saved one, and when those run out, is stored around
// each such call. rax is for the register that `ret` returns. rcx and rdx are never homes: they are
// what instructions need for themselves. Constants are immediates, so a register that only ever
// holds known constants has no home at all.
#include "jit/amd64/plan.hpp"

#include <algorithm>
#include <bit>

namespace difjit::jit::amd64 {
namespace {

constexpr std::uint8_t bit(unsigned r) {
    return r == 0 ? 0 : static_cast<std::uint8_t>(1u << r);
}

bool is_division(Op op) {
    return op == Op::SDIV || op == Op::UDIV || op == Op::SREM || op == Op::UREM;
}

bool calls_helper(const Step& s, const StepFlow& f) {
    if (f.result)
        return false;
    switch (opcode_row(s.op).memory) {
    case Memory::RESTRICTED:
    case Memory::USER:
    case Memory::STORE: return true;
    default: break;
    }
    switch (s.op) {
    case Op::SCMP:
    case Op::ALLOCS:
    case Op::COPYS:
    case Op::STTS:
    case Op::LDGAA:
    case Op::STGAA:
    case Op::LDTAA:
    case Op::STTAA: return true;
    case Op::LDTS: return s.id >= DIFJIT_USER_VARIABLE_BASE;
    case Op::STGS:
    case Op::STLS: return s.byref;
    case Op::PUSHTR: return s.id == DIFJIT_TYPE_STRING;
    case Op::CALL: return !is_empty_call(s);
    case Op::LDGS:
        return s.id < DIFJIT_USER_VARIABLE_BASE && s.var != Var::INVALID &&
               frame_field(s, f).width == 0;
    case Op::LDGA: return s.var != Var::INVALID && frame_field(s, f).width == 0;
    default: return false;
    }
}

/// Without effect but its result, so that nothing is lost where nobody reads that.
bool is_pure(const Step& s, const StepFlow& f) {
    if (f.result)
        return true;
    switch (s.op) {
    case Op::LDGS: return s.id >= DIFJIT_USER_VARIABLE_BASE || frame_field(s, f).width != 0;
    case Op::LDGA: return frame_field(s, f).width != 0;
    case Op::LDLS:
    case Op::SETX:
    case Op::SETS:
    case Op::MOV:
    case Op::NOT: return true;
    default: break;
    }
    if (is_division(s.op))
        return f.r2.constant && f.r2.value != 0;
    return opcode_row(s.op).format == Format::R1_R2_RD && s.op != Op::COPYS;
}

/// Operands that have to be in a register: those whose value is not a known constant.
std::uint8_t register_operands(const Step& s, const StepFlow& f) {
    const std::uint8_t reads = opcode_row(s.op).reads;
    std::uint8_t bits = 0;
    if ((reads & column::R1) != 0 && !f.r1.constant)
        bits |= bit(s.r1);
    if ((reads & column::R2) != 0 && !f.r2.constant)
        bits |= bit(s.r2);
    if ((reads & column::RD) != 0 && !f.rd.constant)
        bits |= bit(s.rd);
    return bits;
}

class Planner {
  public:
    Planner(const Unit& unit, const Flow& flow, bool optimise)
        : unit_(unit), flow_(flow), optimise_(optimise) {
        plan_.steps.resize(unit.steps.size());
        live_in_.resize(unit.steps.size() + 1);
    }

    Plan run() {
        for (std::size_t pc = unit_.steps.size(); pc-- > 0;)
            if (flow_.steps[pc].reached)
                step(static_cast<std::uint32_t>(pc));
        plan_.zero_at_entry = live_in_[0];
        plan_.used |= live_in_[0];
        plan_.frame = plan_.calls ? RBX : RDI;
        assign();
        lay_out_stack();
        return std::move(plan_);
    }

  private:
    void step(std::uint32_t pc) {
        const Step& s = unit_.steps[pc];
        const StepFlow& f = flow_.steps[pc];
        StepPlan& p = plan_.steps[pc];
        if (is_branch(s.op))
            return branch(pc);
        p.live_after = s.op == Op::RET ? 0 : live_in_[pc + 1];
        p.uses = uses(s, f);
        const std::uint8_t def = is_empty_call(s) ? 0 : bit(written_register(s));
        const bool dead = optimise_ && def != 0 && (p.live_after & def) == 0 && is_pure(s, f);
        const bool lazy = (s.op == Op::CMP || s.op == Op::TST) && !f.save;
        p.emit = !dead && !lazy && s.op != Op::NOP && !is_empty_call(s);
        if (!p.emit) {
            live_in_[pc] = p.live_after;
            return;
        }
        p.calls = calls_helper(s, f);
        plan_.calls |= p.calls;
        divides_ |= is_division(s.op) && !f.result;
        if (p.calls)
            crossing_ |= static_cast<std::uint8_t>(p.live_after & ~def);
        live_in_[pc] = static_cast<std::uint8_t>((p.live_after & ~def) | p.uses);
        count(p.uses | def);
        if (s.op == Op::RET && !f.rd.constant)
            returned_[s.rd]++;
    }

    std::uint8_t uses(const Step& s, const StepFlow& f) const {
        if (f.result)
            return 0;
        if (s.op == Op::CALL && is_empty_call(s))
            return 0;
        return register_operands(s, f);
    }

    void branch(std::uint32_t pc) {
        const StepFlow& f = flow_.steps[pc];
        StepPlan& p = plan_.steps[pc];
        p.emit = f.codes != Codes::never;
        const std::uint8_t next = f.codes == Codes::always ? 0 : live_in_[pc + 1];
        const std::uint8_t taken = p.emit ? live_in_[unit_.steps[pc].target] : 0;
        p.live_after = next | taken;
        if (f.codes == Codes::compare && unit_.steps[f.compare].op != Op::SCMP)
            p.uses = register_operands(unit_.steps[f.compare], flow_.steps[f.compare]);
        live_in_[pc] = p.live_after | p.uses;
        count(p.uses);
    }

    void count(std::uint8_t bits) {
        plan_.used |= bits;
        for (unsigned r = 1; r < DIFJIT_NREGS; r++)
            weight_[r] += (bits >> r) & 1;
    }

    void assign() {
        plan_.home.fill(NONE);
        give_rax();
        std::vector<unsigned> order;
        for (unsigned r = 1; r < DIFJIT_NREGS; r++)
            if ((plan_.used & bit(r)) != 0 && plan_.home[r] == NONE)
                order.push_back(r);
        std::stable_sort(order.begin(), order.end(),
                         [this](unsigned a, unsigned b) { return weight_[a] > weight_[b]; });
        for (const unsigned r : order)
            plan_.home[r] = (crossing_ & bit(r)) != 0 ? take_crossing(r) : take_local();
    }

    /// rax for what is returned, unless a call or a division needs it while that is alive.
    void give_rax() {
        if (divides_)
            return;
        unsigned best = 0;
        for (unsigned r = 1; r < DIFJIT_NREGS; r++)
            if ((crossing_ & bit(r)) == 0 && returned_[r] > returned_[best])
                best = r;
        if (best != 0)
            plan_.home[best] = RAX;
    }

    Machine take_callee_saved() {
        static constexpr Machine pool[] = {R14, R15, R12, R13, RBP};
        if (callee_saved_ == std::size(pool))
            return NONE;
        plan_.saved.push_back(pool[callee_saved_]);
        return pool[callee_saved_++];
    }

    Machine take_crossing(unsigned r) {
        if (const Machine m = take_callee_saved(); m != NONE)
            return m;
        plan_.spilled |= bit(r);
        return take_caller_saved();
    }

    /// At most seven registers want a home: five callee-saved ones and these always suffice.
    Machine take_caller_saved() {
        static constexpr Machine pool[] = {R8, R9, R10, R11};
        return caller_saved_ < std::size(pool) ? pool[caller_saved_++] : take_callee_saved();
    }

    Machine take_local() {
        if (plan_.calls || rsi_taken_)
            return take_caller_saved();
        rsi_taken_ = true; // only where no helper's argument goes there
        return RSI;
    }

    void lay_out_stack() {
        if (plan_.calls)
            plan_.saved.insert(plan_.saved.begin(), RBX);
        std::uint32_t bytes = flow_.saves_codes ? 16 : 0;
        plan_.spill_base = bytes;
        if (plan_.spilled != 0)
            bytes += 8 * DIFJIT_NREGS;
        const auto above = static_cast<std::uint32_t>(8 + 8 * plan_.saved.size());
        if (plan_.calls && (above + bytes) % 16 != 0)
            bytes += 8; // the stack is 16-aligned where a call happens
        plan_.stack = bytes;
    }

    const Unit& unit_;
    const Flow& flow_;
    const bool optimise_;
    Plan plan_;
    std::vector<std::uint8_t> live_in_;
    std::uint8_t crossing_ = 0;
    bool divides_ = false, rsi_taken_ = false;
    std::array<std::uint32_t, DIFJIT_NREGS> weight_{}, returned_{};
    std::size_t callee_saved_ = 0, caller_saved_ = 0;
};

} // namespace

bool is_empty_call(const Step& s) {
    return s.op == Op::CALL &&
           (s.subr == Subr::INVALID || (subroutine_row(s.subr).effects & column::ABSENT) != 0);
}

FrameField frame_field(const Step& s, const StepFlow& f) {
    const auto arg = [](std::uint64_t n) {
        return FrameField{static_cast<std::uint32_t>(offsetof(difjit_frame, args) + 8 * n), 8};
    };
    if (s.op == Op::LDGA)
        return s.var == Var::ARGS && f.r2.constant && f.r2.value < DIFJIT_NARGS ? arg(f.r2.value)
                                                                                : FrameField{0, 0};
    if (s.op != Op::LDGS || s.id >= DIFJIT_USER_VARIABLE_BASE)
        return {0, 0};
    if (s.var >= Var::ARG0 && s.var <= Var::ARG9)
        return arg(static_cast<std::uint64_t>(s.var) - static_cast<std::uint64_t>(Var::ARG0));
    switch (s.var) {
    case Var::EPID: return {offsetof(difjit_frame, epid), 4};
    case Var::ID: return {offsetof(difjit_frame, probe_id), 4};
    case Var::CPU: return {offsetof(difjit_frame, cpu), 4};
    default: return {0, 0};
    }
}

Plan make_plan(const Unit& unit, const Flow& flow, bool optimise) {
    return Planner(unit, flow, optimise).run();
}

} // namespace difjit::jit::amd64
