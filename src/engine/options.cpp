// SPDX-License-Identifier: BSD-2-Clause
// Options: parsing as dt_options.c does it, without its overflows.

#include "engine/options.hpp"

#include <charconv>
#include <limits>
#include <string>

#include <fmt/format.h>

namespace difjit::engine {
namespace {

constexpr OptionValue greatest = std::numeric_limits<std::int64_t>::max(); // dtrace_optval_t

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// A number as strtoull(…, 0) reads it, at the start of `text`, which then begins behind it.
std::optional<OptionValue> take_number(std::string_view& text) {
    int base = 10;
    std::string_view digits = text;
    if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
        base = 8;
        digits.remove_prefix(1);
    }
    OptionValue value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc{} || value > greatest)
        return std::nullopt;
    digits.remove_prefix(static_cast<std::size_t>(end - digits.data()));
    text = digits;
    return value;
}

std::optional<OptionValue> multiply(OptionValue value, OptionValue factor) {
    OptionValue result;
    if (__builtin_mul_overflow(value, factor, &result) || result > greatest)
        return std::nullopt;
    return result;
}

std::optional<OptionValue> rate_unit(std::string_view suffix) {
    constexpr OptionValue us = 1000, ms = 1000 * us, s = 1000 * ms, min = 60 * s, h = 60 * min;
    static constexpr struct {
        std::string_view name;
        OptionValue ns;
    } units[] = {{"", 1},      {"ns", 1},    {"nsec", 1}, {"us", us},    {"usec", us},
                 {"ms", ms},   {"msec", ms}, {"s", s},    {"sec", s},    {"m", min},
                 {"min", min}, {"h", h},     {"hour", h}, {"d", 24 * h}, {"day", 24 * h}};
    const std::string name = lower(suffix);
    for (const auto& unit : units)
        if (unit.name == name)
            return unit.ns;
    return std::nullopt;
}

std::optional<OptionValue> parse_flag(std::string_view text) {
    static constexpr std::string_view yes[] = {"yes", "enable", "enabled", "true", "on", "set"};
    static constexpr std::string_view no[] = {"no", "disable", "disabled", "false", "off", "unset"};
    if (text.empty())
        return 0;
    const std::string word = lower(text);
    for (const auto w : yes)
        if (w == word)
            return 1;
    for (const auto w : no)
        if (w == word)
            return option_unset;
    const auto number = take_number(text);
    return text.empty() ? number : std::nullopt;
}

std::optional<OptionValue> parse_bufpolicy(std::string_view text) {
    if (text == "ring")
        return bufpolicy_ring;
    if (text == "fill")
        return bufpolicy_fill;
    return text == "switch" ? std::optional(bufpolicy_switch) : std::nullopt;
}

std::optional<OptionValue> parse_bufresize(std::string_view text) {
    if (text == "auto")
        return bufresize_auto;
    return text == "manual" ? std::optional(bufresize_manual) : std::nullopt;
}

std::optional<OptionValue> parse(OptionKind kind, std::string_view text) {
    switch (kind) {
    case OptionKind::SIZE: return text.empty() ? OptionValue{0} : parse_size(text);
    case OptionKind::RATE: return text.empty() ? OptionValue{0} : parse_rate(text);
    case OptionKind::INTEGER:
    case OptionKind::FLAG: return parse_flag(text);
    case OptionKind::BUFPOLICY: return parse_bufpolicy(text);
    case OptionKind::BUFRESIZE: return parse_bufresize(text);
    case OptionKind::ZONE: return std::nullopt; // there are no zones here
    }
    return std::nullopt;
}

/// What dtrace_state_option accepts, and what no session could work with.
bool acceptable(OptionId id, std::uint64_t value) {
    if (value > greatest)
        return id == OptionId::CPU && value == ~OptionValue{0}; // DTRACE_CPUALL
    switch (id) {
    case OptionId::STRSIZE: return value != 0 && value <= UINT32_MAX;
    case OptionId::STACKFRAMES:
    case OptionId::USTACKFRAMES: return value != 0;
    case OptionId::BUFPOLICY: return value <= bufpolicy_switch;
    case OptionId::BUFRESIZE: return value <= bufresize_manual;
    default: return true;
    }
}

} // namespace

std::optional<OptionValue> parse_size(std::string_view text) {
    const auto number = take_number(text);
    if (!number)
        return std::nullopt;
    const std::string suffix = lower(text);
    static constexpr std::string_view suffixes[] = {"", "k", "m", "g", "t"};
    OptionValue factor = 1;
    for (const auto s : suffixes) {
        if (suffix == s)
            return multiply(*number, factor);
        factor <<= 10;
    }
    return std::nullopt;
}

std::optional<OptionValue> parse_rate(std::string_view text) {
    constexpr OptionValue second = 1'000'000'000;
    const auto number = take_number(text);
    if (!number)
        return std::nullopt;
    if (lower(text) == "hz")
        return *number == 0 ? 0 : second / *number;
    const auto unit = rate_unit(text);
    return unit ? multiply(*number, *unit) : std::nullopt;
}

Options::Options() {
    constexpr OptionValue second = 1'000'000'000;
    values_.fill(option_unset);
    put(OptionId::BUFSIZE, 4 << 20);
    put(OptionId::AGGSIZE, 4 << 20);
    put(OptionId::TEMPORAL, 1);
    put(OptionId::BUFPOLICY, bufpolicy_switch);
    put(OptionId::BUFRESIZE, bufresize_auto);
    put(OptionId::NSPEC, 1);
    put(OptionId::SPECSIZE, 32 << 10);
    put(OptionId::STRSIZE, DIFJIT_STRSIZE_DEFAULT);
    put(OptionId::STACKFRAMES, 20);
    put(OptionId::USTACKFRAMES, 20);
    put(OptionId::JSTACKFRAMES, 50);
    put(OptionId::JSTACKSTRSIZE, 512);
    put(OptionId::CLEANRATE, 9900990); // 101 hz
    put(OptionId::AGGRATE, second);
    put(OptionId::SWITCHRATE, second);
    put(OptionId::STATUSRATE, second);
}

Result<void> Options::set(std::string_view name, std::string_view value, bool active) {
    for (const OptionRow& row : option_rows) {
        if (name != row.name)
            continue;
        if (active && !row.dynamic)
            return fail(option_while_active);
        const auto parsed = parse(row.kind, value);
        if (!parsed || (*parsed != option_unset && !acceptable(row.id, *parsed)))
            return fail(bad_option_value);
        put(row.id, *parsed);
        return {};
    }
    return fail(bad_option_name);
}

Result<void> Options::set(std::uint32_t number, std::uint64_t value) {
    const OptionRow* const row = option_row(number);
    if (row == nullptr)
        return fail(fmt::format("option {}: {}", number, bad_option_name));
    if (!acceptable(row->id, value))
        return fail(fmt::format("option {}: {}", row->name, bad_option_value));
    put(row->id, value);
    return {};
}

} // namespace difjit::engine
