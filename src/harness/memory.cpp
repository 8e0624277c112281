// SPDX-License-Identifier: BSD-2-Clause
// The memory that a recorded firing saw: kernel memory at its very addresses, user memory apart.
#include "harness/memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include <fmt/format.h>

namespace difjit::harness {

namespace {

constexpr std::uint64_t toxic_base = 0x800000000000; // from here on no load is tried
constexpr std::size_t guard_bytes = std::size_t{64} << 10;

std::uint64_t whole_pages(std::uint64_t bytes) {
    return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

std::vector<const MemoryRegion*> by_address(std::span<const MemoryRegion> regions) {
    std::vector<const MemoryRegion*> sorted;
    for (const auto& region : regions)
        if (!region.bytes.empty())
            sorted.push_back(&region);
    std::ranges::sort(sorted, {}, &MemoryRegion::address);
    return sorted;
}

std::string why_not_mapped(int error) {
    if (error == EEXIST)
        return "this process has something there";
    if (error == EPERM || error == EACCES)
        return "the system keeps the lowest addresses (vm.mmap_min_addr)";
    return std::strerror(error);
}

} // namespace

Result<void> check_regions(std::span<const MemoryRegion> regions) {
    for (const auto& region : regions) {
        if (region.address % page_bytes != 0)
            return fail(fmt::format("{:#x} is not the start of a page", region.address));
        if (region.address >= toxic_base ||
            whole_pages(region.bytes.size()) > toxic_base - region.address)
            return fail(fmt::format("the region at {:#x} reaches the toxic range at {:#x}",
                                    region.address, toxic_base));
    }
    auto sorted = by_address(regions);
    for (std::size_t i = 1; i < sorted.size(); ++i)
        if (sorted[i]->address - sorted[i - 1]->address < whole_pages(sorted[i - 1]->bytes.size()))
            return fail(fmt::format("the regions at {:#x} and {:#x} overlap",
                                    sorted[i - 1]->address, sorted[i]->address));
    return {};
}

Result<MappedMemory> MappedMemory::map(std::span<const MemoryRegion> regions) {
    if (auto checked = check_regions(regions); !checked)
        return std::unexpected(checked.error());
    MappedMemory memory;
    for (const MemoryRegion* one : by_address(regions)) {
        const MemoryRegion& region = *one;
        std::size_t size = whole_pages(region.bytes.size());
        auto* wanted = reinterpret_cast<void*>(region.address);
        void* at = mmap(wanted, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        int error = errno;
        if (at != MAP_FAILED && at != wanted) { // a kernel before 4.17 takes the address as a hint
            munmap(at, size);
            at = MAP_FAILED;
            error = EEXIST;
        }
        if (at == MAP_FAILED)
            return fail(fmt::format("cannot map memory at {:#x}: {}", region.address,
                                    why_not_mapped(error)));
        memory.maps_.push_back({at, size});
        std::memcpy(at, region.bytes.data(), region.bytes.size());
        mprotect(at, size, PROT_READ);
    }
    return memory;
}

MappedMemory::~MappedMemory() {
    for (const Map& map : maps_)
        munmap(map.address, map.size);
}

UserMemory::UserMemory(std::span<const MemoryRegion> regions) {
    std::vector<std::uint64_t> starts;
    for (const MemoryRegion* region : by_address(regions)) {
        // Neighbours become one window, so that an access may cross their border.
        bool joined = !starts.empty() && starts.back() + storage_.back().size() == region->address;
        if (!joined) {
            starts.push_back(region->address);
            storage_.emplace_back();
        }
        auto& bytes = storage_.back();
        std::size_t end = bytes.size() + whole_pages(region->bytes.size());
        bytes.insert(bytes.end(), region->bytes.begin(), region->bytes.end());
        bytes.resize(end);
    }
    for (std::size_t i = 0; i < starts.size(); ++i)
        windows_.push_back({starts[i], storage_[i].size(), storage_[i].data()});
    if (windows_.empty())
        windows_.emplace_back();
}

Result<ScratchArea> ScratchArea::map(std::size_t size) {
    ScratchArea area;
    std::size_t inner = whole_pages(size);
    area.map_size_ = inner + 2 * guard_bytes;
    void* at = mmap(nullptr, area.map_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return fail(fmt::format("cannot map scratch memory: {}", std::strerror(errno)));
    area.map_ = at;
    auto* start = static_cast<std::byte*>(at) + guard_bytes;
    if (inner != 0 && mprotect(start, inner, PROT_READ | PROT_WRITE) != 0)
        return fail(fmt::format("cannot map scratch memory: {}", std::strerror(errno)));
    // Its end, not its start, touches a guard: the base stays a multiple of 8.
    area.base_ = reinterpret_cast<std::uint64_t>(start) + inner - (size + 7) / 8 * 8;
    area.size_ = size;
    return area;
}

ScratchArea::ScratchArea(ScratchArea&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)), map_size_(other.map_size_), base_(other.base_),
      size_(other.size_) {}

ScratchArea::~ScratchArea() {
    if (map_ != nullptr)
        munmap(map_, map_size_);
}

} // namespace difjit::harness
