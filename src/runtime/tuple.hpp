// SPDX-License-Identifier: BSD-2-Clause
// The instructions that push, compare, allocate and copy. Freestanding.
#ifndef DIFJIT_RUNTIME_TUPLE_HPP
#define DIFJIT_RUNTIME_TUPLE_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

/// pushtr: type is DIFJIT_TYPE_*, size what the size register holds.
std::uint64_t push_reference(difjit_frame* f, std::uint64_t type, std::uint64_t value,
                             std::uint64_t size);
/// pushtv.
std::uint64_t push_value(difjit_frame* f, std::uint64_t value);
/// scmp: a difference as int64, INT64_MIN: the condition codes stay as they are.
std::uint64_t string_compare(difjit_frame* f, std::uint64_t s1, std::uint64_t s2);
/// allocs: the address of zeroed bytes, 0 with NOSCRATCH.
std::uint64_t allocate_zeroed(difjit_frame* f, std::uint64_t size);
/// copys.
std::uint64_t copy_structure(difjit_frame* f, std::uint64_t src, std::uint64_t size,
                             std::uint64_t dst);

} // namespace difjit::runtime

#endif
