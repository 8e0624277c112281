// SPDX-License-Identifier: BSD-2-Clause
// Prints programs in the hand-written form, so that assemble() gives the same program back.
//
// A DIFO is printed as a person would write it, if that text assembles to the same DIFO; else with
// its tables spelled out; else in raw form, which can hold any bytes. So the printer never has to
// argue that a friendly text is exact: it tries. Tested in tests/dif/assembler_test.cpp.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include <difjit/text.hpp>

#include "dif/actions.hpp"
#include "dif/difo_assembler.hpp"
#include "dif/disassembler.hpp"
#include "dif/option_text.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"
#include "dif/type_text.hpp"
#include "dif/variables.hpp"

namespace difjit::text {

namespace {

// How much of a DIFO is spelled out; each shows more than the one before.
enum class Style { FRIENDLY, STRTAB, TABLES, RAW };

constexpr std::size_t bytes_a_line = 64;
constexpr std::size_t ints_a_line = 8;

bool is_identifier(std::string_view name) {
    const auto fits = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::ranges::all_of(name, fits);
}

std::string name_text(std::string_view name) {
    return is_identifier(name) ? std::string(name) : quoted(name);
}

void append_bytes(std::string& out, std::string_view directive, std::string_view bytes) {
    do {
        out += fmt::format("{} {}\n", directive, quoted(bytes.substr(0, bytes_a_line)));
        bytes.remove_prefix(std::min(bytes_a_line, bytes.size()));
    } while (!bytes.empty());
}

class DifoPrinter {
  public:
    DifoPrinter(const Difo& difo, Style style) : difo_(difo), style_(style) {
        for (const std::uint32_t word : difo.text) {
            const Instruction i{word};
            if (is_opcode(i.opcode()) && is_branch(i.op()) && i.label() < difo.text.size())
                targets_.insert(i.label());
        }
    }

    // The lines of the block.
    std::string print() {
        if (style_ >= Style::TABLES)
            ints();
        if (style_ >= Style::STRTAB)
            append_bytes(out_, "    .strtab", difo_.strtab);
        variables();
        relocations(".krel", difo_.kernel_relocations);
        relocations(".urel", difo_.user_relocations);
        for (std::size_t pc = 0; pc < difo_.text.size(); pc++) {
            if (targets_.contains(static_cast<std::uint32_t>(pc)))
                out_ += fmt::format("L{}:\n", pc);
            out_ += "    " + instruction(Instruction{difo_.text[pc]}) + "\n";
        }
        return std::move(out_);
    }

  private:
    void ints() {
        for (std::size_t i = 0; i < difo_.ints.size(); i++)
            out_ += fmt::format(
                "{}0x{:x}{}", i % ints_a_line == 0 ? "    .ints " : " ", difo_.ints[i],
                i % ints_a_line == ints_a_line - 1 || i + 1 == difo_.ints.size() ? "\n" : "");
    }

    void variables() {
        for (const difjit_var& var : difo_.vars) {
            if (style_ == Style::RAW || var.scope > DIFJIT_SCOPE_LOCAL) {
                out_ += fmt::format("    .var {} {} {} {} {} {}\n", var.name, var.id, var.kind,
                                    var.scope, var.flags, hand_type(var.type));
                continue;
            }
            constexpr std::string_view scopes[] = {"global", "self", "this"};
            const std::string_view name = string_at(difo_.strtab, var.name);
            names_.try_emplace({var.scope, var.id}, name);
            out_ +=
                fmt::format("    {} {}{} {}{} flags {}\n", scopes[var.scope],
                            var.kind == DIFJIT_VAR_KIND_ARRAY ? "assoc " : "", hand_type(var.type),
                            name_text(name), id_text(var, name), flags_text(var.flags));
        }
    }

    // " id n", or nothing where the assembler gives the same: a built-in's, or the next one.
    std::string id_text(const difjit_var& var, std::string_view name) {
        const Var builtin =
            var.scope == DIFJIT_SCOPE_GLOBAL ? var_from_id(difo_.dialect, var.id) : Var::INVALID;
        if (builtin != Var::INVALID && variable_row(builtin)->name == name &&
            variable_row(builtin)->kind == var.kind)
            return {};
        std::uint32_t& next = next_id_[var.scope];
        const bool is_next = var.id == next;
        if (var.id >= DIFJIT_USER_VARIABLE_BASE)
            next = std::max(next, var.id + 1);
        return is_next ? std::string() : fmt::format(" id 0x{:x}", var.id);
    }

    static std::string flags_text(unsigned flags) {
        switch (flags) {
        case DIFJIT_VAR_REF: return "r";
        case DIFJIT_VAR_MOD: return "w";
        case DIFJIT_VAR_REF | DIFJIT_VAR_MOD: return "rw";
        default: return fmt::format("{}", flags);
        }
    }

    void relocations(std::string_view directive, const std::vector<Relocation>& relocations) {
        for (const Relocation& r : relocations)
            out_ += fmt::format("    {} {} {} {} {}\n", directive, r.type, r.offset, r.data,
                                quoted(r.name));
    }

    // A word whose unused bits are set, or no instruction at all, has no text of its own.
    static bool is_canonical(Instruction i) {
        if (!is_opcode(i.opcode()))
            return false;
        switch (opcode_row(i.op()).format) {
        case Format::R1_RD:
        case Format::LOAD:
        case Format::STORE:
        case Format::PUSH_VALUE: return i.r2() == 0;
        case Format::R1_R2: return i.rd() == 0;
        case Format::R1: return i.r2() == 0 && i.rd() == 0;
        case Format::RD: return i.r1() == 0 && i.r2() == 0;
        case Format::NONE: return i.label() == 0;
        default: return true;
        }
    }

    std::string instruction(Instruction i) const {
        if (!is_canonical(i))
            return fmt::format(".word 0x{:08x}", i.word);
        const char* mnemonic = opcode_row(i.op()).mnemonic;
        const Format format = opcode_row(i.op()).format;
        if (format == Format::LABEL && targets_.contains(i.label()))
            return fmt::format("{:<4} L{}", mnemonic, i.label());
        if (style_ == Style::RAW)
            return operand_text(i.word);
        switch (format) {
        case Format::INTEGER:
            if (i.integer_index() < difo_.ints.size())
                return fmt::format("{:<4} 0x{:x}, %r{}", mnemonic, difo_.ints[i.integer_index()],
                                   i.rd());
            break;
        case Format::STRING:
            if (i.string_offset() < difo_.strtab.size())
                return fmt::format("{:<4} {}, %r{}", mnemonic,
                                   quoted(string_at(difo_.strtab, i.string_offset())), i.rd());
            break;
        case Format::ARRAY:
            return fmt::format("{:<4} {}, %r{}, %r{}", mnemonic, variable(i, i.array()), i.r2(),
                               i.rd());
        case Format::LOAD_VAR:
            return fmt::format("{:<4} {}, %r{}", mnemonic, variable(i, i.var()), i.rd());
        case Format::STORE_VAR:
            return fmt::format("{:<4} %r{}, {}", mnemonic, i.rd(), variable(i, i.var()));
        case Format::CALL:
            if (const Subr subr = subr_from_number(difo_.dialect, i.subr_number());
                subr != Subr::INVALID)
                return fmt::format("{:<4} {}, %r{}", mnemonic, subroutine_row(subr).name, i.rd());
            break;
        case Format::PUSH_REF:
            if (i.type() <= DIFJIT_TYPE_STRING)
                return fmt::format("{:<4} {}, %r{}, %r{}", mnemonic, type_word(i), i.r2(), i.rd());
            break;
        case Format::PUSH_VALUE:
            if (i.type() <= DIFJIT_TYPE_STRING)
                return fmt::format("{:<4} {}, %r{}", mnemonic, type_word(i), i.rd());
            break;
        default: break;
        }
        return operand_text(i.word);
    }

    static const char* type_word(Instruction i) {
        return i.type() == DIFJIT_TYPE_STRING ? "string" : "ctf";
    }

    std::string variable(Instruction i, std::uint32_t id) const {
        const char letter = opcode_row(i.op()).mnemonic[2];
        std::uint8_t scope = DIFJIT_SCOPE_GLOBAL;
        if (letter == 'l')
            scope = DIFJIT_SCOPE_LOCAL;
        else if (letter == 't')
            scope = DIFJIT_SCOPE_THREAD;
        if (const auto found = names_.find({scope, id}); found != names_.end())
            return name_text(found->second);
        const Var builtin =
            scope == DIFJIT_SCOPE_GLOBAL ? var_from_id(difo_.dialect, id) : Var::INVALID;
        return builtin != Var::INVALID ? variable_row(builtin)->name
                                       : fmt::format("DT_VAR({})", id);
    }

    const Difo& difo_;
    Style style_;
    std::string out_;
    std::uint32_t next_id_[3] = {DIFJIT_USER_VARIABLE_BASE, DIFJIT_USER_VARIABLE_BASE,
                                 DIFJIT_USER_VARIABLE_BASE};
    std::set<std::uint32_t> targets_;
    std::map<std::pair<std::uint8_t, std::uint32_t>, std::string_view> names_;
};

bool assembles_to(std::string_view block, const Difo& difo) {
    DifoAssembler assembler(difo.dialect, difo.rtype);
    Source source(block);
    try {
        while (!source.at_end()) {
            Cursor cursor(source.next());
            assembler.statement(cursor, source.line());
        }
        return assembler.finish() == difo;
    } catch (const Failure&) {
        return false;
    }
}

std::string print_block(const Difo& difo) {
    for (const Style style : {Style::FRIENDLY, Style::STRTAB, Style::TABLES}) {
        std::string block = DifoPrinter(difo, style).print();
        if (assembles_to(block, difo))
            return block;
    }
    return DifoPrinter(difo, Style::RAW).print();
}

std::string reference(const Program& program, std::int32_t difo) {
    return difo >= 0 && static_cast<std::size_t>(difo) < program.difos.size()
               ? fmt::format("d{}", difo)
               : fmt::format("#{}", difo);
}

std::string probe_text(const ProbeDescription& probe) {
    const auto part = [](std::string_view text) {
        const auto fits = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                   std::string_view("_.-$*?`+@").find(c) != std::string_view::npos;
        };
        return std::ranges::all_of(text, fits) ? std::string(text) : quoted(text);
    };
    std::string last = probe.name.empty() ? "\"\"" : part(probe.name);
    if (probe.provider.empty() && probe.module.empty() && probe.function.empty())
        return last;
    return fmt::format("{}:{}:{}:{}", part(probe.provider), part(probe.module),
                       part(probe.function), last);
}

std::string action_text(const Program& program, const ActionDescription& action, Dialect dialect) {
    const char* known = name(static_cast<ActionKind>(action.kind));
    std::string line = known != nullptr ? known : fmt::format("action {}", action.kind);
    bool arg = action.arg != 0;
    if (static_cast<ActionKind>(action.kind) == ActionKind::LIBACT) {
        const char* library = library_action_name(libact_from_argument(dialect, action.arg));
        if (library != nullptr) {
            line = library;
            arg = false;
        }
    }
    if (action.difo != no_difo)
        line += " " + reference(program, action.difo);
    if (action.format)
        line += " " + quoted(*action.format);
    if (action.ntuple != 0)
        line += fmt::format(" tuple {}", action.ntuple);
    if (arg)
        line += fmt::format(" arg 0x{:x}", action.arg);
    if (action.uarg != 0)
        line += fmt::format(" uarg 0x{:x}", action.uarg);
    return line;
}

void append_ecb(std::string& out, const Program& program, const EcbDescription& ecb,
                Dialect dialect) {
    out += "\nprobe " + probe_text(ecb.probe);
    if (ecb.probe.id != 0)
        out += fmt::format(" id {}", ecb.probe.id);
    if (ecb.uarg != 0)
        out += fmt::format(" uarg 0x{:x}", ecb.uarg);
    out += " {\n";
    if (ecb.predicate != no_difo)
        out += fmt::format("    predicate {}\n", reference(program, ecb.predicate));
    for (const ActionDescription& action : ecb.actions)
        out += "    " + action_text(program, action, dialect) + "\n";
    out += "}\n";
}

void append_provider(std::string& out, const ProviderDescription& provider) {
    out += fmt::format("\nprovider {} attributes 0x{:x} 0x{:x} 0x{:x} 0x{:x} 0x{:x} {{\n",
                       name_text(provider.name), provider.provider_attributes,
                       provider.module_attributes, provider.function_attributes,
                       provider.name_attributes, provider.argument_attributes);
    const auto strings = [&](std::string_view keyword, const std::vector<std::string>& list) {
        for (const std::string& text : list)
            out += fmt::format("        {} {}\n", keyword, quoted(text));
    };
    const auto numbers = [&](std::string_view keyword, const auto& list) {
        for (std::size_t i = 0; i < list.size(); i++)
            out += fmt::format(
                "{} {}{}", i % ints_a_line == 0 ? fmt::format("        {}", keyword) : "", list[i],
                i % ints_a_line == ints_a_line - 1 || i + 1 == list.size() ? "\n" : "");
    };
    for (const ProviderProbe& probe : provider.probes) {
        out += fmt::format("    probe {} {} address 0x{:x}\n", name_text(probe.function),
                           name_text(probe.name), probe.address);
        strings("native", probe.native_arguments);
        strings("translated", probe.translated_arguments);
        numbers("map", probe.argument_map);
        numbers("offsets", probe.offsets);
        numbers("enabled", probe.enabled_offsets);
    }
    for (const Relocation& r : provider.relocations)
        out += fmt::format("    reloc {} {} {} {}\n", r.type, r.offset, r.data, quoted(r.name));
    out += "}\n";
}

void append_header(std::string& out, const Program& program) {
    if (program.dof_version != 1)
        out += fmt::format("version {}\n", program.dof_version);
    if (program.data_model != 2)
        out += fmt::format("model {}\n", program.data_model);
    if (program.integer_registers != 8 || program.tuple_registers != 8)
        out += fmt::format("registers {} {}\n", program.integer_registers, program.tuple_registers);
    if (program.comments)
        append_bytes(out, "comments", *program.comments);
    if (program.utsname)
        append_bytes(out, "utsname", *program.utsname);
    if (program.source)
        append_bytes(out, "source", *program.source);
    for (const OptionDescription& option : program.options) {
        const OptionRow* row = option_row(option.option);
        out += fmt::format("option {} {}",
                           row != nullptr ? row->name : fmt::format("{}", option.option),
                           static_cast<std::int64_t>(option.value));
        out += option.text ? " text " + quoted(*option.text) + "\n" : "\n";
    }
}

} // namespace

std::string print(const Program& program) {
    std::string out;
    append_header(out, program);
    std::optional<Dialect> dialect;
    const auto change_dialect = [&](Dialect to) {
        if (dialect != to)
            out += fmt::format("dialect {}\n", dialect_name(to));
        dialect = to;
    };
    for (std::size_t i = 0; i < program.difos.size(); i++) {
        const Difo& difo = program.difos[i];
        change_dialect(difo.dialect);
        out += fmt::format("\ndifo d{} returns {} {{\n{}}}\n", i, hand_type(difo.rtype),
                           print_block(difo));
    }
    if (!dialect && !program.ecbs.empty())
        change_dialect(Dialect::freebsd); // library actions are numbered by it
    for (const EcbDescription& ecb : program.ecbs)
        append_ecb(out, program, ecb, dialect.value_or(Dialect::freebsd));
    for (const ProviderDescription& provider : program.providers)
        append_provider(out, provider);
    return out;
}

} // namespace difjit::text
