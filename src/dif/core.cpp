// SPDX-License-Identifier: BSD-2-Clause
// Compiles all tables in the core's way and checks what the headers rely on.
//
// The tables are constexpr in their headers; here is what can be proven once, at compile time. What
// needs a message is in tests/dif/tables_test.cpp.
#include "dif/actions.hpp"
#include "dif/instruction.hpp"
#include "dif/opcodes.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit {

namespace {

consteval bool opcodes_in_order() {
    for (std::uint32_t i = 0; i < opcode_count; i++)
        if (static_cast<std::uint32_t>(opcode_rows[i].op) != i + 1)
            return false;
    return true;
}

consteval bool subroutines_in_order() {
    for (std::uint32_t i = 0; i < subroutine_count; i++) {
        const std::uint16_t number = subroutine_rows[i].numbers[0];
        if (static_cast<std::uint32_t>(subroutine_rows[i].subr) != i ||
            (number != no_subroutine && number != i))
            return false;
    }
    return true;
}

consteval bool options_in_order() {
    for (std::uint32_t i = 0; i < option_count; i++)
        if (static_cast<std::uint32_t>(option_rows[i].id) != i)
            return false;
    return true;
}

static_assert(opcode_count == 79 && opcodes_in_order());
static_assert(subroutines_in_order());
static_assert(options_in_order());

} // namespace

} // namespace difjit
