// SPDX-License-Identifier: BSD-2-Clause
// Helpers and the tuple stack.
//
// A helper gets the frame and up to three arguments in the C calling convention and gives its
// result in rax. Where it may fault, the flags in the frame are tested behind it; the stub notes
// the instruction and ends the DIFO. The tuple stack's depth is a compile-time fact nearly always,
// so that pushes are plain stores and frame->tuple_top is written only for helpers that read it;
// where it is not, it is counted in the frame. Test: tests/jit/vectors_test.cpp,
// tests/jit/tuple_test.cpp.
#include "jit/amd64/emitter.hpp"

namespace difjit::jit::amd64 {

using namespace asmjit;

namespace {

constexpr std::size_t tuple_at = offsetof(difjit_frame, tuple);
constexpr std::uint64_t sign_extend = 0x10; // runtime.hpp: the width code of loads

bool reads_depth(const Step& s) {
    switch (s.op) {
    case Op::LDGAA:
    case Op::STGAA:
    case Op::LDTAA:
    case Op::STTAA:
    case Op::PUSHTR: return true;
    case Op::CALL: {
        const SubroutineRow& row = subroutine_row(s.subr);
        return row.minimum != row.maximum;
    }
    default: return false;
    }
}

std::uint32_t load_helper(Memory memory) {
    return memory == Memory::USER ? DIFJIT_HELPER_ULOAD : DIFJIT_HELPER_RLOAD;
}

} // namespace

Emitter::Argument Emitter::rd_of(std::uint32_t pc) const {
    return {unit_.steps[pc].rd, flow_.steps[pc].rd};
}

Emitter::Argument Emitter::r1_of(std::uint32_t pc) const {
    return {unit_.steps[pc].r1, flow_.steps[pc].r1};
}

Emitter::Argument Emitter::r2_of(std::uint32_t pc) const {
    return {unit_.steps[pc].r2, flow_.steps[pc].r2};
}

void Emitter::call(std::uint32_t pc, std::uint32_t helper,
                   std::initializer_list<Argument> arguments, bool may_fault) {
    static const Gp registers[] = {x86::rsi, x86::rdx, x86::rcx};
    const Step& s = unit_.steps[pc];
    const unsigned written = is_empty_call(s) ? 0 : 1u << written_register(s);
    const unsigned keep = plan_.spilled & plan_.steps[pc].live_after & ~written;
    const auto slot = [this](unsigned r) { return on_stack(plan_.spill_base + 8 * r); };
    for (unsigned r = 1; r < DIFJIT_NREGS; r++)
        if ((keep >> r & 1) != 0)
            a_.mov(slot(r), home(r));
    // No home is an argument's register where a DIFO calls, so the order is free.
    std::size_t n = 0;
    for (const Argument& argument : arguments)
        load_operand(registers[n++], argument.reg, argument.value);
    a_.mov(x86::rdi, machine(plan_.frame));
    static constexpr std::uint8_t call_rel32[5] = {0xe8};
    a_.embed(call_rel32, sizeof call_rel32);
    relocate(offset() - 4, DIFJIT_RELOC_HELPER_REL32, helper, -4);
    if (may_fault) {
        a_.test(in_frame(offsetof(difjit_frame, flags), 4), DIFJIT_FLAG_FAULT);
        jump(Cond::kNZ, raise_label(0, pc));
    }
    for (unsigned r = 1; r < DIFJIT_NREGS; r++)
        if ((keep >> r & 1) != 0)
            a_.mov(home(r), slot(r));
}

void Emitter::call_result(std::uint32_t pc) {
    move(home(unit_.steps[pc].rd), x86::rax);
}

void Emitter::store_depth(std::uint32_t pc) {
    if (!flow_.fixed_depth)
        return; // it is always there
    const int depth = flow_.steps[pc].depth;
    if (stored_depth_ != depth)
        a_.mov(in_frame(offsetof(difjit_frame, tuple_top), 4), depth);
    stored_depth_ = depth;
}

void Emitter::call_step(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const OpcodeRow& row = opcode_row(s.op);
    const Argument id = constant(s.id);
    const Argument width = constant(row.width | (row.is_signed ? sign_extend : 0));
    if (reads_depth(s))
        store_depth(pc);
    switch (row.memory) {
    case Memory::RESTRICTED:
    case Memory::USER:
        call(pc, load_helper(row.memory), {r1_of(pc), width});
        return call_result(pc);
    case Memory::STORE: return call(pc, DIFJIT_HELPER_STORE, {rd_of(pc), r1_of(pc), width});
    default: break;
    }
    switch (s.op) {
    case Op::SCMP: return string_compare(pc);
    case Op::COPYS: return call(pc, DIFJIT_HELPER_COPYS, {r1_of(pc), r2_of(pc), rd_of(pc)});
    case Op::STGS: return call(pc, DIFJIT_HELPER_STGS_REF, {id, rd_of(pc)});
    case Op::STLS: return call(pc, DIFJIT_HELPER_STLS_REF, {id, rd_of(pc)});
    case Op::STTS: return call(pc, DIFJIT_HELPER_STTS, {id, rd_of(pc)});
    case Op::STGAA: return call(pc, DIFJIT_HELPER_STGAA, {id, rd_of(pc)});
    case Op::STTAA: return call(pc, DIFJIT_HELPER_STTAA, {id, rd_of(pc)});
    case Op::PUSHTR:
        call(pc, DIFJIT_HELPER_PUSHTR, {id, rd_of(pc), r2_of(pc)});
        if (stored_depth_)
            stored_depth_ = *stored_depth_ + 1;
        return;
    case Op::ALLOCS: call(pc, DIFJIT_HELPER_ALLOCS, {r1_of(pc)}); break;
    case Op::LDTS: call(pc, DIFJIT_HELPER_LDTS, {id}); break;
    case Op::LDGAA: call(pc, DIFJIT_HELPER_LDGAA, {id}); break;
    case Op::LDTAA: call(pc, DIFJIT_HELPER_LDTAA, {id}); break;
    case Op::LDGS:
        call(pc, DIFJIT_HELPER_VARIABLE,
             {constant(static_cast<std::uint64_t>(s.var)), constant(0)});
        break;
    case Op::LDGA:
        call(pc, DIFJIT_HELPER_VARIABLE, {constant(static_cast<std::uint64_t>(s.var)), r2_of(pc)});
        break;
    default: // call: rd's old value, for those that keep it or report it (point 19)
        call(pc, DIFJIT_HELPER_SUBR_BASE + static_cast<std::uint32_t>(s.subr), {rd_of(pc)});
        break;
    }
    call_result(pc);
}

void Emitter::push(std::uint32_t pc) {
    if (!flow_.fixed_depth)
        return push_counted(pc);
    if (flow_.steps[pc].depth == static_cast<int>(DIFJIT_NTUPLE))
        return raise(DIFJIT_FAULT_TUPOFLOW, pc);
    check_length(pc);
    const std::size_t slot =
        tuple_at + static_cast<std::size_t>(flow_.steps[pc].depth) * sizeof(difjit_key);
    store_key(pc, in_frame(slot), in_frame(slot + 8));
}

/// pushtr of a D type refuses a size above LONG_MAX (point 36).
void Emitter::check_length(std::uint32_t pc) {
    const Argument length = r2_of(pc);
    if (unit_.steps[pc].op != Op::PUSHTR)
        return;
    if (length.value.constant) {
        if (static_cast<std::int64_t>(length.value.value) < 0)
            raise(DIFJIT_FAULT_ILLOP, pc);
        return;
    }
    a_.test(home(length.reg), home(length.reg));
    jump(Cond::kS, raise_label(DIFJIT_FAULT_ILLOP, pc));
}

void Emitter::store_key(std::uint32_t pc, const Mem& value, const Mem& size) {
    store_cell(value, rd_of(pc));
    store_cell(size, unit_.steps[pc].op == Op::PUSHTR ? r2_of(pc) : constant(0));
}

void Emitter::push_counted(std::uint32_t pc) {
    const Mem top = in_frame(offsetof(difjit_frame, tuple_top), 4);
    a_.mov(x86::ecx, top);
    a_.cmp(x86::ecx, DIFJIT_NTUPLE);
    jump(Cond::kAE, raise_label(DIFJIT_FAULT_TUPOFLOW, pc));
    check_length(pc);
    a_.shl(x86::ecx, 4);
    const auto at = [this](std::size_t offset) {
        return x86::qword_ptr(machine(plan_.frame), x86::rcx, 0, static_cast<std::int32_t>(offset));
    };
    store_key(pc, at(tuple_at), at(tuple_at + 8));
    a_.add(top, 1);
}

void Emitter::pop() {
    if (flow_.fixed_depth)
        return;
    const Mem top = in_frame(offsetof(difjit_frame, tuple_top), 4);
    a_.mov(x86::ecx, top);
    a_.sub(x86::ecx, 1);
    a_.adc(x86::ecx, 0); // an empty stack stays empty
    a_.mov(top, x86::ecx);
}

void Emitter::flush() {
    if (!flow_.fixed_depth)
        a_.mov(in_frame(offsetof(difjit_frame, tuple_top), 4), 0);
}

} // namespace difjit::jit::amd64
