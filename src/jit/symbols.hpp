// SPDX-License-Identifier: BSD-2-Clause
// Names of loaded code for perf and gdb, where publish() asked for them.
#ifndef DIFJIT_JIT_SYMBOLS_HPP
#define DIFJIT_JIT_SYMBOLS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace difjit::jit {

/// What gdb was told; telling it no more on destruction.
class Publication {
  public:
    Publication();
    Publication(Publication&&) noexcept;
    Publication& operator=(Publication&&) noexcept;
    ~Publication();

    struct Entry;

  private:
    friend Publication publish_code(std::span<const std::byte>, std::span<const std::uint8_t>,
                                    const std::string&);
    std::unique_ptr<Entry> entry_;
};

/// Publishes code at its run address, with its .eh_frame, as publish()'s options say.
Publication publish_code(std::span<const std::byte> code, std::span<const std::uint8_t> eh_frame,
                         const std::string& symbol);

/// An ELF object that names one function at a fixed address; what gdb reads.
std::vector<std::uint8_t> symbol_object(std::span<const std::byte> code,
                                        std::span<const std::uint8_t> eh_frame,
                                        const std::string& symbol);

} // namespace difjit::jit

#endif
