// SPDX-License-Identifier: BSD-2-Clause
#include "dif/type_text.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace difjit::text {

namespace {

// CTF_K_*, in order from 0: ctf.h.
constexpr std::array<std::string_view, 14> ctf_kinds = {
    "unknown", "integer", "float",   "pointer", "array",    "function", "struct",
    "union",   "enum",    "forward", "typedef", "volatile", "const",    "restrict"};

constexpr std::array<std::string_view, 2> type_kinds = {"D type", "string"};

constexpr TypeWord type_words[] = {
    {"void", {DIFJIT_TYPE_CTF, 1, 0, 0, 0}, false},
    {"char", {DIFJIT_TYPE_CTF, 1, 0, 0, 1}, false},
    {"short", {DIFJIT_TYPE_CTF, 1, 0, 0, 2}, false},
    {"int", {DIFJIT_TYPE_CTF, 1, 0, 0, 4}, false},
    {"long", {DIFJIT_TYPE_CTF, 1, 0, 0, 8}, false},
    {"pointer", {DIFJIT_TYPE_CTF, 3, 0, 0, 8}, false},
    {"enum", {DIFJIT_TYPE_CTF, 8, 0, 0, 4}, false},
    {"string", {DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYREF, 0, DIFJIT_STRSIZE_DEFAULT}, true},
    {"struct", {DIFJIT_TYPE_CTF, 6, DIFJIT_TF_BYREF, 0, 0}, true},
    {"union", {DIFJIT_TYPE_CTF, 7, DIFJIT_TF_BYREF, 0, 0}, true},
    {"array", {DIFJIT_TYPE_CTF, 4, DIFJIT_TF_BYREF, 0, 0}, true},
};

template <std::size_t N>
std::string named(const std::array<std::string_view, N>& names, unsigned number) {
    return number < N ? std::string(names[number]) : fmt::format("0x{:x}", number);
}

bool eat(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

template <std::size_t N>
std::optional<std::uint8_t> eat_named(std::string_view& text,
                                      const std::array<std::string_view, N>& names) {
    for (std::size_t i = 0; i < N; i++)
        if (eat(text, names[i]))
            return static_cast<std::uint8_t>(i);
    if (!eat(text, "0x"))
        return std::nullopt;
    std::uint8_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

} // namespace

std::string listing_type(const difjit_type& type) {
    const char* by = "";
    if ((type.flags & DIFJIT_TF_BYUREF) != 0)
        by = " by user ref";
    else if ((type.flags & DIFJIT_TF_BYREF) != 0)
        by = " by ref";
    return fmt::format("{} ({}){} (size {})", named(type_kinds, type.kind),
                       named(ctf_kinds, type.ckind), by, type.size);
}

std::optional<difjit_type> parse_listing_type(std::string_view text) {
    difjit_type type{};
    const auto kind = eat_named(text, type_kinds);
    if (!kind || !eat(text, " ("))
        return std::nullopt;
    const auto ckind = eat_named(text, ctf_kinds);
    if (!ckind || !eat(text, ")"))
        return std::nullopt;
    type.kind = *kind;
    type.ckind = *ckind;
    if (eat(text, " by user ref"))
        type.flags = DIFJIT_TF_BYUREF;
    else if (eat(text, " by ref"))
        type.flags = DIFJIT_TF_BYREF;
    if (!eat(text, " (size "))
        return std::nullopt;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), type.size, 10);
    if (error != std::errc() || std::string_view(end, text.data() + text.size()) != ")")
        return std::nullopt;
    return type;
}

const TypeWord* find_type_word(std::string_view word) {
    for (const TypeWord& row : type_words)
        if (row.word == word)
            return &row;
    return nullptr;
}

std::string hand_type(const difjit_type& type) {
    for (const TypeWord& row : type_words) {
        difjit_type candidate = row.type;
        if (row.sized)
            candidate.size = type.size;
        if (std::memcmp(&candidate, &type, sizeof(type)) != 0)
            continue;
        if (row.sized && type.size != row.type.size)
            return fmt::format("{}[{}]", row.word, type.size);
        if (!row.sized || row.type.size != 0)
            return std::string(row.word);
    }
    return fmt::format("type({}, {}, {}, {}, {})", type.kind, type.ckind, type.flags, type.pad,
                       type.size);
}

} // namespace difjit::text
