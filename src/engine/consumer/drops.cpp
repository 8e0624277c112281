// SPDX-License-Identifier: BSD-2-Clause
// Messages about lost data and about faults; see drops.hpp.
#include "engine/consumer/drops.hpp"

#include <fmt/format.h>

namespace difjit::consumer {

static const char* plural(std::uint64_t count) {
    return count > 1 ? "s" : "";
}

Drop cpu_drop(DropKind kind, std::uint32_t cpu, std::uint64_t count, std::uint64_t total) {
    Drop drop{static_cast<std::uint32_t>(kind), cpu, count, total, 0, ""};
    drop.message =
        fmt::format("{} {}drop{} on CPU {}", count,
                    kind == DropKind::aggregation ? "aggregation " : "", plural(count), cpu);
    return drop;
}

namespace {
struct StatusRow {
    DropKind kind;
    std::uint64_t Status::* counter;
    const char* what;
    const char* hint;
};

constexpr StatusRow status_rows[] = {
    {DropKind::dynamic, &Status::dynamic_drops, "dynamic variable drop", ""},
    {DropKind::dynamic_rinsing, &Status::dynamic_rinsing_drops, "dynamic variable drop",
     " with non-empty rinsing list"},
    {DropKind::dynamic_dirty, &Status::dynamic_dirty_drops, "dynamic variable drop",
     " with non-empty dirty list"},
    {DropKind::speculation, &Status::speculation_drops, "speculative drop", ""},
    {DropKind::speculation_busy, &Status::speculation_busy, "failed speculation",
     " (available buffer(s) still busy)"},
    {DropKind::speculation_unavailable, &Status::speculation_unavailable, "failed speculation",
     " (no speculative buffer available)"},
};

struct FaultRow {
    std::uint64_t code;
    std::uint32_t bit;
    const char* text;
};

constexpr FaultRow fault_rows[] = {
#define DIFJIT_FAULT(name, bit, code, meaning) {code, bit, meaning},
#include <difjit/faults.def>
};
} // namespace

std::vector<Drop> status_drops(const Status& before, const Status& now) {
    std::vector<Drop> drops;
    for (const StatusRow& row : status_rows) {
        std::uint64_t total = now.*row.counter;
        if (total <= before.*row.counter)
            continue;
        std::uint64_t count = total - before.*row.counter;
        drops.push_back({static_cast<std::uint32_t>(row.kind), -1, count, total, 0,
                         fmt::format("{} {}{}{}", count, row.what, plural(count), row.hint)});
    }
    return drops;
}

/// "error on enabled probe ID 2 (ID 5: syscall::write:entry): "
static std::string error_prefix(std::uint32_t epid, const ProbeInfo& probe) {
    return fmt::format("error on enabled probe ID {} (ID {}: {}:{}:{}:{}): ", epid, probe.id,
                       probe.provider, probe.module, probe.function, probe.name);
}

static std::string fault_text(std::uint64_t code, std::uint64_t address) {
    constexpr std::uint32_t with_address =
        DIFJIT_FAULT_BADADDR | DIFJIT_FAULT_BADALIGN | DIFJIT_FAULT_BADSTACK;
    for (const FaultRow& row : fault_rows)
        if (row.code == code)
            return row.text + ((row.bit & with_address) != 0 ? fmt::format(" (0x{:x})", address)
                                                             : std::string());
    return "unknown fault";
}

Result<std::string> error_message(const Session& session, const Firing& firing) {
    const EcbInfo& ecb = *firing.ecb;
    const auto bad = [] { return fail("Invalid library ERROR action"); };
    if (ecb.records.size() != 5 || ecb.probe.provider != "dtrace" || ecb.probe.name != "ERROR")
        return bad();
    std::uint64_t values[5];
    for (std::size_t i = 0; i < 5; i++) {
        auto data = slice(firing.data, ecb.records[i].offset, ecb.records[i].size);
        if (!data || data->size() != sizeof values[i])
            return bad();
        values[i] = load<std::uint64_t>(*data);
    }
    auto [epid, action, offset, fault, address] = values;
    const EcbInfo* failed = session.ecb(static_cast<std::uint32_t>(epid));
    if (failed == nullptr)
        return bad();
    auto number = static_cast<std::int32_t>(action), at = static_cast<std::int32_t>(offset);
    return error_prefix(static_cast<std::uint32_t>(epid), failed->probe) +
           fault_text(fault, address) +
           (number == 0 ? " in predicate" : fmt::format(" in action #{}", number)) +
           (at == -1 ? std::string() : fmt::format(" at DIF offset {}", at));
}

std::string library_error(const EcbInfo& ecb, const std::string& what) {
    return error_prefix(ecb.epid, ecb.probe) + what;
}

} // namespace difjit::consumer
