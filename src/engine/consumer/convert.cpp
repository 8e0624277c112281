// SPDX-License-Identifier: BSD-2-Clause
// One conversion of a format applied to one record; see convert.hpp.
#include "engine/consumer/convert.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "engine/consumer/numbers.hpp"
#include "engine/consumer/picture.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

using Text = Result<std::string>;

static std::unexpected<Error> mismatch(const Field& field, Bytes data) {
    return fail(
        fmt::format("Data record list does not match statement (a record of {} bytes for %{})",
                    data.size(), field.conversion.name));
}

/// The flags, width and precision for printf(3), without the conversion's letter.
static std::string specification(const Field& field) {
    const Conversion& c = field.conversion;
    std::string spec = "%";
    spec += c.alternate ? "#" : "";
    spec += c.zero_pad ? "0" : "";
    spec += c.left || field.width < 0 ? "-" : "";
    spec += c.plus ? "+" : "";
    spec += c.space ? " " : "";
    if (field.width != 0)
        spec += std::to_string(std::min(std::abs(field.width), field_limit));
    if (field.precision > 0) // "%.0d" is "%d", as in libdtrace
        spec += "." + std::to_string(std::min(field.precision, field_limit));
    return spec;
}

template <class T>
static std::string formatted(const std::string& spec, T value) {
    std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, spec.c_str(), value)), '\0');
    std::snprintf(out.data(), out.size() + 1, spec.c_str(), value);
    return out;
}

/// %s of printf(3).
static std::string padded(const Field& field, std::string_view text) {
    if (field.precision > 0)
        text = text.substr(0, static_cast<std::size_t>(field.precision));
    auto width = static_cast<std::size_t>(std::min(std::abs(field.width), field_limit));
    std::string out(text);
    if (out.size() >= width)
        return out;
    std::string space(width - out.size(), ' ');
    return field.conversion.left || field.width < 0 ? out + space : space + out;
}

static Text signed_number(const Field& field, Bytes data, std::uint64_t normal) {
    auto value = signed_integer(data);
    if (!value)
        return mismatch(field, data);
    std::int64_t shown = divide(*value, static_cast<std::int64_t>(normal));
    if (field.conversion.is_short)
        shown = static_cast<std::int16_t>(shown);
    return formatted(specification(field) + "lld", static_cast<long long>(shown));
}

static std::string number_text(const Field& field, std::uint64_t value) {
    if (field.conversion.is_short)
        value = static_cast<std::uint16_t>(value);
    return formatted(specification(field) + "ll" + field.conversion.letter,
                     static_cast<unsigned long long>(value));
}

static Text number(const Field& field, Bytes data, std::uint64_t normal) {
    auto value = unsigned_integer(data);
    if (!value)
        return mismatch(field, data);
    return number_text(field, *value / (normal == 0 ? 1 : normal));
}

static Text floating(const Field& field, Bytes data, std::uint64_t normal) {
    std::string spec = specification(field);
    switch (data.size()) {
    case sizeof(float):
        return formatted(spec + field.conversion.letter,
                         static_cast<double>(load<float>(data)) / static_cast<double>(normal));
    case sizeof(double):
        return formatted(spec + field.conversion.letter,
                         load<double>(data) / static_cast<double>(normal));
    case 16: {
        // The x87 format: its ten bytes are a valid long double whatever they hold, or a NaN.
        auto value = load<long double>(data);
        return formatted(spec + "L" + field.conversion.letter,
                         value / static_cast<long double>(normal));
    }
    default: return mismatch(field, data);
    }
}

static std::string utf8(std::uint32_t code) {
    auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80)
        return {static_cast<char>(code)};
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return "\xef\xbf\xbd"; // not a character: U+FFFD
    if (code < 0x800)
        return {static_cast<char>(0xc0 | code >> 6), tail(0)};
    if (code < 0x10000)
        return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
    return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

static std::string wide_text(Bytes data) {
    std::string out;
    for (std::size_t i = 0; i + 4 <= data.size(); i += 4) {
        auto code = load<std::uint32_t>(data, i);
        if (code == 0)
            break;
        out += utf8(code);
    }
    return out;
}

static void escape(std::string& out, char c) {
    static constexpr std::string_view from = std::string_view("\0\a\b\f\n\r\t\v\"\\", 10),
                                      to = "0abfnrtv\"\\";
    auto index = from.find(c);
    auto byte = static_cast<unsigned char>(c);
    if (index != std::string_view::npos)
        out += {'\\', to[index]};
    else if (byte < ' ' || byte > '~')
        out += fmt::format("\\{:03o}", byte);
    else
        out += c;
}

std::string escaped(Bytes bytes) {
    std::string out;
    for (std::byte byte : bytes) {
        escape(out, static_cast<char>(byte));
        if (byte == std::byte{0})
            break;
    }
    return out;
}

static Text character(const Field& field, Bytes data) {
    auto value = signed_integer(data);
    if (!value || (field.conversion.style == Style::escaped_char && data.size() > 4))
        return mismatch(field, data);
    switch (field.conversion.style) {
    case Style::escaped_char: return padded(field, escaped(data.first(1)));
    case Style::wide_char: return padded(field, utf8(static_cast<std::uint32_t>(*value)));
    default: break;
    }
    Field whole{field.conversion, field.width, 0}; // a precision has no meaning here
    return padded(whole, std::string(1, static_cast<char>(*value)));
}

static Text address(const Print& print, const Field& field, Bytes data) {
    bool user = field.conversion.style == Style::user_address;
    if (user && data.size() == 16)
        return padded(
            field,
            print.symbols.user(load<std::uint64_t>(data), load<std::uint64_t>(data, 8)).text);
    if (data.size() != 4 && data.size() != 8)
        return mismatch(field, data);
    std::uint64_t value = *unsigned_integer(data);
    return padded(field,
                  user ? print.symbols.user(0, value).text : print.symbols.kernel(value).text);
}

static Text time_text(const Field& field, Bytes data) {
    if (data.size() != 8)
        return mismatch(field, data);
    auto seconds = static_cast<std::time_t>(load<std::int64_t>(data) / 1'000'000'000);
    std::tm local{};
    char buffer[128] = "";
    bool rfc822 = field.conversion.style == Style::time822;
    if (localtime_r(&seconds, &local) != nullptr)
        std::strftime(buffer, sizeof buffer, rfc822 ? "%a, %d %b %G %T %Z" : "%Y %b %e %H:%M:%S",
                      &local);
    return padded(field, buffer);
}

Text stack_text(const Print& print, const RecordInfo& record, Bytes data, const Field* field) {
    auto frames = stack_frames(record, data, print.symbols);
    if (!frames)
        return std::unexpected(frames.error());
    // Left-justified by %k, the width is the indentation; else the indentation is 0.
    auto indent =
        static_cast<int>(std::min<std::uint64_t>(print.settings.stackindent, field_limit));
    Conversion plain;
    plain.left = true;
    Field line{field != nullptr ? field->conversion : plain, 0, 0};
    if (field != nullptr) {
        bool left = field->width < 0 || field->conversion.left;
        indent = left ? std::min(std::abs(field->width), field_limit) : 0;
        line.width = left ? 0 : field->width;
        line.precision = field->precision;
    }
    std::string out =
        is_user_stack(static_cast<ActionKind>(record.kind)) && (record.arg & 0xffffffff) == 0
            ? ""
            : "\n";
    std::string margin(static_cast<std::size_t>(indent), ' ');
    for (const StackFrame& frame : *frames) {
        out += margin + padded(line, frame.symbol.text) + "\n";
        if (!frame.annotation.empty())
            out += margin + padded(line, "  [ " + frame.annotation + " ]") + "\n";
    }
    return out;
}

/// What avg() and stddev() have become, by an integer conversion.
static Text whole_number(const Field& field, Bytes data, std::uint64_t value) {
    if (field.conversion.style == Style::signed_number)
        return formatted(specification(field) + "lld", static_cast<long long>(value));
    if (field.conversion.style == Style::number)
        return number_text(field, value);
    return mismatch(field, data);
}

/// Records whose kind decides, whatever the conversion is.
static std::optional<Text> by_kind(const Print& print, const Field& field, const RecordInfo& record,
                                   Bytes data, std::uint64_t normal) {
    auto kind = static_cast<ActionKind>(record.kind);
    switch (kind) {
    case ActionKind::AVG:
        if (data.size() != 16)
            return Text(mismatch(field, data));
        return whole_number(field, data, average_unsigned(data, normal));
    case ActionKind::STDDEV:
        if (data.size() != 32)
            return Text(mismatch(field, data));
        return whole_number(field, data, standard_deviation(data, normal));
    case ActionKind::QUANTIZE:
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: return picture(kind, data, normal, print.settings.picture);
    case ActionKind::MOD:
    case ActionKind::UMOD: return padded(field, symbol_text(kind, data, print.symbols));
    default: return std::nullopt;
    }
}

Text convert(const Print& print, const Field& field, const RecordInfo& record, Bytes data,
             std::uint64_t normal) {
    if (auto text = by_kind(print, field, record, data, normal))
        return *text;
    switch (field.conversion.style) {
    case Style::none: return "";
    case Style::percent: return "%";
    case Style::signed_number: return signed_number(field, data, normal);
    case Style::number: return number(field, data, normal);
    case Style::floating: return floating(field, data, normal);
    case Style::character:
    case Style::escaped_char:
    case Style::wide_char: return character(field, data);
    case Style::string:
    case Style::inet_address: return padded(field, text(data));
    case Style::escaped_string: return padded(field, escaped(data));
    case Style::wide_string: return padded(field, wide_text(data));
    case Style::kernel_address:
    case Style::user_address: return address(print, field, data);
    case Style::port:
        return data.size() < 2 ? Text(mismatch(field, data))
                               : padded(field, std::to_string(load<std::uint16_t>(data)));
    case Style::time:
    case Style::time822: return time_text(field, data);
    case Style::stack:
        return is_stack(static_cast<ActionKind>(record.kind))
                   ? stack_text(print, record, data, &field)
                   : Text(mismatch(field, data));
    }
    return "";
}

} // namespace difjit::consumer
