// SPDX-License-Identifier: BSD-2-Clause
// Files as the tools take them: whole, bounded, "-" for standard input, one clear error.
//
// Tests: tests/harness/files_test.cpp.
#ifndef DIFJIT_HARNESS_FILES_HPP
#define DIFJIT_HARNESS_FILES_HPP

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/program.hpp>

namespace difjit::harness {

/// More than any DOF or listing needs, and little enough to hold in memory.
inline constexpr std::size_t max_program_bytes = std::size_t{64} << 20;
inline constexpr std::size_t max_lines_bytes = std::size_t{512} << 20;

/// The whole file; "-" is standard input. The error does not repeat the name.
Result<std::vector<std::byte>> read_file(const std::string& path, std::size_t max_bytes);
Result<std::string> read_text(const std::string& path, std::size_t max_bytes);

/// The name that messages use: "-" is "standard input".
std::string display_name(const std::string& path);

/// Programs by content, not by suffix: DOF, an ELF object with DOF sections, or DIF text.
Result<std::vector<Program>> parse_programs(std::span<const std::byte> bytes,
                                            const std::string& name, Dialect dialect);
Result<std::vector<Program>> read_programs(const std::string& path, Dialect dialect);

/// Writes a new file whole, or says why not; a half-written file is removed.
Result<void> write_file(const std::string& path, std::span<const std::byte> bytes);

} // namespace difjit::harness

#endif
