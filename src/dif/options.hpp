// SPDX-License-Identifier: BSD-2-Clause
// Run-time options: the enum and names that options.def makes.
//
// Freestanding. Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_OPTIONS_HPP
#define DIFJIT_DIF_OPTIONS_HPP

#include <cstdint>

#include "dif/columns.hpp"

namespace difjit {

/// DTRACEOPT_*.
enum class OptionId : std::uint32_t {
#define DTRACE_OPTION(name, number, ...) name = number,
#include "dif/options.def"
    MAX
};

/// One row of options.def.
struct OptionRow {
    OptionId id;
    const char* name;
    OptionKind kind;
    bool dynamic;
    const char* meaning;
};

/// All rows; the index of a row is its number.
inline constexpr OptionRow option_rows[] = {
#define DTRACE_OPTION(name, number, text, kind, dynamic, meaning)                                  \
    {OptionId::name, text, OptionKind::kind, dynamic, meaning},
#include "dif/options.def"
};
inline constexpr std::uint32_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

/// DTRACEOPT_UNSET, as it lies in DOF.
inline constexpr std::uint64_t option_unset = static_cast<std::uint64_t>(-2);

/// The row of an option, or nullptr where the number is no option's.
constexpr const OptionRow* option_row(std::uint32_t number) {
    return number < option_count ? &option_rows[number] : nullptr;
}

} // namespace difjit

#endif
