// SPDX-License-Identifier: BSD-2-Clause
// The disassembler: a DIFO exactly as `dtrace -S` prints it.
//
// Follows dt_dis.c of libdtrace, column by column. It is total: where dt_dis would read behind a
// table, there is no comment, or "?" for a name. One hostile DIFO can name one long string in each
// of its instructions, so the comments of a listing have a budget in all.
// Tested in tests/dif/listing_test.cpp.
#include "dif/disassembler.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>

#include <difjit/text.hpp>

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "dif/type_text.hpp"

namespace difjit::text {

namespace {

using Buffer = fmt::memory_buffer;

constexpr std::size_t comment_budget = std::size_t{16} << 20;

// dt_dis_scope: the third letter of the mnemonic.
std::uint8_t scope_of(const char* mnemonic) {
    switch (mnemonic[2]) {
    case 'l': return DIFJIT_SCOPE_LOCAL;
    case 't': return DIFJIT_SCOPE_THREAD;
    default: return DIFJIT_SCOPE_GLOBAL;
    }
}

// What the comments need of a DIFO, looked up in constant time.
class Comments {
  public:
    explicit Comments(const Difo& difo) : difo_(difo) {
        for (const difjit_var& var : difo.vars)
            names_.try_emplace(key(var.scope, var.id), var.name); // the first entry counts
    }

    void append(Buffer& out, Instruction instruction) {
        const OpcodeRow& row = opcode_row(instruction.op());
        switch (row.format) {
        case Format::ARRAY: variable(out, row, instruction.array()); break;
        case Format::LOAD_VAR:
        case Format::STORE_VAR: variable(out, row, instruction.var()); break;
        case Format::INTEGER:
            if (instruction.integer_index() < difo_.ints.size())
                fmt::format_to(std::back_inserter(out), "\t\t! 0x{:x}",
                               difo_.ints[instruction.integer_index()]);
            break;
        case Format::STRING:
            if (instruction.string_offset() < difo_.strtab.size())
                fmt::format_to(std::back_inserter(out), "\t\t! \"{}\"",
                               within_budget(string_at(difo_.strtab, instruction.string_offset())));
            break;
        case Format::CALL: subroutine(out, instruction.subr_number()); break;
        case Format::PUSH_REF: type(out, "\t", instruction.type()); break;
        case Format::PUSH_VALUE: type(out, "\t\t", instruction.type()); break;
        default: break;
        }
    }

    std::string_view within_budget(std::string_view text) {
        text = text.substr(0, budget_);
        budget_ -= text.size();
        return text;
    }

  private:
    static std::uint64_t key(std::uint8_t scope, std::uint32_t id) {
        return std::uint64_t{scope} << 32 | id;
    }

    void variable(Buffer& out, const OpcodeRow& row, std::uint32_t id) {
        const auto found = names_.find(key(scope_of(row.mnemonic), id));
        if (found != names_.end() && found->second < difo_.strtab.size())
            fmt::format_to(std::back_inserter(out), "\t\t! DT_VAR({}) = \"{}\"", id,
                           within_budget(string_at(difo_.strtab, found->second)));
    }

    void subroutine(Buffer& out, std::uint32_t number) const {
        const Subr subr = subr_from_number(difo_.dialect, number);
        fmt::format_to(std::back_inserter(out), "\t\t! {}",
                       subr == Subr::INVALID ? "unknown" : subroutine_row(subr).name);
    }

    static void type(Buffer& out, std::string_view pad, std::uint32_t kind) {
        if (kind <= DIFJIT_TYPE_STRING)
            fmt::format_to(std::back_inserter(out), "{}! DT_TYPE({}) = {}", pad, kind,
                           kind == DIFJIT_TYPE_STRING ? "string" : "D type");
    }

    const Difo& difo_;
    std::unordered_map<std::uint64_t, std::uint32_t> names_;
    std::size_t budget_ = comment_budget;
};

void append_operands(Buffer& out, Instruction i) {
    auto to = std::back_inserter(out);
    if (!is_opcode(i.opcode())) {
        fmt::format_to(to, "(illegal opcode)");
        return;
    }
    const OpcodeRow& row = opcode_row(i.op());
    if (row.format == Format::NONE) {
        fmt::format_to(to, "{}", row.mnemonic);
        return;
    }
    fmt::format_to(to, "{:<4} ", row.mnemonic);
    switch (row.format) {
    case Format::NONE: break;
    case Format::R1_R2_RD: fmt::format_to(to, "%r{}, %r{}, %r{}", i.r1(), i.r2(), i.rd()); break;
    case Format::R1_RD: fmt::format_to(to, "%r{}, %r{}", i.r1(), i.rd()); break;
    case Format::R1_R2: fmt::format_to(to, "%r{}, %r{}", i.r1(), i.r2()); break;
    case Format::R1: fmt::format_to(to, "%r{}", i.r1()); break;
    case Format::LABEL: fmt::format_to(to, "{}", i.label()); break;
    case Format::LOAD: fmt::format_to(to, "[%r{}], %r{}", i.r1(), i.rd()); break;
    case Format::STORE: fmt::format_to(to, "%r{}, [%r{}]", i.r1(), i.rd()); break;
    case Format::RD: fmt::format_to(to, "%r{}", i.rd()); break;
    case Format::INTEGER:
        fmt::format_to(to, "DT_INTEGER[{}], %r{}", i.integer_index(), i.rd());
        break;
    case Format::STRING:
        fmt::format_to(to, "DT_STRING[{}], %r{}", i.string_offset(), i.rd());
        break;
    case Format::ARRAY:
        fmt::format_to(to, "DT_VAR({}), %r{}, %r{}", i.array(), i.r2(), i.rd());
        break;
    case Format::LOAD_VAR: fmt::format_to(to, "DT_VAR({}), %r{}", i.var(), i.rd()); break;
    case Format::STORE_VAR: fmt::format_to(to, "%r{}, DT_VAR({})", i.rd(), i.var()); break;
    case Format::CALL: fmt::format_to(to, "DIF_SUBR({}), %r{}", i.subr_number(), i.rd()); break;
    case Format::PUSH_REF:
        fmt::format_to(to, "DT_TYPE({}), %r{}, %r{}", i.type(), i.r2(), i.rd());
        break;
    case Format::PUSH_VALUE: fmt::format_to(to, "DT_TYPE({}), %r{}", i.type(), i.rd()); break;
    case Format::XLATE: fmt::format_to(to, "DT_XLREF[{}], %r{}", i.xlate_index(), i.rd()); break;
    }
}

void append_instruction(Buffer& out, Comments& comments, Instruction instruction) {
    append_operands(out, instruction);
    if (is_opcode(instruction.opcode()))
        comments.append(out, instruction);
}

std::string number_or(std::string_view zero, std::string_view one, std::string_view two,
                      unsigned number) {
    switch (number) {
    case 0: return std::string(zero);
    case 1: return std::string(one);
    case 2: return two.empty() ? "2" : std::string(two);
    default: return fmt::format("{}", number);
    }
}

std::string flags_text(unsigned flags) {
    std::string text;
    if (const unsigned others = flags & ~unsigned{DIFJIT_VAR_REF | DIFJIT_VAR_MOD}; others != 0)
        text = fmt::format("/0x{:x}", others);
    if ((flags & DIFJIT_VAR_REF) != 0)
        text += "/r";
    if ((flags & DIFJIT_VAR_MOD) != 0)
        text += "/w";
    return text.empty() ? text : text.substr(1);
}

void append_variables(Buffer& out, const Difo& difo, Comments& comments) {
    auto to = std::back_inserter(out);
    if (!difo.vars.empty())
        fmt::format_to(to, "\n{:<16} {:<4} {:<3} {:<3} {:<4} {}\n", "NAME", "ID", "KND", "SCP",
                       "FLAG", "TYPE");
    for (const difjit_var& var : difo.vars) {
        const std::string_view name = var.name < difo.strtab.size()
                                          ? comments.within_budget(string_at(difo.strtab, var.name))
                                          : "?";
        fmt::format_to(to, "{}{:{}} {:<4} {:<3} {:<3} {:<4} {}\n", name, "",
                       name.size() < 16 ? 16 - name.size() : 0, var.id,
                       number_or("arr", "scl", "", var.kind),
                       number_or("glb", "tls", "loc", var.scope), flags_text(var.flags),
                       listing_type(var.type));
    }
}

void append_relocations(Buffer& out, const char* tag, const std::vector<Relocation>& relocations) {
    auto to = std::back_inserter(out);
    if (!relocations.empty())
        fmt::format_to(to, "\n{:<4} {:<8} {:<8} {}\n", tag, "OFFSET", "DATA", "NAME");
    for (const Relocation& r : relocations)
        fmt::format_to(to, "{:<4} {:<8} {:<8} {}\n", r.type, r.offset, r.data,
                       string_at(r.name, 0));
}

} // namespace

std::string_view string_at(std::string_view strtab, std::size_t offset) {
    const std::string_view rest = strtab.substr(std::min(offset, strtab.size()));
    return rest.substr(0, rest.find('\0'));
}

std::string operand_text(std::uint32_t word) {
    Buffer out;
    append_operands(out, Instruction{word});
    return fmt::to_string(out);
}

std::string disassemble_instruction(const Difo& difo, std::uint32_t pc) {
    if (pc >= difo.text.size())
        return {};
    Buffer out;
    Comments comments(difo);
    append_instruction(out, comments, Instruction{difo.text[pc]});
    return fmt::to_string(out);
}

std::string disassemble(const Difo& difo) {
    Buffer out;
    Comments comments(difo);
    auto to = std::back_inserter(out);
    fmt::format_to(to, "\nDIFO returns {}\n{:<3} {:<8}    {}\n", listing_type(difo.rtype), "OFF",
                   "OPCODE", "INSTRUCTION");
    for (std::size_t i = 0; i < difo.text.size(); i++) {
        fmt::format_to(to, "{:02}: {:08x}    ", i, difo.text[i]);
        append_instruction(out, comments, Instruction{difo.text[i]});
        out.push_back('\n');
    }
    append_variables(out, difo, comments);
    append_relocations(out, "KREL", difo.kernel_relocations);
    append_relocations(out, "UREL", difo.user_relocations);
    return fmt::to_string(out);
}

} // namespace difjit::text
