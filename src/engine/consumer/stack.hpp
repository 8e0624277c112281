// SPDX-License-Identifier: BSD-2-Clause
// Stacks: stack(), ustack() and jstack() records, and single addresses of sym(), usym() and theirs.
//
// Follows dt_print_stack, dt_print_ustack, dt_print_usym, dt_print_umod, dt_print_sym and
// dt_print_mod of dt_consume.c. Covered by tests/engine/consumer/cases/{stack,sym}*.
#ifndef DIFJIT_ENGINE_CONSUMER_STACK_HPP
#define DIFJIT_ENGINE_CONSUMER_STACK_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <difjit/session.hpp>

#include "dif/actions.hpp"
#include "engine/consumer/bytes.hpp"
#include "engine/consumer/symbols.hpp"

namespace difjit::consumer {

struct StackFrame {
    Symbol symbol;
    std::string annotation; ///< jstack(): "@note", without its '@'
};

constexpr bool is_stack(ActionKind kind) {
    return kind == ActionKind::STACK || kind == ActionKind::USTACK || kind == ActionKind::JSTACK;
}
constexpr bool is_user_stack(ActionKind kind) {
    return kind == ActionKind::USTACK || kind == ActionKind::JSTACK;
}

/// The frames of a stack record, up to the first 0. Error: size and argument don't fit.
Result<std::vector<StackFrame>> stack_frames(const RecordInfo& record, Bytes data,
                                             const Symbols& symbols);

/// One of sym, mod, usym, umod, uaddr?
constexpr bool is_symbol(ActionKind kind) {
    return kind == ActionKind::SYM || kind == ActionKind::MOD || kind == ActionKind::USYM ||
           kind == ActionKind::UMOD || kind == ActionKind::UADDR;
}

/// The symbol of such a record, and what the action prints of it.
Symbol symbol_of(ActionKind kind, Bytes data, const Symbols& symbols);
std::string symbol_text(ActionKind kind, Bytes data, const Symbols& symbols);

} // namespace difjit::consumer

#endif
