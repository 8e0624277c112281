// SPDX-License-Identifier: BSD-2-Clause
// rand(): xoroshiro128+, one sequence a CPU (semantics.md point 44).
//
// Follows dtrace_xoroshiro128_plus.c and what dtrace_state_create does with it: each CPU's state is
// the one before it jumped 2^64 numbers on, and the jump itself advances the state it starts from
// by 128 numbers. Tested in tests/runtime/rand_test.cpp.
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

constexpr std::uint64_t rotate_left(std::uint64_t x, unsigned n) {
    return x << n | x >> (64 - n);
}

std::uint64_t next(std::uint64_t state[2]) {
    const std::uint64_t s0 = state[0];
    std::uint64_t s1 = state[1];
    const std::uint64_t result = s0 + s1;
    s1 ^= s0;
    state[0] = rotate_left(s0, 55) ^ s1 ^ (s1 << 14);
    state[1] = rotate_left(s1, 36);
    return result;
}

/// Writes the state 2^64 numbers behind `state` to `to`.
void jump(std::uint64_t state[2], std::uint64_t to[2]) {
    constexpr std::uint64_t polynomial[] = {0xbeac0467eba5facb, 0xd86b048b86aa9922};
    std::uint64_t s0 = 0, s1 = 0;
    for (const std::uint64_t word : polynomial) {
        for (unsigned bit = 0; bit < 64; bit++) {
            if ((word >> bit & 1) != 0) {
                s0 ^= state[0];
                s1 ^= state[1];
            }
            next(state);
        }
    }
    to[0] = s0;
    to[1] = s1;
}

} // namespace

void rand_seed(ConsumerState& state, std::uint64_t seed0, std::uint64_t seed1) {
    if (state.ncpus == 0 || state.rand_state == nullptr)
        return;
    state.rand_state[0][0] = seed0;
    state.rand_state[0][1] = seed1;
    for (std::uint32_t cpu = 1; cpu < state.ncpus; cpu++)
        jump(state.rand_state[cpu - 1], state.rand_state[cpu]);
}

template <>
std::uint64_t subroutine<Subr::RAND>(difjit_frame* f, std::uint64_t) {
    if (f->state == nullptr || f->state->rand_state == nullptr || f->cpu >= f->state->ncpus)
        return 0;
    return next(f->state->rand_state[f->cpu]);
}

} // namespace difjit::runtime
