// SPDX-License-Identifier: BSD-2-Clause
// The reference interpreter: dtrace_dif_emulate, slow and obvious on purpose.
//
// Freestanding and probe-safe. Compiled code is compared with it, all the time.
#ifndef DIFJIT_INTERP_INTERPRETER_HPP
#define DIFJIT_INTERP_INTERPRETER_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::interp {

/// Runs frame->difo. Returns its value; 0 where a fault flag is set, with fault_offset. If a fault
/// flag is set on entry nothing runs. Memory-safe for every DIFO that the structure rules accept
/// (reference rules suffice); anything else sets ILLOP.
std::uint64_t run(difjit_frame* frame);

/// Runs a DIFO by the best executor it has: native code, else the interpreter. Sets frame->difo.
inline std::uint64_t execute(difjit_frame* frame, const difjit_difo* difo) {
    frame->difo = difo;
    if (difo->native == nullptr || (frame->flags & DIFJIT_FLAG_FAULT) != 0)
        return run(frame);
    return difo->native(frame);
}

} // namespace difjit::interp

#endif
