// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/state.hpp"

#include <bit>

#include "dif/opcodes.hpp"

namespace difjit::verifier {

namespace {

/// Calls f(i) for each bit that is set.
template <class F>
void each_bit(unsigned bits, F f) {
    for (; bits != 0; bits &= bits - 1)
        f(static_cast<unsigned>(std::countr_zero(bits)));
}

} // namespace

void State::reset() {
    codes = Codes{};
    written_always = written_ever = 0;
    depth_min = depth_max = pushed = slot_refs = slot_values = 0;
}

void State::assign(const State& other) {
    each_bit(other.written_ever, [&](unsigned r) { registers[r] = other.registers[r]; });
    for (unsigned i = 0; i < other.pushed; i++)
        tuple[i] = other.tuple[i];
    codes = other.codes;
    written_always = other.written_always;
    written_ever = other.written_ever;
    depth_min = other.depth_min;
    depth_max = other.depth_max;
    pushed = other.pushed;
    slot_refs = other.slot_refs;
    slot_values = other.slot_values;
}

void State::merge(const State& other) {
    each_bit(written_ever & other.written_ever,
             [&](unsigned r) { join_into(registers[r], other.registers[r]); });
    each_bit(written_ever & ~unsigned{other.written_ever},
             [&](unsigned r) { join_into(registers[r], zero_value); });
    each_bit(other.written_ever & ~unsigned{written_ever},
             [&](unsigned r) { registers[r] = join(other.registers[r], zero_value); });
    pushed = pushed < other.pushed ? pushed : other.pushed;
    for (unsigned i = 0; i < pushed; i++)
        join_into(tuple[i], other.tuple[i]);
    if (!(codes == other.codes))
        codes.forget();
    written_always &= other.written_always;
    written_ever |= other.written_ever;
    depth_min = depth_min < other.depth_min ? depth_min : other.depth_min;
    depth_max = depth_max > other.depth_max ? depth_max : other.depth_max;
    slot_refs |= other.slot_refs;
    slot_values |= other.slot_values;
}

bool State::differs(const State& other) const {
    for (unsigned bits = written_always & other.written_always; bits != 0; bits &= bits - 1) {
        const auto r = static_cast<unsigned>(std::countr_zero(bits));
        const Value &a = registers[r], &b = other.registers[r];
        if (a.is_constant() && b.is_constant() && a.number.umin != b.number.umin)
            return true;
    }
    return false;
}

namespace {

/// What a branch says of the compare that decided it.
enum class Relation : std::uint8_t {
    always,
    never,
    unknown, ///< nothing
    equal,
    not_equal,
    below,
    not_below,
    above,
    not_above,
    less,
    not_less,
    greater,
    not_greater
};

Relation negated(Relation relation) {
    switch (relation) {
    case Relation::always: return Relation::never;
    case Relation::never: return Relation::always;
    case Relation::equal: return Relation::not_equal;
    case Relation::not_equal: return Relation::equal;
    case Relation::below: return Relation::not_below;
    case Relation::not_below: return Relation::below;
    case Relation::above: return Relation::not_above;
    case Relation::not_above: return Relation::above;
    case Relation::less: return Relation::not_less;
    case Relation::not_less: return Relation::less;
    case Relation::greater: return Relation::not_greater;
    case Relation::not_greater: return Relation::greater;
    case Relation::unknown: break;
    }
    return Relation::unknown;
}

/// After cmp (semantics.md point 1).
Relation after_compare(Op op) {
    switch (op) {
    case Op::BE: return Relation::equal;
    case Op::BNE: return Relation::not_equal;
    case Op::BG: return Relation::greater;
    case Op::BGU: return Relation::above;
    case Op::BGE: return Relation::not_less;
    case Op::BGEU: return Relation::not_below;
    case Op::BL: return Relation::less;
    case Op::BLU: return Relation::below;
    case Op::BLE: return Relation::not_greater;
    case Op::BLEU: return Relation::not_above;
    default: return Relation::always; // ba
    }
}

/// After tst: N, V and C are 0, Z says whether it is 0 (point 2).
Relation after_test(Op op) {
    switch (op) {
    case Op::BL:
    case Op::BLU: return Relation::never;
    case Op::BGE:
    case Op::BGEU: return Relation::always;
    case Op::BE:
    case Op::BLE:
    case Op::BLEU: return Relation::equal;
    case Op::BNE:
    case Op::BG:
    case Op::BGU: return Relation::not_equal;
    default: return Relation::always;
    }
}

/// After scmp only C is known: it is 0 (point 3).
Relation after_strings(Op op) {
    switch (op) {
    case Op::BLU: return Relation::never;
    case Op::BA:
    case Op::BGEU: return Relation::always;
    default: return Relation::unknown;
    }
}

/// All codes are 0 at entry (point 4).
Relation at_entry(Op op) {
    switch (op) {
    case Op::BE:
    case Op::BL:
    case Op::BLU:
    case Op::BLE:
    case Op::BLEU: return Relation::never;
    default: return Relation::always;
    }
}

/// a against b, where a signed relation only means what it says if the difference does not wrap.
bool assume_numbers(Relation relation, Number& a, Number& b) {
    const bool wraps = difference_overflows(a, b);
    switch (relation) {
    case Relation::equal: return assume_equal(a, b);
    case Relation::not_equal: return assume_not_equal(a, b);
    case Relation::below: return assume_below(a, b);
    case Relation::not_below: return assume_not_above(b, a);
    case Relation::above: return assume_below(b, a);
    case Relation::not_above: return assume_not_above(a, b);
    case Relation::less: return wraps || assume_less(a, b);
    case Relation::not_less: return wraps || assume_not_greater(b, a);
    case Relation::greater: // Z is exact, N is not
        return wraps ? assume_not_equal(a, b) : assume_less(b, a);
    case Relation::not_greater: return wraps || assume_not_greater(a, b);
    case Relation::always:
    case Relation::unknown: return true;
    case Relation::never: return false;
    }
    return true;
}

/// A pointer against 0.
bool assume_null(Value& pointer, Relation relation) {
    if (relation == Relation::equal || relation == Relation::not_above) {
        if (!pointer.may_be_zero())
            return false;
        pointer = Value::constant(0);
    } else if (relation == Relation::not_equal || relation == Relation::above) {
        pointer.may_be_null = false;
    }
    return relation != Relation::below;
}

bool assume_values(Relation relation, Value& a, Value& b) {
    if (relation == Relation::never)
        return false;
    if (!a.is_pointer() && !b.is_pointer())
        return assume_numbers(relation, a.number, b.number);
    if (a.is_pointer() && b.is_constant() && b.number.umin == 0)
        return assume_null(a, relation);
    const bool symmetric = relation == Relation::equal || relation == Relation::not_equal;
    if (symmetric && b.is_pointer() && a.is_constant() && a.number.umin == 0)
        return assume_null(b, relation);
    return true;
}

/// Of a word and itself.
bool holds_of_equals(Relation relation) {
    switch (relation) {
    case Relation::not_equal:
    case Relation::below:
    case Relation::above:
    case Relation::less:
    case Relation::greater:
    case Relation::never: return false;
    default: return true;
    }
}

} // namespace

bool assume_branch(State& state, std::uint8_t opcode, bool taken) {
    const Op op = static_cast<Op>(opcode);
    const Codes codes = state.codes;
    Relation relation = Relation::unknown;
    switch (codes.from) {
    case Codes::From::compare: relation = after_compare(op); break;
    case Codes::From::test: relation = after_test(op); break;
    case Codes::From::strings: relation = after_strings(op); break;
    case Codes::From::entry: relation = at_entry(op); break;
    case Codes::From::unknown:
        relation = op == Op::BA ? Relation::always : Relation::unknown;
        break;
    }
    if (!taken)
        relation = negated(relation);
    if (relation == Relation::never)
        return false;
    if (relation == Relation::always || relation == Relation::unknown)
        return true;
    if (codes.from == Codes::From::compare && codes.r1 == codes.r2) // N and C are 0, Z is 1
        return holds_of_equals(relation);
    // %r0 and what nothing wrote is 0; what is learned of those is lost.
    Value zeros[2] = {zero_value, zero_value};
    const auto operand = [&](unsigned r, Value& zero) -> Value& {
        return (state.written_ever >> r & 1) != 0 ? state.registers[r] : zero;
    };
    Value& a = operand(codes.r1, zeros[0]);
    return assume_values(relation, a,
                         codes.from == Codes::From::test ? zeros[1] : operand(codes.r2, zeros[1]));
}

} // namespace difjit::verifier
