// SPDX-License-Identifier: BSD-2-Clause
// Lines and tokens of DIF text, and how a reader of it fails.
//
// The hand-written form is one statement a line. A failure is thrown as Failure inside this layer
// and becomes an Error in assemble(): no exception leaves it.
// Tested in tests/dif/assembler_test.cpp.
#ifndef DIFJIT_DIF_LEXER_HPP
#define DIFJIT_DIF_LEXER_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace difjit::text {

/// Why a text is refused. line 0: the line that is being read.
struct Failure {
    std::string message;
    std::size_t line = 0;
};

[[noreturn]] void refuse(std::string message, std::size_t line = 0);

/// A piece of the input for a message: quoted, escaped, cut.
std::string shown(std::string_view piece);

/// A string as the hand-written form writes it.
std::string quoted(std::string_view bytes);

/// Walks a text line by line, and knows where it is.
class Source {
  public:
    explicit Source(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
    [[nodiscard]] std::size_t line() const { return line_; } ///< of the last next(), from 1
    [[nodiscard]] std::string_view rest() const { return text_.substr(position_); }

    /// The next line, without its end.
    std::string_view next();
    /// The same without moving.
    [[nodiscard]] std::string_view peek() const;
    /// Moves `bytes` on, over line ends.
    void skip(std::size_t bytes);

  private:
    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t line_ = 0;
};

enum class TokenKind : std::uint8_t { WORD, STRING, PUNCTUATION, END };

struct Token {
    TokenKind kind = TokenKind::END;
    std::string text; ///< a string's is decoded
};

/// The tokens of one statement.
class Cursor {
  public:
    explicit Cursor(std::string_view line);

    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
    [[nodiscard]] bool at_end() const { return peek().kind == TokenKind::END; }
    /// Is this word or punctuation next (`ahead` tokens on)?
    [[nodiscard]] bool at(std::string_view text, std::size_t ahead = 0) const;

    Token next();
    bool accept(std::string_view text);
    void expect(std::string_view text);
    void expect_end();

    std::string word(std::string_view what);
    std::string string(std::string_view what);
    /// One or more strings, put together.
    std::string strings(std::string_view what);
    std::string word_or_string(std::string_view what);
    std::uint64_t number(std::string_view what, std::uint64_t maximum = UINT64_MAX);

  private:
    std::vector<Token> tokens_;
    std::size_t index_ = 0;
};

/// A number as C writes it, decimal or 0x; a minus sign wraps. Nothing where it is none or too big.
std::optional<std::uint64_t> parse_number(std::string_view text);

} // namespace difjit::text

#endif
