// SPDX-License-Identifier: BSD-2-Clause
// The functions behind helper numbers.
//
// Each row of helpers.def has its function here: the switch has no default, so a new row without
// one does not compile. Subroutines are the specialisations of subr.hpp. Tested in
// tests/runtime/helper_test.cpp.
#include "dif/subroutines.hpp"
#include "runtime/builtin.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"
#include "runtime/tuple.hpp"
#include "runtime/variables.hpp"

namespace difjit::runtime {

namespace {

using U = std::uint64_t;

/// Every helper has one signature; these give it to functions that take what they need.
template <auto F>
U call1(difjit_frame* f, U a, U, U) {
    return F(f, a);
}
template <auto F>
U call2(difjit_frame* f, U a, U b, U) {
    return F(f, a, b);
}

/// An instruction on a variable. One that the state does not declare is ILLOP: no verifier lets it
/// through (decision 8), and the helper is all that stands between it and memory.
template <auto Declares, auto F>
U load_variable(difjit_frame* f, U id, U, U) {
    const auto n = static_cast<std::uint32_t>(id);
    if (Declares(f, n))
        return F(f, n);
    f->flags |= DIFJIT_FAULT_ILLOP;
    return 0;
}
template <auto Declares, auto F>
U store_variable(difjit_frame* f, U id, U value, U) {
    const auto n = static_cast<std::uint32_t>(id);
    if (Declares(f, n))
        F(f, n, value);
    else
        f->flags |= DIFJIT_FAULT_ILLOP;
    return 0;
}

template <bool Thread>
bool array_declared(const difjit_frame* f, std::uint32_t id) {
    return declares_array(f, id, Thread);
}
template <bool Thread>
U array_load(difjit_frame* f, std::uint32_t id) {
    return load_array(f, id, Thread);
}
template <bool Thread>
void array_store(difjit_frame* f, std::uint32_t id, U value) {
    store_array(f, id, value, Thread);
}

enum class Number : std::uint32_t {
#define DIFJIT_HELPER(name, nargs, faults, meaning) name = DIFJIT_HELPER_##name,
#include <difjit/helpers.def>
};

Helper instruction_helper(Number number) {
    switch (number) {
    case Number::VARIABLE: return call2<builtin_variable>;
    case Number::LOAD: return call2<load>;
    case Number::RLOAD: return call2<load_restricted>;
    case Number::ULOAD: return call2<load_user>;
    case Number::STORE: return store;
    case Number::SCMP: return call2<string_compare>;
    case Number::LDTS: return load_variable<declares_thread, load_thread>;
    case Number::STTS: return store_variable<declares_thread, store_thread>;
    case Number::LDGAA: return load_variable<array_declared<false>, array_load<false>>;
    case Number::STGAA: return store_variable<array_declared<false>, array_store<false>>;
    case Number::LDTAA: return load_variable<array_declared<true>, array_load<true>>;
    case Number::STTAA: return store_variable<array_declared<true>, array_store<true>>;
    case Number::LDGS_REF: return load_variable<declares_global, load_global>;
    case Number::STGS_REF: return store_variable<declares_global, store_global>;
    case Number::LDLS_REF: return load_variable<declares_local, load_local>;
    case Number::STLS_REF: return store_variable<declares_local, store_local>;
    case Number::PUSHTR: return push_reference;
    case Number::PUSHTV: return call1<push_value>;
    case Number::ALLOCS: return call1<allocate_zeroed>;
    case Number::COPYS: return copy_structure;
    }
    return nullptr;
}

/// By Subr. A row without a function does not link.
constexpr Helper subroutine_helpers[] = {
#define DIF_SUBROUTINE(name, ...) call1<subroutine<Subr::name>>,
#include "dif/subroutines.def"
};
static_assert(sizeof subroutine_helpers / sizeof subroutine_helpers[0] == subroutine_count);

} // namespace

Helper helper(std::uint32_t number) {
    if (number < DIFJIT_HELPER_SUBR_BASE)
        return instruction_helper(static_cast<Number>(number));
    const std::uint32_t subr = number - DIFJIT_HELPER_SUBR_BASE;
    return subr < subroutine_count ? subroutine_helpers[subr] : nullptr;
}

} // namespace difjit::runtime
