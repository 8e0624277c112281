// SPDX-License-Identifier: BSD-2-Clause
// The reader with a budget that several DOFs share, as those of one ELF object do.
#ifndef DIFJIT_DOF_READER_HPP
#define DIFJIT_DOF_READER_HPP

#include <difjit/dof.hpp>

#include "dof/container.hpp"

namespace difjit::dof {

Result<Program> read(std::span<const std::byte> bytes, const ReadOptions& options, Budget& budget);

} // namespace difjit::dof

#endif
