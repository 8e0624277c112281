// SPDX-License-Identifier: BSD-2-Clause
// Which probes a description means: dtrace_match_glob and dtrace_match_probe.
//
// Freestanding. Covered by tests/engine/test_match.cpp.
#ifndef DIFJIT_ENGINE_MATCH_HPP
#define DIFJIT_ENGINE_MATCH_HPP

#include <cstdint>

namespace difjit::engine {

/// 1: matches, 0: does not, -1: more than eight levels of '*' were tried (the probe is passed
/// over).
int match_glob(const char* string, const char* pattern);

/// One part of a description: empty means everything, a pattern with [ ? * or \ is a glob.
int match_part(const char* string, const char* pattern);

/// Parts of a probe or of its description.
struct ProbeNames {
    const char* provider;
    const char* module;
    const char* function;
    const char* name;
};

/// All four parts. A description that is empty means every probe that has a function.
bool match_probe(const ProbeNames& probe, const ProbeNames& description);

} // namespace difjit::engine

#endif
