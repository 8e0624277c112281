// SPDX-License-Identifier: BSD-2-Clause
#include "dif/option_text.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "dif/lexer.hpp"

namespace difjit::text {

namespace {

constexpr std::uint64_t value_max = INT64_MAX; // dtrace_optval_t is signed

struct Unit {
    std::string_view suffix;
    std::uint64_t factor; ///< 0: a frequency
};

constexpr Unit rate_units[] = {{"ns", 1},
                               {"nsec", 1},
                               {"us", 1000},
                               {"usec", 1000},
                               {"ms", 1000000},
                               {"msec", 1000000},
                               {"s", 1000000000},
                               {"sec", 1000000000},
                               {"m", 60000000000},
                               {"min", 60000000000},
                               {"h", 3600000000000},
                               {"hour", 3600000000000},
                               {"d", 86400000000000},
                               {"day", 86400000000000},
                               {"hz", 0},
                               {"", 1}};

constexpr std::string_view yes_words[] = {"yes", "enable", "enabled", "true", "on", "set"};
constexpr std::string_view no_words[] = {"no", "disable", "disabled", "false", "off", "unset"};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// Digits in front of a suffix.
std::size_t number_length(std::string_view text) {
    if (text.starts_with("0x"))
        return std::min(text.find_first_not_of("0123456789abcdef", 2), text.size());
    return std::min(text.find_first_not_of("0123456789"), text.size());
}

std::optional<std::uint64_t> scaled(std::uint64_t value, std::uint64_t factor) {
    if (factor != 0 && value > value_max / factor)
        return std::nullopt;
    return value * factor;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const std::size_t length = number_length(text);
    const auto value = parse_number(text.substr(0, length));
    const std::string_view suffix = text.substr(length);
    constexpr std::string_view units = "kmgt";
    if (!value || suffix.size() > 1)
        return std::nullopt;
    if (suffix.empty())
        return scaled(*value, 1);
    const std::size_t power = units.find(suffix.front());
    if (power == std::string_view::npos)
        return std::nullopt;
    return scaled(*value, std::uint64_t{1} << (10 * (power + 1)));
}

std::optional<std::uint64_t> parse_rate(std::string_view text) {
    const std::size_t length = number_length(text);
    const auto value = parse_number(text.substr(0, length));
    if (!value)
        return std::nullopt;
    for (const Unit& unit : rate_units) {
        if (unit.suffix != text.substr(length))
            continue;
        if (unit.factor != 0)
            return scaled(*value, unit.factor);
        return *value != 0 ? 1000000000 / *value : 0;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_word(std::string_view text,
                                        std::initializer_list<std::string_view> words) {
    std::uint64_t number = 0;
    for (const std::string_view word : words) {
        if (text == word)
            return number;
        number++;
    }
    return std::nullopt;
}

} // namespace

const OptionRow* find_option(std::string_view name) {
    for (const OptionRow& row : option_rows)
        if (row.name == name)
            return &row;
    return nullptr;
}

std::optional<std::uint64_t> parse_option(const OptionRow& option, std::string_view value) {
    const std::string text = lower(value);
    if (text == "unset")
        return option_unset;
    if (text.starts_with('-'))
        return parse_number(text); // as it lies in DOF: -2 is unset
    std::optional<std::uint64_t> parsed;
    switch (option.kind) {
    case OptionKind::SIZE: return parse_size(text);
    case OptionKind::RATE: return parse_rate(text);
    case OptionKind::BUFPOLICY: parsed = parse_word(text, {"ring", "fill", "switch"}); break;
    case OptionKind::BUFRESIZE: parsed = parse_word(text, {"auto", "manual"}); break;
    case OptionKind::INTEGER:
    case OptionKind::FLAG:
    case OptionKind::ZONE:
        if (std::ranges::find(yes_words, text) != std::end(yes_words))
            return 1;
        if (std::ranges::find(no_words, text) != std::end(no_words))
            return option_unset;
        break;
    }
    return parsed ? parsed : parse_number(text);
}

LibAction find_library_action(std::string_view name) {
#define DTRACE_LIBACT(action, index, text, meaning)                                                \
    if (name == (text))                                                                            \
        return LibAction::action;
#include "dif/actions.def"
    return LibAction::INVALID;
}

const char* library_action_name(LibAction action) {
    switch (action) {
#define DTRACE_LIBACT(action, index, text, meaning)                                                \
    case LibAction::action: return text;
#include "dif/actions.def"
    case LibAction::INVALID: break;
    }
    return nullptr;
}

} // namespace difjit::text
