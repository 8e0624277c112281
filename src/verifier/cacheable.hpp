// SPDX-License-Identifier: BSD-2-Clause
// May a predicate's answer be cached for a thread? (semantics.md decision 10)
//
// Freestanding. Follows dtrace_difo_cacheable, but looks at the text and not at the variable table.
// Tested in tests/verifier/cacheable_test.cpp.
#ifndef DIFJIT_VERIFIER_CACHEABLE_HPP
#define DIFJIT_VERIFIER_CACHEABLE_HPP

#include <difjit/abi.h>

namespace difjit {

/// True only if the text depends on nothing but the thread: no subroutine, no load, no argument, no
/// mutable variable, and strings are compared only where both are constants or the thread's own.
/// The DIFO has passed the verifier.
bool is_cacheable(const difjit_difo& difo);

} // namespace difjit

#endif
