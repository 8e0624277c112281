// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/call.hpp"

namespace difjit::verifier {

namespace {

/// The number in a tuple slot.
Number argument(const State& state, unsigned i) {
    const Value value = state.slot(i);
    return value.is_pointer() ? Number::any() : value.number;
}

/// No region of memory that a frame has is larger: a string in it is shorter.
constexpr std::uint64_t region_max = std::uint64_t{1} << 56;

/// Integers whose range the subroutine fixes (src/runtime/subr_*.cpp). A failed access check that
/// is no fault gives 0 (semantics.md point 40), which every range here holds.
Number integer_result(Subr subr, const Assumptions& assumptions) {
    const std::uint64_t strsize = assumptions.strsize;
    if (strsize > region_max)
        return Number::any();
    switch (subr) {
    case Subr::STRLEN: // without the privilege to read the kernel, up to the region's end
        return Number::between(0, region_max);
    case Subr::INDEX:
    case Subr::RINDEX: return Number::between_signed(-1, static_cast<std::int64_t>(strsize));
    case Subr::HTONS:
    case Subr::NTOHS: return Number::between(0, UINT16_MAX);
    case Subr::HTONL:
    case Subr::NTOHL: return Number::between(0, UINT32_MAX);
    default: return Number::any();
    }
}

/// A string that a subroutine makes: 1 + its greatest length, 0 where it may have no NUL of its own
/// or its bound is not worth it; and whether it can be 0 without a fault.
struct Made {
    std::uint64_t terminated;
    bool may_be_null;
};

Made made_string(Subr subr, std::uint64_t strsize) {
    switch (subr) {
    case Subr::LLTOSTR: return {65, false}; // 64 digits and the NUL
    case Subr::INET_NTOA: return {16, false};
    case Subr::INET_NTOA6:
    case Subr::INET_NTOP: return {46, false};
    case Subr::TOUPPER:
    case Subr::TOLOWER:
    case Subr::BASENAME:
    case Subr::DIRNAME: return {strsize, false};
    // substr's result of strsize bytes has its NUL behind what it allocated.
    case Subr::SUBSTR: return {0, false};
    case Subr::COPYINSTR: return {strsize, false};
    // These give 0 for a string that may not be read, or that is not there.
    case Subr::CLEANPATH:
    case Subr::STRTOK:
    case Subr::STRJOIN: return {strsize, true};
    default: return {0, true};
    }
}

Value string_result(Subr subr, const Value& old, const Assumptions& assumptions, std::uint32_t pc) {
    const Made made = made_string(subr, assumptions.strsize);
    Value v = Value::pointer(Region::string, made.terminated != 0 ? 1 : 0, made.may_be_null);
    v.site = pc;
    v.terminated = made.terminated <= UINT32_MAX ? static_cast<std::uint32_t>(made.terminated) : 0;
    if (subr == Subr::STRJOIN) // decision 16: what fits but for its NUL leaves rd as it was
        join_into(v, old);
    return v;
}

/// A place inside the first argument's string, or 0: how far in is not known.
Value inside_argument(const State& state) {
    Value v = state.slot(0);
    if (!v.is_pointer())
        return Value::any();
    v.may_be_null = true;
    v.terminated = 0;
    v.number = Number::any();
    return v;
}

} // namespace

Value allocation(const Number& size, std::uint32_t pc) {
    // A size that is too large has faulted with NOSCRATCH. None at all needs no scratch memory.
    const auto certain =
        static_cast<std::uint32_t>(size.umin < UINT32_MAX ? size.umin : UINT32_MAX);
    Value v = Value::pointer(Region::scratch, certain, certain == 0);
    v.site = pc;
    return v;
}

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
    case SubrResult::SCRATCH_STRING: return string_result(subr, old, assumptions, pc);
    case SubrResult::ARGUMENT: return inside_argument(state);
    case SubrResult::OBJECT:
    case SubrResult::VOID: return Value::any();
    }
    return Value::any();
}

} // namespace difjit::verifier
