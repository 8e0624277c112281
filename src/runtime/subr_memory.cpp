// SPDX-License-Identifier: BSD-2-Clause
// Subroutines that move bytes: alloca, bcopy, copyin and its kin, copyout, memref, memstr, typeref.
//
// User memory is copied by the host; its range is looked at as a whole first, as dtrace_copycheck
// does. semantics.md points 15, 17, 19, 44, 52, decisions 7, 14. Tested in
// tests/runtime/subr_memory_test.cpp.
#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/scratch.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

constexpr std::uint64_t piece = 64;        // bytes copied to and from user memory at a time
constexpr std::uint64_t memstr_max = 4096; // dtrace_memstr_max
constexpr std::uint64_t pointer_size = 8;

/// dtrace_copycheck.
bool is_user_range(difjit_frame* f, std::uint64_t uaddr, std::uint64_t size) {
    if (uaddr + size <= f->host->user_limit && uaddr + size >= uaddr)
        return true;
    set_fault(f, DIFJIT_FAULT_BADADDR, uaddr);
    return false;
}

/// dtrace_copyin: what can be read is copied.
void copy_from_user(difjit_frame* f, std::uint64_t uaddr, std::uint64_t dst, std::uint64_t size) {
    if (!is_user_range(f, uaddr, size) || size == 0)
        return;
    const std::uint64_t got = f->host->read_user(f, pointer_to(dst), uaddr, size);
    if (got < size)
        set_fault(f, DIFJIT_FAULT_BADADDR, uaddr + got);
}

/// dtrace_copyinstr: through the NUL. Nothing behind the NUL is needed, so a piece that ends early
/// is a fault only where no NUL came before.
void copy_string_from_user(difjit_frame* f, std::uint64_t uaddr, std::uint8_t* dst,
                           std::uint64_t size) {
    if (!is_user_range(f, uaddr, size))
        return;
    for (std::uint64_t done = 0; done < size;) {
        std::uint8_t bytes[piece];
        const std::uint64_t want = least(piece, size - done);
        const std::uint64_t got = f->host->read_user(f, bytes, uaddr + done, want);
        for (std::uint64_t i = 0; i < got; i++) {
            dst[done + i] = bytes[i];
            if (bytes[i] == 0)
                return;
        }
        if (got < want)
            return set_fault(f, DIFJIT_FAULT_BADADDR, uaddr + done + got);
        done += want;
    }
}

/// Is copyout allowed? UPRIV where the consumer may not change the process. Where destructive
/// actions are disallowed altogether it does nothing, in silence.
bool may_copy_out(difjit_frame* f) {
    if (f->state == nullptr || f->state->destructive == 0)
        return false;
    if ((f->access & DIFJIT_ACCESS_CONTROL) != 0)
        return true;
    set_flag(f, DIFJIT_FAULT_UPRIV);
    return false;
}

/// dtrace_istoxic: unlike a load's, its illval is the first toxic address.
bool is_toxic(difjit_frame* f, std::uint64_t addr, std::uint64_t size) {
    for (std::uint32_t i = 0; i < f->host->ntoxic; i++) {
        const difjit_range& range = f->host->toxic[i];
        const std::uint64_t length = range.limit - range.base;
        if (addr - range.base < length)
            return set_fault(f, DIFJIT_FAULT_BADADDR, addr), true;
        if (range.base - addr < size)
            return set_fault(f, DIFJIT_FAULT_BADADDR, range.base), true;
    }
    return false;
}

} // namespace

template <>
std::uint64_t subroutine<Subr::ALLOCA>(difjit_frame* f, std::uint64_t) {
    const AlignedScratch place = need_aligned_scratch(f, argument(f, 0));
    f->scratch_ptr += place.taken;
    return place.addr;
}

template <>
std::uint64_t subroutine<Subr::BCOPY>(difjit_frame* f, std::uint64_t rd) {
    const std::uint64_t src = argument(f, 0), dst = argument(f, 1), size = argument(f, 2);
    if (!in_used_scratch(f, dst, size)) {
        set_fault(f, DIFJIT_FAULT_BADADDR, rd); // rd's old value (point 19)
        return rd;
    }
    if (!canload(f, src, size))
        return 0;
    copy_in(f, pointer_to(dst), src, size);
    return rd;
}

template <>
std::uint64_t subroutine<Subr::COPYIN>(difjit_frame* f, std::uint64_t) {
    const AlignedScratch place = need_aligned_scratch(f, argument(f, 1));
    if (place.addr != 0)
        copy_from_user(f, argument(f, 0), place.addr, argument(f, 1));
    f->scratch_ptr += place.taken;
    return place.addr;
}

template <>
std::uint64_t subroutine<Subr::COPYINTO>(difjit_frame* f, std::uint64_t rd) {
    const std::uint64_t size = argument(f, 1), dst = argument(f, 2);
    if (in_used_scratch(f, dst, size))
        copy_from_user(f, argument(f, 0), dst, size);
    else
        set_fault(f, DIFJIT_FAULT_BADADDR, rd);
    return rd;
}

template <>
std::uint64_t subroutine<Subr::COPYINSTR>(difjit_frame* f, std::uint64_t) {
    std::uint64_t size = f->strsize;
    if (f->tuple_top > 1 && argument(f, 1) < size)
        size = argument(f, 1) + 1; // the NUL that is forced (point 44)
    if (!need_scratch(f, size) || size == 0)
        return 0;
    const std::uint64_t dst = f->scratch_ptr;
    copy_string_from_user(f, argument(f, 0), pointer_to(dst), size);
    pointer_to(dst)[size - 1] = 0;
    f->scratch_ptr += size;
    return dst;
}

template <>
std::uint64_t subroutine<Subr::COPYOUT>(difjit_frame* f, std::uint64_t rd) {
    const std::uint64_t src = argument(f, 0), uaddr = argument(f, 1), size = argument(f, 2);
    if (!may_copy_out(f) || is_toxic(f, src, size) || !canload(f, src, size) ||
        !is_user_range(f, uaddr, size))
        return rd;
    for (std::uint64_t done = 0; done < size;) {
        std::uint8_t bytes[piece];
        const std::uint64_t want = least(piece, size - done);
        const std::uint64_t got = f->host->read(f, bytes, src + done, want);
        const std::uint64_t put = got == 0 ? 0 : f->host->write_user(f, uaddr + done, bytes, got);
        if (put < got)
            return set_fault(f, DIFJIT_FAULT_BADADDR, uaddr + done + put), rd;
        if (got < want)
            return set_fault(f, DIFJIT_FAULT_BADADDR, src + done + got), rd;
        done += want;
    }
    return rd;
}

template <>
std::uint64_t subroutine<Subr::COPYOUTSTR>(difjit_frame* f, std::uint64_t rd) {
    const std::uint64_t src = argument(f, 0), uaddr = argument(f, 1);
    std::uint64_t size = argument(f, 2);
    if (!may_copy_out(f) || is_toxic(f, src, size) || !strcanload(f, src, size, &size) ||
        !is_user_range(f, uaddr, size))
        return rd;
    Reader reader(f, src, size);
    for (std::uint64_t i = 0; i < size; i++) {
        const std::uint8_t byte = reader.next();
        if (has_fault(f))
            return rd;
        if (f->host->write_user(f, uaddr + i, &byte, 1) == 0)
            return set_fault(f, DIFJIT_FAULT_BADADDR, uaddr + i), rd;
        if (byte == 0)
            return rd;
    }
    return rd;
}

template <>
std::uint64_t subroutine<Subr::MEMREF>(difjit_frame* f, std::uint64_t) {
    const AlignedScratch place = need_aligned_scratch(f, 2 * pointer_size); // decision 7
    if (place.addr == 0)
        return 0;
    const std::uint64_t pair[2] = {argument(f, 0), argument(f, 1)};
    __builtin_memcpy(pointer_to(place.addr), pair, sizeof pair);
    f->scratch_ptr += place.taken;
    return place.addr;
}

template <>
std::uint64_t subroutine<Subr::MEMSTR>(difjit_frame* f, std::uint64_t) {
    const std::uint64_t src = argument(f, 0), size = argument(f, 2);
    const auto instead = static_cast<std::uint8_t>(argument(f, 1));
    if (size == 0 || !canload(f, src, size - 1) || !need_scratch(f, size))
        return 0;
    if (size > memstr_max) {
        set_flag(f, DIFJIT_FAULT_ILLOP);
        return 0;
    }
    std::uint8_t* const dst = pointer_to(f->scratch_ptr);
    Reader reader(f, src, size - 1);
    for (std::uint64_t i = 0; i + 1 < size; i++) {
        const std::uint8_t byte = reader.next();
        dst[i] = byte == 0 ? instead : byte;
    }
    dst[size - 1] = 0;
    f->scratch_ptr += size;
    return address_of(dst);
}

/// FreeBSD 11: address, element count, and the type's name with its length behind them.
template <>
std::uint64_t subroutine<Subr::TYPEREF>(difjit_frame* f, std::uint64_t) {
    const std::uint64_t name = argument(f, 2);
    const std::uint64_t length = argument(f, 3);
    const AlignedScratch place = need_aligned_scratch(f, 4 * pointer_size);
    if (place.addr == 0)
        return 0;
    const std::uint64_t words[4] = {argument(f, 0), argument(f, 1), name, length};
    __builtin_memcpy(pointer_to(place.addr), words, sizeof words);
    f->scratch_ptr += place.taken;
    return place.addr;
}

} // namespace difjit::runtime
