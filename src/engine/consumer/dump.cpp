// SPDX-License-Identifier: BSD-2-Clause
// Bytes of unknown meaning; see dump.hpp.
#include "engine/consumer/dump.hpp"

#include <fmt/format.h>

namespace difjit::consumer {

static constexpr std::size_t line_bytes = 16;

/// isprint() or isspace() of the C locale, or one of the control characters that terminals know.
static bool printable(char c) {
    return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r') || c == '\b' || c == '\a';
}

std::optional<Looks> looks_like_text(Bytes bytes) {
    const char* first = reinterpret_cast<const char*>(bytes.data());
    std::string_view all(first, bytes.size());
    std::size_t length = 0;
    while (length < all.size() && printable(all[length]))
        length++;
    if (length == all.size())
        return Looks{all, false};
    if (length == 0 || all.find_first_not_of('\0', length) != std::string_view::npos)
        return std::nullopt;
    return Looks{all.substr(0, length), true};
}

static std::string dump_line(Bytes bytes, std::size_t offset) {
    std::string line = fmt::format("     {:>5x}:", offset);
    std::string characters;
    for (std::size_t i = 0; i < line_bytes; i++) {
        if (i >= bytes.size()) {
            line += "   ";
            continue;
        }
        char c = static_cast<char>(bytes[i]);
        line += fmt::format(" {:02x}", static_cast<unsigned char>(c));
        characters += c < ' ' || c > '~' ? '.' : c;
    }
    return line + "  " + characters + "\n";
}

std::string dump(Bytes bytes) {
    std::string lines = "\n           ";
    for (std::size_t i = 0; i < line_bytes; i++)
        lines += fmt::format("  {:x}", i);
    lines += "  0123456789abcdef\n";
    for (std::size_t i = 0; i < bytes.size(); i += line_bytes)
        lines += dump_line(bytes.subspan(i, std::min(line_bytes, bytes.size() - i)), i);
    return lines;
}

static std::string padded(std::string_view text, int width) {
    return width < 0 ? fmt::format("{:<{}}", std::string(text), -width)
                     : fmt::format("{:>{}}", std::string(text), width);
}

std::string bytes_text(Bytes bytes, int width, bool quiet, bool raw) {
    if (bytes.empty())
        return "";
    auto looks = raw ? std::nullopt : looks_like_text(bytes);
    if (!looks)
        return dump(bytes);
    if (!looks->terminated)
        return "  " + padded(looks->text, width < 0 ? width : -width);
    if (quiet)
        return std::string(looks->text);
    return (width < 0 ? "  " : " ") + padded(looks->text, width);
}

std::string hex(Bytes bytes) {
    std::string digits = "0x";
    for (std::byte byte : bytes)
        digits += fmt::format("{:02x}", static_cast<unsigned>(byte));
    return digits;
}

} // namespace difjit::consumer
