// SPDX-License-Identifier: BSD-2-Clause
// The memory that a recorded firing saw: kernel memory at its very addresses, user memory apart.
//
// Kernel memory is mapped read-only where the record says, so that loads, compiled ones too, find
// it; nothing that is mapped already is replaced. User memory lies anywhere and is reached through
// the process host's windows only, so that nothing but copyin and uld* sees it.
// Tests: tests/harness/memory_test.cpp.
#ifndef DIFJIT_HARNESS_MEMORY_HPP
#define DIFJIT_HARNESS_MEMORY_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <difjit/error.hpp>

#include <difjit/process_host.hpp>

namespace difjit::harness {

inline constexpr std::uint64_t page_bytes = 4096;

/// Bytes at an address; zeros follow to the end of the last page.
struct MemoryRegion {
    std::uint64_t address = 0;
    std::vector<std::byte> bytes;
};

/// Regions begin on a page, end below the toxic range, and do not overlap.
Result<void> check_regions(std::span<const MemoryRegion> regions);

/// Kernel memory, mapped while this lives.
class MappedMemory {
  public:
    static Result<MappedMemory> map(std::span<const MemoryRegion> regions);
    MappedMemory() = default;
    MappedMemory(MappedMemory&& other) noexcept : maps_(std::move(other.maps_)) {
        other.maps_.clear();
    }
    MappedMemory& operator=(MappedMemory&&) = delete;
    ~MappedMemory();

  private:
    struct Map {
        void* address;
        std::size_t size;
    };
    std::vector<Map> maps_;
};

/// User memory as windows; `copyout` changes the copy that is held here.
class UserMemory {
  public:
    explicit UserMemory(std::span<const MemoryRegion> regions);
    UserMemory(const UserMemory&) = delete;
    UserMemory& operator=(const UserMemory&) = delete;

    /// Never empty: without regions it is one window of no bytes, so that nothing is mapped.
    [[nodiscard]] std::span<const host::UserWindow> windows() const { return windows_; }

  private:
    std::vector<std::vector<std::byte>> storage_;
    std::vector<host::UserWindow> windows_;
};

/// Scratch memory with unmapped neighbours: whatever runs off it faults.
class ScratchArea {
  public:
    static Result<ScratchArea> map(std::size_t size);
    ScratchArea(ScratchArea&& other) noexcept;
    ScratchArea& operator=(ScratchArea&&) = delete;
    ~ScratchArea();

    [[nodiscard]] std::uint64_t base() const { return base_; }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    ScratchArea() = default;
    void* map_ = nullptr;
    std::size_t map_size_ = 0;
    std::uint64_t base_ = 0;
    std::size_t size_ = 0;
};

} // namespace difjit::harness

#endif
