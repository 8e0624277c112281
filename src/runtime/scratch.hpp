// SPDX-License-Identifier: BSD-2-Clause
// Scratch memory: from the predicate to the last action it only grows (semantics.md points 17-19).
//
// Freestanding. Tested in tests/runtime/scratch_test.cpp.
#ifndef DIFJIT_RUNTIME_SCRATCH_HPP
#define DIFJIT_RUNTIME_SCRATCH_HPP

#include <cstdint>

#include <difjit/abi.h>

#include "runtime/probe.hpp"

namespace difjit::runtime {

/// DTRACE_INSCRATCH: are `size` bytes left? Sets no flag.
inline bool fits_scratch(const difjit_frame* f, std::uint64_t size) {
    return f->scratch_base + f->scratch_size - f->scratch_ptr >= size;
}

/// The same for who needs them: NOSCRATCH where they are not.
inline bool need_scratch(difjit_frame* f, std::uint64_t size) {
    if (fits_scratch(f, size))
        return true;
    set_flag(f, DIFJIT_FAULT_NOSCRATCH);
    return false;
}

/// dtrace_inscratch: does the range lie in scratch memory that is in use? Stricter than canstore.
inline bool in_used_scratch(const difjit_frame* f, std::uint64_t addr, std::uint64_t size) {
    return addr >= f->scratch_base && addr + size >= addr && addr + size <= f->scratch_ptr;
}

/// The place of `size` bytes whose address is rounded up to 8, and what they take off scratch
/// memory with the gap before them. Nothing is taken yet.
struct AlignedScratch {
    std::uint64_t addr;
    std::uint64_t taken;
};

/// addr 0: NOSCRATCH is set.
inline AlignedScratch need_aligned_scratch(difjit_frame* f, std::uint64_t size) {
    const std::uint64_t addr = round_up(f->scratch_ptr, 8);
    const std::uint64_t taken = addr - f->scratch_ptr + size;
    if (taken < size) { // the sum wrapped around
        set_flag(f, DIFJIT_FAULT_NOSCRATCH);
        return {0, 0};
    }
    return need_scratch(f, taken) ? AlignedScratch{addr, taken} : AlignedScratch{0, 0};
}

} // namespace difjit::runtime

#endif
