// SPDX-License-Identifier: BSD-2-Clause
// Reading traced memory: single loads, a byte reader, copies and strings.
//
// Follows dtrace_load8…64, dtrace_istoxic, dtrace_bcopy, dtrace_strcpy, dtrace_strlen,
// dtrace_strncmp and dtrace_vcopy. Memory that is not the consumer's own is only ever read through
// difjit_host::read, in pieces; a byte that can't be read is a fault when it is asked for, never
// because it lay in a piece. Freestanding. Tested in tests/runtime/memory_test.cpp.
#ifndef DIFJIT_RUNTIME_MEMORY_HPP
#define DIFJIT_RUNTIME_MEMORY_HPP

#include <cstdint>

#include <difjit/abi.h>

#include "runtime/probe.hpp"

namespace difjit::runtime {

/// Bytes from addr on that are this consumer's own (scratch memory, the running DIFO's string
/// table, the block of all variables), which are read in place; 0: not even the first is.
std::uint64_t own_bytes(const difjit_frame* f, std::uint64_t addr);

/// Reads bytes one after the other, as a loop of dtrace_load8 would: a byte that is not there sets
/// BADADDR with its address and reads as 0, and so does every byte behind a fault. Own memory is
/// read in place, so that a result growing in it is seen; other memory in pieces.
class Reader {
  public:
    /// At most `size` bytes will be asked for.
    Reader(difjit_frame* frame, std::uint64_t addr, std::uint64_t size)
        : frame_(frame), addr_(addr), left_(size) {}

    std::uint8_t next() {
        if (at_ == end_)
            fill();
        const std::uint8_t byte = *at_++;
        return has_fault(frame_) ? std::uint8_t{0} : byte;
    }

  private:
    void fill();

    difjit_frame* frame_;
    std::uint64_t addr_; ///< of the byte behind the piece in hand
    std::uint64_t left_; ///< bytes that may still be asked for, from addr_ on
    const std::uint8_t* at_ = nullptr;
    const std::uint8_t* end_ = nullptr;
    std::uint8_t buffer_[64];
};

/// dtrace_load8.
std::uint8_t load_byte(difjit_frame* f, std::uint64_t addr);

/// dtrace_bcopy into memory of ours; overlapping is fine. Goes on behind a fault with zeros.
void copy_in(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size);

/// dtrace_strcpy: up to size bytes or through the NUL.
void copy_string(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size);

/// dtrace_vcopy: into a variable of `type`, at most `limit` bytes.
void copy_value(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, const difjit_type& type,
                std::uint64_t limit);

/// dtrace_strlen: bytes before the NUL, at most limit.
std::uint64_t string_length(difjit_frame* f, std::uint64_t addr, std::uint64_t limit);

/// dtrace_strncmp: NULL is "", the same address is equal unread.
std::int64_t compare_strings(difjit_frame* f, std::uint64_t a, std::uint64_t b,
                             std::uint64_t limit);

} // namespace difjit::runtime

#endif
