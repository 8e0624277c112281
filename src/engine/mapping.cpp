// SPDX-License-Identifier: BSD-2-Clause
// mmap with guards.

#include "engine/mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace difjit::engine {
namespace {

constexpr std::uint64_t greatest = std::uint64_t{1} << 46; // less than any address space
constexpr std::uint64_t guard = 64 * 1024;

std::uint64_t round_to_page(std::uint64_t size) {
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return (size + page - 1) & ~(page - 1);
}

void* map(std::uint64_t length, int protection) {
    void* const start = mmap(nullptr, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return start == MAP_FAILED ? nullptr : start;
}

} // namespace

Mapping::~Mapping() {
    if (start_ != nullptr)
        munmap(start_, length_);
}

Mapping Mapping::plain(std::uint64_t size) {
    Mapping m;
    if (size == 0 || size > greatest)
        return m;
    const std::uint64_t length = round_to_page(size);
    m.start_ = map(length, PROT_READ | PROT_WRITE);
    if (m.start_ == nullptr)
        return m;
    m.length_ = length;
    m.data_ = static_cast<std::uint8_t*>(m.start_);
    m.size_ = size;
    return m;
}

Mapping Mapping::guarded(std::uint64_t size) {
    Mapping m;
    if (size == 0 || size > greatest)
        return m;
    const std::uint64_t pages = round_to_page(size);
    const std::uint64_t length = pages + 2 * guard; // guards are whole pages for any page size used
    m.start_ = map(length, PROT_NONE);
    if (m.start_ == nullptr)
        return m;
    m.length_ = length;
    std::uint8_t* const middle = static_cast<std::uint8_t*>(m.start_) + guard;
    if (mprotect(middle, pages, PROT_READ | PROT_WRITE) != 0)
        return m;
    m.data_ = middle + ((pages - size) & ~std::uint64_t{7});
    m.size_ = size;
    return m;
}

} // namespace difjit::engine
