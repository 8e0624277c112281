// SPDX-License-Identifier: BSD-2-Clause
// Which memory a DIFO may read and write.
//
// Follows dtrace_canload, dtrace_canstore, dtrace_strcanload, dtrace_vcanload and
// dtrace_canstore_statvar (semantics.md points 16, 19, 40). With the privilege to read kernel
// memory everything is readable; nothing widens what is writable. Freestanding. Tested in
// tests/runtime/access_test.cpp.
#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

void set_remain(std::uint64_t* remain, std::uint64_t addr, std::uint64_t base, std::uint64_t size) {
    if (remain != nullptr)
        *remain = base + size - addr;
}

bool in_global(const StaticVariable& var, std::uint64_t addr, std::uint64_t size,
               std::uint64_t* remain) {
    const std::uint64_t base = address_of(var.data);
    if (var.storable == 0 || !in_range(addr, size, base, var.storable))
        return false;
    set_remain(remain, addr, base, var.storable);
    return true;
}

/// Any CPU's copy of a clause-local: the address says which CPU.
bool in_local(const difjit_vstate& v, std::uint64_t addr, std::uint64_t size,
              std::uint64_t* remain) {
    const std::uint64_t base = address_of(v.local_area), stride = v.layout.local_stride;
    if (stride == 0 || addr - base >= stride * v.layout.ncpus)
        return false;
    const std::uint64_t area = base + (addr - base) / stride * stride;
    for (std::uint32_t i = 0; i < v.layout.nlocals; i++) {
        const StaticVariable& var = v.locals[i];
        if (!var.declared || !in_range(addr, size, area + var.offset, var.storable))
            continue;
        set_remain(remain, addr, area + var.offset, var.storable);
        return true;
    }
    return false;
}

bool canstore_remain(const difjit_frame* f, std::uint64_t addr, std::uint64_t size,
                     std::uint64_t* remain) {
    if (in_range(addr, size, f->scratch_base, f->scratch_size)) {
        set_remain(remain, addr, f->scratch_base, f->scratch_size);
        return true;
    }
    if (f->vstate == nullptr ||
        addr - address_of(f->vstate) >= f->vstate->layout.bytes) // all variables lie in one block
        return false;
    const difjit_vstate& v = *f->vstate;
    if (dynvar_holds(v.dynamic, addr, size, remain) || in_local(v, addr, size, remain))
        return true;
    for (std::uint32_t i = 0; i < v.layout.nglobals; i++)
        if (in_global(v.globals[i], addr, size, remain))
            return true;
    return false;
}

bool canload_remain(difjit_frame* f, std::uint64_t addr, std::uint64_t size,
                    std::uint64_t* remain) {
    if (may_read_kernel(f)) {
        set_remain(remain, addr, addr, size);
        return true;
    }
    if (canstore_remain(f, addr, size, remain))
        return true;
    const std::uint64_t table = address_of(f->difo->strtab);
    if (in_range(addr, size, table, f->difo->str_len)) {
        set_remain(remain, addr, table, f->difo->str_len);
        return true;
    }
    set_fault(f, DIFJIT_FAULT_KPRIV, addr);
    return false;
}

} // namespace

bool canload(difjit_frame* f, std::uint64_t addr, std::uint64_t size) {
    return canload_remain(f, addr, size, nullptr);
}

bool canstore(difjit_frame* f, std::uint64_t addr, std::uint64_t size) {
    return canstore_remain(f, addr, size, nullptr);
}

bool strcanload(difjit_frame* f, std::uint64_t addr, std::uint64_t limit, std::uint64_t* remain) {
    std::uint64_t region = 0;
    if (remain == nullptr)
        remain = &region;
    if (may_read_kernel(f)) {
        *remain = limit;
        return true;
    }
    // The string is only read inside what may be read, so that no NUL beyond can be felt for.
    if (!canload_remain(f, addr, 0, remain))
        return false;
    return string_length(f, addr, least(limit, *remain)) + 1 <= *remain;
}

bool vcanload(difjit_frame* f, std::uint64_t addr, const difjit_type& type, std::uint64_t* remain) {
    const bool string = type.kind == DIFJIT_TYPE_STRING;
    const std::uint64_t size = string ? f->strsize : type.size;
    if (string)
        return strcanload(f, addr, size, remain);
    return canload_remain(f, addr, size, remain);
}

} // namespace difjit::runtime
