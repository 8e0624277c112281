// SPDX-License-Identifier: BSD-2-Clause
// What the subcommands share: status, messages, checked output, common options.
#ifndef DIFJIT_TOOL_HPP
#define DIFJIT_TOOL_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <difjit/error.hpp>
#include <difjit/program.hpp>
#include <difjit/session.hpp>

namespace difjit::tool {

/// Exit status of the command.
enum ExitStatus : int {
    fine = 0,
    at_fault = 1, ///< the program, or another file, is not what it must be
    usage = 2     ///< the command line is not
};

/// What a parsed subcommand does. It is set by CLI11's callback and called after parsing, so that
/// nothing that happens in it looks like a usage error.
using Action = std::function<int()>;

/// "difjit: …" on standard error, one line.
void complain(std::string_view message);

/// Complains and gives the status: `return failed(error.in(path));`.
int failed(const Error& error, ExitStatus status = at_fault);

/// The error with the file's name before it, unless it has that already.
Error named(const Error& error, const std::string& name);

/// Standard output: buffered, every write checked. A closed pipe is no error: whoever read has
/// enough, and what follows is dropped.
class Output {
  public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { flush(); }

    void write(std::string_view text);
    void line(std::string_view text);
    void flush();
    /// False: nobody reads any more, or it failed; the caller may stop.
    [[nodiscard]] bool open() const { return !closed_ && error_ == 0; }
    /// Flushes. `status`, or at_fault with a message where output got lost.
    int finish(int status);

  private:
    std::string buffer_;
    bool closed_ = false;
    int error_ = 0;
};

/// An option whose values have names: --engine jit.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& option, T& value,
                        const std::string& meaning, std::vector<std::pair<std::string, T>> names) {
    std::string all, preset;
    for (const auto& [name, named] : names) {
        all += (all.empty() ? "" : "|") + name;
        if (named == value)
            preset = name;
    }
    auto to_number = [names, all](std::string& text) -> std::string {
        for (const auto& [name, named] : names) {
            if (text != name)
                continue;
            text = std::to_string(static_cast<unsigned>(named));
            return {};
        }
        return "\"" + text + "\" is none of " + all;
    };
    return app.add_option(option, value, meaning)
        ->type_name(all)
        ->transform(CLI::Validator(to_number, ""))
        ->default_str(preset);
}

/// A validator: decimal digits, from `least` to `most`.
CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);

/// --engine; --dialect.
void add_engine(CLI::App& app, Engine& engine);
void add_dialect(CLI::App& app, Dialect& dialect);

/// The programs of all these files in order, or nothing after a complaint about the first bad one.
Result<std::vector<Program>> load_programs(const std::vector<std::string>& paths, Dialect dialect);

/// "syscall::write:entry".
std::string probe_text(const ProbeDescription& probe);

/// Where a program uses a DIFO: "ECB 1 (syscall::write:entry), action 2 (DIFEXPR)".
struct DifoUse {
    std::int32_t ecb = -1;
    std::string text; ///< "" : nowhere
};
DifoUse first_use(const Program& program, std::size_t difo);

void add_run(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);
void add_replay_difo(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_verify_difo(CLI::App& app, Action& action);
void add_dis(CLI::App& app, Action& action);
void add_asm(CLI::App& app, Action& action);
void add_compile(CLI::App& app, Action& action);
void add_demo(CLI::App& app, Action& action);

} // namespace difjit::tool

#endif
