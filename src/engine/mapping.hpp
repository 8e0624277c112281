// SPDX-License-Identifier: BSD-2-Clause
// Memory of a session in a process: anonymous mappings, with guard pages where a stray store must
// hit.
#ifndef DIFJIT_ENGINE_MAPPING_HPP
#define DIFJIT_ENGINE_MAPPING_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

namespace difjit::engine {

/// Zeroed memory, given back on destruction.
class Mapping {
  public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept { swap(other); }
    Mapping& operator=(Mapping&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Mapping();

    /// Page-aligned memory; an empty mapping where there is not so much.
    static Mapping plain(std::uint64_t size);

    /// `size` bytes between two guards of at least 64 KiB. Begins at a multiple of 8; ends at the
    /// guard, or less than 8 bytes before it.
    static Mapping guarded(std::uint64_t size);

    explicit operator bool() const { return data_ != nullptr; }
    std::uint8_t* data() const { return data_; }
    std::uint64_t size() const { return size_; }

  private:
    void swap(Mapping& other) noexcept {
        std::swap(start_, other.start_);
        std::swap(length_, other.length_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }
    void* start_ = nullptr; ///< guards included
    std::size_t length_ = 0;
    std::uint8_t* data_ = nullptr;
    std::uint64_t size_ = 0;
};

} // namespace difjit::engine

#endif
