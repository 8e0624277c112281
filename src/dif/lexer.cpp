// SPDX-License-Identifier: BSD-2-Clause
#include "dif/lexer.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace difjit::text {

namespace {

constexpr std::string_view punctuation = "{}()[],:=";
constexpr std::size_t shown_bytes = 40;

bool is_printable(char c) {
    return c >= 0x20 && c < 0x7f;
}

bool starts_comment(std::string_view rest) {
    return rest.starts_with(';') || rest.starts_with('!') || rest.starts_with("//");
}

bool ends_word(std::string_view rest) {
    const char c = rest.front();
    return c == ' ' || c == '\t' || c == '\r' || c == '"' ||
           punctuation.find(c) != std::string_view::npos || starts_comment(rest);
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// One escape, `rest` is behind the backslash; takes its characters off.
char unescape(std::string_view& rest) {
    if (rest.empty())
        refuse("the line ends in the middle of a string");
    const char c = rest.front();
    rest.remove_prefix(1);
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '0': return '\0';
    case '"':
    case '\\': return c;
    case 'x':
        if (rest.size() >= 2 && hex_digit(rest[0]) >= 0 && hex_digit(rest[1]) >= 0) {
            const int value = hex_digit(rest[0]) * 16 + hex_digit(rest[1]);
            rest.remove_prefix(2);
            return static_cast<char>(value);
        }
        refuse("\\x needs two hexadecimal digits");
    default:
        refuse(fmt::format("unknown escape {}; known: \\n \\t \\r \\0 \\\" \\\\ \\xHH",
                           shown(std::string_view(&c, 1))));
    }
}

// A string, `rest` is behind its opening quote; takes it and its closing quote off.
std::string take_string(std::string_view& rest) {
    std::string text;
    while (true) {
        if (rest.empty())
            refuse("a string has no closing quote");
        const char c = rest.front();
        rest.remove_prefix(1);
        if (c == '"')
            return text;
        text += c == '\\' ? unescape(rest) : c;
    }
}

std::string escaped(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        switch (c) {
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        case '\0': out += "\\0"; break;
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        default:
            if (is_printable(c))
                out += c;
            else
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

const Token end_token;

} // namespace

void refuse(std::string message, std::size_t line) {
    throw Failure{std::move(message), line};
}

std::string quoted(std::string_view bytes) {
    return '"' + escaped(bytes) + '"';
}

std::string shown(std::string_view piece) {
    if (piece.size() <= shown_bytes)
        return quoted(piece);
    return quoted(piece.substr(0, shown_bytes)) + "...";
}

std::string_view Source::peek() const {
    const std::string_view remaining = rest();
    return remaining.substr(0, remaining.find('\n'));
}

std::string_view Source::next() {
    const std::string_view line = peek();
    position_ = std::min(position_ + line.size() + 1, text_.size());
    line_++;
    return line;
}

void Source::skip(std::size_t bytes) {
    const std::string_view skipped = rest().substr(0, bytes);
    for (const char c : skipped)
        line_ += c == '\n' ? 1 : 0;
    position_ += skipped.size();
}

Cursor::Cursor(std::string_view line) {
    while (!line.empty()) {
        const char c = line.front();
        if (c == ' ' || c == '\t' || c == '\r') {
            line.remove_prefix(1);
        } else if (starts_comment(line)) {
            return;
        } else if (c == '"') {
            line.remove_prefix(1);
            tokens_.push_back({TokenKind::STRING, take_string(line)});
        } else if (punctuation.find(c) != std::string_view::npos) {
            tokens_.push_back({TokenKind::PUNCTUATION, std::string(1, c)});
            line.remove_prefix(1);
        } else {
            std::size_t length = 1;
            while (length < line.size() && !ends_word(line.substr(length)))
                length++;
            tokens_.push_back({TokenKind::WORD, std::string(line.substr(0, length))});
            line.remove_prefix(length);
        }
    }
}

const Token& Cursor::peek(std::size_t ahead) const {
    return ahead < tokens_.size() - index_ ? tokens_[index_ + ahead] : end_token;
}

bool Cursor::at(std::string_view text, std::size_t ahead) const {
    const Token& token = peek(ahead);
    return (token.kind == TokenKind::WORD || token.kind == TokenKind::PUNCTUATION) &&
           token.text == text;
}

Token Cursor::next() {
    return at_end() ? Token{} : std::move(tokens_[index_++]);
}

bool Cursor::accept(std::string_view text) {
    if (!at(text))
        return false;
    index_++;
    return true;
}

namespace {

[[noreturn]] void refuse_token(std::string_view wanted, const Token& token) {
    if (token.kind == TokenKind::END)
        refuse(fmt::format("{} is missing at the end of the line", wanted));
    refuse(fmt::format("expected {}, not {}", wanted, shown(token.text)));
}

} // namespace

void Cursor::expect(std::string_view text) {
    if (!accept(text))
        refuse_token(fmt::format("'{}'", text), peek());
}

void Cursor::expect_end() {
    if (!at_end())
        refuse(fmt::format("unexpected {} at the end of the line", shown(peek().text)));
}

std::string Cursor::word(std::string_view what) {
    if (peek().kind != TokenKind::WORD)
        refuse_token(what, peek());
    return next().text;
}

std::string Cursor::string(std::string_view what) {
    if (peek().kind != TokenKind::STRING)
        refuse_token(what, peek());
    return next().text;
}

std::string Cursor::strings(std::string_view what) {
    std::string all = string(what);
    while (peek().kind == TokenKind::STRING)
        all += next().text;
    return all;
}

std::string Cursor::word_or_string(std::string_view what) {
    return peek().kind == TokenKind::STRING ? next().text : word(what);
}

std::uint64_t Cursor::number(std::string_view what, std::uint64_t maximum) {
    const Token token = next();
    const auto value =
        token.kind == TokenKind::WORD ? parse_number(token.text) : std::optional<std::uint64_t>{};
    if (!value)
        refuse_token(what, token);
    if (*value > maximum)
        refuse(fmt::format("{} is at most {}, not {}", what, maximum, shown(token.text)));
    return *value;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative)
        text.remove_prefix(1);
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal)
        text.remove_prefix(2);
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value, hexadecimal ? 16 : 10);
    if (text.empty() || error != std::errc() || end != last)
        return std::nullopt;
    if (negative && value > std::uint64_t{1} << 63)
        return std::nullopt;
    return negative ? ~value + 1 : value;
}

} // namespace difjit::text
