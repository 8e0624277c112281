// SPDX-License-Identifier: BSD-2-Clause
// What the subcommands share: status, messages, checked output, common options.
#include "tool.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>

#include "dif/actions.hpp"
#include "harness/files.hpp"

namespace difjit::tool {

namespace {

/// All of it, or the errno of what went wrong.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t n = write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

const char* constant_name(std::uint32_t kind) {
    switch (static_cast<ActionKind>(kind)) {
#define DTRACE_ACTION(name, number, ...)                                                           \
    case ActionKind::name: return #name;
#include "dif/actions.def"
    }
    return "unknown kind";
}

} // namespace

void complain(std::string_view message) {
    (void)write_all(STDERR_FILENO, fmt::format("difjit: {}\n", message));
}

int failed(const Error& error, ExitStatus status) {
    complain(error.message);
    return status;
}

Error named(const Error& error, const std::string& name) {
    return error.message.starts_with(name) ? error : error.in(name);
}

void Output::write(std::string_view text) {
    constexpr std::size_t full = std::size_t{64} << 10;
    if (!open())
        return;
    buffer_ += text;
    if (buffer_.size() >= full)
        flush();
}

void Output::line(std::string_view text) {
    write(text);
    write("\n");
}

void Output::flush() {
    if (!open() || buffer_.empty())
        return;
    int error = write_all(STDOUT_FILENO, buffer_);
    buffer_.clear();
    if (error == EPIPE)
        closed_ = true;
    else
        error_ = error;
}

int Output::finish(int status) {
    flush();
    if (error_ == 0)
        return status;
    complain(fmt::format("standard output: {}", std::strerror(error_)));
    return at_fault;
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
    auto check = [least, most](std::string& text) -> std::string {
        std::uint64_t value = 0;
        const char* end = text.data() + text.size();
        auto [at, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc{} && at == end && value >= least && value <= most)
            return {};
        return fmt::format("\"{}\" is not a number from {} to {}", text, least, most);
    };
    return {check, ""};
}

void add_engine(CLI::App& app, Engine& engine) {
    add_choice<Engine>(app, "--engine", engine,
                       "who runs DIF: compiled code, or the reference interpreter",
                       {{"jit", Engine::jit}, {"interp", Engine::interp}});
}

void add_dialect(CLI::App& app, Dialect& dialect) {
    add_choice<Dialect>(app, "--dialect", dialect,
                        "whose subroutine and variable numbers; freebsd is 12 and later",
                        {{"freebsd", Dialect::freebsd},
                         {"freebsd11", Dialect::freebsd11},
                         {"illumos", Dialect::illumos}});
}

Result<std::vector<Program>> load_programs(const std::vector<std::string>& paths, Dialect dialect) {
    std::vector<Program> programs;
    for (const auto& path : paths) {
        auto some = harness::read_programs(path, dialect);
        if (!some)
            return std::unexpected(named(some.error(), harness::display_name(path)));
        for (auto& program : *some)
            programs.push_back(std::move(program));
    }
    return programs;
}

std::string probe_text(const ProbeDescription& probe) {
    return fmt::format("{}:{}:{}:{}", probe.provider, probe.module, probe.function, probe.name);
}

DifoUse first_use(const Program& program, std::size_t difo) {
    for (std::size_t e = 0; e < program.ecbs.size(); ++e) {
        const EcbDescription& ecb = program.ecbs[e];
        auto wanted = static_cast<std::int32_t>(difo);
        auto use = [&](const std::string& what) {
            return DifoUse{static_cast<std::int32_t>(e),
                           fmt::format("ECB {} ({}), {}", e, probe_text(ecb.probe), what)};
        };
        if (ecb.predicate == wanted)
            return use("predicate");
        for (std::size_t a = 0; a < ecb.actions.size(); ++a)
            if (ecb.actions[a].difo == wanted)
                return use(fmt::format("action {} ({})", a, constant_name(ecb.actions[a].kind)));
    }
    return {};
}

} // namespace difjit::tool
