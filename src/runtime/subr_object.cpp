// SPDX-License-Identifier: BSD-2-Clause
// Subroutines about objects of the host: locks, files, processes.
//
// The runtime makes the reference's access check, the host answers. Sizes are those of FreeBSD's
// sizeof (struct lock_object), sizeof (struct mtx) and a pointer. Tested in
// tests/runtime/subr_object_test.cpp.
#include "dif/subroutines.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

constexpr std::uint64_t lock_object_size = 24; // lo_name, lo_flags, lo_data, lo_witness
constexpr std::uint64_t mtx_size = 32;         // a lock_object and the owner's word
constexpr std::uint64_t pointer_size = 8;

std::uint64_t ask(difjit_frame* f, Subr subr) {
    return f->host->object(f, static_cast<std::uint32_t>(subr));
}

std::uint64_t ask_lock(difjit_frame* f, Subr subr, std::uint64_t size) {
    return canload(f, f->tuple[0].value, size) ? ask(f, subr) : 0;
}

} // namespace

template <>
std::uint64_t subroutine<Subr::MUTEX_OWNED>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::MUTEX_OWNED, lock_object_size);
}
template <>
std::uint64_t subroutine<Subr::MUTEX_OWNER>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::MUTEX_OWNER, lock_object_size);
}
template <>
std::uint64_t subroutine<Subr::MUTEX_TYPE_ADAPTIVE>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::MUTEX_TYPE_ADAPTIVE, mtx_size);
}
template <>
std::uint64_t subroutine<Subr::MUTEX_TYPE_SPIN>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::MUTEX_TYPE_SPIN, mtx_size);
}
template <>
std::uint64_t subroutine<Subr::RW_READ_HELD>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::RW_READ_HELD, pointer_size);
}
template <>
std::uint64_t subroutine<Subr::RW_WRITE_HELD>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::RW_WRITE_HELD, pointer_size);
}
template <>
std::uint64_t subroutine<Subr::RW_ISWRITER>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::RW_ISWRITER, pointer_size);
}
template <>
std::uint64_t subroutine<Subr::SX_SHARED_HELD>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::SX_SHARED_HELD, pointer_size);
}
template <>
std::uint64_t subroutine<Subr::SX_EXCLUSIVE_HELD>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::SX_EXCLUSIVE_HELD, pointer_size);
}
template <>
std::uint64_t subroutine<Subr::SX_ISEXCLUSIVE>(difjit_frame* f, std::uint64_t) {
    return ask_lock(f, Subr::SX_ISEXCLUSIVE, pointer_size);
}

template <>
std::uint64_t subroutine<Subr::PROGENYOF>(difjit_frame* f, std::uint64_t) {
    return ask(f, Subr::PROGENYOF);
}

template <>
std::uint64_t subroutine<Subr::GETF>(difjit_frame* f, std::uint64_t) {
    if ((f->access & DIFJIT_ACCESS_PROC) == 0) {
        set_flag(f, DIFJIT_FAULT_UPRIV);
        return 0;
    }
    f->getf = ask(f, Subr::GETF);
    return f->getf;
}

// Compiled out on FreeBSD: rd stays as it was, there is no fault (point 41).
template <>
std::uint64_t subroutine<Subr::MSGDSIZE>(difjit_frame*, std::uint64_t rd) {
    return rd;
}
template <>
std::uint64_t subroutine<Subr::MSGSIZE>(difjit_frame*, std::uint64_t rd) {
    return rd;
}
template <>
std::uint64_t subroutine<Subr::GETMAJOR>(difjit_frame*, std::uint64_t rd) {
    return rd;
}
template <>
std::uint64_t subroutine<Subr::GETMINOR>(difjit_frame*, std::uint64_t rd) {
    return rd;
}
template <>
std::uint64_t subroutine<Subr::DDI_PATHNAME>(difjit_frame*, std::uint64_t rd) {
    return rd;
}

} // namespace difjit::runtime
