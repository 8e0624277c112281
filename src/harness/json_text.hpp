// SPDX-License-Identifier: BSD-2-Clause
// JSON lines as the corpus has them: small pieces that append to a string.
#ifndef DIFJIT_HARNESS_JSON_TEXT_HPP
#define DIFJIT_HARNESS_JSON_TEXT_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace difjit::harness {

/// "0x…" with its quotes.
void append_integer(std::string& out, std::uint64_t value);

/// Hex digits with their quotes.
void append_bytes(std::string& out, std::span<const std::byte> bytes);

/// A string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);

/// The name of the first fault that applies, by priority; "" without a fault.
std::string_view fault_name(std::uint32_t flags);

} // namespace difjit::harness

#endif
