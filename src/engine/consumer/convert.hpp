// SPDX-License-Identifier: BSD-2-Clause
// One conversion of a format applied to one record.
//
// Follows the pfprint_* functions of dt_printf.c. Numbers take their size from the record, so no
// format can read past it. Covered by tests/engine/consumer/cases/printf*.
#ifndef DIFJIT_ENGINE_CONSUMER_CONVERT_HPP
#define DIFJIT_ENGINE_CONSUMER_CONVERT_HPP

#include <cstdint>
#include <string>

#include <difjit/session.hpp>

#include "engine/consumer/bytes.hpp"
#include "engine/consumer/format.hpp"
#include "engine/consumer/settings.hpp"
#include "engine/consumer/symbols.hpp"

namespace difjit::consumer {

/// What every printing function needs.
struct Print {
    const Symbols& symbols;
    const Settings& settings;
};

/// A conversion whose '*' have their values.
struct Field {
    const Conversion& conversion;
    int width = 0; ///< negative: left-justified
    int precision = 0;
};

/// The text of `data`. Error: the conversion does not take a record of this size or kind.
Result<std::string> convert(const Print& print, const Field& field, const RecordInfo& record,
                            Bytes data, std::uint64_t normal);

/// A stack as it is printed: each frame on a line of its own, by `field` where there is one.
Result<std::string> stack_text(const Print& print, const RecordInfo& record, Bytes data,
                               const Field* field = nullptr);

/// strchr2esc: up to the first NUL, which is shown too, with C's escapes.
std::string escaped(Bytes bytes);

} // namespace difjit::consumer

#endif
