// SPDX-License-Identifier: BSD-2-Clause
// Live unwinding by the compiler's own tables, which also cover compiled DIF (src/jit/unwind.cpp).
//
// Frame pointers would be safer in a signal handler, but Debian's own code has none.
// Test: tests/host/process_host_test.cpp.
#include "host/unwind.hpp"

#include <unwind.h>

namespace difjit::host {
namespace {

struct Walk {
    std::uint64_t* pcs;
    std::size_t n, used, skip;
};

_Unwind_Reason_Code step(_Unwind_Context* context, void* argument) {
    auto& walk = *static_cast<Walk*>(argument);
    if (walk.skip > 0) {
        walk.skip--;
        return _URC_NO_REASON;
    }
    if (walk.used == walk.n)
        return _URC_END_OF_STACK;
    const std::uint64_t pc = _Unwind_GetIP(context);
    if (pc == 0)
        return _URC_END_OF_STACK;
    walk.pcs[walk.used++] = pc;
    return _URC_NO_REASON;
}

} // namespace

[[gnu::noinline]] std::size_t unwind(std::uint64_t* pcs, std::size_t n) noexcept {
    Walk walk{pcs, n, 0, 1};
    _Unwind_Backtrace(step, &walk);
    return walk.used;
}

} // namespace difjit::host
