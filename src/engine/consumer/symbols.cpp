// SPDX-License-Identifier: BSD-2-Clause
// Addresses as "module`name+0x1f"; see symbols.hpp.
#include "engine/consumer/symbols.hpp"

#include <fmt/format.h>

namespace difjit::consumer {

static Symbol resolved(std::string text, std::uint64_t address) {
    std::string hex = fmt::format("0x{:x}", address);
    if (text.empty())
        return {hex, "", "", hex};
    Symbol symbol;
    std::size_t tick = text.find('`');
    std::size_t first = tick == std::string::npos ? 0 : tick + 1;
    std::size_t plus = text.rfind("+0x");
    if (plus == std::string::npos || plus < first)
        plus = text.size();
    symbol.module = tick == std::string::npos ? "" : text.substr(0, tick);
    symbol.name = text.substr(first, plus - first);
    symbol.offset = plus < text.size() ? text.substr(plus + 1) : "";
    if (symbol.name.starts_with("0x")) { // only the module is known: "kernel`0xffff..."
        symbol.offset = symbol.name;
        symbol.name.clear();
    }
    symbol.text = std::move(text);
    return symbol;
}

std::string Symbol::function() const {
    if (name.empty())
        return text;
    return module.empty() ? name : module + "`" + name;
}

Symbol Symbols::kernel(std::uint64_t address) const {
    return resolved(options_.symbol ? options_.symbol(address) : std::string(), address);
}

Symbol Symbols::user(std::uint64_t pid, std::uint64_t address) const {
    return resolved(options_.user_symbol ? options_.user_symbol(pid, address) : std::string(),
                    address);
}

} // namespace difjit::consumer
