// SPDX-License-Identifier: BSD-2-Clause
// The format strings of printf() and its kin, parsed; see format.hpp.
#include "engine/consumer/format.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace difjit::consumer {

namespace {

struct Row {
    std::string_view name;
    Style style;
    char letter;
};

// Every conversion of D. 'h' is the only modifier that changes what is printed: the rest of a
// value's size comes from its record.
constexpr Row conversions[] = {
    {"a", Style::kernel_address, 's'},
    {"A", Style::user_address, 's'},
    {"c", Style::character, 'c'},
    {"C", Style::escaped_char, 's'},
    {"d", Style::signed_number, 'd'},
    {"e", Style::floating, 'e'},
    {"E", Style::floating, 'E'},
    {"f", Style::floating, 'f'},
    {"g", Style::floating, 'g'},
    {"G", Style::floating, 'G'},
    {"hd", Style::signed_number, 'd'},
    {"hi", Style::signed_number, 'd'},
    {"ho", Style::number, 'o'},
    {"hu", Style::number, 'u'},
    {"hx", Style::number, 'x'},
    {"hX", Style::number, 'X'},
    {"i", Style::signed_number, 'd'},
    {"I", Style::inet_address, 's'},
    {"k", Style::stack, 's'},
    {"lc", Style::wide_char, 'c'},
    {"ld", Style::signed_number, 'd'},
    {"li", Style::signed_number, 'd'},
    {"lo", Style::number, 'o'},
    {"lu", Style::number, 'u'},
    {"ls", Style::wide_string, 's'},
    {"lx", Style::number, 'x'},
    {"lX", Style::number, 'X'},
    {"lld", Style::signed_number, 'd'},
    {"lli", Style::signed_number, 'd'},
    {"llo", Style::number, 'o'},
    {"llu", Style::number, 'u'},
    {"llx", Style::number, 'x'},
    {"llX", Style::number, 'X'},
    {"Le", Style::floating, 'e'},
    {"LE", Style::floating, 'E'},
    {"Lf", Style::floating, 'f'},
    {"Lg", Style::floating, 'g'},
    {"LG", Style::floating, 'G'},
    {"o", Style::number, 'o'},
    {"p", Style::number, 'x'},
    {"P", Style::port, 's'},
    {"s", Style::string, 's'},
    {"S", Style::escaped_string, 's'},
    {"T", Style::time822, 's'},
    {"u", Style::number, 'u'},
    {"wc", Style::wide_char, 'c'},
    {"ws", Style::wide_string, 's'},
    {"x", Style::number, 'x'},
    {"X", Style::number, 'X'},
    {"Y", Style::time, 's'},
    {"%", Style::percent, '%'},
};

/// Reads one conversion behind its '%'.
class Parser {
  public:
    Parser(std::string_view format, std::size_t at, std::size_t number)
        : format_(format), at_(at), number_(number) {}

    Result<Conversion> conversion() {
        while (at_ < format_.size()) {
            char c = format_[at_];
            if (is_modifier(c))
                name_ += c;
            else if (!flag(c))
                return finish(c);
            at_++;
            if (!error_.empty())
                return problem(error_);
        }
        return problem("name expected before end of format string");
    }
    [[nodiscard]] std::size_t end() const { return at_; }

  private:
    static bool is_modifier(char c) { return c == 'h' || c == 'l' || c == 'L' || c == 'w'; }

    /// Takes a flag, a number, '*' or '.'; leaves at_ on its last character.
    bool flag(char c) {
        if (c >= '0' && c <= '9') {
            digits(c);
            return true;
        }
        switch (c) {
        case '#': result_.alternate = true; return true;
        case '+': result_.plus = true; return true;
        case ' ': result_.space = true; return true;
        case '\'': return true; // thousands are grouped by no separator in the C locale
        case '@': result_.aggregation = true; return true;
        case '?': result_.width = 16; return true; // an address's width in an LP64 kernel
        case '-':
            result_.left = true;
            result_.zero_pad = false;
            return true;
        case '*': star(); return true;
        case '.': dot(); return true;
        default: return false;
        }
    }

    void digits(char c) {
        if (!dot_ && !digits_ && c == '0') {
            result_.zero_pad = true;
            result_.left = false;
            return;
        }
        int number = 0;
        for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; at_++)
            number = std::min(number * 10 + (format_[at_] - '0'), field_limit);
        at_--;
        (dot_ ? result_.precision : result_.width) = number;
        digits_ = true;
    }

    void star() {
        bool& dynamic = dot_ ? result_.dynamic_precision : result_.dynamic_width;
        if (dynamic)
            error_ = dot_ ? "has more than one '*' specified for the output precision"
                          : "has more than one '*' specified for the output width";
        dynamic = true;
    }

    void dot() {
        if (dot_)
            error_ = "has more than one '.' specified";
        dot_ = true;
        digits_ = false;
    }

    Result<Conversion> finish(char c) {
        if (c == '$')
            return problem("uses unsupported positional format (%n$)");
        if (c == '%' && format_[at_ - 1] != '%')
            return problem("cannot be combined with other format flags: %%");
        name_ += c;
        at_++;
        for (const Row& row : conversions)
            if (row.name == name_) {
                result_.style = row.style;
                result_.letter = row.letter;
                result_.name = row.name;
                result_.is_short = name_.size() == 2 && name_[0] == 'h';
                return result_;
            }
        return problem("is undefined: %" + name_);
    }

    std::unexpected<Error> problem(const std::string& what) {
        return fail(fmt::format("format conversion #{} {}", number_, what));
    }

    std::string_view format_;
    std::size_t at_, number_;
    Conversion result_;
    std::string name_, error_;
    bool dot_ = false, digits_ = false;
};

} // namespace

Result<Format> parse_format(std::string_view format) {
    Format parsed;
    std::size_t at = 0;
    for (std::size_t percent; (percent = format.find('%', at)) != std::string_view::npos;) {
        Parser parser(format, percent + 1, parsed.size() + 1);
        auto conversion = parser.conversion();
        if (!conversion)
            return std::unexpected(conversion.error());
        conversion->prefix = format.substr(at, percent - at);
        parsed.push_back(std::move(*conversion));
        at = parser.end();
    }
    if (at < format.size() || format.empty()) {
        Conversion rest;
        rest.prefix = format.substr(at);
        parsed.push_back(std::move(rest));
    }
    return parsed;
}

} // namespace difjit::consumer
