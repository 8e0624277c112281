// SPDX-License-Identifier: BSD-2-Clause
#include "dif/reference_page.hpp"

#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dif/actions.hpp"
#include "dif/opcodes.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit::text {

namespace {

struct Bit {
    std::uint32_t bit;
    std::string_view name;
};

std::string join(std::uint32_t set, std::initializer_list<Bit> bits) {
    std::vector<std::string_view> names;
    for (const Bit& b : bits)
        if ((set & b.bit) != 0)
            names.push_back(b.name);
    return fmt::format("{}", fmt::join(names, " "));
}

// A bar would end a table's cell.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
}

std::string faults(std::uint32_t set) {
    if (set == column::ANY)
        return "any";
    return join(set, {
#define DIFJIT_FAULT(name, bit, code, meaning) {bit, #name},
#include <difjit/faults.def>
                         {DIFJIT_FLAG_DROP, "drop"}});
}

std::string effects(std::uint32_t set) {
    using namespace column;
    return join(set, {{LOADS, "loads"},
                      {STORES, "stores"},
                      {SCRATCH, "scratch"},
                      {READS_GLOBAL, "reads-global"},
                      {WRITES_GLOBAL, "writes-global"},
                      {READS_THREAD, "reads-thread"},
                      {WRITES_THREAD, "writes-thread"},
                      {READS_LOCAL, "reads-local"},
                      {WRITES_LOCAL, "writes-local"},
                      {READS_ASSOC, "reads-assoc"},
                      {WRITES_ASSOC, "writes-assoc"},
                      {PUSHES, "pushes"},
                      {POPS, "pops"},
                      {FLUSHES, "flushes"},
                      {READS_TUPLE, "reads-tuple"},
                      {JUMPS, "jumps"},
                      {ENDS, "ends"},
                      {USER_MEMORY, "user-memory"},
                      {DESTRUCTIVE, "destructive"},
                      {HOST, "host"},
                      {STATEFUL, "stateful"},
                      {ABSENT, "absent"}});
}

std::string registers(std::uint8_t set) {
    return join(set, {{column::R1, "r1"}, {column::R2, "r2"}, {column::RD, "rd"}});
}

std::string codes(std::uint8_t set) {
    return join(set, {{column::N, "N"}, {column::Z, "Z"}, {column::V, "V"}, {column::C, "C"}});
}

std::string_view operands(Format format) {
    switch (format) {
    case Format::R1_R2_RD: return "r1, r2, rd";
    case Format::R1_RD: return "r1, rd";
    case Format::R1_R2: return "r1, r2";
    case Format::R1: return "r1";
    case Format::LABEL: return "label";
    case Format::LOAD: return "[r1], rd";
    case Format::STORE: return "r1, [rd]";
    case Format::RD: return "rd";
    case Format::NONE: return "";
    case Format::INTEGER: return "integer, rd";
    case Format::STRING: return "string, rd";
    case Format::ARRAY: return "array, r2, rd";
    case Format::LOAD_VAR: return "variable, rd";
    case Format::STORE_VAR: return "rs, variable";
    case Format::CALL: return "subroutine, rd";
    case Format::PUSH_REF: return "type, r2, rs";
    case Format::PUSH_VALUE: return "type, rs";
    case Format::XLATE: return "translator, rd";
    }
    return "";
}

std::string_view argument(char code) {
    switch (static_cast<Argument>(code)) {
    case Argument::NONE: return "";
    case Argument::INTEGER: return "integer";
    case Argument::CHARACTER: return "character";
    case Argument::SIZE: return "size";
    case Argument::STRING: return "string";
    case Argument::POINTER: return "pointer";
    case Argument::SCRATCH: return "scratch";
    case Argument::USER: return "user";
    case Argument::OBJECT: return "object";
    }
    return "";
}

std::string arguments(const SubroutineRow& row) {
    std::string out;
    for (unsigned i = 0; i < row.maximum; i++) {
        const std::string_view what = argument(row.arguments[i]);
        out += i != 0 ? ", " : "";
        out += i < row.minimum ? std::string(what) : fmt::format("[{}]", what);
    }
    return out;
}

std::string_view result(SubrResult kind) {
    switch (kind) {
    case SubrResult::VOID: return "old rd";
    case SubrResult::INTEGER: return "integer";
    case SubrResult::SCRATCH: return "scratch";
    case SubrResult::SCRATCH_STRING: return "string";
    case SubrResult::ARGUMENT: return "into argument 1";
    case SubrResult::OBJECT: return "object";
    }
    return "";
}

std::string number(std::uint16_t value, bool hexadecimal) {
    if (value == 0xffff)
        return "";
    return hexadecimal ? fmt::format("0x{:x}", value) : fmt::format("{}", value);
}

std::string_view type(VarType kind) {
    switch (kind) {
    case VarType::I32: return "int32";
    case VarType::U32: return "uint32";
    case VarType::I64: return "int64";
    case VarType::U64: return "uint64";
    case VarType::POINTER: return "pointer";
    case VarType::STRING: return "string";
    }
    return "";
}

std::string_view origin(Origin from) {
    switch (from) {
    case Origin::FRAME: return "frame";
    case Origin::HOST: return "host";
    case Origin::HOST_STRING: return "host string";
    case Origin::ILLEGAL: return "illegal";
    }
    return "";
}

std::string_view privilege(Privilege needed) {
    switch (needed) {
    case Privilege::NONE: return "";
    case Privilege::PROC: return "proc";
    case Privilege::KERNEL: return "kernel";
    }
    return "";
}

std::string_view option_kind(OptionKind kind) {
    switch (kind) {
    case OptionKind::SIZE: return "size: 4m";
    case OptionKind::RATE: return "rate: 10ms, 101hz";
    case OptionKind::INTEGER: return "number";
    case OptionKind::FLAG: return "flag";
    case OptionKind::BUFPOLICY: return "ring, fill, switch";
    case OptionKind::BUFRESIZE: return "auto, manual";
    case OptionKind::ZONE: return "zone";
    }
    return "";
}

std::string memory_text(const OpcodeRow& row) {
    if (row.memory == Memory::NONE)
        return "";
    return fmt::format("{}{}", row.is_signed ? "signed " : "", row.width);
}

using Out = std::back_insert_iterator<std::string>;

void opcodes(Out to) {
    fmt::format_to(to,
                   "\n## Opcodes\n"
                   "An instruction is a 32-bit word: the opcode in bits 31-24, then r1, r2 and rd "
                   "of 8 bits each; a label takes all 24 bits, the index of an integer, a string, "
                   "a variable or a subroutine the upper 16 of them. Bits that the operands don't "
                   "name are 0. `rs` is a register read from rd's place. *cc* are the condition "
                   "codes that decide a branch, or -> those that are set. *memory*: bytes touched "
                   "at once.\n\n"
                   "| number | instruction | reads | writes | cc | memory | faults | effects | "
                   "meaning | source |\n"
                   "| ---: | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const OpcodeRow& row : opcode_rows) {
        const std::string_view text = operands(row.format);
        fmt::format_to(to, "| {} | `{}{}{}` | {} | {} | {}{} | {} | {} | {} | {} | {} |\n",
                       static_cast<unsigned>(row.op), row.mnemonic, text.empty() ? "" : " ", text,
                       registers(row.reads), registers(row.writes), codes(row.cc_reads),
                       row.cc_writes != 0 ? "-> " + codes(row.cc_writes) : "", memory_text(row),
                       faults(row.faults), effects(row.effects), cell(row.meaning), row.source);
    }
}

void subroutines(Out to) {
    fmt::format_to(to,
                   "\n## Subroutines\n"
                   "`call` takes its arguments from the tuple stack, from the bottom: what pushtr "
                   "and pushtv pushed since flushts. It reads as many slots as it has arguments, "
                   "pushed or not; an argument in brackets is read only where the stack is so "
                   "deep. A string or pointer may be pushed by value or by reference, only the "
                   "address is used. *absent*: FreeBSD's kernel accepts the number and does "
                   "nothing. F is `freebsd` (12 and later), 11 `freebsd11`, I `illumos`.\n\n"
                   "| F | 11 | I | name | arguments | result | faults | effects | meaning | source "
                   "|\n"
                   "| ---: | ---: | ---: | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const SubroutineRow& row : subroutine_rows)
        fmt::format_to(to, "| {} | {} | {} | `{}` | {} | {} | {} | {} | {} | {} |\n",
                       number(row.numbers[0], false), number(row.numbers[1], false),
                       number(row.numbers[2], false), row.name, arguments(row), result(row.result),
                       faults(row.faults), effects(row.effects), row.meaning, row.source);
}

void variables(Out to) {
    fmt::format_to(to,
                   "\n## Built-in variables\n"
                   "`ldgs` reads the scalars, `ldga` the arrays; ids from 0x500 on are a program's "
                   "own variables. Every read gives 64 bits. *needs*: the privilege without which "
                   "it is 0 and UPRIV or KPRIV is set, on FreeBSD / on illumos where that "
                   "differs. *thread*: depends on nothing but the thread, so that a predicate on "
                   "it may be cached.\n\n"
                   "| F | 11 | I | name | kind | type | from | needs | thread | faults | meaning | "
                   "source |\n"
                   "| ---: | ---: | ---: | --- | --- | --- | --- | --- | --- | --- | --- | --- "
                   "|\n");
    for (const VariableRow& row : variable_rows) {
        const Privilege freebsd = row.privilege[DIFJIT_DIALECT_FREEBSD];
        const Privilege illumos = row.privilege[DIFJIT_DIALECT_ILLUMOS];
        const std::string needs =
            freebsd == illumos || row.numbers[DIFJIT_DIALECT_ILLUMOS] == no_variable
                ? std::string(privilege(freebsd))
                : fmt::format("{} / {}", freebsd == Privilege::NONE ? "-" : privilege(freebsd),
                              illumos == Privilege::NONE ? "-" : privilege(illumos));
        fmt::format_to(to, "| {} | {} | {} | `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                       number(row.numbers[0], true), number(row.numbers[1], true),
                       number(row.numbers[2], true), row.name,
                       row.kind == DIFJIT_VAR_KIND_ARRAY ? "array" : "scalar", type(row.type),
                       origin(row.origin), needs, row.thread_only ? "yes" : "", faults(row.faults),
                       row.meaning, row.source);
    }
}

void fault_table(Out to) {
    fmt::format_to(to, "\n## Faults\n"
                       "In the order in which they are reported where several are set. The code is "
                       "what dtrace:::ERROR gets.\n\n"
                       "| name | bit | code | meaning |\n| --- | ---: | ---: | --- |\n");
#define DIFJIT_FAULT(name, bit, code, meaning)                                                     \
    fmt::format_to(to, "| {} | 0x{:04x} | {} | {} |\n", #name, bit, code, meaning);
#include <difjit/faults.def>
}

void actions(Out to) {
    fmt::format_to(to, "\n## Actions\n"
                       "By their names in [DIF text](dif-text.md). The second byte is the class: 1 "
                       "process, 2 and 5 destructive, 4 kernel, 6 speculative, 7 aggregating.\n\n"
                       "| number | name | meaning |\n| ---: | --- | --- |\n");
    for (const ActionRow& row : action_rows)
        fmt::format_to(to, "| 0x{:03x} | `{}` | {}{} |\n", static_cast<unsigned>(row.kind),
                       row.name, row.meaning, row.printf_like ? "; always has a format" : "");
    fmt::format_to(to, "\nThe argument of `libact` says which of these the consumer carries out:"
                       "\n\n| F | 11 | I | name | meaning |\n"
                       "| ---: | ---: | ---: | --- | --- |\n");
#define DTRACE_LIBACT(name, index, text, meaning)                                                  \
    fmt::format_to(to, "| 0x{:x} | 0x{:x} | 0x{:x} | `{}` | {} |\n",                               \
                   libact_argument(Dialect::freebsd, LibAction::name),                             \
                   libact_argument(Dialect::freebsd11, LibAction::name),                           \
                   libact_argument(Dialect::illumos, LibAction::name), text, meaning);
#include "dif/actions.def"
}

void options(Out to) {
    fmt::format_to(to, "\n## Options\n"
                       "*live*: setopt() may change it while the session runs.\n\n"
                       "| number | name | value | live | meaning |\n"
                       "| ---: | --- | --- | --- | --- |\n");
    for (const OptionRow& row : option_rows)
        fmt::format_to(to, "| {} | `{}` | {} | {} | {} |\n", static_cast<unsigned>(row.id),
                       row.name, option_kind(row.kind), row.dynamic ? "yes" : "", row.meaning);
}

} // namespace

std::string reference_page() {
    std::string page =
        "# DIF: opcodes, subroutines, variables\n\n"
        "Made by `difjit_gen_docs` from the tables in `src/dif/*.def`; a test fails where this "
        "file is not what it prints. Points and decisions are those of "
        "[semantics.md](semantics.md); the other sources are functions of OpenDTrace's "
        "`dtrace.c`.\n";
    const Out to(page);
    opcodes(to);
    subroutines(to);
    variables(to);
    fault_table(to);
    actions(to);
    options(to);
    return page;
}

} // namespace difjit::text
