// SPDX-License-Identifier: BSD-2-Clause
// What every file of the runtime uses: flags, ranges, rounding. Freestanding.
#ifndef DIFJIT_RUNTIME_PROBE_HPP
#define DIFJIT_RUNTIME_PROBE_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

inline bool has_fault(const difjit_frame* f) {
    return (f->flags & DIFJIT_FLAG_FAULT) != 0;
}

inline void set_flag(difjit_frame* f, std::uint32_t flag) {
    f->flags |= flag;
}

/// A fault that says where.
inline void set_fault(difjit_frame* f, std::uint32_t flag, std::uint64_t illval) {
    f->flags |= flag;
    f->illval = illval;
}

inline bool may_read_kernel(const difjit_frame* f) {
    return (f->access & DIFJIT_ACCESS_KERNEL) != 0;
}

/// Is [addr, addr + size) inside [base, base + length)? DTRACE_INRANGE, a size of 0 included.
inline bool in_range(std::uint64_t addr, std::uint64_t size, std::uint64_t base,
                     std::uint64_t length) {
    return addr - base < length && addr + size - base <= length && addr + size >= addr;
}

inline std::uint64_t round_up(std::uint64_t n, std::uint64_t to) {
    return (n + to - 1) & ~(to - 1);
}

template <class T>
T least(T a, T b) {
    return a < b ? a : b;
}

inline std::uint64_t address_of(const void* p) {
    return reinterpret_cast<std::uint64_t>(p);
}
inline std::uint8_t* pointer_to(std::uint64_t addr) {
    return reinterpret_cast<std::uint8_t*>(addr);
}

} // namespace difjit::runtime

#endif
