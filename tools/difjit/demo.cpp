// SPDX-License-Identifier: BSD-2-Clause
// difjit demo: the repository's programs in both engines, compared, timed and shown. It is the main
// job of `./difjit-dev run`, and its exit status says whether anything diverged.
#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "harness/compare.hpp"
#include "harness/files.hpp"
#include "harness/replay.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

namespace fs = std::filesystem;

struct DemoArguments {
    std::string corpus;
    std::vector<std::string> names;
    std::uint64_t milliseconds = 25;
    bool all = false;
};

/// Rows of the table: each kind of cost, and a few programs that do something.
constexpr std::string_view shown_rows[] = {
    "cost-empty",    "cost-predicate",  "cost-record32",  "cost-count",     "cost-count-execname",
    "cost-quantize", "cost-string-key", "cost-printf",    "cost-timing",    "cost-hex",
    "hash-mix",      "hexval",          "long-predicate", "pred-compare",   "assoc",
    "tls-assoc",     "speculation",     "strings-basic",  "monitor-writes", "syscall-latency",
};

/// Programs whose output is printed, with the reason.
struct Shown {
    std::string_view name, title;
};
constexpr Shown shown_output[] = {
    {"monitor-writes", "two aggregations with keys"},
    {"syscall-latency", "quantize() by system call"},
    {"printf", "printf() with its conversions"},
    {"exit-begin-end", "BEGIN, exit() and END"},
};

struct Row {
    std::string name;
    harness::Comparison comparison;
    std::size_t reference_lines = 0, reference_different = 0;
    double interp_ns = 0, jit_ns = 0;
    std::size_t firings = 0;
};

Result<std::vector<Program>> programs_of(const fs::path& corpus, const std::string& name) {
    std::vector<std::string> paths;
    if (fs::path options = corpus / "opt" / (name + ".dof"); fs::exists(options))
        paths.push_back(options);
    paths.push_back(corpus / "dof" / (name + ".dof"));
    return load_programs(paths, Dialect::freebsd);
}

/// The compiled code's answers against the reference's, where the corpus has them.
Result<void> compare_reference(const fs::path& corpus, const Program& program,
                               const harness::Firings& firings, Row& row) {
    fs::path expected = corpus / "expected" / (row.name + ".jsonl");
    if (!fs::exists(expected))
        return {};
    auto text = harness::read_text(expected, harness::max_lines_bytes);
    if (!text)
        return std::unexpected(text.error().in(expected.string()));
    auto answers = harness::replay_text(program, firings, {Engine::jit});
    if (!answers)
        return std::unexpected(answers.error());
    auto difference = harness::compare_lines(*text, *answers, "reference", "jit");
    row.reference_lines = difference.lines;
    row.reference_different = difference.different;
    if (row.comparison.first.empty())
        row.comparison.first = difference.first;
    return {};
}

bool is_shown(const std::string& name, const DemoArguments& arguments) {
    return arguments.all || !arguments.names.empty() ||
           std::ranges::find(shown_rows, name) != std::end(shown_rows);
}

Result<Row> try_program(const fs::path& corpus, const std::string& name,
                        const DemoArguments& arguments) {
    Row row;
    row.name = name;
    auto programs = programs_of(corpus, name);
    if (!programs)
        return std::unexpected(programs.error());
    auto firings = harness::read_firings(corpus / "firings" / (name + ".jsonl"));
    if (!firings)
        return std::unexpected(firings.error());
    row.firings = firings->lines.size();
    auto comparison = harness::compare_engines(*programs, *firings);
    if (!comparison)
        return std::unexpected(comparison.error().in(name));
    row.comparison = std::move(*comparison);
    if (auto done = compare_reference(corpus, programs->back(), *firings, row); !done)
        return std::unexpected(done.error());
    if (!is_shown(name, arguments))
        return row;
    for (Engine engine : {Engine::interp, Engine::jit}) {
        auto ns = harness::measure(*programs, *firings, engine, arguments.milliseconds * 1'000'000);
        if (!ns)
            return std::unexpected(ns.error().in(name));
        (engine == Engine::jit ? row.jit_ns : row.interp_ns) = *ns;
    }
    return row;
}

void print_row(const Row& row, Output& out) {
    const auto& s = row.comparison.report.summary;
    out.line(fmt::format("{:<20}{:>5}{:>6}{:>7}{:>8}{:>8}{:>8}{:>9.0f}{:>9.0f}{:>7.1f}{:>10}",
                         row.name, s.ecbs, s.difos, s.instructions, s.code_bytes, row.firings,
                         row.comparison.report.totals.records, row.interp_ns, row.jit_ns,
                         row.jit_ns > 0 ? row.interp_ns / row.jit_ns : 0.0,
                         row.comparison.divergences + row.reference_different));
    out.flush();
}

void print_output(std::string_view output, Output& out) {
    constexpr std::size_t most_lines = 48;
    std::size_t lines = 0;
    while (!output.empty()) {
        std::size_t end = std::min(output.find('\n'), output.size() - 1);
        if (++lines <= most_lines)
            out.write(fmt::format("    {}", output.substr(0, end + 1)));
        output.remove_prefix(end + 1);
    }
    if (lines > most_lines)
        out.line(fmt::format("    … {} more lines", lines - most_lines));
}

/// All names in dof/ that have firings, sorted.
std::vector<std::string> corpus_names(const fs::path& corpus) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(corpus / "dof", error)) {
        std::string name = entry.path().stem();
        if (entry.path().extension() == ".dof" &&
            fs::exists(corpus / "firings" / (name + ".jsonl")))
            names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
}

struct Totals {
    std::size_t programs = 0, difos = 0, instructions = 0, code_bytes = 0, compiled = 0;
    std::uint64_t compile_ns = 0;
    std::size_t firings = 0, answers = 0, reference = 0, divergences = 0;

    void add(const Row& row) {
        const auto& s = row.comparison.report.summary;
        ++programs;
        difos += s.difos;
        instructions += s.instructions;
        code_bytes += s.code_bytes;
        compiled += s.compiled;
        compile_ns += s.compile_ns;
        firings += row.firings;
        answers += row.comparison.lines;
        reference += row.reference_lines;
        divergences += row.comparison.divergences + row.reference_different;
    }
};

void print_totals(const Totals& t, Output& out) {
    out.line("");
    out.line(fmt::format("loaded    {} programs: {} DIFOs, {} instructions", t.programs, t.difos,
                         t.instructions));
    out.line(fmt::format("verified  {} DIFOs", t.difos));
    out.line(fmt::format("compiled  {} DIFOs to {} bytes of x86-64 code in {:.1f} ms", t.compiled,
                         t.code_bytes, static_cast<double>(t.compile_ns) / 1e6));
    out.line(fmt::format("fired     {} probes in each engine", t.firings));
    out.line(fmt::format("compared  {} answers of the engines, and {} with the kernel's own",
                         t.answers, t.reference));
    out.line(fmt::format("diverged  {}", t.divergences));
}

int demo(const DemoArguments& arguments) {
    fs::path corpus = arguments.corpus;
    auto names = arguments.names.empty() ? corpus_names(corpus) : arguments.names;
    if (names.empty())
        return failed({fmt::format("{}: no programs in {}/dof with firings in {}/firings",
                                   arguments.corpus, arguments.corpus, arguments.corpus)});
    Output out;
    out.line(fmt::format(
        "Real D programs, compiled to DOF by OpenDTrace's D compiler, from {}.\n"
        "Each runs in the interpreter and as x86-64 code; every value, fault, record"
        " and\nprinted byte is compared, also with what OpenDTrace's kernel answered.\n",
        arguments.corpus));
    out.line(fmt::format("{:<20}{:>5}{:>6}{:>7}{:>8}{:>8}{:>8}{:>9}{:>9}{:>7}{:>10}", "program",
                         "ECBs", "DIFOs", "instr", "code B", "firings", "records", "interp", "jit",
                         "ratio", "diverged"));
    out.line(fmt::format("{:>80}", "ns for a firing"));
    Totals totals;
    std::vector<Row> rows;
    int status = fine;
    for (const auto& name : names) {
        auto row = try_program(corpus, name, arguments);
        if (!row) {
            status = failed(row.error());
            continue;
        }
        totals.add(*row);
        if (is_shown(name, arguments))
            print_row(*row, out);
        if (!row->comparison.first.empty())
            complain(fmt::format("{}: diverged at {}", name, row->comparison.first));
        rows.push_back(std::move(*row));
    }
    print_totals(totals, out);
    for (const Shown& shown : shown_output) {
        auto row = std::ranges::find(rows, shown.name, &Row::name);
        if (row == rows.end())
            continue;
        out.line(fmt::format("\n{}: {}", shown.name, shown.title));
        print_output(row->comparison.output, out);
    }
    return out.finish(totals.divergences != 0 ? at_fault : status);
}

/// Where the repository is, seen from here or from where it was built.
std::string default_corpus() {
    constexpr const char* here = "tests/corpus";
    std::error_code error;
    return fs::exists(here, error) ? here : DIFJIT_CORPUS;
}

} // namespace

void add_demo(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<DemoArguments>();
    arguments->corpus = default_corpus();
    auto* sub =
        app.add_subcommand("demo", "the repository's programs in both engines, side by side");
    sub->footer("Loads, verifies, compiles and fires each program in both engines, compares every\n"
                "answer and every printed byte, times a firing, and shows a few programs' output.\n"
                "The exit status is 1 if anything diverged.\n"
                "\n"
                "Examples:\n"
                "  difjit demo\n"
                "  difjit demo monitor-writes assoc");
    sub->add_option("NAME", arguments->names, "programs of the corpus; all of them by default");
    sub->add_option("--corpus", arguments->corpus, "folder with dof/, firings/, expected/, opt/")
        ->type_name("DIR")
        ->default_str(arguments->corpus);
    sub->add_option("--time", arguments->milliseconds, "how long each engine is timed")
        ->type_name("MS")
        ->check(whole_number(1, 10000))
        ->default_str("25");
    sub->add_flag("--all", arguments->all, "a row and timing for every program");
    sub->callback([arguments, &action] { action = [arguments] { return demo(*arguments); }; });
}

} // namespace difjit::tool
