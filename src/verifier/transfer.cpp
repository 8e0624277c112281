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

    [[nodiscard]] const Value& r1() const { return state.at(instruction.r1()); }
    [[nodiscard]] const Value& r2() const { return state.at(instruction.r2()); }
    [[nodiscard]] const Value& rd() const { return state.at(instruction.rd()); }

    /// %r0 stays 0 whatever is written. The value may be that of a register: it is taken over.
    void result(const Value& value) const {
        const std::uint32_t to = instruction.rd() & 7;
        if (to != 0)
            state.rewrite(to) = value;
    }
    void number(const Number& n) const {
        const std::uint32_t to = instruction.rd() & 7;
        if (to != 0)
            state.rewrite(to) = Value::of(n);
    }
};

using Binary = Number (*)(const Number&, const Number&);

constexpr Number any_number = Number::any();
constexpr Number any_but_zero{INT64_MIN, INT64_MAX, 1, UINT64_MAX, 0, UINT64_MAX};

/// A pointer is a number of which nothing is known, for all that is not addition.
const Number& as_number(const Value& v) {
    if (!v.is_pointer())
        return v.number;
    return v.may_be_zero() ? any_number : any_but_zero;
}

void arithmetic(const Step& s, Binary operation) {
    s.number(operation(as_number(s.r1()), as_number(s.r2())));
}

/// What the divisor is on the paths that go on. False: it is always 0.
bool divide(const Step& s, Binary operation, bool is_signed) {
    const Number& dividend = as_number(s.r1());
    Number divisor = as_number(s.r2()), zero = Number::constant(0);
    if (!divisor.contains(0))
        s.proof.flags |= Proof::divisor_not_zero;
    if (is_signed && (!dividend.contains(static_cast<std::uint64_t>(INT64_MIN)) ||
                      !divisor.contains(UINT64_MAX)))
        s.proof.flags |= Proof::divide_no_wrap;
    if (!assume_not_equal(divisor, zero))
        return false;
    const Number quotient = operation(dividend, divisor);
    const std::uint32_t r2 = s.instruction.r2() & 7;
    if ((s.state.written_ever >> r2 & 1) != 0 && !s.r2().is_pointer())
        s.state.registers[r2].number = divisor;
    s.number(quotient);
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

Extent extent(const Value& address, std::uint32_t width) {
    return {address.region, address.id, address.site, address.number.umin,
            address.number.umax + width};
}

void load(const Step& s, const OpcodeRow& row) {
    const Value& address = s.r1();
    if (row.memory != Memory::USER && is_stable(address.region) && address.holds(row.width)) {
        s.proof.flags |= Proof::load_inside;
        s.proof.extent = extent(address, row.width);
    }
    s.number(loaded(row.width, row.is_signed));
}

/// Whatever is stored may end or unend a string that is not in the string table.
void forget_strings(State& state) {
    for (unsigned r = 1; r < DIFJIT_NREGS; r++)
        if ((state.written_ever >> r & 1) != 0)
            state.registers[r].terminated = 0;
    for (unsigned i = 0; i < state.pushed; i++)
        state.tuple[i].terminated = 0;
}

void store(const Step& s, const OpcodeRow& row) {
    const Value& address = s.rd();
    const bool writable = address.region == Region::global || address.region == Region::local ||
                          address.region == Region::scratch;
    // Those regions start 8-aligned (semantics.md point 17, decision 15).
    const bool aligned = row.width == 1 || (address.number.ones & (row.width - 1)) == 0;
    const bool known = (address.number.unknown & (row.width - 1)) == 0;
    if (writable && address.holds(row.width) && aligned && known) {
        s.proof.flags |= Proof::store_inside;
        s.proof.extent = extent(address, row.width);
    }
    forget_strings(s.state);
}

/// The variable's declaration in this DIFO; nullptr where there is none, where two may disagree
/// (point 50: the reference does not compare them), or where the table is long enough to cost more
/// than the text.
const difjit_var* declaration(const difjit_difo& difo, std::uint32_t id, std::uint8_t scope,
                              std::uint8_t kind) {
    constexpr std::uint32_t reach = 512;
    const difjit_var* found = nullptr;
    if (difo.var_len > reach)
        return nullptr;
    for (std::uint32_t i = 0; i < difo.var_len; i++) {
        const difjit_var& var = difo.vars[i];
        if (var.id != id || var.scope != scope)
            continue;
        if (found != nullptr || var.kind != kind)
            return nullptr;
        found = &var;
    }
    return found;
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

/// False: the stack is full, which faults.
bool push(const Step& s, bool by_ref) {
    State& state = s.state;
    if (state.depth_min == DIFJIT_NTUPLE)
        return false;
    // Where paths disagree on the depth, any slot from the lower to the higher one may be written.
    const bool exact = state.depth_min == state.depth_max;
    for (unsigned i = state.depth_min; i <= state.depth_max && i < DIFJIT_NTUPLE; i++) {
        const auto bit = static_cast<std::uint8_t>(1u << i);
        if (exact) {
            state.slot_refs &= static_cast<std::uint8_t>(~bit);
            state.slot_values &= static_cast<std::uint8_t>(~bit);
        }
        (by_ref ? state.slot_refs : state.slot_values) |= bit;
        state.tuple[i] = exact ? s.rd() : Value::any();
    }
    state.depth_min++;
    if (state.depth_max < DIFJIT_NTUPLE)
        state.depth_max++;
    if (state.depth_min > state.pushed)
        state.pushed = state.depth_min;
    return true;
}

/// The runtime completes an associative array's key behind the top of the tuple stack: what was
/// pushed there before is gone.
void use_as_key(State& state) {
    if (state.pushed > state.depth_min)
        state.pushed = state.depth_min;
}

void allocate(const Step& s, const Number& size) {
    s.result(allocation(size, s.pc));
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
    s.result(call_result(subr, s.state, s.rd(), s.assumptions, s.pc));
}

void compare(const Step& s, Codes::From from) {
    s.state.codes =
        Codes{from, static_cast<std::uint8_t>(s.instruction.r1() & 7),
              static_cast<std::uint8_t>(from == Codes::From::test ? 0 : s.instruction.r2() & 7)};
}

} // namespace

std::uint64_t string_bound(const Value& v, const difjit_difo& difo) {
    // A longer string than this is not measured, so that the analysis stays linear.
    constexpr std::uint64_t reach = 1024;
    if (v.region == Region::string_table && !v.may_be_null && v.number.umax < difo.str_len) {
        // The first NUL behind the last place ends every string that starts before it.
        const std::uint64_t last = v.number.umax;
        const std::uint64_t limit = difo.str_len - last < reach ? difo.str_len : last + reach;
        for (std::uint64_t end = last; end < limit; end++)
            if (difo.strtab[end] == '\0')
                return end - v.number.umin + 1;
        return 0;
    }
    const bool at_start = v.number.umax == 0;
    const bool known = v.region == Region::string || v.region == Region::scratch;
    return known && at_start && !v.may_be_null ? v.terminated : 0;
}

void meet_proof(Proof& proof, const Proof& other) {
    Extent& a = proof.extent;
    const Extent& b = other.extent;
    proof.flags &= other.flags;
    if (a.region != b.region || a.id != b.id || a.site != b.site)
        proof.flags &= ~(Proof::load_inside | Proof::store_inside);
    a.first = a.first < b.first ? a.first : b.first;
    a.end = a.end > b.end ? a.end : b.end;
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
        use_as_key(state);
        user_variable(s, DIFJIT_SCOPE_GLOBAL, DIFJIT_VAR_KIND_ARRAY, Region::dynamic);
        return true;
    case Op::LDTAA:
        use_as_key(state);
        user_variable(s, DIFJIT_SCOPE_THREAD, DIFJIT_VAR_KIND_ARRAY, Region::dynamic);
        return true;
    case Op::STGS:
    case Op::STTS:
    case Op::STLS: return true;
    case Op::STGAA:
    case Op::STTAA: use_as_key(state); return true;
    case Op::CALL: call(s); return true;
    case Op::PUSHTR: return push(s, true);
    case Op::PUSHTV: return push(s, false);
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
