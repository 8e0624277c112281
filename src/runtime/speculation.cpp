// SPDX-License-Identifier: BSD-2-Clause
// speculation(): the first inactive speculation becomes active; dtrace_speculation.
//
// What becomes of it is the engine's (src/engine/speculation.cpp). Tested in
// tests/runtime/speculation_test.cpp.
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

bool is_busy(SpeculationState s) {
    return s == SpeculationState::committing || s == SpeculationState::committing_many ||
           s == SpeculationState::discarding;
}

} // namespace

template <>
std::uint64_t subroutine<Subr::SPECULATION>(difjit_frame* f, std::uint64_t) {
    difjit_state* const state = f->state;
    if (state == nullptr)
        return 0;
    std::uint64_t* why = &state->speculation_unavailable;
    for (std::uint32_t i = 0; i < state->nspeculations; i++) {
        std::uint32_t* const word = &state->speculations[i].state;
        auto seen = static_cast<std::uint32_t>(SpeculationState::inactive);
        if (__atomic_compare_exchange_n(word, &seen,
                                        static_cast<std::uint32_t>(SpeculationState::active), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return i + std::uint64_t{1};
        if (is_busy(static_cast<SpeculationState>(seen)))
            why = &state->speculation_busy; // a single busy one is reason enough
    }
    __atomic_fetch_add(why, 1, __ATOMIC_RELAXED);
    return 0;
}

} // namespace difjit::runtime
