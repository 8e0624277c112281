// SPDX-License-Identifier: BSD-2-Clause
// W^X by two mappings of one memfd: no page is ever writable and executable at one address, and the
// addresses are unrelated. Every byte that is not code is int3. Test: tests/jit/arena_test.cpp.
#include "jit/memory_pool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

namespace difjit::jit {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t granule = 64;          // a cache line: entries start on one
constexpr int trap = 0xcc;                   // int3
constexpr std::uint64_t reach = 0x7000'0000; // under 2 GiB, so that all of a chunk reaches
constexpr std::uint64_t stride = 0x100'0000;

std::byte* reserve(void* hint, std::size_t size, int flags) {
    void* p =
        mmap(hint, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

/// An area of `size` bytes near an address, else anywhere.
std::byte* reserve_near(std::uint64_t near, std::size_t size) {
    near &= ~(std::uint64_t{page} - 1);
    for (std::uint64_t distance = stride; distance < reach; distance += stride)
        for (const std::uint64_t at : {near + distance, near - distance}) {
            if (at > 0x7fff'0000'0000 || at < 0x10'0000)
                continue;
            if (std::byte* p = reserve(reinterpret_cast<void*>(at), size, MAP_FIXED_NOREPLACE))
                return p;
        }
    return reserve(nullptr, size, 0);
}

std::byte* map_inside(std::byte* area, std::size_t size, int protection, int fd) {
    void* p = mmap(area + page, size, protection, MAP_SHARED | MAP_FIXED, fd, 0);
    return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

/// Closes on every way out.
struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0)
            close(fd);
    }
};

std::unexpected<Error> no_memory(const char* what) {
    return fail(fmt::format("code memory: {}: {}", what, std::strerror(errno)));
}

std::size_t round_up(std::size_t n, std::size_t to) {
    return (n + to - 1) / to * to;
}

} // namespace

Result<std::unique_ptr<CodeChunk>> CodeChunk::create(std::size_t size, std::uint64_t near) {
    std::unique_ptr<CodeChunk> chunk(new CodeChunk);
    size = round_up(size, page);
    const Descriptor memory{memfd_create("difjit-code", MFD_CLOEXEC)};
    if (memory.fd < 0)
        return no_memory("memfd_create");
    if (ftruncate(memory.fd, static_cast<off_t>(size)) != 0)
        return no_memory("ftruncate");
    chunk->size_ = size;
    chunk->run_area_ = reserve_near(near, size + 2 * page);
    chunk->write_area_ = reserve(nullptr, size + 2 * page, 0);
    if (chunk->run_area_ == nullptr || chunk->write_area_ == nullptr)
        return no_memory("mmap");
    chunk->write_ = map_inside(chunk->write_area_, size, PROT_READ | PROT_WRITE, memory.fd);
    if (chunk->write_ == nullptr)
        return no_memory("mmap, writable");
    std::memset(chunk->write_, trap, size);
    chunk->run_ = map_inside(chunk->run_area_, size, PROT_READ | PROT_EXEC, memory.fd);
    if (chunk->run_ == nullptr)
        return no_memory("mmap, executable");
    chunk->free_[0] = size;
    return chunk;
}

CodeChunk::~CodeChunk() {
    for (std::byte* area : {run_area_, write_area_})
        if (area != nullptr)
            munmap(area, size_ + 2 * page);
}

CodeBlock CodeChunk::allocate(std::size_t size) {
    size = round_up(size, granule);
    for (auto it = free_.begin(); it != free_.end(); ++it) {
        const auto [offset, room] = *it;
        if (room < size)
            continue;
        free_.erase(it);
        if (room > size)
            free_[offset + size] = room - size;
        return {run_ + offset, write_ + offset, size};
    }
    return {};
}

void CodeChunk::release(const CodeBlock& block) noexcept {
    std::memset(block.write, trap, block.size);
    const auto offset = static_cast<std::size_t>(block.run - run_);
    auto it = free_.emplace(offset, block.size).first;
    if (const auto next = std::next(it);
        next != free_.end() && offset + it->second == next->first) {
        it->second += next->second;
        free_.erase(next);
    }
    if (it != free_.begin())
        if (const auto before = std::prev(it); before->first + before->second == offset) {
            before->second += it->second;
            free_.erase(it);
        }
}

bool CodeChunk::holds(const std::byte* run) const {
    return run >= run_ && run < run_ + size_;
}

bool CodeChunk::reaches(std::uint64_t lowest, std::uint64_t highest) const {
    const auto start = reinterpret_cast<std::uint64_t>(run_);
    const std::uint64_t end = start + size_;
    const std::uint64_t span = std::max(end, highest) - std::min(start, lowest);
    return span <= INT32_MAX;
}

} // namespace difjit::jit
