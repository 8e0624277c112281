// SPDX-License-Identifier: BSD-2-Clause
// difjit replay, difjit replay-difo: recorded firings and recorded DIFOs, in the corpus's formats.
#include <memory>

#include <fmt/format.h>

#include "harness/difo_runner.hpp"
#include "harness/files.hpp"
#include "harness/replay.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

struct ReplayArguments {
    Engine engine = Engine::interp;
    Dialect dialect = Dialect::freebsd;
    bool unoptimised = false;
    std::string program, firings;
};

int replay(const ReplayArguments& arguments) {
    if (arguments.program == "-" && arguments.firings == "-")
        return failed({"PROGRAM and FIRINGS cannot both be standard input"}, usage);
    auto programs = load_programs({arguments.program}, arguments.dialect);
    if (!programs)
        return failed(programs.error());
    std::string name = harness::display_name(arguments.program);
    if (programs->size() != 1)
        return failed(
            {fmt::format("{}: holds {} programs, replay takes one", name, programs->size())});
    auto firings = harness::read_firings(arguments.firings);
    if (!firings)
        return failed(firings.error());
    Output out;
    auto done =
        harness::replay(programs->front(), *firings, {arguments.engine, !arguments.unoptimised},
                        [&](std::string_view line) {
                            out.line(line);
                            return out.open();
                        });
    if (done)
        return out.finish(fine);
    bool about_firings = done.error().message.starts_with(firings->name);
    int status = failed(about_firings ? done.error() : named(done.error(), name));
    return out.finish(status);
}

struct DifoArguments {
    Engine engine = Engine::interp;
    std::string vectors;
};

int replay_difo(const DifoArguments& arguments) {
    auto vectors = harness::read_vectors(arguments.vectors);
    if (!vectors)
        return failed(vectors.error());
    Output out;
    auto done = harness::replay_vectors(*vectors, arguments.engine, [&](std::string_view line) {
        out.line(line);
        return out.open();
    });
    return out.finish(done ? fine : failed(done.error()));
}

} // namespace

void add_replay(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<ReplayArguments>();
    auto* sub =
        app.add_subcommand("replay", "run a program over recorded firings, print every answer");
    sub->footer(
        "Prints one JSON line for each firing and each ECB that is run (predicate, actions,\n"
        "records, faults), then the final state, as tests/corpus/README.md describes under\n"
        "\"expected\". Options DOF is not given to it: the firings file has the setting.\n"
        "\n"
        "Example:\n"
        "  difjit replay --engine jit tests/corpus/dof/assoc.dof \\\n"
        "      tests/corpus/firings/assoc.jsonl | diff - tests/corpus/expected/assoc.jsonl");
    sub->add_option("PROGRAM", arguments->program, "DOF, ELF object with DOF, or DIF text")
        ->required();
    sub->add_option("FIRINGS", arguments->firings, "firings file; - is standard input")->required();
    add_engine(*sub, arguments->engine);
    add_dialect(*sub, arguments->dialect);
    sub->add_flag("--no-optimise", arguments->unoptimised, "compile one instruction at a time");
    sub->callback([arguments, &action] { action = [arguments] { return replay(*arguments); }; });
}

void add_replay_difo(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<DifoArguments>();
    auto* sub =
        app.add_subcommand("replay-difo", "run recorded single DIF objects, print their runs");
    sub->footer(
        "Prints one line {\"runs\":[…]} for each object, as tests/corpus/README.md describes\n"
        "under \"difo\". An object that the verifier refuses gets {\"error\":\"…\"}, and the\n"
        "exit status is 1.\n"
        "\n"
        "Example:\n"
        "  difjit replay-difo --engine jit tests/corpus/difo/vectors.jsonl");
    sub->add_option("VECTORS", arguments->vectors, "vectors file; - is standard input")->required();
    add_engine(*sub, arguments->engine);
    sub->callback(
        [arguments, &action] { action = [arguments] { return replay_difo(*arguments); }; });
}

} // namespace difjit::tool
