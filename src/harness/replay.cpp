// SPDX-License-Identifier: BSD-2-Clause
// Replay: a program over recorded firings, every answer written down.
#include "harness/replay.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "dif/actions.hpp"
#include "engine/engine.hpp"
#include "harness/json_text.hpp"
#include "harness/trace.hpp"

namespace difjit::harness {

namespace {

/// DTRACEACT_* or DTRACEAGG_* without the prefix.
std::string kind_name(std::uint32_t kind) {
    switch (static_cast<ActionKind>(kind)) {
#define DTRACE_ACTION(name, number, ...)                                                           \
    case ActionKind::name: return #name;
#include "dif/actions.def"
    }
    return fmt::format("{:#x}", kind);
}

/// pc of a fault; -1 where no instruction was at fault (by-ref data was being stored).
std::int64_t fault_pc(const difjit_frame& frame) {
    if (frame.fault_offset == 0xffffffff)
        return -1;
    return frame.fault_offset / sizeof(std::uint32_t);
}

/// An address or value; inside scratch memory from its start.
void append_address(std::string& out, const difjit_frame& frame, std::uint64_t address) {
    if (address - frame.scratch_base < frame.scratch_size)
        fmt::format_to(std::back_inserter(out), "\"scratch+{:#x}\"", address - frame.scratch_base);
    else
        append_integer(out, address);
}

/// The fault or the drop that stands in a value's place; false without one.
bool append_failure(std::string& out, const difjit_frame& frame) {
    std::string_view kind = fault_name(frame.flags);
    if (!kind.empty()) {
        fmt::format_to(std::back_inserter(out), "\"fault\":{{\"kind\":\"{}\",\"illval\":", kind);
        append_address(out, frame, frame.illval);
        fmt::format_to(std::back_inserter(out), ",\"pc\":{}}}", fault_pc(frame));
        return true;
    }
    if ((frame.flags & DIFJIT_FLAG_DROP) != 0) {
        out += "\"drop\":true";
        return true;
    }
    return false;
}

/// Is what the DIFO returned an answer by itself? Not an address, and not nothing; but the
/// increment of an aggregation has a return type of size 0 and counts.
bool has_value(const engine::Ecb& ecb, std::uint32_t i) {
    const engine::Action& action = ecb.actions[i];
    auto kind = static_cast<ActionKind>(action.kind);
    if (is_aggregation(kind) || is_speculative(kind))
        return true;
    if ((action.difo->rtype.flags & (DIFJIT_TF_BYREF | DIFJIT_TF_BYUREF)) != 0)
        return false;
    if (action.difo->rtype.size != 0)
        return true;
    return action.in_tuple && i + 1 < ecb.nactions &&
           is_aggregation(static_cast<ActionKind>(ecb.actions[i + 1].kind));
}

/// Writes the lines while the engine runs.
class Recorder final : public engine::Observer {
  public:
    Recorder(const LineSink& sink, std::size_t necbs) : sink_(sink), necbs_(necbs) {}

    void firing(std::size_t number, std::uint32_t probe_id) {
        firing_ = number;
        probe_id_ = probe_id;
    }
    [[nodiscard]] bool stopped() const { return stopped_; }

    void begin(const engine::Ecb& ecb, difjit_frame& frame) override {
        std::memset(reinterpret_cast<void*>(frame.scratch_base), 0, frame.scratch_size);
        frame.probe_id = probe_id_;
        line_ = fmt::format("{{\"firing\":{},\"ecb\":{},\"predicate\":", firing_, ecb.index);
        if (ecb.predicate == nullptr)
            line_ += "null";
        line_actions_.clear();
    }

    void predicate(const engine::Ecb&, std::uint64_t value, difjit_frame& frame) override {
        line_ += '{';
        if (!append_failure(line_, frame)) {
            line_ += "\"value\":";
            append_address(line_, frame, value);
        }
        line_ += '}';
    }

    void action(const engine::Ecb& ecb, std::uint32_t i, std::uint64_t value,
                const std::uint8_t* data, std::uint32_t size, difjit_frame& frame) override {
        std::string& out = line_actions_;
        fmt::format_to(std::back_inserter(out), "{}{{\"kind\":\"{}\"", out.empty() ? "" : ",",
                       kind_name(ecb.actions[i].kind));
        std::string failure;
        if (append_failure(failure, frame))
            out += "," + failure;
        else if (ecb.actions[i].difo != nullptr)
            answer(ecb, i, value, {reinterpret_cast<const std::byte*>(data), size}, frame);
        out += '}';
    }

    void end(const engine::Ecb& ecb, difjit_frame&) override {
        if (ecb.index >= necbs_) // the engine's own program, libdtrace's on dtrace:::ERROR
            return;
        line_ += ",\"actions\":[" + line_actions_ + "]}";
        stopped_ = stopped_ || !sink_(line_);
    }

  private:
    void answer(const engine::Ecb& ecb, std::uint32_t i, std::uint64_t value,
                std::span<const std::byte> data, const difjit_frame& frame) {
        if (has_value(ecb, i)) {
            line_actions_ += ",\"value\":";
            append_address(line_actions_, frame, value);
        }
        if (data.data() != nullptr && !data.empty()) {
            line_actions_ += ",\"record\":";
            append_bytes(line_actions_, data);
        }
    }

    const LineSink& sink_;
    std::size_t necbs_;
    std::size_t firing_ = 0;
    std::uint32_t probe_id_ = 1;
    bool stopped_ = false;
    std::string line_, line_actions_;
};

/// Makes dtrace_match_glob compare for equality.
std::string literal(const std::string& part) {
    std::string escaped;
    for (char c : part) {
        if (c == '*' || c == '?' || c == '[' || c == '\\')
            escaped += '\\';
        escaped += c;
    }
    return escaped;
}

Program with_literal_probes(Program program) {
    for (auto& ecb : program.ecbs) {
        ecb.probe.provider = literal(ecb.probe.provider);
        ecb.probe.module = literal(ecb.probe.module);
        ecb.probe.function = literal(ecb.probe.function);
        ecb.probe.name = literal(ecb.probe.name);
    }
    return program;
}

Result<std::unique_ptr<Session>> make_session(const Program& program, const Firings& firings,
                                              const ReplayOptions& options) {
    SessionOptions wanted;
    wanted.engine = options.engine;
    wanted.host = &harmless_host();
    wanted.ncpus = firings.ncpus();
    wanted.access = firings.setting.access();
    wanted.scratch_size = firings.setting.scratch;
    wanted.description_epids = true;
    wanted.predicate_cache = false;
    wanted.endless_buffers = true;
    wanted.fire_error = false;
    wanted.optimise = options.optimise;
    auto session = Session::create(wanted);
    if (!session)
        return session;
    if (auto done = (*session)->enable(with_literal_probes(program)); !done)
        return std::unexpected(done.error());
    const std::pair<const char*, std::string> settings[] = {
        {"strsize", std::to_string(firings.setting.strsize)},
        {"dynvarsize", "64m"}, // room enough
        {"nspec", "1"},
        {"destructive", "1"}, // the host is harmless
    };
    for (const auto& [name, value] : settings)
        if (auto done = (*session)->set_option(name, value); !done)
            return std::unexpected(done.error());
    return session;
}

/// Ids of the program's global scalars. The session's storage does not tell them from arrays.
std::set<std::uint32_t> global_scalars(const Program& program) {
    std::set<std::uint32_t> ids;
    for (const Difo& difo : program.difos)
        for (const difjit_var& variable : difo.vars)
            if (variable.scope == DIFJIT_SCOPE_GLOBAL && variable.kind == DIFJIT_VAR_KIND_SCALAR)
                ids.insert(variable.id);
    return ids;
}

std::string final_state(const Session& session, const std::set<std::uint32_t>& scalars) {
    std::string out = "{\"globals\":{";
    bool first = true;
    for (const auto& global : session.globals()) {
        if (!scalars.contains(global.id))
            continue;
        fmt::format_to(std::back_inserter(out), "{}\"{}\":", first ? "" : ",", global.id);
        first = false;
        if (!global.bytes) {
            out += "null";
        } else if (global.byref) {
            append_bytes(out, *global.bytes);
        } else {
            std::uint64_t value = 0;
            std::memcpy(&value, global.bytes->data(), std::min(sizeof value, global.bytes->size()));
            append_integer(out, value);
        }
    }
    Status status = session.status();
    fmt::format_to(std::back_inserter(out), "}},\"dynvar_drops\":{}}}",
                   status.dynamic_drops + status.dynamic_dirty_drops +
                       status.dynamic_rinsing_drops);
    return out;
}

} // namespace

const difjit_host& harmless_host() {
    static const difjit_host host = [] {
        difjit_host copy = host::process_host();
        copy.act = [](difjit_frame*, std::uint32_t, std::uint64_t) {};
        return copy;
    }();
    return host;
}

Result<void> replay(const Program& program, const Firings& firings, const ReplayOptions& options,
                    const LineSink& sink) {
    auto memory = MappedMemory::map(firings.setting.memory);
    if (!memory)
        return std::unexpected(memory.error().in(firings.name));
    UserMemory user(firings.setting.user);
    auto made = make_session(program, firings, options);
    if (!made)
        return std::unexpected(made.error());
    Session& session = **made;
    auto probes = session_probes(session, firings.probes);
    if (auto done = session.go(false); !done)
        return done;

    Recorder recorder(sink, program.ecbs.size());
    std::uint64_t predcache = 0;
    for (std::size_t i = 0; i < firings.lines.size() && !recorder.stopped(); ++i) {
        const FiringLine& line = firings.lines[i];
        host::Firing firing = host_firing(line, user);
        recorder.firing(i, line.reported_id);
        session.fire(*probes[line.probe],
                     {line.args.data(), static_cast<std::uint32_t>(line.args.size()), line.cpu,
                      &firing, &predcache},
                     recorder);
        session.clean();
    }
    if (!recorder.stopped())
        sink(final_state(session, global_scalars(program)));
    session.stop(false);
    return {};
}

Result<std::string> replay_text(const Program& program, const Firings& firings,
                                const ReplayOptions& options) {
    std::string text;
    auto done = replay(program, firings, options, [&](std::string_view line) {
        text += line;
        text += '\n';
        return true;
    });
    if (!done)
        return std::unexpected(done.error());
    return text;
}

} // namespace difjit::harness
