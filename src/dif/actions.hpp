// SPDX-License-Identifier: BSD-2-Clause
// Actions: the enum and names that actions.def makes, and the classes of dtrace.h.
//
// Freestanding. Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_ACTIONS_HPP
#define DIFJIT_DIF_ACTIONS_HPP

#include <cstdint>

#include "dif/subroutines.hpp"

namespace difjit {

/// DTRACEACT_* and DTRACEAGG_*.
enum class ActionKind : std::uint32_t {
#define DTRACE_ACTION(name, number, ...) name = number,
#include "dif/actions.def"
};

/// One row of actions.def.
struct ActionRow {
    ActionKind kind;
    const char* name;
    bool printf_like;
    const char* meaning;
};

inline constexpr ActionRow action_rows[] = {
#define DTRACE_ACTION(name, number, text, printf_like, meaning)                                    \
    {ActionKind::name, text, printf_like, meaning},
#include "dif/actions.def"
};

/// The row of an action, or nullptr where the number is no action's.
constexpr const ActionRow* action_row(ActionKind kind) {
    for (const ActionRow& row : action_rows)
        if (row.kind == kind)
            return &row;
    return nullptr;
}

/// Its name in DIF text, or nullptr.
constexpr const char* name(ActionKind kind) {
    const ActionRow* row = action_row(kind);
    return row != nullptr ? row->name : nullptr;
}

/// DTRACEACT_CLASS.
constexpr std::uint32_t action_class(ActionKind kind) {
    return static_cast<std::uint32_t>(kind) & 0xff00;
}

constexpr bool is_aggregation(ActionKind kind) {
    return action_class(kind) == 0x700;
}
constexpr bool is_speculative(ActionKind kind) {
    return action_class(kind) == 0x600;
}
constexpr bool is_destructive(ActionKind kind) {
    return action_class(kind) == 0x200 || action_class(kind) == 0x500;
}
constexpr bool is_printf_like(ActionKind kind) {
    const ActionRow* row = action_row(kind);
    return row != nullptr && row->printf_like;
}

/// What a LIBACT action asks of the consumer.
enum class LibAction : std::uint8_t {
#define DTRACE_LIBACT(name, index, ...) name = index,
#include "dif/actions.def"
    INVALID = 255
};

/// DT_ACT(n): a LIBACT action's argument.
constexpr std::uint64_t libact_argument(Dialect dialect, LibAction action) {
    return subr_max(dialect) + 1 + static_cast<std::uint64_t>(action);
}

/// The library action that a LIBACT argument means in a dialect, or INVALID.
constexpr LibAction libact_from_argument(Dialect dialect, std::uint64_t argument) {
    switch (argument - subr_max(dialect) - 1) {
#define DTRACE_LIBACT(name, index, ...)                                                            \
    case index: return LibAction::name;
#include "dif/actions.def"
    default: return LibAction::INVALID;
    }
}

} // namespace difjit

#endif
