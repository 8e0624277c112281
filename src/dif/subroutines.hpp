// SPDX-License-Identifier: BSD-2-Clause
// Subroutines: the enum, the table and the numbers of each dialect that subroutines.def makes.
//
// Freestanding. Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_SUBROUTINES_HPP
#define DIFJIT_DIF_SUBROUTINES_HPP

#include <cstdint>

#include "dif/columns.hpp"

namespace difjit {

/// DIF_SUBR_* in the default dialect's numbering; what only other dialects have comes after it.
enum class Subr : std::uint8_t {
#define DIF_SUBROUTINE(name, ...) name,
#include "dif/subroutines.def"
    INVALID = 255
};

/// One row of subroutines.def.
struct SubroutineRow {
    Subr subr;
    std::uint16_t numbers[DIFJIT_NDIALECTS]; ///< by dialect; no_subroutine: it has none
    const char* name;
    std::uint8_t minimum, maximum; ///< arguments
    const char* arguments;         ///< one Argument a character
    SubrResult result;
    std::uint32_t faults;  ///< DIFJIT_FAULT_*
    std::uint32_t effects; ///< column::LOADS ...
    const char* meaning;
    const char* source;
};

inline constexpr std::uint16_t no_subroutine = 0xffff;

namespace detail::subroutines {
using namespace column;
inline constexpr SubroutineRow rows[] = {
#define DIF_SUBROUTINE(name, freebsd, freebsd11, illumos, text, minimum, maximum, arguments,       \
                       result, faults, effects, meaning, source)                                   \
    {Subr::name,                                                                                   \
     {freebsd, freebsd11, illumos},                                                                \
     text,                                                                                         \
     minimum,                                                                                      \
     maximum,                                                                                      \
     arguments,                                                                                    \
     SubrResult::result,                                                                           \
     faults,                                                                                       \
     effects,                                                                                      \
     meaning,                                                                                      \
     source},
#include "dif/subroutines.def"
};
} // namespace detail::subroutines

/// All rows; the index of a row is its Subr.
inline constexpr auto& subroutine_rows = detail::subroutines::rows;
inline constexpr std::uint32_t subroutine_count =
    sizeof(subroutine_rows) / sizeof(subroutine_rows[0]);
static_assert(subroutine_count <= DIFJIT_NHELPERS - DIFJIT_HELPER_SUBR_BASE);

/// The row of a subroutine that is not INVALID.
constexpr const SubroutineRow& subroutine_row(Subr subr) {
    return subroutine_rows[static_cast<unsigned>(subr)];
}

/// The dialect's number, or no_subroutine.
constexpr std::uint16_t subr_number(Dialect dialect, Subr subr) {
    return subroutine_row(subr).numbers[static_cast<unsigned>(dialect)];
}

/// DIF_SUBR_MAX of the dialect.
constexpr std::uint32_t subr_max(Dialect dialect) {
    switch (dialect) {
    case Dialect::freebsd: return 53;
    case Dialect::freebsd11: return 54;
    case Dialect::illumos: return 48;
    }
    return 0;
}

/// The subroutine that a dialect means by a number, or INVALID.
constexpr Subr subr_from_number(Dialect dialect, std::uint32_t number) {
    if (number >= no_subroutine || static_cast<unsigned>(dialect) >= DIFJIT_NDIALECTS)
        return Subr::INVALID;
    if (number < subroutine_count &&
        subroutine_rows[number].numbers[static_cast<unsigned>(dialect)] == number)
        return subroutine_rows[number].subr; // most numbers agree everywhere
    for (const SubroutineRow& row : subroutine_rows)
        if (row.numbers[static_cast<unsigned>(dialect)] == number)
            return row.subr;
    return Subr::INVALID;
}

/// What argument n (from 0) is.
constexpr Argument subr_argument(Subr subr, unsigned n) {
    const SubroutineRow& row = subroutine_row(subr);
    return n < row.maximum ? static_cast<Argument>(row.arguments[n]) : Argument::NONE;
}

} // namespace difjit

#endif
