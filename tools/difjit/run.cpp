// SPDX-License-Identifier: BSD-2-Clause
// difjit run: programs as one session, fired from a file or by the load generator, printed as
// dtrace(1) would.
#include <chrono>
#include <csignal>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

#include "harness/files.hpp"
#include "harness/load.hpp"
#include "harness/trace.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

volatile std::sig_atomic_t interrupted = 0;

struct RunArguments {
    std::vector<std::string> programs;
    std::string firings;
    std::uint64_t load = 100, seed = 1;
    Engine engine = Engine::jit;
    Dialect dialect = Dialect::freebsd;
    OutputFormat format = OutputFormat::text;
    std::vector<std::string> options;
    std::uint32_t ncpus = 0;
    bool quiet = false, destructive = false, verbose = false;
};

/// "name=value" or "name", which means 1 as in dtrace(1).
std::pair<std::string, std::string> split_option(const std::string& option) {
    std::size_t equals = option.find('=');
    if (equals == std::string::npos)
        return {option, "1"};
    return {option.substr(0, equals), option.substr(equals + 1)};
}

/// A line on the terminal while it takes long; gone before anything else is printed.
class Progress {
  public:
    Progress(bool wanted, std::uint64_t total) : wanted_(wanted), total_(total) {}

    void show(std::uint64_t fired) {
        auto now = std::chrono::steady_clock::now();
        if (!wanted_ || now < next_)
            return;
        next_ = now + std::chrono::milliseconds(100);
        std::string line = fmt::format("\r{} of {} firings, {} %\033[K", fired, total_,
                                       total_ == 0 ? 100 : 100 * fired / total_);
        shown_ = ::write(STDERR_FILENO, line.data(), line.size()) > 0;
    }

    void clear() {
        static constexpr std::string_view erase = "\r\033[K";
        if (shown_)
            (void)!::write(STDERR_FILENO, erase.data(), erase.size());
        shown_ = false;
    }

  private:
    bool wanted_;
    std::uint64_t total_;
    bool shown_ = false;
    std::chrono::steady_clock::time_point next_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
};

void print_summary(const harness::TraceReport& report, const RunArguments& arguments) {
    const auto& s = report.summary;
    std::string text = fmt::format("loaded    {} programs, {} ECBs, {} DIFOs, {} instructions\n"
                                   "verified  {} DIFOs\n",
                                   s.programs, s.ecbs, s.difos, s.instructions, s.difos);
    if (arguments.engine == Engine::jit)
        text += fmt::format("compiled  {} DIFOs, {} bytes of code, {:.2f} ms\n", s.compiled,
                            s.code_bytes, static_cast<double>(s.compile_ns) / 1e6);
    text += fmt::format("fired     {} probes, {} enablings", report.fired, s.enablings);
    if (report.fired != 0)
        text += fmt::format(", {} ns each ({})", report.fire_ns / report.fired,
                            arguments.engine == Engine::jit ? "jit" : "interp");
    text += fmt::format("\nrecorded  {} records, {} errors, {} drops\n", report.totals.records,
                        report.totals.errors, report.totals.drops);
    const Status& status = report.status;
    std::uint64_t dynamic =
        status.dynamic_drops + status.dynamic_dirty_drops + status.dynamic_rinsing_drops;
    if (dynamic + status.speculation_drops != 0)
        text += fmt::format("dropped   {} dynamic variables, {} speculations\n", dynamic,
                            status.speculation_drops);
    if (report.exit_status)
        text += fmt::format("exited    {}\n", *report.exit_status);
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

int run_source(const std::vector<Program>& programs, harness::FiringSource& source,
               const RunArguments& arguments) {
    Output out;
    Progress progress(isatty(STDERR_FILENO) != 0, source.total());
    harness::TraceOptions options;
    options.engine = arguments.engine;
    options.ncpus = arguments.ncpus;
    if (arguments.destructive)
        options.options.emplace_back("destructive", "1");
    for (const auto& option : arguments.options)
        options.options.push_back(split_option(option));
    options.format = arguments.format;
    options.quiet = arguments.quiet;
    options.write = [&](std::string_view text) {
        progress.clear();
        out.write(text);
    };
    options.report = [&](std::string_view text) {
        progress.clear();
        out.flush();
        (void)!::write(STDERR_FILENO, text.data(), text.size());
    };
    options.progress = [&](std::uint64_t fired) {
        progress.show(fired);
        return interrupted == 0 && out.open();
    };
    std::signal(SIGINT, [](int) { interrupted = 1; });
    auto report = harness::trace(programs, source, options);
    progress.clear();
    if (!report)
        return out.finish(failed(report.error()));
    out.flush();
    if (arguments.verbose)
        print_summary(*report, arguments);
    return out.finish(fine);
}

bool has_ecbs(const std::vector<Program>& programs) {
    for (const auto& program : programs)
        if (!program.ecbs.empty())
            return true;
    return false;
}

int run(const RunArguments& arguments) {
    std::size_t stdins = arguments.firings == "-" ? 1 : 0;
    for (const auto& path : arguments.programs)
        stdins += path == "-" ? 1 : 0;
    if (stdins > 1)
        return failed({"standard input can be read only once"}, usage);
    auto programs = load_programs(arguments.programs, arguments.dialect);
    if (!programs)
        return failed(programs.error());
    if (!has_ecbs(*programs))
        return failed({fmt::format("{}: nothing to run: no ECB",
                                   harness::display_name(arguments.programs.back()))});
    if (arguments.firings.empty()) {
        harness::Load load(*programs, {arguments.load, arguments.seed,
                                       arguments.ncpus == 0 ? 4 : arguments.ncpus});
        return run_source(*programs, load, arguments);
    }
    auto firings = harness::read_firings(arguments.firings);
    if (!firings)
        return failed(firings.error());
    harness::RecordedFirings source(*firings);
    return run_source(*programs, source, arguments);
}

} // namespace

void add_run(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<RunArguments>();
    auto* sub = app.add_subcommand("run", "run programs on recorded or generated firings");
    sub->footer(
        "All PROGRAMs are one session, options DOF among them, as with dtrace. Without --firings "
        "a\n"
        "load generator fires the programs' own probes with plausible values. Options of -x come\n"
        "last, so they override the programs'. BEGIN and END fire as with dtrace, unless the "
        "firings\n"
        "file lists them.\n"
        "\n"
        "Examples:\n"
        "  difjit run tests/corpus/dof/monitor-writes.dof\n"
        "  difjit run -v --load 100000 --engine interp tests/corpus/dof/cost-count.dof\n"
        "  difjit run --output json --firings tests/corpus/firings/printf.jsonl \\\n"
        "      tests/corpus/dof/printf.dof\n"
        "  difjit run -x bufsize=4k tests/corpus/opt/ring-buffer.dof "
        "tests/corpus/dof/ring-buffer.dof");
    sub->add_option("PROGRAM", arguments->programs,
                    "DOF, ELF object with DOF, or DIF text; - is stdin")
        ->required();
    auto* firings =
        sub->add_option("--firings", arguments->firings,
                        "fire what this file lists (tests/corpus/README.md); - is stdin")
            ->type_name("FILE");
    auto* load = sub->add_option("--load", arguments->load, "how many probes the generator fires")
                     ->type_name("N")
                     ->check(whole_number(0, ~std::uint64_t{0}))
                     ->default_str("100");
    firings->excludes(load);
    sub->add_option("--seed", arguments->seed, "of the generator: the same seed, the same firings")
        ->type_name("N")
        ->check(whole_number(0, ~std::uint64_t{0}))
        ->default_str("1");
    add_engine(*sub, arguments->engine);
    sub->add_option("-x", arguments->options, "set an option, as in dtrace: bufsize=1m, quiet, …")
        ->type_name("OPTION=VALUE")
        ->allow_extra_args(false);
    add_choice<OutputFormat>(*sub, "--output", arguments->format,
                             "as dtrace prints, one JSON document, or a JSON object a line",
                             {{"text", OutputFormat::text},
                              {"json", OutputFormat::json},
                              {"jsonl", OutputFormat::jsonl}});
    sub->add_flag("-q", arguments->quiet, "quiet: only what the program prints itself");
    sub->add_flag("-w", arguments->destructive, "allow destructive actions; no process is harmed");
    sub->add_flag("-v,--verbose", arguments->verbose, "a summary on standard error at the end");
    sub->add_option("--cpus", arguments->ncpus, "CPU slots of the session, at least")
        ->type_name("N")
        ->check(whole_number(1, harness::max_cpus));
    add_dialect(*sub, arguments->dialect);
    sub->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

} // namespace difjit::tool
