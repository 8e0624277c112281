// SPDX-License-Identifier: BSD-2-Clause
// A by-ref result into the trace buffer: dtrace_store_by_ref.
//
// A string is read to its NUL or to the first byte that is not there, and filled up with zeros.
// Anything else is read to the end even behind a fault, so its illval is the last byte that is not
// there (decision 14); of user memory (DIF_TF_BYUREF) nothing is read behind a fault. In a tuple
// the reference leaves what is behind the NUL as it was in the buffer; here it is zeroed too, which
// no key comparison sees. Tested in tests/runtime/store_by_ref_test.cpp.
#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

void store_kernel(difjit_frame* f, bool is_string, std::uint8_t* dst, std::uint64_t size,
                  std::uint64_t addr) {
    Reader reader(f, addr, size);
    for (std::uint64_t i = 0; i < size; i++) {
        dst[i] = reader.next();
        if (is_string && dst[i] == 0) {
            __builtin_memset(dst + i, 0, size - i);
            return;
        }
    }
}

void store_user(difjit_frame* f, bool is_string, std::uint8_t* dst, std::uint64_t size,
                std::uint64_t addr) {
    for (std::uint64_t i = 0; i < size; i++) {
        const auto byte = static_cast<std::uint8_t>(load_user(f, addr + i, 1));
        if (has_fault(f))
            return;
        dst[i] = byte;
        if (is_string && byte == 0) {
            __builtin_memset(dst + i, 0, size - i);
            return;
        }
    }
}

} // namespace

void store_by_ref(difjit_frame* f, const difjit_type& type, std::uint8_t* dst, std::uint64_t size,
                  std::uint64_t addr, bool /*in_tuple*/) {
    const bool is_string = type.kind == DIFJIT_TYPE_STRING;
    if ((type.flags & DIFJIT_TF_BYREF) != 0)
        store_kernel(f, is_string, dst, size, addr);
    else
        store_user(f, is_string, dst, size, addr);
}

} // namespace difjit::runtime
