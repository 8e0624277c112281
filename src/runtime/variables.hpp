// SPDX-License-Identifier: BSD-2-Clause
// Reading and writing user variables, as the ld?s, st?s and ??aa instructions do. Freestanding.
//
// `id` is the variable's id as the instruction has it, 0x500 and above, declared in the state.
// Follows dtrace_dif_emulate's cases; tested in tests/runtime/variables_test.cpp.
#ifndef DIFJIT_RUNTIME_VARIABLES_HPP
#define DIFJIT_RUNTIME_VARIABLES_HPP

#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

std::uint64_t load_global(difjit_frame* f, std::uint32_t id);
void store_global(difjit_frame* f, std::uint32_t id, std::uint64_t value);
std::uint64_t load_local(difjit_frame* f, std::uint32_t id);
void store_local(difjit_frame* f, std::uint32_t id, std::uint64_t value);
std::uint64_t load_thread(difjit_frame* f, std::uint32_t id);
void store_thread(difjit_frame* f, std::uint32_t id, std::uint64_t value);
/// The key is on the frame's tuple stack and stays there.
std::uint64_t load_array(difjit_frame* f, std::uint32_t id, bool thread);
void store_array(difjit_frame* f, std::uint32_t id, std::uint64_t value, bool thread);

/// Is there such a variable? Structure rules see to it; the interpreter asks all the same.
bool declares_global(const difjit_frame* f, std::uint32_t id);
bool declares_local(const difjit_frame* f, std::uint32_t id);
bool declares_thread(const difjit_frame* f, std::uint32_t id);
bool declares_array(const difjit_frame* f, std::uint32_t id, bool thread);

} // namespace difjit::runtime

#endif
