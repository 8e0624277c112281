// SPDX-License-Identifier: BSD-2-Clause
// User variables: statics in their own storage, the others in dynamic variables.
//
// semantics.md points 22-30. A by-ref static has an 8-byte header whose first byte says NULL; a
// dynamic variable has none and is simply absent. Tested in tests/runtime/variables_test.cpp.
#include "runtime/variables.hpp"

#include "runtime/dynvar.hpp"
#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

constexpr std::uint8_t null_mark = 0xff; ///< first byte of a by-ref static that holds NULL
constexpr std::uint64_t header = 8;

std::uint32_t index_of(std::uint32_t id) {
    return id - DIFJIT_USER_VARIABLE_BASE;
}

std::uint64_t load_static(const StaticVariable& var, const std::uint8_t* data) {
    if (!var.byref) // one whole word: single-copy atomic between CPUs (decision 12)
        return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(data), __ATOMIC_RELAXED);
    return *data == null_mark ? 0 : address_of(data) + header;
}

void store_static(difjit_frame* f, const StaticVariable& var, std::uint8_t* data,
                  std::uint64_t value) {
    if (!var.byref) {
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(data), value, __ATOMIC_RELAXED);
        return;
    }
    *data = value == 0 ? null_mark : 0; // before the access check (point 25)
    std::uint64_t limit = 0;
    if (value != 0 && vcanload(f, value, var.type, &limit))
        copy_value(f, data + header, value, var.type, limit);
}

/// DTRACE_TLS_THRKEY: a thread and how deep in interrupts it is.
std::uint64_t thread_key(difjit_frame* f) {
    const std::uint64_t thread = (f->host->thread_id(f) + 0xffff) & ((std::uint64_t{1} << 61) - 1);
    return thread | std::uint64_t{f->host->interrupt_level(f)} << 61;
}

/// Where a dynamic variable's key is completed: behind the tuple's own slots.
std::uint32_t complete_key(difjit_frame* f, difjit_key* key, std::uint32_t n, std::uint32_t id,
                           bool thread) {
    key[n++] = {index_of(id), 0};
    if (thread)
        key[n++] = {thread_key(f), 0};
    return n;
}

std::uint64_t data_size(const difjit_type& type) {
    return type.size > 8 ? type.size : 8;
}

std::uint64_t load_dynamic(difjit_frame* f, const DynamicVariable& var, const difjit_key* key,
                           std::uint32_t n) {
    const DynamicChunk* found = dynvar(f, key, n, data_size(var.type), DynvarOp::find);
    if (found == nullptr)
        return 0;
    if ((var.type.flags & DIFJIT_TF_BYREF) != 0)
        return address_of(found->data);
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(found->data), __ATOMIC_RELAXED);
}

void store_dynamic(difjit_frame* f, const DynamicVariable& var, const difjit_key* key,
                   std::uint32_t n, std::uint64_t value) {
    const DynamicChunk* found =
        dynvar(f, key, n, data_size(var.type), value == 0 ? DynvarOp::free : DynvarOp::allocate);
    if (found == nullptr)
        return;
    if ((var.type.flags & DIFJIT_TF_BYREF) == 0) {
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(found->data), value, __ATOMIC_RELAXED);
        return;
    }
    std::uint64_t limit = 0;
    if (vcanload(f, value, var.type, &limit))
        copy_value(f, found->data, value, var.type, limit);
}

bool within(std::uint32_t id, std::uint32_t count) {
    return id >= DIFJIT_USER_VARIABLE_BASE && index_of(id) < count;
}

} // namespace

bool declares_global(const difjit_frame* f, std::uint32_t id) {
    return within(id, f->vstate->layout.nglobals) && f->vstate->globals[index_of(id)].declared;
}
bool declares_local(const difjit_frame* f, std::uint32_t id) {
    return within(id, f->vstate->layout.nlocals) && f->vstate->locals[index_of(id)].declared;
}
bool declares_thread(const difjit_frame* f, std::uint32_t id) {
    return within(id, f->vstate->layout.nthreads) && f->vstate->threads[index_of(id)].declared;
}
bool declares_array(const difjit_frame* f, std::uint32_t id, bool thread) {
    const difjit_vstate& v = *f->vstate;
    return thread ? within(id, v.layout.nthreads) && v.thread_arrays[index_of(id)].declared
                  : within(id, v.layout.nglobals) && v.arrays[index_of(id)].declared;
}

std::uint64_t load_global(difjit_frame* f, std::uint32_t id) {
    const StaticVariable& var = f->vstate->globals[index_of(id)];
    return load_static(var, var.data);
}

void store_global(difjit_frame* f, std::uint32_t id, std::uint64_t value) {
    const StaticVariable& var = f->vstate->globals[index_of(id)];
    store_static(f, var, var.data, value);
}

std::uint64_t load_local(difjit_frame* f, std::uint32_t id) {
    const StaticVariable& var = f->vstate->locals[index_of(id)];
    return load_static(var, f->locals + var.offset);
}

void store_local(difjit_frame* f, std::uint32_t id, std::uint64_t value) {
    const StaticVariable& var = f->vstate->locals[index_of(id)];
    store_static(f, var, f->locals + var.offset, value);
}

std::uint64_t load_thread(difjit_frame* f, std::uint32_t id) {
    difjit_key key[2];
    const std::uint32_t n = complete_key(f, key, 0, id, true);
    return load_dynamic(f, f->vstate->threads[index_of(id)], key, n);
}

void store_thread(difjit_frame* f, std::uint32_t id, std::uint64_t value) {
    difjit_key key[2];
    const std::uint32_t n = complete_key(f, key, 0, id, true);
    *f->predcache = 0; // the predicate may look at it
    store_dynamic(f, f->vstate->threads[index_of(id)], key, n, value);
}

std::uint64_t load_array(difjit_frame* f, std::uint32_t id, bool thread) {
    const std::uint32_t n = complete_key(f, f->tuple, f->tuple_top, id, thread);
    const DynamicVariable* arrays = thread ? f->vstate->thread_arrays : f->vstate->arrays;
    return load_dynamic(f, arrays[index_of(id)], f->tuple, n);
}

void store_array(difjit_frame* f, std::uint32_t id, std::uint64_t value, bool thread) {
    const std::uint32_t n = complete_key(f, f->tuple, f->tuple_top, id, thread);
    const DynamicVariable* arrays = thread ? f->vstate->thread_arrays : f->vstate->arrays;
    store_dynamic(f, arrays[index_of(id)], f->tuple, n, value);
}

} // namespace difjit::runtime
