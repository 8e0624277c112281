// SPDX-License-Identifier: BSD-2-Clause
// Typed fields of JSON lines.
#include "harness/json_fields.hpp"

#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace difjit::harness {

namespace {

/// What a JSON value is, for messages.
std::string shown(const Json& value) {
    if (value.is_structured()) // may be nested without end, and dump() recurses
        return value.is_array() ? "an array" : "an object";
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    constexpr std::size_t longest = 40;
    if (text.size() <= longest)
        return text;
    return text.substr(0, longest) + "…";
}

std::uint64_t hex_integer(const std::string& text, const std::string& what) {
    std::uint64_t value = 0;
    const char* first = text.data() + 2;
    const char* last = text.data() + text.size();
    bool prefixed = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (prefixed) {
        auto [end, error] = std::from_chars(first, last, value, 16);
        if (error == std::errc::result_out_of_range)
            throw BadInput{fmt::format("{}: {} does not fit 64 bits", what, shown(text))};
        if (error == std::errc{} && end == last)
            return value;
    }
    throw BadInput{fmt::format("{}: {} is not a hexadecimal integer with 0x", what, shown(text))};
}

/// nlohmann's messages carry an identifier in brackets, which says nothing to a user.
std::string without_identifier(std::string_view message) {
    if (std::size_t end = message.find("] "); end != std::string_view::npos)
        message.remove_prefix(end + 2);
    return std::string(message);
}

Json parse_line(std::string_view line) {
    try {
        return Json::parse(line);
    } catch (const Json::exception& error) {
        throw BadInput{"bad JSON: " + without_identifier(error.what())};
    }
}

} // namespace

Result<void> for_each_line(std::string_view text, const std::string& file,
                           const std::function<void(const Json&, std::size_t)>& line) {
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        std::size_t end = text.find('\n');
        std::string_view one = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (one.find_first_not_of(" \t\r") == std::string_view::npos)
            continue;
        try {
            Json value = parse_line(one);
            if (!value.is_object())
                throw BadInput{fmt::format("{} is not an object", shown(value))};
            line(value, number);
        } catch (const BadInput& bad) {
            return fail(fmt::format("{}:{}: {}", file, number, bad.message));
        }
    }
    return {};
}

const Json& field(const Json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end())
        throw BadInput{fmt::format("\"{}\" is missing", name)};
    return *found;
}

std::uint64_t integer(const Json& value, const std::string& what, std::uint64_t max) {
    std::uint64_t result = 0;
    if (value.is_number_unsigned())
        result = value.get<std::uint64_t>();
    else if (value.is_number_integer() && max == ~std::uint64_t{0})
        result = static_cast<std::uint64_t>(value.get<std::int64_t>());
    else if (value.is_string())
        result = hex_integer(value.get_ref<const std::string&>(), what);
    else
        throw BadInput{fmt::format("{}: {} is not an integer{}", what, shown(value),
                                   max == ~std::uint64_t{0} ? "" : " from 0 up")};
    if (result > max)
        throw BadInput{fmt::format("{}: {} is more than {}", what, shown(value), max)};
    return result;
}

std::uint64_t integer_field(const Json& object, const char* name, std::uint64_t max) {
    return integer(field(object, name), fmt::format("\"{}\"", name), max);
}

std::uint64_t integer_field_or(const Json& object, const char* name, std::uint64_t otherwise,
                               std::uint64_t max) {
    return object.contains(name) ? integer_field(object, name, max) : otherwise;
}

bool bool_field(const Json& object, const char* name) {
    const Json& value = field(object, name);
    if (!value.is_boolean())
        throw BadInput{fmt::format("\"{}\": {} is neither true nor false", name, shown(value))};
    return value.get<bool>();
}

bool bool_field_or(const Json& object, const char* name, bool otherwise) {
    return object.contains(name) ? bool_field(object, name) : otherwise;
}

const std::string& string_field(const Json& object, const char* name) {
    const Json& value = field(object, name);
    if (!value.is_string())
        throw BadInput{fmt::format("\"{}\": {} is not a string", name, shown(value))};
    return value.get_ref<const std::string&>();
}

const Json& array_field(const Json& object, const char* name) {
    const Json& value = field(object, name);
    if (!value.is_array())
        throw BadInput{fmt::format("\"{}\": {} is not an array", name, shown(value))};
    return value;
}

std::vector<std::uint64_t> integers_field(const Json& object, const char* name, std::size_t max) {
    const Json& array = array_field(object, name);
    if (array.size() > max)
        throw BadInput{
            fmt::format("\"{}\" has {} entries, at most {} are allowed", name, array.size(), max)};
    std::vector<std::uint64_t> values;
    values.reserve(array.size());
    for (const Json& value : array)
        values.push_back(integer(value, fmt::format("\"{}\"[{}]", name, values.size())));
    return values;
}

std::vector<std::byte> hex_bytes(const std::string& digits, const std::string& what) {
    if (digits.size() % 2 != 0)
        throw BadInput{fmt::format("{}: {} hex digits are not whole bytes", what, digits.size())};
    std::vector<std::byte> bytes(digits.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* first = digits.data() + 2 * i;
        std::uint8_t byte = 0;
        auto [end, error] = std::from_chars(first, first + 2, byte, 16);
        if (error != std::errc{} || end != first + 2)
            throw BadInput{fmt::format("{}: {} at digit {} is not hex", what,
                                       shown(Json(std::string(first, 2))), 2 * i)};
        bytes[i] = std::byte{byte};
    }
    return bytes;
}

std::vector<MemoryRegion> regions_field(const Json& object, const char* name) {
    std::vector<MemoryRegion> regions;
    for (const Json& entry : array_field(object, name)) {
        std::string what = fmt::format("\"{}\"[{}]", name, regions.size());
        if (!entry.is_object())
            throw BadInput{fmt::format("{}: {} is not an object", what, shown(entry))};
        regions.push_back(
            {integer_field(entry, "addr"), hex_bytes(string_field(entry, "hex"), what)});
    }
    if (auto checked = check_regions(regions); !checked)
        throw BadInput{fmt::format("\"{}\": {}", name, checked.error().message)};
    return regions;
}

void identity_fields(const Json& line, FiringLine& firing) {
    firing.cpu = static_cast<std::uint32_t>(integer_field(line, "cpu", max_cpus - 1));
    firing.pid = integer_field(line, "pid");
    firing.tid = integer_field(line, "tid");
    firing.ppid = integer_field(line, "ppid");
    firing.uid = integer_field(line, "uid");
    firing.gid = integer_field(line, "gid");
    firing.errno_value = integer_field(line, "errno");
    firing.timestamp = integer_field(line, "timestamp");
    firing.vtimestamp = integer_field(line, "vtimestamp");
    firing.walltimestamp = integer_field(line, "walltimestamp");
    firing.execname = string_field(line, "execname");
}

} // namespace difjit::harness
