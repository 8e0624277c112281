// SPDX-License-Identifier: BSD-2-Clause
// Frame, faults and the order of things; the opcode groups have their own files.
//
// Layout: entry (endbr64, pushes, stack), the steps in order, then what is rarely run: fault exit
// and stubs. The fault exit is where a helper's fault and a recovered load end: 0 in rax, epilogue.
// Tests: tests/jit (all).
#include "jit/amd64/emitter.hpp"

#include <algorithm>
#include <cstring>

namespace difjit::jit::amd64 {

using namespace asmjit;

Emitter::Emitter(const Unit& unit, const Flow& flow, const Plan& plan, const JumpSizes& sizes)
    : unit_(unit), flow_(flow), plan_(plan), sizes_(sizes) {}

JumpSizes Emitter::measured() const {
    JumpSizes sizes;
    sizes.reserve(jumps_.size());
    for (const Jump& j : jumps_) {
        const auto distance = static_cast<std::int64_t>(code_.labelOffset(j.label)) - j.end;
        sizes.push_back(distance >= -128 && distance <= 127);
    }
    return sizes;
}

Result<void> Emitter::run() {
    if (code_.init(Environment(Arch::kX64)) != kErrorOk || code_.attach(&a_) != kErrorOk)
        return fail("assembler: out of memory");
    labels_.resize(unit_.steps.size());
    fault_exit_ = a_.newLabel();
    for (std::size_t pc = 0; pc < unit_.steps.size(); pc++)
        if (flow_.steps[pc].target)
            labels_[pc] = a_.newLabel();
    prologue();
    for (std::uint32_t pc = 0; pc < unit_.steps.size(); pc++)
        step(pc);
    finish_cold();
    if (code_.hasUnresolvedLinks() && code_.resolveUnresolvedLinks() != kErrorOk)
        return fail("assembler: a label was never bound");
    const CodeBuffer& buffer = code_.textSection()->buffer();
    parts_.code.assign(buffer.data(), buffer.data() + buffer.size());
    for (const difjit_reloc& r : parts_.relocs)
        std::memset(parts_.code.data() + r.offset, 0, reloc_width(r.kind));
    parts_.fault_exit = static_cast<std::uint32_t>(code_.labelOffset(fault_exit_));
    return {};
}

std::uint32_t Emitter::offset() const {
    return static_cast<std::uint32_t>(a_.offset());
}

void Emitter::line(std::uint32_t offset, std::uint32_t pc) {
    if (!parts_.lines.empty() && parts_.lines.back().offset == offset)
        parts_.lines.back().pc = pc;
    else
        parts_.lines.push_back({offset, pc});
}

x86::Mem Emitter::in_frame(std::size_t at, std::uint32_t size) const {
    return x86::ptr(machine(plan_.frame), static_cast<std::int32_t>(at), size);
}

x86::Mem Emitter::on_stack(std::uint32_t at) const {
    return x86::qword_ptr(x86::rsp, static_cast<std::int32_t>(at));
}

void Emitter::prologue() {
    line(0, DIFJIT_LINE_PROLOGUE);
    a_.endbr64();
    for (const Machine m : plan_.saved)
        a_.push(machine(m));
    if (plan_.stack != 0)
        a_.sub(x86::rsp, plan_.stack);
    if (plan_.frame != RDI)
        a_.mov(machine(plan_.frame), x86::rdi);
    for (unsigned r = 1; r < DIFJIT_NREGS; r++)
        if ((plan_.zero_at_entry >> r & 1) != 0)
            load_constant(home(r), 0);
    if (flow_.initial_codes) { // all codes 0: as after comparing 1 with 0
        a_.mov(on_stack(0), 1);
        a_.mov(on_stack(8), 0);
    }
    if (!flow_.fixed_depth)
        a_.mov(in_frame(offsetof(difjit_frame, tuple_top), 4), 0);
    for (unsigned i = 0; i < DIFJIT_NTUPLE; i++)
        if ((flow_.stale_slots >> i & 1) != 0) {
            const std::size_t slot = offsetof(difjit_frame, tuple) + i * sizeof(difjit_key);
            a_.mov(in_frame(slot), 0);
            a_.mov(in_frame(slot + 8), 0);
        }
}

void Emitter::epilogue() {
    line(offset(), DIFJIT_LINE_EPILOGUE);
    if (plan_.stack != 0)
        a_.add(x86::rsp, plan_.stack);
    for (auto m = plan_.saved.rbegin(); m != plan_.saved.rend(); ++m)
        a_.pop(machine(*m));
    a_.ret();
}

void Emitter::step(std::uint32_t pc) {
    const StepFlow& f = flow_.steps[pc];
    if (!f.reached)
        return;
    if (f.target) {
        a_.bind(labels_[pc]);
        flags_.valid = false;
        stored_depth_.reset();
    }
    if (!plan_.steps[pc].emit)
        return;
    const std::uint32_t start = offset();
    line(start, pc);
    if (!is_branch(unit_.steps[pc].op))
        flags_.valid = false;
    dispatch(pc);
    if (offset() == start) // a branch to what follows anyway
        parts_.lines.pop_back();
}

void Emitter::dispatch(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const StepFlow& f = flow_.steps[pc];
    if (is_branch(s.op))
        return branch(pc);
    if (f.result)
        return load_constant(home(s.rd), *f.result);
    if (plan_.steps[pc].calls)
        return call_step(pc);
    if (opcode_row(s.op).memory == Memory::KERNEL)
        return load(pc);
    switch (s.op) {
    case Op::RET: return ret(pc);
    case Op::CMP:
    case Op::TST: return save_compare(pc);
    case Op::SETX: return load_constant(home(s.rd), s.value);
    case Op::SETS:
        return movabs(home(s.rd), DIFJIT_RELOC_STRTAB_ABS64, 0, static_cast<std::int32_t>(s.value));
    case Op::MOV: return load_operand(home(s.rd), s.r1, f.r1);
    case Op::NOT:
        load_operand(home(s.rd), s.r1, f.r1);
        a_.not_(home(s.rd));
        return;
    case Op::LDGS:
    case Op::LDGA: return load_global(pc);
    case Op::LDTS: return load_constant(home(s.rd), 0); // of a built-in's id: point 22
    case Op::LDLS: return load_local(pc);
    case Op::STGS: return store_global(pc);
    case Op::STLS: return store_local(pc);
    case Op::LDTA: return raise(DIFJIT_FAULT_ILLOP, pc);
    case Op::PUSHTR:
    case Op::PUSHTV: return push(pc);
    case Op::POPTS: return pop();
    case Op::FLUSHTS: return flush();
    default: return alu(pc);
    }
}

void Emitter::finish_cold() {
    line(offset(), DIFJIT_LINE_COLD);
    a_.bind(fault_exit_);
    a_.xor_(x86::eax, x86::eax);
    epilogue();
    // A body may add another one.
    for (std::size_t i = 0; i < cold_.size(); i++) {
        line(offset(), DIFJIT_LINE_COLD);
        a_.bind(cold_[i].entry);
        const std::function<void()> body = std::move(cold_[i].body);
        body();
    }
}

void Emitter::cold(Label entry, std::function<void()> body) {
    cold_.push_back({entry, std::move(body)});
}

void Emitter::raise(std::uint32_t flag, std::uint32_t pc) {
    if (flag != 0)
        a_.or_(in_frame(offsetof(difjit_frame, flags), 4), flag);
    a_.mov(in_frame(offsetof(difjit_frame, fault_offset), 4), pc * 4);
    jump(fault_exit_);
}

asmjit::Label Emitter::raise_label(std::uint32_t flag, std::uint32_t pc) {
    const Label label = a_.newLabel();
    cold(label, [this, flag, pc] { raise(flag, pc); });
    return label;
}

void Emitter::jump(Label to) {
    if (jumps_.size() < sizes_.size() && sizes_[jumps_.size()])
        a_.short_();
    a_.jmp(to);
    jumps_.push_back({offset(), to.id()});
}

void Emitter::jump(Cond cond, Label to) {
    if (jumps_.size() < sizes_.size() && sizes_[jumps_.size()])
        a_.short_();
    a_.j(cond, to);
    jumps_.push_back({offset(), to.id()});
}

void Emitter::move(Gp to, Gp from) {
    if (to.id() != from.id())
        a_.mov(to, from);
}

/// The shortest way that leaves nothing else changed but, for 0, the flags.
void Emitter::load_constant(Gp to, std::uint64_t value) {
    if (value == 0)
        a_.xor_(to.r32(), to.r32());
    else if (value <= UINT32_MAX)
        a_.mov(to.r32(), static_cast<std::uint32_t>(value));
    else
        a_.mov(to, static_cast<std::int64_t>(value));
}

void Emitter::load_operand(Gp to, unsigned reg, const Value& value) {
    if (value.constant)
        load_constant(to, value.value);
    else
        move(to, home(reg));
}

void Emitter::relocate(std::uint32_t at, difjit_reloc_kind kind, std::uint32_t symbol,
                       std::int32_t addend) {
    parts_.relocs.push_back({at, static_cast<std::uint16_t>(kind), 0, symbol, addend});
}

/// mov to, imm64, always in its long form: the loader fills it in.
void Emitter::movabs(Gp to, difjit_reloc_kind kind, std::uint32_t symbol, std::int32_t addend) {
    const std::uint8_t bytes[10] = {static_cast<std::uint8_t>(0x48 | (to.id() >> 3)),
                                    static_cast<std::uint8_t>(0xb8 | (to.id() & 7))};
    a_.embed(bytes, sizeof bytes);
    relocate(offset() - 8, kind, symbol, addend);
}

Result<Parts> generate(const Unit& unit, bool optimise) {
    const Flow flow = analyse(unit, optimise);
    const Plan plan = make_plan(unit, flow, optimise);
    JumpSizes sizes;
    Emitter first(unit, flow, plan, sizes);
    if (auto ok = first.run(); !ok)
        return std::unexpected(ok.error());
    sizes = first.measured();
    if (std::none_of(sizes.begin(), sizes.end(), [](bool b) { return b; }))
        return std::move(first.parts());
    Emitter second(unit, flow, plan, sizes);
    if (auto ok = second.run(); !ok)
        return std::unexpected(ok.error());
    return std::move(second.parts());
}

} // namespace difjit::jit::amd64
