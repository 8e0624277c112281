// SPDX-License-Identifier: BSD-2-Clause
// DOF: reading and writing the container in which a D compiler hands programs to a kernel.
//
// Follows dtrace_dof_slurp, dtrace_dof_* and dof.h; every check of theirs and bounds on everything.
// All functions are pure and thread-safe; none may be called in probe context.
#ifndef DIFJIT_DOF_HPP
#define DIFJIT_DOF_HPP

#include <cstddef>
#include <span>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/program.hpp>

namespace difjit::dof {

struct ReadOptions {
    Dialect dialect = Dialect::freebsd;
    /// Refuse also what the kernel refuses in a program that is to be enabled, but not in a helper:
    /// sections of providers.
    bool enabling = false;
};

/// Reads one DOF from memory. The error names section and rule. Program::name stays empty.
Result<Program> read(std::span<const std::byte> bytes, Dialect dialect = Dialect::freebsd);
Result<Program> read(std::span<const std::byte> bytes, const ReadOptions& options);

/// Writes a program as DOF that `read` gives back unchanged (but for Program::name); an error where
/// DOF can't hold the program.
Result<std::vector<std::byte>> write(const Program& program);

/// All DOF sections of an ELF object, linked or not (dtrace -G, drti: ".SUNW_dof", ".dof"). A
/// section may hold several DOFs, as the linker joins them. Program::name is the section's name.
Result<std::vector<Program>> read_elf(std::span<const std::byte> bytes,
                                      Dialect dialect = Dialect::freebsd);

/// Is this the start of a DOF / of an ELF object?
bool is_dof(std::span<const std::byte> bytes) noexcept;
bool is_elf(std::span<const std::byte> bytes) noexcept;

} // namespace difjit::dof

#endif
