// SPDX-License-Identifier: BSD-2-Clause
// Run-time options: their values, and how -x and an options DOF set them.
//
// Follows dt_options.c (names and spelling), dtrace_state_option and dtrace_state_create (limits
// and defaults), and dtrace(1), which sets bufsize and aggsize to 4m and temporal. Names and kinds
// come from src/dif/options.def. Covered by tests/engine/test_options.cpp.
#ifndef DIFJIT_ENGINE_OPTIONS_HPP
#define DIFJIT_ENGINE_OPTIONS_HPP

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <difjit/error.hpp>
#include <difjit/session.hpp>

#include "dif/options.hpp"

namespace difjit::engine {

inline constexpr OptionValue bufpolicy_ring = 0, bufpolicy_fill = 1, bufpolicy_switch = 2;
inline constexpr OptionValue bufresize_auto = 0, bufresize_manual = 1;

class Options {
  public:
    Options();

    OptionValue operator[](OptionId id) const { return values_[static_cast<std::size_t>(id)]; }
    OptionValue at(std::uint32_t number) const {
        return number < values_.size() ? values_[number] : option_unset;
    }
    bool is_set(OptionId id) const { return (*this)[id] != option_unset; }
    /// A size or count, 0 where it is not set.
    OptionValue count(OptionId id) const { return is_set(id) ? (*this)[id] : 0; }
    void put(OptionId id, OptionValue value) { values_[static_cast<std::size_t>(id)] = value; }

    /// `-x name=value`. `active`: the session runs, only dynamic options change. An empty value is
    /// an option without one.
    Result<void> set(std::string_view name, std::string_view value, bool active);

    /// An entry of an options DOF.
    Result<void> set(std::uint32_t number, std::uint64_t value);

  private:
    std::array<OptionValue, option_count> values_;
};

/// "4m" and "0x1000"; "10ms", "101hz" and plain nanoseconds. Total.
std::optional<OptionValue> parse_size(std::string_view text);
std::optional<OptionValue> parse_rate(std::string_view text);

// What libdtrace says (dt_error.c); the caller says which option.
inline constexpr const char* bad_option_name = "Invalid option name";
inline constexpr const char* bad_option_value = "Invalid value for specified option";
inline constexpr const char* option_while_active = "Operation illegal when tracing is active";

} // namespace difjit::engine

#endif
