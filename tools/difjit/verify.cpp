// SPDX-License-Identifier: BSD-2-Clause
// difjit verify, difjit verify-difo: what the verifier says, for people and for programs.
#include <memory>

#include <difjit/text.hpp>
#include <difjit/verifier.hpp>
#include <fmt/format.h>

#include "harness/files.hpp"
#include "harness/json_text.hpp"
#include "harness/vectors.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

struct VerifyArguments {
    std::vector<std::string> programs;
    Dialect dialect = Dialect::freebsd;
    bool json = false, unprivileged = false, facts = false;
    std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT;
    verifier::Options options;
};

std::string counted(std::size_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::size_t instructions(const Program& program) {
    std::size_t n = 0;
    for (const auto& difo : program.difos)
        n += difo.text.size();
    return n;
}

/// Rules about the variable table count its rows, not instructions.
bool about_variables(const verifier::Violation& violation) {
    std::string_view message = violation.message;
    for (std::string_view start : {"unrecognized variable", "exceeds variable id limit",
                                   "zero-sized variable", "oversized by-ref static"})
        if (message.starts_with(start))
            return true;
    return false;
}

/// The instruction with its neighbours.
std::string excerpt(const Difo& difo, std::uint32_t pc) {
    constexpr std::uint32_t around = 2;
    if (pc >= difo.text.size())
        return {};
    std::string out;
    std::uint32_t first = pc > around ? pc - around : 0;
    for (std::uint32_t at = first; at <= pc + around && at < difo.text.size(); ++at)
        out += fmt::format("    {} {:02}: {:08x}    {}\n", at == pc ? '>' : ' ', at, difo.text[at],
                           text::disassemble_instruction(difo, at));
    return out;
}

std::string place(const Program& program, std::int32_t difo) {
    if (difo < 0)
        return "program";
    std::string use = first_use(program, static_cast<std::size_t>(difo)).text;
    return use.empty() ? fmt::format("DIFO {}", difo) : fmt::format("DIFO {}, {}", difo, use);
}

std::string human(const Program& program, const std::vector<verifier::ProgramViolation>& found) {
    std::string out = fmt::format(
        "{}: {}, {}, {}: {}\n", program.name, counted(program.ecbs.size(), "ECB"),
        counted(program.difos.size(), "DIFO"), counted(instructions(program), "instruction"),
        found.empty() ? "ok" : counted(found.size(), "violation"));
    std::int32_t last = -2;
    for (const auto& one : found) {
        if (one.difo != last)
            out += fmt::format("  {}\n", place(program, one.difo));
        last = one.difo;
        bool row = about_variables(one.violation);
        out += fmt::format("  {} {}: {} [{}]\n", row ? "variable" : "instruction", one.violation.pc,
                           one.violation.message, one.violation.rule);
        if (!row && one.difo >= 0)
            out += excerpt(program.difos[static_cast<std::size_t>(one.difo)], one.violation.pc);
    }
    return out;
}

/// Without the tabs before its comment, so that columns can stand behind it.
std::string in_columns(const std::string& instruction) {
    const auto tab = instruction.find('\t');
    if (tab == instruction.npos)
        return instruction;
    return fmt::format("{:<32}{}", instruction.substr(0, tab),
                       instruction.substr(instruction.find_first_not_of('\t', tab)));
}

/// Each DIFO's listing, with what is proved of each instruction beside it.
std::string with_facts(const Program& program, std::uint64_t strsize) {
    std::string out;
    for (std::size_t i = 0; i < program.difos.size(); ++i) {
        const Difo& difo = program.difos[i];
        out += fmt::format("  {}\n", place(program, static_cast<std::int32_t>(i)));
        const auto facts = verifier::prove(difo, strsize);
        auto next = facts.begin();
        for (std::uint32_t pc = 0; pc < difo.text.size(); ++pc) {
            std::string beside;
            for (; next != facts.end() && next->pc == pc; ++next)
                beside += (beside.empty() ? "| " : "; ") + next->text;
            std::string line =
                fmt::format("    {:02}: {:08x}    {:<60}  {}", pc, difo.text[pc],
                            in_columns(text::disassemble_instruction(difo, pc)), beside);
            line.resize(line.find_last_not_of(' ') + 1);
            out += line + '\n';
        }
    }
    return out;
}

void append_facts(std::string& out, const Program& program, std::uint64_t strsize) {
    out += ",\"facts\":[";
    bool first = true;
    for (std::size_t i = 0; i < program.difos.size(); ++i)
        for (const auto& fact : verifier::prove(program.difos[i], strsize)) {
            fmt::format_to(std::back_inserter(out),
                           "{}{{\"difo\":{},\"pc\":{},\"kind\":", first ? "" : ",", i, fact.pc);
            first = false;
            harness::append_string(out, fact.kind);
            out += ",\"text\":";
            harness::append_string(out, fact.text);
            out += '}';
        }
    out += ']';
}

void append_violation(std::string& out, const verifier::Violation& violation) {
    fmt::format_to(std::back_inserter(out), "\"pc\":{},\"rule\":", violation.pc);
    harness::append_string(out, violation.rule);
    out += ",\"message\":";
    harness::append_string(out, violation.message);
}

std::string json(const Program& program, const std::vector<verifier::ProgramViolation>& found,
                 const VerifyArguments& arguments) {
    std::string out = "{\"file\":";
    harness::append_string(out, program.name);
    fmt::format_to(std::back_inserter(out),
                   ",\"ok\":{},\"ecbs\":{},\"difos\":{},\"instructions\":{},\"violations\":[",
                   found.empty(), program.ecbs.size(), program.difos.size(), instructions(program));
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto& one = found[i];
        fmt::format_to(std::back_inserter(out),
                       "{}{{\"ecb\":{},\"difo\":{},\"use\":", i == 0 ? "" : ",", one.ecb, one.difo);
        harness::append_string(out, place(program, one.difo));
        out += ',';
        append_violation(out, one.violation);
        out += '}';
    }
    out += ']';
    if (arguments.facts)
        append_facts(out, program, arguments.strsize);
    return out + "}\n";
}

std::string json_error(const std::string& path, const Error& error) {
    std::string out = "{\"file\":";
    harness::append_string(out, path);
    out += ",\"ok\":false,\"error\":";
    harness::append_string(out, error.message);
    return out + "}\n";
}

int verify(const VerifyArguments& arguments) {
    Output out;
    int status = fine;
    for (const auto& path : arguments.programs) {
        auto programs = load_programs({path}, arguments.dialect);
        if (!programs) {
            status = failed(programs.error());
            if (arguments.json)
                out.write(json_error(harness::display_name(path), programs.error()));
            continue;
        }
        for (const auto& program : *programs) {
            auto found = verifier::verify(program, arguments.options);
            if (!found.empty())
                status = at_fault;
            out.write(arguments.json ? json(program, found, arguments) : human(program, found));
            if (arguments.facts && !arguments.json)
                out.write(with_facts(program, arguments.strsize));
        }
    }
    return out.finish(status);
}

int verify_difo(const std::string& path) {
    auto objects = harness::read_objects(path);
    if (!objects)
        return failed(objects.error());
    Output out;
    for (const auto& object : *objects) {
        verifier::Options options;
        options.kernel = object.kernel;
        options.reference_list = true;
        std::string line = "{\"errors\":[";
        bool first = true;
        for (const auto& violation : verifier::verify(object.difo, options)) {
            line += first ? "{" : ",{";
            first = false;
            append_violation(line, violation);
            line += '}';
        }
        out.line(line + "]}");
    }
    return out.finish(fine);
}

} // namespace

void add_verify(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<VerifyArguments>();
    auto* sub =
        app.add_subcommand("verify", "check programs: would a kernel, and difjit, run them?");
    sub->footer(
        "Says ok, or every broken rule with the instruction where it is broken. The exit status\n"
        "is 1 if a program is refused.\n"
        "\n"
        "Examples:\n"
        "  difjit verify tests/corpus/dof/*.dof\n"
        "  difjit verify --facts tests/corpus/dof/hexval.dof\n"
        "  difjit verify --json program.dof | jq .violations");
    sub->add_option("PROGRAM", arguments->programs,
                    "DOF, ELF object with DOF, or DIF text; - is stdin")
        ->required();
    sub->add_flag("--json", arguments->json, "one JSON object for each program");
    sub->add_flag("--facts", arguments->facts,
                  "list each DIFO with what is proved of its instructions");
    sub->add_option("--strsize", arguments->strsize,
                    "what --facts takes strings to be limited to, in bytes")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{INT32_MAX}))
        ->capture_default_str();
    sub->add_flag("--helper", arguments->options.helper,
                  "also the rules for helpers (dtrace_difo_validate_helper)");
    sub->add_flag("--reference-rules", arguments->options.reference_rules,
                  "only the rules of dtrace_difo_validate, none of difjit's own");
    sub->add_flag("--unprivileged", arguments->unprivileged,
                  "for a consumer that may not read kernel memory");
    add_dialect(*sub, arguments->dialect);
    sub->callback([arguments, &action] {
        arguments->options.kernel = !arguments->unprivileged;
        action = [arguments] { return verify(*arguments); };
    });
}

void add_verify_difo(CLI::App& app, Action& action) {
    auto path = std::make_shared<std::string>();
    auto* sub =
        app.add_subcommand("verify-difo", "check single DIF objects, in the corpus's format");
    sub->footer(
        "Prints one line {\"errors\":[{\"pc\":…,\"rule\":…,\"message\":…}]} for each object of a\n"
        "file like tests/corpus/difo/invalid.jsonl: what dtrace_difo_validate reports, which\n"
        "stops at the first bad instruction. The exit status is 0 however many are invalid.\n"
        "\n"
        "Example:\n"
        "  difjit verify-difo tests/corpus/difo/invalid.jsonl");
    sub->add_option("OBJECTS", *path, "file of DIF objects; - is standard input")->required();
    sub->callback([path, &action] { action = [path] { return verify_difo(*path); }; });
}

} // namespace difjit::tool
