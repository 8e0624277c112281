// SPDX-License-Identifier: BSD-2-Clause
// JSON lines as the corpus has them: small pieces that append to a string.
#include "harness/json_text.hpp"

#include <difjit/abi.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace difjit::harness {

void append_integer(std::string& out, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), "\"{:#x}\"", value);
}

void append_bytes(std::string& out, std::span<const std::byte> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (std::byte byte : bytes) {
        out += digits[std::to_integer<unsigned>(byte) >> 4];
        out += digits[std::to_integer<unsigned>(byte) & 15];
    }
    out += '"';
}

void append_string(std::string& out, std::string_view text) {
    using Json = nlohmann::json;
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view fault_name(std::uint32_t flags) {
    struct Row {
        std::uint32_t bit;
        std::string_view name;
    };
    static constexpr Row rows[] = {
#define DIFJIT_FAULT(name, bit, code, meaning) {bit, #name},
#include <difjit/faults.def>
    };
    for (const Row& row : rows)
        if ((flags & row.bit) != 0)
            return row.name;
    return {};
}

} // namespace difjit::harness
