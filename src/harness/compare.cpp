// SPDX-License-Identifier: BSD-2-Clause
// Differential comparison: the same firings in both engines, everything a user can observe
// compared.
#include "harness/compare.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include <fmt/format.h>

#include "engine/engine.hpp"
#include "harness/replay.hpp"

namespace difjit::harness {

namespace {

using Clock = std::chrono::steady_clock;

/// Takes the first line off a text.
std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string shortened(std::string_view line) {
    constexpr std::size_t longest = 200;
    return line.size() <= longest ? std::string(line) : std::string(line.substr(0, longest)) + "…";
}

void add(Comparison& comparison, const TextDifference& difference) {
    comparison.divergences += difference.different;
    if (comparison.first.empty())
        comparison.first = difference.first;
}

/// All ECBs of several programs in one, as one session has them.
Program joined(const std::vector<Program>& programs) {
    Program all = programs.front();
    for (std::size_t i = 1; i < programs.size(); ++i) {
        const Program& more = programs[i];
        auto offset = static_cast<std::int32_t>(all.difos.size());
        all.difos.insert(all.difos.end(), more.difos.begin(), more.difos.end());
        for (EcbDescription ecb : more.ecbs) {
            if (ecb.predicate != no_difo)
                ecb.predicate += offset;
            for (auto& action : ecb.actions)
                if (action.difo != no_difo)
                    action.difo += offset;
            all.ecbs.push_back(std::move(ecb));
        }
        all.options.insert(all.options.end(), more.options.begin(), more.options.end());
    }
    return all;
}

/// Messages without addresses: an illegal address may be in scratch memory, which each session has
/// elsewhere. (Replay compares them, from the start of scratch.)
std::string without_addresses(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t at = text.find("(0x");
        out += text.substr(0, at);
        if (at == std::string_view::npos)
            break;
        out += "(ADDRESS";
        text.remove_prefix(std::min(text.find(')', at), text.size()));
    }
    return out;
}

Result<TraceReport> traced(const std::vector<Program>& programs, const Firings& firings,
                           Engine engine, std::string& output) {
    RecordedFirings source(firings);
    TraceOptions options;
    options.engine = engine;
    options.write = [&](std::string_view text) { output += text; };
    options.report = [&](std::string_view text) { output += without_addresses(text); };
    return trace(programs, source, options);
}

/// A session that is ready to fire, for timing.
class Timing {
  public:
    static Result<double> run(const std::vector<Program>& programs, const Firings& firings,
                              Engine engine, std::uint64_t budget_ns) {
        auto memory = MappedMemory::map(firings.setting.memory);
        if (!memory)
            return std::unexpected(memory.error());
        UserMemory user(firings.setting.user);
        SessionOptions wanted;
        wanted.engine = engine;
        wanted.host = &harmless_host();
        wanted.ncpus = firings.ncpus();
        wanted.access = firings.setting.access();
        wanted.scratch_size = firings.setting.scratch;
        auto made = Session::create(wanted);
        if (!made)
            return std::unexpected(made.error());
        Session& session = **made;
        if (auto done = session.set_option("strsize", std::to_string(firings.setting.strsize));
            !done)
            return std::unexpected(done.error());
        for (const Program& program : programs)
            if (auto done = session.enable(program); !done)
                return std::unexpected(done.error());
        auto probes = session_probes(session, firings.probes);
        if (auto done = session.go(true); !done)
            return std::unexpected(done.error());
        double best = rounds(session, probes, firings, user, budget_ns);
        session.stop(false);
        return best;
    }

  private:
    /// The best round counts: whatever made another slower was not the program.
    static double rounds(Session& session, const std::vector<engine::Probe*>& probes,
                         const Firings& firings, const UserMemory& user, std::uint64_t budget_ns) {
        std::vector<host::Firing> hosts;
        std::vector<const FiringLine*> lines;
        std::unordered_map<std::uint64_t, std::uint64_t> predcache; // a word a traced thread
        std::vector<std::uint64_t*> words;
        for (const auto& line : firings.lines) {
            if (firings.probes[line.probe].provider == "dtrace")
                continue;
            hosts.push_back(host_firing(line, user));
            lines.push_back(&line);
            words.push_back(&predcache[line.tid]);
        }
        if (lines.empty())
            return 0;
        double best = 0;
        auto end = Clock::now() + std::chrono::nanoseconds(budget_ns);
        do {
            auto start = Clock::now();
            for (std::size_t i = 0; i < lines.size(); ++i)
                session.fire(*probes[lines[i]->probe],
                             {lines[i]->args.data(),
                              static_cast<std::uint32_t>(lines[i]->args.size()), lines[i]->cpu,
                              &hosts[i], words[i]});
            double each = std::chrono::duration<double, std::nano>(Clock::now() - start).count() /
                          static_cast<double>(lines.size());
            best = best == 0 ? each : std::min(best, each);
            session.clean();
            session.alive();
            for (std::uint32_t cpu = 0; cpu < session.ncpus(); ++cpu)
                (void)session.snapshot(cpu);
        } while (Clock::now() < end && !session.exit_status());
        return best;
    }
};

} // namespace

TextDifference compare_lines(std::string_view left, std::string_view right,
                             std::string_view left_name, std::string_view right_name) {
    TextDifference difference;
    while (!left.empty() || !right.empty()) {
        ++difference.lines;
        bool ended = left.empty() || right.empty();
        std::string_view l = take_line(left), r = take_line(right);
        if (l == r && !ended)
            continue;
        if (difference.different++ == 0)
            difference.first = fmt::format("line {}:\n  {}: {}\n  {}: {}", difference.lines,
                                           left_name, shortened(l), right_name, shortened(r));
    }
    return difference;
}

Result<Comparison> compare_engines(const std::vector<Program>& programs, const Firings& firings) {
    Comparison comparison;
    std::string answers[2], outputs[2];
    Program all = joined(programs);
    for (Engine engine : {Engine::interp, Engine::jit}) {
        auto which = static_cast<std::size_t>(engine == Engine::jit);
        auto text = replay_text(all, firings, {engine});
        if (!text)
            return std::unexpected(text.error());
        answers[which] = std::move(*text);
        auto report = traced(programs, firings, engine, outputs[which]);
        if (!report)
            return std::unexpected(report.error());
        comparison.report = *report;
    }
    auto difference = compare_lines(answers[0], answers[1], "interp", "jit");
    comparison.lines = difference.lines;
    add(comparison, difference);
    add(comparison, compare_lines(outputs[0], outputs[1], "interp prints", "jit prints"));
    comparison.output = std::move(outputs[1]);
    return comparison;
}

Result<double> measure(const std::vector<Program>& programs, const Firings& firings, Engine engine,
                       std::uint64_t budget_ns) {
    return Timing::run(programs, firings, engine, budget_ns);
}

} // namespace difjit::harness
