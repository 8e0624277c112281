// SPDX-License-Identifier: BSD-2-Clause
// pushtr, pushtv, scmp, allocs and copys, as dtrace_dif_emulate has them.
//
// semantics.md points 17, 20, 35, 36, 38-40, decision 4. Tested in tests/runtime/tuple_test.cpp.
#include "runtime/tuple.hpp"

#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/scratch.hpp"

namespace difjit::runtime {

namespace {

/// The reference looks for a pushed string's NUL as far as the size register says, which may be
/// 2^64 bytes. No key of that length fits any chunk and no subroutine looks at the size, so the
/// search ends here, with a key that is dropped (decision 5: no instruction takes unbounded time).
constexpr std::uint64_t string_reach = std::uint64_t{1} << 20;

bool push(difjit_frame* f, std::uint64_t value, std::uint64_t size) {
    f->tuple[f->tuple_top++] = {value, size};
    return true;
}

bool has_room(difjit_frame* f) {
    if (f->tuple_top < DIFJIT_NTUPLE)
        return true;
    set_flag(f, DIFJIT_FAULT_TUPOFLOW);
    return false;
}

} // namespace

std::uint64_t push_reference(difjit_frame* f, std::uint64_t type, std::uint64_t value,
                             std::uint64_t size) {
    if (!has_room(f))
        return 0;
    if (type == DIFJIT_TYPE_STRING) {
        const std::uint64_t bound = size == 0 ? DIFJIT_STRSIZE_DEFAULT : size;
        push(f, value, string_length(f, value, least(bound, string_reach)) + 1);
    } else if (size > INT64_MAX) {
        set_flag(f, DIFJIT_FAULT_ILLOP);
    } else {
        push(f, value, size);
    }
    return 0;
}

std::uint64_t push_value(difjit_frame* f, std::uint64_t value) {
    if (has_room(f))
        push(f, value, 0);
    return 0;
}

std::uint64_t string_compare(difjit_frame* f, std::uint64_t s1, std::uint64_t s2) {
    constexpr auto unchanged = static_cast<std::uint64_t>(INT64_MIN);
    std::uint64_t limit1 = f->strsize, limit2 = f->strsize; // of a NULL too (decision 4)
    if (s1 != 0 && !strcanload(f, s1, f->strsize, &limit1))
        return unchanged;
    if (s2 != 0 && !strcanload(f, s2, f->strsize, &limit2))
        return unchanged;
    return static_cast<std::uint64_t>(compare_strings(f, s1, s2, least(limit1, limit2)));
}

std::uint64_t allocate_zeroed(difjit_frame* f, std::uint64_t size) {
    const AlignedScratch place = need_aligned_scratch(f, size);
    if (place.addr == 0)
        return 0;
    __builtin_memset(pointer_to(f->scratch_ptr), 0, place.taken);
    f->scratch_ptr += place.taken;
    return place.addr;
}

std::uint64_t copy_structure(difjit_frame* f, std::uint64_t src, std::uint64_t size,
                             std::uint64_t dst) {
    if (!canstore(f, dst, size))
        set_fault(f, DIFJIT_FAULT_BADADDR, dst);
    else if (canload(f, src, size))
        copy_in(f, pointer_to(dst), src, size);
    return 0;
}

} // namespace difjit::runtime
