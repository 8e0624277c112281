// SPDX-License-Identifier: BSD-2-Clause
// Unwind information of loaded code: .eh_frame made from the code's own pushes and pops.
#ifndef DIFJIT_JIT_UNWIND_HPP
#define DIFJIT_JIT_UNWIND_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <difjit/jit.hpp>

namespace difjit::jit {

/// A CIE, one FDE for code that runs at `address` (`length` bytes, veneers included), a terminator.
/// Empty where the code's prologue or an epilogue is not one that docs/image.md describes.
std::vector<std::uint8_t> make_eh_frame(const ImageView& image, std::uint64_t address,
                                        std::uint64_t length);

} // namespace difjit::jit

#endif
