// SPDX-License-Identifier: BSD-2-Clause
// difjit dis: DIF as `dtrace -S` prints it, machine code beside it, or text that asm reads back.
#include <memory>

#include <difjit/jit.hpp>
#include <difjit/text.hpp>
#include <difjit/verifier.hpp>
#include <fmt/format.h>

#include "harness/files.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

struct DisArguments {
    std::vector<std::string> programs;
    Dialect dialect = Dialect::freebsd;
    difjit_machine machine = DIFJIT_MACHINE_AMD64;
    bool native = false, source = false, unoptimised = false;
};

/// '!' starts a comment in DIF text, so that asm reads the listing back.
std::string heading(const Program& program, std::size_t difo) {
    DifoUse use = first_use(program, difo);
    return fmt::format("! DIFO {}{}{}\n", difo, use.text.empty() ? "" : ": ", use.text);
}

Result<std::string> native(const Difo& difo, const DisArguments& arguments) {
    auto violations = verifier::verify(difo);
    if (!violations.empty())
        return fail(fmt::format("cannot be compiled: instruction {}: {}", violations.front().pc,
                                violations.front().message));
    difjit_difo view = difo.view();
    auto image = jit::compile(view, {arguments.machine, !arguments.unoptimised});
    if (!image)
        return std::unexpected(image.error());
    return jit::listing(*image, view);
}

Result<void> list(const Program& program, const DisArguments& arguments, Output& out) {
    for (std::size_t i = 0; i < program.difos.size() && out.open(); ++i) {
        out.write(heading(program, i));
        out.write(text::disassemble(program.difos[i]));
        if (arguments.native) {
            auto code = native(program.difos[i], arguments);
            if (!code)
                return std::unexpected(code.error().in(fmt::format("DIFO {}", i)));
            out.write("\n");
            out.write(*code);
        }
        out.write("\n");
    }
    return {};
}

int dis(const DisArguments& arguments) {
    auto programs = load_programs(arguments.programs, arguments.dialect);
    if (!programs)
        return failed(programs.error());
    Output out;
    for (const auto& program : *programs) {
        if (programs->size() > 1)
            out.write(fmt::format("! {}\n\n", program.name));
        if (arguments.source) {
            out.write(text::print(program));
            continue;
        }
        if (auto done = list(program, arguments, out); !done)
            return out.finish(failed(done.error().in(program.name)));
    }
    return out.finish(fine);
}

} // namespace

void add_dis(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<DisArguments>();
    auto* sub = app.add_subcommand("dis", "print a program's DIF, and the machine code made of it");
    sub->footer(
        "Each DIFO is printed as `dtrace -S` does, under a line that says where the program\n"
        "uses it. --native adds each DIF instruction's machine code, relocations named.\n"
        "\n"
        "Examples:\n"
        "  difjit dis tests/corpus/dof/monitor-writes.dof\n"
        "  difjit dis --native amd64 tests/corpus/dof/cost-predicate.dof\n"
        "  difjit dis --source program.dof > program.dif; difjit asm program.dif -o copy.dof");
    sub->add_option("PROGRAM", arguments->programs,
                    "DOF, ELF object with DOF, or DIF text; - is stdin")
        ->required();
    auto* machine = add_choice<difjit_machine>(
        *sub, "--native", arguments->machine, "machine code beside the DIF",
        {{"amd64", DIFJIT_MACHINE_AMD64}, {"arm64", DIFJIT_MACHINE_ARM64}});
    machine->default_str("");
    auto* source = sub->add_flag("--source", arguments->source,
                                 "the hand-written form (docs/dif-text.md), which asm reads back");
    source->excludes(machine);
    sub->add_flag("--no-optimise", arguments->unoptimised, "compile one instruction at a time");
    add_dialect(*sub, arguments->dialect);
    sub->callback([arguments, machine, &action] {
        arguments->native = machine->count() != 0;
        action = [arguments] { return dis(*arguments); };
    });
}

} // namespace difjit::tool
