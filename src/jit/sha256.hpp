// SPDX-License-Identifier: BSD-2-Clause
// SHA-256 (FIPS 180-4), which ties an image to its DIFO.
#ifndef DIFJIT_JIT_SHA256_HPP
#define DIFJIT_JIT_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace difjit::jit {

class Sha256 {
  public:
    void update(std::span<const std::byte> bytes);
    /// Of one integer, little-endian.
    void update_u32(std::uint32_t value);
    void update_u64(std::uint64_t value);
    /// Ends the message; the object is used up.
    std::array<std::uint8_t, 32> finish();

  private:
    void block(const std::uint8_t* p);

    std::array<std::uint32_t, 8> h_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> buffer_{};
    std::uint64_t length_ = 0; // bytes so far
};

} // namespace difjit::jit

#endif
