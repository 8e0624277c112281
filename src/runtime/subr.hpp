// SPDX-License-Identifier: BSD-2-Clause
// The subroutines that `call` can name: one function a row of subroutines.def.
//
// Each is a specialisation of `subroutine`, so that a row without a function does not link.
// Arguments are in the frame's tuple slots, `rd` is the register's old value, the result its new
// one. A fault does not end a subroutine: as in the reference it runs on, every load gives 0, and
// what scratch memory it takes stays taken. Freestanding. Follows dtrace_dif_subr. Tested in
// tests/runtime/subr_test.cpp and by the corpus's vectors.
#ifndef DIFJIT_RUNTIME_SUBR_HPP
#define DIFJIT_RUNTIME_SUBR_HPP

#include <cstdint>

#include <difjit/abi.h>

#include "dif/subroutines.hpp"
#include "runtime/scratch.hpp"

namespace difjit::runtime {

template <Subr S>
std::uint64_t subroutine(difjit_frame* f, std::uint64_t rd);

#define DIF_SUBROUTINE(name, ...)                                                                  \
    template <>                                                                                    \
    std::uint64_t subroutine<Subr::name>(difjit_frame * f, std::uint64_t rd);
#include "dif/subroutines.def"

/// Argument n, whether it was pushed or not (semantics.md point 35).
inline std::uint64_t argument(const difjit_frame* f, unsigned n) {
    return f->tuple[n].value;
}

/// The next free byte of scratch memory.
inline std::uint8_t* scratch(const difjit_frame* f) {
    return pointer_to(f->scratch_ptr);
}

/// Takes `size` bytes; returns the address of `start`, which lies in them.
inline std::uint64_t take_scratch(difjit_frame* f, std::uint64_t size, const std::uint8_t* start) {
    f->scratch_ptr += size;
    return address_of(start);
}

} // namespace difjit::runtime

#endif
