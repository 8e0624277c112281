// SPDX-License-Identifier: BSD-2-Clause
// Recovery from bad loads in a process: the SIGSEGV/SIGBUS handler and what it knows.
//
// Two kinds of code may fault: the copy routine of safe_copy, and compiled DIF in a registered code
// region. Every other fault goes to the handler that was there before. Freestanding in spirit: the
// handler takes no lock and allocates nothing.
#ifndef DIFJIT_HOST_RECOVER_HPP
#define DIFJIT_HOST_RECOVER_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include <difjit/abi.h>

namespace difjit::host {

/// Installs the handler once; later calls do nothing.
void install_fault_handler();

/// Copies up to len bytes; returns how many could be read from the start of src. Never faults.
/// Async-signal-safe. Any address, non-canonical ones too.
std::size_t safe_copy(void* dst, std::uint64_t src, std::size_t len) noexcept;

/// The same towards memory that may not be writable.
std::size_t safe_copy_to(std::uint64_t dst, const void* src, std::size_t len) noexcept;

/// A region of compiled code whose faults can be recovered.
struct CodeRegion {
    std::uint64_t start = 0, end = 0;
    std::span<const difjit_fault_entry> faults;
    std::uint64_t fault_exit = 0; ///< address where execution goes on
};

/// Returns a handle for unregister_code. The span must stay valid until then.
std::uint64_t register_code(const CodeRegion& region);
void unregister_code(std::uint64_t handle) noexcept;

} // namespace difjit::host

#endif
