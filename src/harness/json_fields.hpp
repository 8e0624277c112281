// SPDX-License-Identifier: BSD-2-Clause
// Typed fields of JSON lines. Internal to the harness: its readers throw BadInput inside and turn
// it into an Error with file and line at their border.
#ifndef DIFJIT_HARNESS_JSON_FIELDS_HPP
#define DIFJIT_HARNESS_JSON_FIELDS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>
#include <nlohmann/json.hpp>

#include "harness/firings.hpp"
#include "harness/memory.hpp"

namespace difjit::harness {

using Json = nlohmann::json;

/// A line that is not what it must be. `message` says which field and why.
struct BadInput {
    std::string message;
};

/// Calls `line(object, number)` for each line that is not blank; numbers count from 1. BadInput and
/// bad JSON become "FILE:LINE: …".
Result<void> for_each_line(std::string_view text, const std::string& file,
                           const std::function<void(const Json&, std::size_t)>& line);

/// A member that must be there.
const Json& field(const Json& object, const char* name);

/// A number, or a string with 0x; at most `max`. Negative numbers are their 64-bit two's complement
/// where `max` allows all 64 bits.
std::uint64_t integer(const Json& value, const std::string& what,
                      std::uint64_t max = ~std::uint64_t{0});
std::uint64_t integer_field(const Json& object, const char* name,
                            std::uint64_t max = ~std::uint64_t{0});
std::uint64_t integer_field_or(const Json& object, const char* name, std::uint64_t otherwise,
                               std::uint64_t max = ~std::uint64_t{0});
bool bool_field(const Json& object, const char* name);
bool bool_field_or(const Json& object, const char* name, bool otherwise);
const std::string& string_field(const Json& object, const char* name);
const Json& array_field(const Json& object, const char* name);
std::vector<std::uint64_t> integers_field(const Json& object, const char* name, std::size_t max);

/// Hex digits to bytes.
std::vector<std::byte> hex_bytes(const std::string& digits, const std::string& what);

/// An array of {"addr":…,"hex":…}.
std::vector<MemoryRegion> regions_field(const Json& object, const char* name);

/// Who fires, where and when: the fields that a firing and a vectors file's setting share.
void identity_fields(const Json& line, FiringLine& firing);

} // namespace difjit::harness

#endif
