// SPDX-License-Identifier: BSD-2-Clause
// The command: one subcommand a file, see docs/command.md.
//
// Exit status: 0 fine, 1 a file is not what it must be (one message says what and where), 2 usage.
// Tests: tests/tools/.
#include <csignal>
#include <new>

#include <fmt/format.h>

#include "tool.hpp"

namespace {

using namespace difjit::tool;

constexpr const char* footer =
    "Examples:\n"
    "  difjit run --load 1000 tests/corpus/dof/monitor-writes.dof\n"
    "  difjit dis --native amd64 tests/corpus/dof/cost-count.dof\n"
    "  difjit verify program.dof\n"
    "\n"
    "A PROGRAM is DOF, an ELF object with DOF in it, or DIF text, whatever its file is called;\n"
    "\"-\" is standard input. Each subcommand has its own --help.";

void set_up(CLI::App& app, Action& action) {
    app.description("difjit: verify, run and compile DTrace's DIF byte code");
    app.footer(footer);
    app.set_version_flag("--version", "difjit " DIFJIT_VERSION, "print the version");
    app.set_help_flag("-h,--help", "print this help");
    app.require_subcommand(1);
    app.get_formatter()->label("TEXT", "");
    app.get_formatter()->label("REQUIRED", "(required)");
    app.get_formatter()->column_width(36);
    app.option_defaults()->always_capture_default(false);
    add_run(app, action);
    add_replay(app, action);
    add_replay_difo(app, action);
    add_verify(app, action);
    add_verify_difo(app, action);
    add_dis(app, action);
    add_asm(app, action);
    add_compile(app, action);
    add_demo(app, action);
}

/// The subcommand that the command line got to, for its help.
const CLI::App& deepest(const CLI::App& app) {
    auto chosen = app.get_subcommands();
    return chosen.empty() ? app : *chosen.front();
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& sub = deepest(app);
    auto unknown = app.remaining();
    if (&sub == &app && !unknown.empty()) {
        complain(fmt::format("unknown subcommand \"{}\"\ntry: difjit --help", unknown.front()));
        return usage;
    }
    std::string name = &sub == &app ? "difjit" : "difjit " + sub.get_name();
    complain(fmt::format("{}\ntry: {} --help", error.what(), name));
    return usage;
}

int run(int argc, char** argv) {
    CLI::App app;
    app.name("difjit");
    Action action;
    set_up(app, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        Output out;
        out.write(app.help()); // the subcommand's, where there is one
        return out.finish(fine);
    } catch (const CLI::CallForVersion& version) {
        Output out;
        out.line(version.what());
        return out.finish(fine);
    } catch (const CLI::ParseError& error) {
        return usage_error(app, error);
    }
    return action();
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is seen by write()
    try {
        return run(argc, argv);
    } catch (const std::bad_alloc&) {
        complain("out of memory");
    } catch (const std::exception& error) {
        complain(fmt::format("internal error: {}", error.what()));
    }
    return at_fault;
}
