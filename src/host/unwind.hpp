// SPDX-License-Identifier: BSD-2-Clause
// The calling thread's own stack, for stack() and ustack() of live firings.
#ifndef DIFJIT_HOST_UNWIND_HPP
#define DIFJIT_HOST_UNWIND_HPP

#include <cstddef>
#include <cstdint>

namespace difjit::host {

/// Writes up to n program counters, innermost first and without this function's own; returns how
/// many. Allocates nothing, but the unwinder may take the dynamic loader's lock: not for firings
/// inside a signal handler.
std::size_t unwind(std::uint64_t* pcs, std::size_t n) noexcept;

} // namespace difjit::host

#endif
