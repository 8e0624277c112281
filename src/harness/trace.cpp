// SPDX-License-Identifier: BSD-2-Clause
// One tracing session from start to end, as dtrace(1) would run it.
#include "harness/trace.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "dif/options.hpp"
#include "engine/engine.hpp"
#include "harness/replay.hpp"

namespace difjit::harness {

namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t firings_per_turn = 1000; // the consumer's turn comes at least this often

bool is_dtrace(const ProbeInfo& probe, std::string_view name) {
    return probe.provider == "dtrace" && probe.name == name;
}

bool lists(const FiringSource& source, std::string_view name) {
    return std::ranges::any_of(source.probes(),
                               [&](const ProbeInfo& probe) { return is_dtrace(probe, name); });
}

Result<std::unique_ptr<Session>> make_session(const std::vector<Program>& programs,
                                              const FiringSource& source,
                                              const TraceOptions& options) {
    SessionOptions wanted;
    wanted.engine = options.engine;
    wanted.host = &harmless_host();
    wanted.ncpus = std::max(options.ncpus, source.ncpus());
    wanted.access = source.setting().access();
    wanted.scratch_size = source.setting().scratch;
    auto session = Session::create(wanted);
    if (!session)
        return session;
    Session& made = **session;
    if (auto done = made.set_option("strsize", std::to_string(source.setting().strsize)); !done)
        return std::unexpected(done.error());
    for (const Program& program : programs)
        if (auto done = made.enable(program); !done)
            return std::unexpected(done.error().in(program.name));
    for (const auto& [name, value] : options.options)
        if (auto done = made.set_option(name, value); !done)
            return std::unexpected(done.error().in("-x " + name));
    return session;
}

/// One command line has one dialect; LIBACT's numbers depend on it.
Dialect dialect_of(const std::vector<Program>& programs) {
    for (const Program& program : programs)
        if (!program.difos.empty())
            return program.difos.front().dialect;
    return Dialect::freebsd;
}

std::unique_ptr<Consumer> make_consumer(Session& session, const std::vector<Program>& programs,
                                        const TraceOptions& options) {
    ConsumerOptions wanted;
    wanted.dialect = dialect_of(programs);
    wanted.format = options.format;
    wanted.quiet = options.quiet;
    wanted.write = options.write;
    wanted.report = options.report;
    return Consumer::create(session, std::move(wanted));
}

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

/// Gives cleaner and consumer their turns by the firings' clock, and in any case now and then: a
/// recording may have no time at all.
class Clock {
  public:
    Clock(Session& session, Consumer& consumer) : session_(session), consumer_(consumer) {
        cleaning_ = period(OptionId::CLEANRATE, second / 101);
        switching_ =
            std::min(period(OptionId::SWITCHRATE, second), period(OptionId::AGGRATE, second));
    }

    Result<void> tick(std::uint64_t time) {
        ++since_clean_;
        ++since_work_;
        if (due(time, cleaned_, cleaning_, since_clean_)) {
            session_.clean();
            session_.alive();
        }
        if (due(time, worked_, switching_, since_work_))
            return consumer_.work();
        return {};
    }

  private:
    std::uint64_t period(OptionId option, std::uint64_t otherwise) const {
        std::uint64_t value = session_.option(static_cast<std::uint32_t>(option));
        return value == option_unset || value == 0 ? otherwise : value;
    }

    static bool due(std::uint64_t time, std::uint64_t& last, std::uint64_t period,
                    std::uint64_t& count) {
        if (last == 0)
            last = time;
        bool is_due = (time > last && time - last >= period) || count >= firings_per_turn;
        if (is_due) {
            last = time;
            count = 0;
        }
        return is_due;
    }

    Session& session_;
    Consumer& consumer_;
    std::uint64_t cleaning_ = 0, switching_ = 0;
    std::uint64_t cleaned_ = 0, worked_ = 0, since_clean_ = 0, since_work_ = 0;
};

/// Fires all of a source.
class Firer {
  public:
    Firer(Session& session, FiringSource& source, const UserMemory& user)
        : session_(session), source_(source), user_(user),
          probes_(session_probes(session, source.probes())) {}

    Result<void> run(Clock& clock, const TraceOptions& options, TraceReport& report) {
        constexpr std::uint64_t progress_every = 0x3fff;
        while (const FiringLine* line = source_.next()) {
            std::uint64_t start = now_ns();
            fire(*line);
            report.fire_ns += now_ns() - start;
            ++report.fired;
            if (auto done = clock.tick(line->timestamp); !done)
                return done;
            if ((report.fired & progress_every) == 0 && options.progress &&
                !options.progress(report.fired))
                break;
        }
        return {};
    }

  private:
    void fire(const FiringLine& line) {
        host::Firing firing = host_firing(line, user_);
        engine::Event event{line.args.data(), static_cast<std::uint32_t>(line.args.size()),
                            line.cpu, &firing, &predcache_[line.tid]};
        session_.fire(*probes_[line.probe], event);
    }

    Session& session_;
    FiringSource& source_;
    const UserMemory& user_;
    std::vector<engine::Probe*> probes_;
    std::unordered_map<std::uint64_t, std::uint64_t> predcache_; // a word a traced thread
};

} // namespace

std::vector<engine::Probe*> session_probes(Session& session, const std::vector<ProbeInfo>& names) {
    std::vector<engine::Probe*> probes;
    for (const ProbeInfo& name : names) {
        if (is_dtrace(name, "BEGIN"))
            probes.push_back(&session.begin_probe());
        else if (is_dtrace(name, "END"))
            probes.push_back(&session.end_probe());
        else if (is_dtrace(name, "ERROR"))
            probes.push_back(&session.error_probe());
        else
            probes.push_back(session.create_probe(name));
    }
    return probes;
}

Result<TraceReport> trace(const std::vector<Program>& programs, FiringSource& source,
                          const TraceOptions& options) {
    auto memory = MappedMemory::map(source.setting().memory);
    if (!memory)
        return std::unexpected(memory.error());
    UserMemory user(source.setting().user);
    auto made = make_session(programs, source, options);
    if (!made)
        return std::unexpected(made.error());
    Session& session = **made;
    auto consumer = make_consumer(session, programs, options);
    Firer firer(session, source, user);
    TraceReport report;
    if (auto done = session.go(!lists(source, "BEGIN")); !done)
        return std::unexpected(done.error());
    consumer->begin();
    Clock clock(session, *consumer);
    auto fired = firer.run(clock, options, report);
    session.stop(!lists(source, "END"));
    if (fired)
        fired = consumer->end();
    if (!fired)
        return std::unexpected(fired.error());
    report.summary = session.summary();
    report.totals = consumer->totals();
    report.status = session.status();
    report.exit_status = session.exit_status();
    return report;
}

} // namespace difjit::harness
