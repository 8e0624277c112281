// SPDX-License-Identifier: BSD-2-Clause
// Loads of kernel memory, and variables with static storage.
//
// A load is one bare instruction with an entry in the fault table; what happens to it at a bad
// address is the business of the host's fault handler (src/host/recover.cpp). Variables' addresses
// are relocations: a global's cell, or a clause-local's offset in this CPU's area. A by-ref
// variable has a header whose first byte is 0xff for NULL (semantics.md point 25). Test:
// tests/jit/memory_test.cpp.
#include "jit/amd64/emitter.hpp"

namespace difjit::jit::amd64 {

using namespace asmjit;

namespace {

/// Too wide for a byte, so that the assembler takes the 32-bit form; the loader writes the real
/// one.
constexpr std::int32_t placeholder = 0x7fffffff;

bool fits32(std::uint64_t value) {
    const auto s = static_cast<std::int64_t>(value);
    return s >= INT32_MIN && s <= INT32_MAX;
}

} // namespace

void Emitter::load(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const StepFlow& f = flow_.steps[pc];
    const OpcodeRow& row = opcode_row(s.op);
    const Gp d = home(s.rd);
    const Gp base = f.r1.constant ? Gp(x86::rcx) : home(s.r1);
    load_operand(base, s.r1, f.r1);
    difjit_fault_entry entry{};
    entry.offset = offset();
    entry.pc = pc;
    entry.base_reg = static_cast<std::uint8_t>(base.id());
    entry.frame_reg = plan_.frame;
    entry.size = row.width;
    parts_.faults.push_back(entry);
    const Mem at = x86::ptr(base, 0, row.width);
    if (row.width == 8)
        a_.mov(d, at);
    else if (row.width == 4 && row.is_signed)
        a_.movsxd(d, at);
    else if (row.width == 4)
        a_.mov(d.r32(), at);
    else if (row.is_signed)
        a_.movsx(d, at);
    else
        a_.movzx(d.r32(), at);
}

void Emitter::load_field(Gp d, FrameField field) {
    if (field.width == 8)
        a_.mov(d, in_frame(field.offset));
    else
        a_.mov(d.r32(), in_frame(field.offset, 4));
}

/// d points to the header of a by-ref variable; makes it what the DIFO sees.
void Emitter::load_reference(Gp d) {
    a_.xor_(x86::ecx, x86::ecx);
    a_.cmp(x86::byte_ptr(d), 0xff);
    a_.lea(d, x86::ptr(d, 8));
    a_.cmove(d, x86::rcx);
}

void Emitter::load_global(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const Gp d = home(s.rd);
    if (const FrameField field = frame_field(s, flow_.steps[pc]); field.width != 0)
        return load_field(d, field);
    if (s.id < DIFJIT_USER_VARIABLE_BASE) // no such variable in this dialect: point 22
        return raise(DIFJIT_FAULT_ILLOP, pc);
    movabs(d, DIFJIT_RELOC_GLOBAL_ABS64, s.id, 0);
    if (s.byref)
        load_reference(d);
    else
        a_.mov(d, x86::qword_ptr(d));
}

asmjit::x86::Mem Emitter::local_cell(Gp area) {
    a_.mov(area, in_frame(offsetof(difjit_frame, locals)));
    return x86::qword_ptr(area, placeholder);
}

/// The instruction just made has its displacement `behind` bytes before its end.
void Emitter::relocate_local(std::uint32_t id, std::uint32_t behind) {
    relocate(offset() - behind, DIFJIT_RELOC_LOCAL_DISP32, id, 0);
}

void Emitter::load_local(std::uint32_t pc) {
    const Step& s = unit_.steps[pc];
    const Gp d = home(s.rd);
    if (s.id < DIFJIT_USER_VARIABLE_BASE)
        return load_constant(d, 0);
    const Mem cell = local_cell(d);
    if (s.byref)
        a_.lea(d, cell);
    else
        a_.mov(d, cell);
    relocate_local(s.id, 4);
    if (s.byref)
        load_reference(d);
}

void Emitter::store_cell(const Mem& cell, const Argument& value) {
    if (!value.value.constant)
        a_.mov(cell, home(value.reg));
    else if (fits32(value.value.value))
        a_.mov(cell, static_cast<std::int32_t>(value.value.value));
    else {
        load_constant(x86::rdx, value.value.value);
        a_.mov(cell, x86::rdx);
    }
}

void Emitter::store_global(std::uint32_t pc) {
    movabs(x86::rcx, DIFJIT_RELOC_GLOBAL_ABS64, unit_.steps[pc].id, 0);
    store_cell(x86::qword_ptr(x86::rcx), rd_of(pc));
}

void Emitter::store_local(std::uint32_t pc) {
    const Argument value = rd_of(pc);
    store_cell(local_cell(x86::rcx), value);
    const bool immediate = value.value.constant && fits32(value.value.value);
    relocate_local(unit_.steps[pc].id, immediate ? 8 : 4);
}

} // namespace difjit::jit::amd64
