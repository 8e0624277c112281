// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/call.hpp"

namespace difjit::verifier {

namespace {

/// The number in a tuple slot; a slot that some path has not written may hold anything.
Number argument(const State& state, unsigned i) {
    const Value& value = state.tuple[i].value;
    return i < state.pushed && !value.is_pointer() ? value.number : Number::any();
}

/// At least so many bytes are there: a size that may wrap or be huge has faulted with NOSCRATCH.
Value allocation(const Number& size, std::uint32_t pc) {
    Value v = Value::pointer(Region::scratch, size.umin, false);
    v.site = pc;
    return v;
}

/// Integers whose range the subroutine fixes. A failed access check that is no fault gives 0
/// (semantics.md point 40), which every range here holds.
Number integer_result(Subr subr, const Assumptions& assumptions) {
    const auto strsize = static_cast<std::int64_t>(assumptions.strsize & INT64_MAX);
    switch (subr) {
    case Subr::STRLEN: return Number::between_signed(0, strsize);
    case Subr::INDEX:
    case Subr::RINDEX: return Number::between_signed(-1, strsize);
    case Subr::HTONS:
    case Subr::NTOHS: return Number::between(0, UINT16_MAX);
    case Subr::HTONL:
    case Subr::NTOHL: return Number::between(0, UINT32_MAX);
    default: return Number::any();
    }
}

/// How far a string that this subroutine makes can reach: 1 + its greatest length, 0 unknown.
std::uint64_t made_string(Subr subr) {
    switch (subr) {
    case Subr::LLTOSTR: return 65; // dtrace_dif_subr: 65 bytes, the last one the NUL
    case Subr::INET_NTOA: return 16;
    case Subr::INET_NTOA6: return 46;
    case Subr::INET_NTOP: return 46;
    default: return 0;
    }
}

Value string_result(Subr subr, const Value& old, std::uint32_t pc) {
    Value v = Value::pointer(Region::string, 1, true);
    v.site = pc;
    v.terminated = made_string(subr);
    // Decision 16: a strjoin that fits but for its NUL leaves rd as it was.
    return subr == Subr::STRJOIN ? join(v, old) : v;
}

/// A place inside the first argument's string, or 0. It may be its NUL, and so one past `size`'s
/// end is not possible only where the NUL is known to lie inside.
Value inside_argument(const State& state) {
    const Value& string = state.tuple[0].value;
    if (state.pushed == 0 || state.tuple[0].mixed || !string.is_pointer())
        return Value::any();
    Value v = string;
    v.may_be_null = true;
    v.terminated = 0;
    v.number = Number::any();
    return v;
}

} // namespace

Value call_result(Subr subr, const State& state, const Value& old, const Assumptions& assumptions,
                  std::uint32_t pc) {
    switch (subroutine_row(subr).result) {
    case SubrResult::INTEGER: return Value::of(integer_result(subr, assumptions));
    case SubrResult::SCRATCH:
        if (subr == Subr::ALLOCA)
            return allocation(argument(state, 0), pc);
        if (subr == Subr::COPYIN)
            return allocation(argument(state, 1), pc);
        if (subr == Subr::MEMREF)
            return allocation(Number::constant(16), pc);
        return Value::any();
    case SubrResult::SCRATCH_STRING: return string_result(subr, old, pc);
    case SubrResult::ARGUMENT: return inside_argument(state);
    case SubrResult::OBJECT:
    case SubrResult::VOID: return Value::any();
    }
    return Value::any();
}

} // namespace difjit::verifier
