// SPDX-License-Identifier: BSD-2-Clause
// dtrace_strtoll: a number from text in traced memory. Freestanding.
#ifndef DIFJIT_RUNTIME_NUMBER_TEXT_HPP
#define DIFJIT_RUNTIME_NUMBER_TEXT_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

/// Blanks and tabs, one sign, 0x for base 16, digits up to the first that is none; wraps (point
/// 42).
std::int64_t text_to_number(difjit_frame* f, std::uint64_t addr, int base, std::uint64_t limit);

/// 0 to 35, or 36: not a digit of any base.
int digit_value(char c);

} // namespace difjit::runtime

#endif
