// SPDX-License-Identifier: BSD-2-Clause
// Addresses as "module`name+0x1f", by the callbacks of ConsumerOptions.
//
// Follows dtrace_addr2str, dtrace_uaddr2str, dt_print_sym and dt_print_mod, which ask libproc and
// the kernel's symbol tables; here the embedder is asked, and an address without a name is printed
// as hexadecimal. Covered by tests/engine/consumer/cases/{stack,sym}*.
#ifndef DIFJIT_ENGINE_CONSUMER_SYMBOLS_HPP
#define DIFJIT_ENGINE_CONSUMER_SYMBOLS_HPP

#include <cstdint>
#include <string>

#include <difjit/consumer.hpp>

namespace difjit::consumer {

/// A resolved address, in the parts that libdtrace prints and libxo gives names to.
struct Symbol {
    std::string text;   ///< all of it: "kernel`open+0x1f", or "0xffff..."
    std::string module; ///< "kernel"; empty: not known
    std::string name;   ///< "open"; empty: not known
    std::string offset; ///< "0x1f"; the address itself where there is no name

    /// sym(): without the offset.
    [[nodiscard]] std::string function() const;
    /// mod(): the module, or the address where it isn't known.
    [[nodiscard]] const std::string& object() const { return module.empty() ? text : module; }
};

class Symbols {
  public:
    explicit Symbols(const ConsumerOptions& options) : options_(options) {}
    [[nodiscard]] Symbol kernel(std::uint64_t address) const;
    [[nodiscard]] Symbol user(std::uint64_t pid, std::uint64_t address) const;

  private:
    const ConsumerOptions& options_;
};

} // namespace difjit::consumer

#endif
