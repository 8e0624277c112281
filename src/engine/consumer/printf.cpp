// SPDX-License-Identifier: BSD-2-Clause
// A whole format applied to records; see printf.hpp.
#include "engine/consumer/printf.hpp"

#include <algorithm>

namespace difjit::consumer {

namespace {

class FormatPrinter {
  public:
    FormatPrinter(const Print& print, Arguments arguments, std::span<const ValueView> values)
        : print_(print), arguments_(arguments), values_(values) {}

    Result<Printed> run(const Format& format) {
        for (const Conversion& conversion : format) {
            result_.text += conversion.prefix;
            if (conversion.style == Style::none)
                continue;
            if (conversion.style == Style::percent) {
                result_.text += '%';
                continue;
            }
            if (auto done = one(conversion); !done)
                return std::unexpected(done.error());
        }
        // A format without conversions has one record, which only says that the action ran.
        if (format.size() == 1 && format[0].style == Style::none)
            result_.used = arguments_.records.empty() ? 0 : 1;
        return std::move(result_);
    }

  private:
    static std::unexpected<Error> too_few() {
        return fail("Data record list does not match statement (the format has more conversions "
                    "than there are records)");
    }

    Result<void> one(const Conversion& conversion) {
        Field field{conversion, conversion.width, conversion.precision};
        if (conversion.dynamic_width)
            if (auto done = number(field.width); !done)
                return done;
        if (conversion.dynamic_precision)
            if (auto done = number(field.precision); !done)
                return done;
        if (conversion.aggregation) {
            if (values_.empty())
                return fail(
                    "Data record list does not match statement (%@ without an aggregation)");
            const ValueView& view = values_[std::min(value_++, values_.size() - 1)];
            return append(convert(print_, field, view.record(), view.value(), view.normal));
        }
        auto argument = next();
        if (!argument)
            return std::unexpected(argument.error());
        return append(convert(print_, field, *argument->first, argument->second, 1));
    }

    Result<std::pair<const RecordInfo*, Bytes>> next() {
        if (result_.used >= arguments_.records.size())
            return too_few();
        const RecordInfo& record = arguments_.records[result_.used++];
        auto data = slice(arguments_.data, record.offset, record.size);
        if (!data)
            return fail("Data record offset exceeds buffer boundary");
        return std::pair(&record, *data);
    }

    /// The value of a '*'.
    Result<void> number(int& out) {
        auto argument = next();
        if (!argument)
            return std::unexpected(argument.error());
        auto value = signed_integer(argument->second);
        if (!value)
            return fail("Data record list does not match statement (a '*' needs an integer)");
        out = std::clamp(static_cast<std::int32_t>(*value), -field_limit, field_limit);
        return {};
    }

    Result<void> append(Result<std::string> text) {
        if (!text)
            return std::unexpected(text.error());
        result_.text += *text;
        return {};
    }

    const Print& print_;
    Arguments arguments_;
    std::span<const ValueView> values_;
    std::size_t value_ = 0;
    Printed result_;
};

} // namespace

Result<Printed> print_format(const Print& print, const Format& format, Arguments arguments,
                             std::span<const ValueView> values) {
    return FormatPrinter(print, arguments, values).run(format);
}

} // namespace difjit::consumer
