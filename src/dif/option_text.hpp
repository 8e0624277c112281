// SPDX-License-Identifier: BSD-2-Clause
// Values of run-time options and names of actions as a person writes them.
//
// Follows dt_opt_size, dt_opt_rate, dt_opt_runtime and the two policies of dt_options.c; a size or
// a rate that does not fit 63 bits is refused. Tested in tests/dif/option_test.cpp.
#ifndef DIFJIT_DIF_OPTION_TEXT_HPP
#define DIFJIT_DIF_OPTION_TEXT_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include "dif/actions.hpp"
#include "dif/options.hpp"

namespace difjit::text {

/// The option of that name, or nullptr.
const OptionRow* find_option(std::string_view name);

/// "4m", "10ms", "101hz", "ring", "yes", "0x10", "unset": the option's value, or nothing.
std::optional<std::uint64_t> parse_option(const OptionRow& option, std::string_view value);

/// trunc, clear, normalize...; INVALID where it is none.
LibAction find_library_action(std::string_view name);
/// And back; nullptr for INVALID.
const char* library_action_name(LibAction action);

} // namespace difjit::text

#endif
