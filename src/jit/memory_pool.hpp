// SPDX-License-Identifier: BSD-2-Clause
// Executable memory: chunks that are mapped twice, once to write and once to run.
#ifndef DIFJIT_JIT_MEMORY_POOL_HPP
#define DIFJIT_JIT_MEMORY_POOL_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <difjit/error.hpp>

namespace difjit::jit {

/// A piece of executable memory. `run` is where the code is, `write` the same bytes, writable.
struct CodeBlock {
    std::byte* run = nullptr;
    std::byte* write = nullptr;
    std::size_t size = 0;
};

/// One memfd, mapped read-write and read-execute, with a guard page on either side of each.
class CodeChunk {
  public:
    /// Close to `near` (within a rel32's reach) where there is room.
    static Result<std::unique_ptr<CodeChunk>> create(std::size_t size, std::uint64_t near);
    ~CodeChunk();
    CodeChunk(const CodeChunk&) = delete;
    CodeChunk& operator=(const CodeChunk&) = delete;

    /// First fit; size 0 in the block: no room. All free bytes are int3.
    CodeBlock allocate(std::size_t size);
    void release(const CodeBlock& block) noexcept;
    [[nodiscard]] bool holds(const std::byte* run) const;
    /// Do all of `targets` lie within a rel32 of all of the chunk?
    [[nodiscard]] bool reaches(std::uint64_t lowest, std::uint64_t highest) const;

  private:
    CodeChunk() = default;

    std::byte* run_area_ = nullptr; ///< guard page included
    std::byte* write_area_ = nullptr;
    std::byte* run_ = nullptr;
    std::byte* write_ = nullptr;
    std::size_t size_ = 0;
    std::map<std::size_t, std::size_t> free_; ///< offset → bytes
};

} // namespace difjit::jit

#endif
