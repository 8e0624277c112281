// SPDX-License-Identifier: BSD-2-Clause
// What a subroutine's result can be, from the table's column and, where that says little, by name.
#ifndef DIFJIT_VERIFIER_CALL_HPP
#define DIFJIT_VERIFIER_CALL_HPP

#include "dif/subroutines.hpp"
#include "verifier/transfer.hpp"

namespace difjit::verifier {

/// What alloca, copyin and allocs give: memory of that many bytes at least, 8-aligned.
Value allocation(const Number& size, std::uint32_t pc);

/// The value of rd behind a call that did not fault; `old` is rd's before it.
Value call_result(Subr subr, const State& state, const Value& old, const Assumptions& assumptions,
                  std::uint32_t pc);

} // namespace difjit::verifier

#endif
