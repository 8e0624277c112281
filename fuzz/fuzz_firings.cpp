// SPDX-License-Identifier: BSD-2-Clause
// Property: any JSON lines are either refused with file and line, or read as firings.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/firings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto firings = difjit::harness::parse_firings(text, "fuzz.jsonl");
    if (!firings && !firings.error().message.starts_with("fuzz.jsonl"))
        std::abort();
    return 0;
}
