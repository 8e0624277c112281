// SPDX-License-Identifier: BSD-2-Clause
// Built-in variables: the enum, the table and the numbers of each dialect that variables.def makes.
//
// Freestanding. Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_VARIABLES_HPP
#define DIFJIT_DIF_VARIABLES_HPP

#include <cstdint>

#include "dif/columns.hpp"

namespace difjit {

/// DIF_VAR_*, with FreeBSD's numbers.
enum class Var : std::uint16_t {
#define DIF_VARIABLE(name, value, ...) name = value,
#include "dif/variables.def"
    INVALID = 0xffff
};

/// One row of variables.def.
struct VariableRow {
    Var var;
    std::uint16_t numbers[DIFJIT_NDIALECTS]; ///< by dialect; no_variable: it has none
    const char* name;
    std::uint8_t kind; ///< DIFJIT_VAR_KIND_*
    VarType type;
    Origin origin;                         ///< on FreeBSD
    Privilege privilege[DIFJIT_NDIALECTS]; ///< by dialect
    bool thread_only;
    std::uint32_t faults; ///< beyond those of the privilege
    const char* meaning;
    const char* source;
};

inline constexpr std::uint16_t no_variable = 0xffff;

namespace detail::variables {
using namespace column;
inline constexpr VariableRow rows[] = {
#define DIF_VARIABLE(name, value, freebsd, freebsd11, illumos, text, kind, type, origin,           \
                     privilege, privilege_illumos, thread_only, faults, meaning, source)           \
    {Var::name,                                                                                    \
     {freebsd, freebsd11, illumos},                                                                \
     text,                                                                                         \
     DIFJIT_VAR_KIND_##kind,                                                                       \
     VarType::type,                                                                                \
     Origin::origin,                                                                               \
     {Privilege::privilege, Privilege::privilege, Privilege::privilege_illumos},                   \
     thread_only,                                                                                  \
     faults,                                                                                       \
     meaning,                                                                                      \
     source},
#include "dif/variables.def"
};
} // namespace detail::variables

/// All rows.
inline constexpr auto& variable_rows = detail::variables::rows;
inline constexpr std::uint32_t variable_count = sizeof(variable_rows) / sizeof(variable_rows[0]);

/// The row of a variable, or nullptr for INVALID and numbers that are none.
constexpr const VariableRow* variable_row(Var var) {
    for (const VariableRow& row : variable_rows)
        if (row.var == var)
            return &row;
    return nullptr;
}

/// The dialect's number, or no_variable.
constexpr std::uint16_t var_id(Dialect dialect, Var var) {
    const VariableRow* row = variable_row(var);
    return row != nullptr ? row->numbers[static_cast<unsigned>(dialect)] : no_variable;
}

/// The built-in that a dialect means by a variable id, or INVALID (user variables too).
constexpr Var var_from_id(Dialect dialect, std::uint32_t id) {
    if (id >= DIFJIT_USER_VARIABLE_BASE || static_cast<unsigned>(dialect) >= DIFJIT_NDIALECTS)
        return Var::INVALID;
    for (const VariableRow& row : variable_rows)
        if (row.numbers[static_cast<unsigned>(dialect)] == id)
            return row.var;
    return Var::INVALID;
}

} // namespace difjit

#endif
