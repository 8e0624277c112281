// SPDX-License-Identifier: BSD-2-Clause
// Built-in variables. Freestanding.
#ifndef DIFJIT_RUNTIME_BUILTIN_HPP
#define DIFJIT_RUNTIME_BUILTIN_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

/// dtrace_dif_variable: `var` is a difjit::Var (INVALID: ILLOP), `index` an array's index.
std::uint64_t builtin_variable(difjit_frame* f, std::uint64_t var, std::uint64_t index);

} // namespace difjit::runtime

#endif
