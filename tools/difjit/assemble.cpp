// SPDX-License-Identifier: BSD-2-Clause
// difjit asm, difjit compile: from text to DOF, from a program to images.
#include <memory>

#include <difjit/dof.hpp>
#include <difjit/jit.hpp>
#include <difjit/text.hpp>
#include <difjit/verifier.hpp>
#include <fmt/format.h>

#include "archive.hpp"
#include "harness/files.hpp"
#include "tool.hpp"

namespace difjit::tool {

namespace {

/// "-" is standard output.
int write_result(const std::string& path, std::span<const std::byte> bytes) {
    if (path == "-") {
        Output out;
        out.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        return out.finish(fine);
    }
    auto done = harness::write_file(path, bytes);
    return done ? fine : failed(done.error().in(path));
}

struct AsmArguments {
    std::string source, output;
    Dialect dialect = Dialect::freebsd;
};

int assemble(const AsmArguments& arguments) {
    std::string name = harness::display_name(arguments.source);
    auto source = harness::read_text(arguments.source, harness::max_program_bytes);
    if (!source)
        return failed(source.error().in(name));
    if (source->find_first_not_of(" \t\r\n") == std::string::npos)
        return failed(Error{"is empty: expected DIF text"}.in(name));
    auto program = text::assemble(*source, name, arguments.dialect);
    if (!program)
        return failed(named(program.error(), name));
    auto bytes = dof::write(*program);
    if (!bytes)
        return failed(bytes.error().in(name));
    return write_result(arguments.output, *bytes);
}

struct CompileArguments {
    std::string program, output;
    Dialect dialect = Dialect::freebsd;
    difjit_machine machine = DIFJIT_MACHINE_AMD64;
    int difo = -1;
    bool unoptimised = false;
};

Result<std::vector<std::byte>> compile_one(const Program& program, std::size_t i,
                                           const CompileArguments& arguments) {
    difjit_difo view = program.difos[i].view();
    auto image = jit::compile(view, {arguments.machine, !arguments.unoptimised});
    if (!image)
        return std::unexpected(image.error().in(fmt::format("DIFO {}", i)));
    return image;
}

Result<std::vector<std::byte>> compile_all(const Program& program,
                                           const CompileArguments& arguments) {
    auto violations = verifier::verify(program);
    if (!violations.empty())
        return fail(fmt::format("DIFO {}: instruction {}: {}", violations.front().difo,
                                violations.front().violation.pc,
                                violations.front().violation.message));
    if (arguments.difo >= 0) {
        auto wanted = static_cast<std::size_t>(arguments.difo);
        if (wanted >= program.difos.size())
            return fail(fmt::format("there is no DIFO {}: the program has {}", wanted,
                                    program.difos.size()));
        return compile_one(program, wanted, arguments);
    }
    std::vector<std::pair<std::string, std::vector<std::byte>>> members;
    for (std::size_t i = 0; i < program.difos.size(); ++i) {
        auto image = compile_one(program, i, arguments);
        if (!image)
            return image;
        members.emplace_back(fmt::format("difo-{}.img", i), std::move(*image));
    }
    return make_archive(members);
}

int compile(const CompileArguments& arguments) {
    std::string name = harness::display_name(arguments.program);
    auto programs = load_programs({arguments.program}, arguments.dialect);
    if (!programs)
        return failed(programs.error());
    if (programs->size() != 1)
        return failed(
            {fmt::format("{}: holds {} programs, compile takes one", name, programs->size())});
    auto bytes = compile_all(programs->front(), arguments);
    if (!bytes)
        return failed(bytes.error().in(name));
    return write_result(arguments.output, *bytes);
}

} // namespace

void add_asm(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<AsmArguments>();
    auto* sub = app.add_subcommand("asm", "assemble DIF text into DOF");
    sub->footer(
        "Reads listings of `dtrace -S` (one DIFO each) or the hand-written form, which has\n"
        "labels, named variables, ECBs and options: docs/dif-text.md.\n"
        "\n"
        "Example:\n"
        "  difjit asm filter.dif -o filter.dof");
    sub->add_option("FILE", arguments->source, "DIF text; - is standard input")->required();
    sub->add_option("-o", arguments->output, "DOF file to write; - is standard output")
        ->type_name("OUT")
        ->required();
    add_dialect(*sub, arguments->dialect);
    sub->callback([arguments, &action] { action = [arguments] { return assemble(*arguments); }; });
}

void add_compile(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<CompileArguments>();
    auto* sub = app.add_subcommand("compile", "compile a program into relocatable machine code");
    sub->footer(
        "Writes an ar(1) archive with one image for each DIFO: difo-0.img, difo-1.img, …; or,\n"
        "with --difo, that DIFO's image alone. include/difjit/abi.h describes images.\n"
        "\n"
        "Examples:\n"
        "  difjit compile tests/corpus/dof/scmp.dof -o scmp.a && ar tv scmp.a\n"
        "  difjit compile --difo 0 tests/corpus/dof/scmp.dof -o predicate.img");
    sub->add_option("PROGRAM", arguments->program,
                    "DOF, ELF object with DOF, or DIF text; - is stdin")
        ->required();
    sub->add_option("-o", arguments->output, "file to write; - is standard output")
        ->type_name("IMAGE")
        ->required();
    sub->add_option("--difo", arguments->difo, "only this DIFO, as a bare image")
        ->type_name("N")
        ->check(whole_number(0, 1 << 24));
    add_choice<difjit_machine>(*sub, "--machine", arguments->machine, "what it is compiled for",
                               {{"amd64", DIFJIT_MACHINE_AMD64}, {"arm64", DIFJIT_MACHINE_ARM64}});
    sub->add_flag("--no-optimise", arguments->unoptimised, "compile one instruction at a time");
    add_dialect(*sub, arguments->dialect);
    sub->callback([arguments, &action] { action = [arguments] { return compile(*arguments); }; });
}

} // namespace difjit::tool
