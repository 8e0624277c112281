// SPDX-License-Identifier: BSD-2-Clause
// One instruction on one abstract state: what it makes of the state, and what was proved on the
// way.
//
// Freestanding. The switch is over Op without a default, so a new row of opcodes.def fails to
// compile until it is given a meaning. Each transfer function's argument of soundness is in
// docs/verifier.md.
#ifndef DIFJIT_VERIFIER_TRANSFER_HPP
#define DIFJIT_VERIFIER_TRANSFER_HPP

#include <cstdint>

#include <difjit/abi.h>

#include "verifier/state.hpp"

namespace difjit::verifier {

/// What the whole analysis is told. Facts hold only for frames that keep to it, so whoever stores
/// facts, or code that was made by them, must store this beside them and compare it.
struct Assumptions {
    std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT; ///< at least 1
};

/// The bytes that a load or store touches, inside one region.
struct Extent {
    Region region = Region::number;
    std::uint16_t id = 0;
    std::uint32_t site = 0;
    std::uint64_t first = 0, end = 0;
};

/// What holds of one instruction on the paths seen so far; `meet_proof` keeps what holds on all.
struct Proof {
    enum : std::uint32_t {
        divisor_not_zero = 0x1,
        divide_no_wrap = 0x2,
        shift_below_64 = 0x4,
        load_inside = 0x8, ///< at `extent`
        store_inside = 0x10
    };
    std::uint32_t flags = 0;
    Extent extent;
};

void meet_proof(Proof& proof, const Proof& other);

/// Applies the instruction at pc. False: no path goes on behind it (ret, or it always faults).
/// Branches only leave the state as it is: assume_branch is for them.
bool step(State& state, const difjit_difo& difo, const Assumptions& assumptions, std::uint32_t pc,
          Proof& proof);

/// 1 + the greatest length that the string at v can have, where its NUL is certainly readable
/// inside v's region; 0: not known.
std::uint64_t string_bound(const Value& v, const difjit_difo& difo);

} // namespace difjit::verifier

#endif
