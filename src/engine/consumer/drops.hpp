// SPDX-License-Identifier: BSD-2-Clause
// Messages about lost data and about faults.
//
// Follows dt_handle_cpudrop, dt_handle_status, dt_handle_err and dt_handle_liberr of dt_handle.c
// and dtrace_faultstr of dt_error.c. Covered by tests/engine/consumer/cases/{drops,errors}*.
#ifndef DIFJIT_ENGINE_CONSUMER_DROPS_HPP
#define DIFJIT_ENGINE_CONSUMER_DROPS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <difjit/session.hpp>

#include "engine/consumer/bytes.hpp"
#include "engine/consumer/printer.hpp"

namespace difjit::consumer {

/// DTRACEDROP_* of dtrace.h.
enum class DropKind : std::uint32_t {
    principal,
    aggregation,
    dynamic,
    dynamic_rinsing,
    dynamic_dirty,
    speculation,
    speculation_busy,
    speculation_unavailable,
    stack_strings,
    double_error
};

/// Drops of one CPU's buffers, or nothing where there are none.
Drop cpu_drop(DropKind kind, std::uint32_t cpu, std::uint64_t count, std::uint64_t total);

/// What has been lost since the status before.
std::vector<Drop> status_drops(const Status& before, const Status& now);

/// What a firing of libdtrace's own dtrace:::ERROR clause says. Error: it is not one.
Result<std::string> error_message(const Session& session, const Firing& firing);

/// What is said of a library action that could not be carried out.
std::string library_error(const EcbInfo& ecb, const std::string& what);

} // namespace difjit::consumer

#endif
