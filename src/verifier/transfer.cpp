// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/transfer.hpp"

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "verifier/call.hpp"

namespace difjit::verifier {

namespace {

/// One run of step: the operands that nearly every opcode has.
struct Step {
    State& state;
    const difjit_difo& difo;
    const Assumptions& assumptions;
    std::uint32_t pc;
    Instruction instruction;
    Proof& proof;

    [[nodiscard]] Value& reg(std::uint32_t r) const { return state.registers[r & 7]; }
    [[nodiscard]] const Value& r1() const { return reg(instruction.r1()); }
    [[nodiscard]] const Value& r2() const { return reg(instruction.r2()); }

    void result(const Value& value) const {
        state.write(instruction.rd() & 7, value);
        if (instruction.rd() == 0)
            return;
        proof.flags |= Proof::has_result;
        proof.result = value;
        proof.string = string_bound(value, difo);
    }
    void number(const Number& n) const { result(Value::of(n)); }
};

using Binary = Number (*)(const Number&, const Number&);

/// A pointer is a number of which nothing is known, for all that is not addition.
Number as_number(const Value& v) {
    if (!v.is_pointer())
        return v.number;
    return v.may_be_null ? Number::any() : Number::between(1, UINT64_MAX);
}

void arithmetic(const Step& s, Binary operation) {
    s.number(operation(as_number(s.r1()), as_number(s.r2())));
}

/// What the divisor is on the paths that go on. False: it is always 0.
bool divide(const Step& s, Binary operation, bool is_signed) {
    const Number dividend = as_number(s.r1());
    Number divisor = as_number(s.r2()), zero = Number::constant(0);
    if (!divisor.contains(0))
        s.proof.flags |= Proof::divisor_not_zero;
    if (!is_signed || !dividend.contains(static_cast<std::uint64_t>(INT64_MIN)) ||
        !divisor.contains(UINT64_MAX))
        s.proof.flags |= Proof::divide_no_wrap;
    if (!assume_not_equal(divisor, zero))
        return false;
    if (!s.r2().is_pointer() && s.instruction.r2() != 0)
        s.reg(s.instruction.r2()).number = divisor;
    s.number(operation(dividend, divisor));
    return true;
}

void shift(const Step& s, Binary operation) {
    const Number count = as_number(s.r2());
    if (count.umax < 64)
        s.proof.flags |= Proof::shift_below_64;
    s.number(operation(as_number(s.r1()), count));
}

/// Memory of the DIFO's own that stays where it is while the DIFO runs.
bool is_stable(Region region) {
    return region == Region::string_table || region == Region::global || region == Region::local ||
           region == Region::scratch || region == Region::string;
}

void load(const Step& s, const OpcodeRow& row) {
    const Value& address = s.r1();
    if (row.memory != Memory::USER && is_stable(address.region) && address.holds(row.width)) {
        s.proof.flags |= Proof::load_inside;
        s.proof.address = address;
    }
    s.number(loaded(row.width, row.is_signed));
}

/// Whatever is stored may end or unend a string that is not in the string table.
void forget_strings(State& state) {
    for (Value& value : state.registers)
        value.terminated = 0;
    for (Slot& slot : state.tuple)
        slot.value.terminated = 0;
}

void store(const Step& s, const OpcodeRow& row) {
    const Value& address = s.reg(s.instruction.rd());
    const bool writable = address.region == Region::global || address.region == Region::local ||
                          address.region == Region::scratch;
    // Those regions start 8-aligned (semantics.md point 17, decision 15).
    const bool aligned = row.width == 1 || (address.number.ones & (row.width - 1)) == 0;
    const bool known = (address.number.unknown & (row.width - 1)) == 0;
    if (writable && address.holds(row.width) && aligned && known) {
        s.proof.flags |= Proof::store_inside;
        s.proof.address = address;
    }
    forget_strings(s.state);
}

/// The variable's declaration in this DIFO, or nullptr.
const difjit_var* declaration(const difjit_difo& difo, std::uint32_t id, std::uint8_t scope,
                              std::uint8_t kind) {
    for (std::uint32_t i = 0; i < difo.var_len; i++) {
        const difjit_var& var = difo.vars[i];
        if (var.id == id && var.scope == scope && var.kind == kind)
            return &var;
    }
    return nullptr;
}

/// A user variable: by-value anything, by-ref the address of its data, or 0.
void user_variable(const Step& s, std::uint8_t scope, std::uint8_t kind, Region region) {
    const std::uint32_t id = s.instruction.var();
    const difjit_var* var = declaration(s.difo, id, scope, kind);
    if (var == nullptr || (var->type.flags & DIFJIT_TF_BYREF) == 0)
        return s.result(Value::any());
    Value v = Value::pointer(region, var->type.size, true);
    v.id = static_cast<std::uint16_t>(id);
    s.result(v);
}

void load_scalar(const Step& s, std::uint8_t scope, Region region) {
    const std::uint32_t id = s.instruction.var();
    if (id >= DIFJIT_USER_VARIABLE_BASE)
        return user_variable(s, scope, DIFJIT_VAR_KIND_SCALAR, region);
    if (scope != DIFJIT_SCOPE_GLOBAL)
        return s.number(Number::constant(0)); // point 22: silently 0
    const Var var = var_from_id(static_cast<Dialect>(s.difo.dialect), id);
    if (var != Var::INVALID && variable_row(var)->type == VarType::STRING)
        return s.result(Value::pointer(Region::host_string, 0, true));
    s.result(Value::any());
}

void push(const Step& s, bool by_ref, std::uint64_t size_max) {
    State& state = s.state;
    const Value& value = s.reg(s.instruction.rd());
    // Where paths disagree on the depth, any slot from the lower to the higher one may be written.
    for (unsigned i = state.depth_min; i <= state.depth_max && i < DIFJIT_NTUPLE; i++) {
        if (state.depth_min == state.depth_max)
            state.tuple[i] = Slot{value, size_max, by_ref, false};
        else
            state.tuple[i] = Slot{Value::any(), UINT64_MAX, false, true};
    }
    if (state.depth_min < DIFJIT_NTUPLE)
        state.depth_min++;
    if (state.depth_max < DIFJIT_NTUPLE)
        state.depth_max++;
    if (state.depth_min > state.pushed)
        state.pushed = state.depth_min;
}

void allocate(const Step& s, const Number& size) {
    Value v = Value::pointer(Region::scratch, size.umin, false);
    v.site = s.pc;
    s.result(v);
}

void call(const Step& s) {
    const Subr subr =
        subr_from_number(static_cast<Dialect>(s.difo.dialect), s.instruction.subr_number());
    if (subr == Subr::INVALID)
        return; // point 41: rd is as it was
    const SubroutineRow& row = subroutine_row(subr);
    if ((row.effects & (column::STORES | column::STATEFUL)) != 0)
        forget_strings(s.state);
    if ((row.effects & column::ABSENT) != 0 || row.result == SubrResult::VOID)
        return;
    s.result(call_result(subr, s.state, s.reg(s.instruction.rd()), s.assumptions, s.pc));
}

void compare(const Step& s, Codes::From from) {
    s.state.codes =
        Codes{from, static_cast<std::uint8_t>(s.instruction.r1() & 7),
              static_cast<std::uint8_t>(from == Codes::From::test ? 0 : s.instruction.r2() & 7)};
}

} // namespace

std::uint64_t string_bound(const Value& v, const difjit_difo& difo) {
    if (v.region == Region::string_table && v.number.umax < difo.str_len) {
        std::uint64_t end = v.number.umin;
        if (!v.number
                 .is_constant()) // the last NUL of the table ends every string that starts before
            end = v.number.umax;
        while (end < difo.str_len && difo.strtab[end] != '\0')
            end++;
        return end < difo.str_len ? end - v.number.umin + 1 : 0;
    }
    const bool at_start = v.number.is_constant() && v.number.umin == 0;
    const bool known = v.region == Region::string || v.region == Region::scratch;
    return known && at_start && !v.may_be_null ? v.terminated : 0;
}

void meet_proof(Proof& proof, const Proof& other) {
    const std::uint32_t both = proof.flags & other.flags;
    const bool one_region = proof.address.same_region(other.address);
    proof.flags = one_region ? both : both & ~(Proof::load_inside | Proof::store_inside);
    proof.address = join(proof.address, other.address);
    proof.result = join(proof.result, other.result);
    proof.string = proof.string == 0 || other.string == 0 ? 0
                   : proof.string > other.string          ? proof.string
                                                          : other.string;
}

bool step(State& state, const difjit_difo& difo, const Assumptions& assumptions, std::uint32_t pc,
          Proof& proof) {
    const Instruction in{difo.text[pc]};
    const Step s{state, difo, assumptions, pc, in, proof};
    switch (in.op()) {
    case Op::OR: arithmetic(s, bit_or); return true;
    case Op::XOR: arithmetic(s, bit_xor); return true;
    case Op::AND: arithmetic(s, bit_and); return true;
    case Op::SLL: shift(s, shift_left); return true;
    case Op::SRL: shift(s, shift_right); return true;
    case Op::SRA: shift(s, shift_right_signed); return true;
    case Op::SUB: s.result(subtract(s.r1(), s.r2())); return true;
    case Op::ADD: s.result(add(s.r1(), s.r2())); return true;
    case Op::MUL: arithmetic(s, multiply); return true;
    case Op::SDIV: return divide(s, divide_signed, true);
    case Op::UDIV: return divide(s, divide_unsigned, false);
    case Op::SREM: return divide(s, remainder_signed, true);
    case Op::UREM: return divide(s, remainder_unsigned, false);
    case Op::NOT: s.number(bit_not(as_number(s.r1()))); return true;
    case Op::MOV: s.result(s.r1()); return true;
    case Op::CMP: compare(s, Codes::From::compare); return true;
    case Op::TST: compare(s, Codes::From::test); return true;
    case Op::SCMP: // it may leave the codes as they were (point 40)
        state.codes = Codes{state.codes.from == Codes::From::strings ? Codes::From::strings
                                                                     : Codes::From::unknown,
                            0, 0};
        return true;
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
    case Op::BLEU:
    case Op::NOP: return true;
    case Op::LDSB:
    case Op::LDSH:
    case Op::LDSW:
    case Op::LDUB:
    case Op::LDUH:
    case Op::LDUW:
    case Op::LDX:
    case Op::RLDSB:
    case Op::RLDSH:
    case Op::RLDSW:
    case Op::RLDUB:
    case Op::RLDUH:
    case Op::RLDUW:
    case Op::RLDX:
    case Op::ULDSB:
    case Op::ULDSH:
    case Op::ULDSW:
    case Op::ULDUB:
    case Op::ULDUH:
    case Op::ULDUW:
    case Op::ULDX: load(s, opcode_row(in.op())); return true;
    case Op::RET: return false;
    case Op::SETX: s.result(Value::constant(difo.ints[in.integer_index()])); return true;
    case Op::SETS: {
        Value v = Value::pointer(Region::string_table, difo.str_len, false);
        v.number = Number::constant(in.string_offset());
        s.result(v);
        return true;
    }
    case Op::LDGA: s.result(Value::any()); return true;
    case Op::LDTA: return false; // always ILLOP (point 33)
    case Op::LDGS: load_scalar(s, DIFJIT_SCOPE_GLOBAL, Region::global); return true;
    case Op::LDTS: load_scalar(s, DIFJIT_SCOPE_THREAD, Region::dynamic); return true;
    case Op::LDLS: load_scalar(s, DIFJIT_SCOPE_LOCAL, Region::local); return true;
    case Op::LDGAA:
        user_variable(s, DIFJIT_SCOPE_GLOBAL, DIFJIT_VAR_KIND_ARRAY, Region::dynamic);
        return true;
    case Op::LDTAA:
        user_variable(s, DIFJIT_SCOPE_THREAD, DIFJIT_VAR_KIND_ARRAY, Region::dynamic);
        return true;
    case Op::STGS:
    case Op::STTS:
    case Op::STLS:
    case Op::STGAA:
    case Op::STTAA: return true;
    case Op::CALL: call(s); return true;
    case Op::PUSHTR: push(s, true, as_number(s.r2()).umax); return true;
    case Op::PUSHTV: push(s, false, 0); return true;
    case Op::POPTS:
        state.depth_min -= state.depth_min != 0;
        state.depth_max -= state.depth_max != 0;
        return true;
    case Op::FLUSHTS: state.depth_min = state.depth_max = 0; return true;
    case Op::ALLOCS: allocate(s, as_number(s.r1())); return true;
    case Op::COPYS: forget_strings(state); return true;
    case Op::STB:
    case Op::STH:
    case Op::STW:
    case Op::STX: store(s, opcode_row(in.op())); return true;
    case Op::XLATE:
    case Op::XLARG: return false; // no validator accepts them
    }
    return false;
}

} // namespace difjit::verifier
