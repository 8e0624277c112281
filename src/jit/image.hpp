// SPDX-License-Identifier: BSD-2-Clause
// Making an image of its parts, and the hashes in it. docs/image.md is the format.
#ifndef DIFJIT_JIT_IMAGE_HPP
#define DIFJIT_JIT_IMAGE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <difjit/abi.h>

namespace difjit::jit {

using Hash = std::array<std::uint8_t, 32>;

/// What a back end makes of one DIFO. Tables are in ascending order of code offset.
struct Parts {
    difjit_machine machine = DIFJIT_MACHINE_AMD64;
    std::vector<std::uint8_t> code;
    std::vector<difjit_reloc> relocs;
    std::vector<difjit_fault_entry> faults;
    std::vector<difjit_line> lines;
    std::uint32_t entry = 0;
    std::uint32_t fault_exit = 0;
};

/// SHA-256 of the DIFO's canonical bytes (docs/image.md).
Hash difo_hash(const difjit_difo& difo);

/// SHA-256 of the facts that code relies on. This compiler relies on none: the hash of nothing.
Hash no_facts_hash();

/// Lays the parts out as an image. The code is not empty.
std::vector<std::byte> write_image(const Parts& parts, const Hash& difo, const Hash& facts);

/// Bytes that a relocation of this kind patches: 4 or 8; 0: no such kind.
std::uint32_t reloc_width(std::uint32_t kind);

} // namespace difjit::jit

#endif
