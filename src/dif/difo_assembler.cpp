// SPDX-License-Identifier: BSD-2-Clause
#include "dif/difo_assembler.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dif/subroutines.hpp"
#include "dif/type_text.hpp"
#include "dif/variables.hpp"

namespace difjit::text {

namespace {

constexpr std::uint32_t index_max = 0xffff;   // DIF_INTOFF_MAX, DIF_STROFF_MAX
constexpr std::uint32_t label_max = 0xffffff; // 24 bits

const std::unordered_map<std::string_view, Op>& mnemonics() {
    static const auto table = [] {
        std::unordered_map<std::string_view, Op> map;
        for (const OpcodeRow& row : opcode_rows)
            map.emplace(row.mnemonic, row.op);
        return map;
    }();
    return table;
}

std::uint32_t register_operand(Cursor& cursor) {
    const std::string word = cursor.word("a register");
    const auto number = word.starts_with("%r") ? parse_number(std::string_view(word).substr(2))
                                               : std::optional<std::uint64_t>{};
    if (!number || *number > 0xff)
        refuse(fmt::format("expected a register %r0 to %r255, not {}", shown(word)));
    return static_cast<std::uint32_t>(*number);
}

std::uint32_t bracketed_register(Cursor& cursor) {
    cursor.expect("[");
    const std::uint32_t reg = register_operand(cursor);
    cursor.expect("]");
    return reg;
}

// DT_INTEGER[n], DT_VAR(n) and the like; false where something else is next.
bool listing_operand(Cursor& cursor, std::string_view name, std::string_view open,
                     std::string_view close, std::uint64_t maximum, std::uint32_t& value) {
    if (!cursor.at(name) || !cursor.at(open, 1))
        return false;
    cursor.expect(name);
    cursor.expect(open);
    value = static_cast<std::uint32_t>(cursor.number("a number", maximum));
    cursor.expect(close);
    return true;
}

std::uint32_t type_operand(Cursor& cursor) {
    std::uint32_t value = 0;
    if (listing_operand(cursor, "DT_TYPE", "(", ")", 0xff, value))
        return value;
    if (cursor.accept("ctf"))
        return DIFJIT_TYPE_CTF;
    if (cursor.accept("string"))
        return DIFJIT_TYPE_STRING;
    return static_cast<std::uint32_t>(cursor.number("a type: ctf or string", 0xff));
}

std::uint32_t xlate_operand(Cursor& cursor) {
    std::uint32_t value = 0;
    if (listing_operand(cursor, "DT_XLREF", "[", "]", index_max, value))
        return value;
    return static_cast<std::uint32_t>(cursor.number("a translator reference", index_max));
}

// dt_dis_scope's rule: the third letter says it.
std::uint8_t scope_of(Op op) {
    switch (opcode_row(op).mnemonic[2]) {
    case 'l': return DIFJIT_SCOPE_LOCAL;
    case 't': return DIFJIT_SCOPE_THREAD;
    default: return DIFJIT_SCOPE_GLOBAL;
    }
}

std::uint16_t parse_flags(Cursor& cursor) {
    if (cursor.accept("r"))
        return DIFJIT_VAR_REF;
    if (cursor.accept("w"))
        return DIFJIT_VAR_MOD;
    if (cursor.accept("rw"))
        return DIFJIT_VAR_REF | DIFJIT_VAR_MOD;
    return static_cast<std::uint16_t>(cursor.number("flags: r, w, rw or a number", 0xffff));
}

const VariableRow* find_builtin(Dialect dialect, std::string_view name) {
    for (const VariableRow& row : variable_rows)
        if (row.numbers[static_cast<unsigned>(dialect)] != no_variable && row.name == name)
            return &row;
    return nullptr;
}

Relocation parse_relocation(Cursor& cursor) {
    Relocation r;
    r.type = static_cast<std::uint32_t>(cursor.number("a relocation's type", UINT32_MAX));
    r.offset = cursor.number("a relocation's offset");
    r.data = cursor.number("a relocation's data");
    r.name = cursor.string("a relocation's name");
    return r;
}

} // namespace

difjit_type parse_hand_type(Cursor& cursor) {
    const std::string word = cursor.word("a type");
    if (word == "type") {
        difjit_type type{};
        cursor.expect("(");
        type.kind = static_cast<std::uint8_t>(cursor.number("a type's kind", 0xff));
        cursor.expect(",");
        type.ckind = static_cast<std::uint8_t>(cursor.number("a type's CTF kind", 0xff));
        cursor.expect(",");
        type.flags = static_cast<std::uint8_t>(cursor.number("a type's flags", 0xff));
        cursor.expect(",");
        type.pad = static_cast<std::uint8_t>(cursor.number("a type's pad byte", 0xff));
        cursor.expect(",");
        type.size = static_cast<std::uint32_t>(cursor.number("a type's size", UINT32_MAX));
        cursor.expect(")");
        return type;
    }
    const TypeWord* row = find_type_word(word);
    if (row == nullptr)
        refuse(fmt::format("unknown type {}; known: void char short int long pointer enum string "
                           "struct[n] union[n] array[n] type(kind, ckind, flags, pad, size)",
                           shown(word)));
    difjit_type type = row->type;
    if (row->sized && cursor.accept("[")) {
        type.size = static_cast<std::uint32_t>(cursor.number("a type's size", UINT32_MAX));
        cursor.expect("]");
    } else if (row->sized && type.size == 0) {
        refuse(fmt::format("{} needs its size: {}[bytes]", word, word));
    }
    return type;
}

const char* dialect_name(Dialect dialect) {
    switch (dialect) {
    case Dialect::freebsd: return "freebsd";
    case Dialect::freebsd11: return "freebsd11";
    case Dialect::illumos: return "illumos";
    }
    return "freebsd";
}

std::optional<Dialect> find_dialect(std::string_view name) {
    for (const Dialect d : {Dialect::freebsd, Dialect::freebsd11, Dialect::illumos})
        if (dialect_name(d) == name)
            return d;
    return std::nullopt;
}

DifoAssembler::DifoAssembler(Dialect dialect, difjit_type rtype) {
    difo_.dialect = dialect;
    difo_.rtype = rtype;
    next_id_.fill(DIFJIT_USER_VARIABLE_BASE);
}

void DifoAssembler::statement(Cursor& cursor, std::size_t line) {
    while (cursor.peek().kind == TokenKind::WORD && cursor.at(":", 1)) {
        const std::string label = cursor.next().text;
        cursor.expect(":");
        if (!labels_.emplace(label, difo_.text.size()).second)
            refuse(fmt::format("label {} is defined twice", shown(label)));
    }
    if (cursor.at_end())
        return;
    const std::string& word = cursor.peek().text;
    if (cursor.peek().kind == TokenKind::WORD && word.starts_with('.')) {
        directive(cursor, cursor.word("a directive"));
    } else if (cursor.accept("global")) {
        declaration(cursor, DIFJIT_SCOPE_GLOBAL);
    } else if (cursor.accept("self")) {
        declaration(cursor, DIFJIT_SCOPE_THREAD);
    } else if (cursor.accept("this")) {
        declaration(cursor, DIFJIT_SCOPE_LOCAL);
    } else {
        instruction(cursor, line);
    }
    cursor.expect_end();
}

void DifoAssembler::directive(Cursor& cursor, const std::string& name) {
    if (name == ".word") {
        emit({static_cast<std::uint32_t>(cursor.number("an instruction word", UINT32_MAX))});
    } else if (name == ".ints") {
        while (!cursor.at_end()) {
            difo_.ints.push_back(cursor.number("an integer"));
            integers_.try_emplace(difo_.ints.back(),
                                  static_cast<std::uint32_t>(difo_.ints.size() - 1));
        }
    } else if (name == ".strtab") {
        if (!has_strtab_ && !difo_.strtab.empty())
            refuse(".strtab must stand before the first instruction with a string");
        has_strtab_ = true;
        difo_.strtab += cursor.strings("the string table's bytes");
    } else if (name == ".var") {
        raw_variable(cursor);
    } else if (name == ".krel") {
        difo_.kernel_relocations.push_back(parse_relocation(cursor));
    } else if (name == ".urel") {
        difo_.user_relocations.push_back(parse_relocation(cursor));
    } else {
        refuse(fmt::format("unknown directive {}; known: .word .ints .strtab .var .krel .urel",
                           shown(name)));
    }
}

// .var name-offset id kind scope flags type
void DifoAssembler::raw_variable(Cursor& cursor) {
    difjit_var var{};
    var.name = static_cast<std::uint32_t>(cursor.number("a name's offset", UINT32_MAX));
    var.id = static_cast<std::uint32_t>(cursor.number("a variable's id", UINT32_MAX));
    var.kind = static_cast<std::uint8_t>(cursor.number("a variable's kind", 0xff));
    var.scope = static_cast<std::uint8_t>(cursor.number("a variable's scope", 0xff));
    var.flags = static_cast<std::uint16_t>(cursor.number("a variable's flags", 0xffff));
    var.type = parse_hand_type(cursor);
    difo_.vars.push_back(var);
    declarations_.push_back({"", false, false});
}

// scope [assoc] type name[bytes] {id n | flags f | name offset}
void DifoAssembler::declaration(Cursor& cursor, std::uint8_t scope) {
    difjit_var var{};
    var.scope = scope;
    var.kind = cursor.accept("assoc") ? DIFJIT_VAR_KIND_ARRAY : DIFJIT_VAR_KIND_SCALAR;
    const TypeWord* row = find_type_word(cursor.peek().text);
    const bool sized_later =
        row != nullptr && row->sized && !cursor.at("[", 1) && cursor.at("[", 2);
    if (sized_later) {
        var.type = row->type;
        cursor.next();
    } else {
        var.type = parse_hand_type(cursor);
    }
    Declaration declared{cursor.word_or_string("a variable's name"), true, true};
    if (sized_later) {
        cursor.expect("[");
        var.type.size = static_cast<std::uint32_t>(cursor.number("a size", UINT32_MAX));
        cursor.expect("]");
    }
    std::optional<std::uint32_t> id;
    while (!cursor.at_end()) {
        if (cursor.accept("id")) {
            id = static_cast<std::uint32_t>(cursor.number("an id", UINT32_MAX));
        } else if (cursor.accept("flags")) {
            var.flags = parse_flags(cursor);
            declared.infer_flags = false;
        } else if (cursor.accept("name")) {
            var.name = static_cast<std::uint32_t>(cursor.number("an offset", UINT32_MAX));
            declared.place_name = false;
        } else {
            refuse(fmt::format("expected id, flags or name, not {}", shown(cursor.peek().text)));
        }
    }
    const VariableRow* builtin =
        scope == DIFJIT_SCOPE_GLOBAL && !id ? find_builtin(difo_.dialect, declared.name) : nullptr;
    if (builtin != nullptr) {
        id = var_id(difo_.dialect, builtin->var);
        var.kind = builtin->kind;
    }
    var.id = id.value_or(next_id_[scope]);
    if (var.id >= DIFJIT_USER_VARIABLE_BASE)
        next_id_[scope] = std::max(next_id_[scope], var.id + 1);
    if (!variables_[scope].emplace(declared.name, var.id).second)
        refuse(fmt::format("variable {} is declared twice in its scope", shown(declared.name)));
    difo_.vars.push_back(var);
    declarations_.push_back(std::move(declared));
}

std::uint32_t DifoAssembler::intern(std::uint64_t value) {
    const auto [found, is_new] =
        integers_.try_emplace(value, static_cast<std::uint32_t>(difo_.ints.size()));
    if (is_new)
        difo_.ints.push_back(value);
    return found->second;
}

// A string table that the text gives is searched string by string, once.
void DifoAssembler::index_strtab() {
    if (!strings_.empty())
        return;
    for (std::size_t offset = 0; offset < difo_.strtab.size();) {
        const std::size_t end = difo_.strtab.find('\0', offset);
        if (end == std::string::npos)
            break;
        strings_.try_emplace(difo_.strtab.substr(offset, end - offset),
                             static_cast<std::uint32_t>(offset));
        offset = end + 1;
    }
}

std::uint32_t DifoAssembler::intern(const std::string& text) {
    index_strtab();
    if (difo_.strtab.empty()) {
        difo_.strtab.push_back('\0');
        strings_.emplace("", 0);
    }
    const auto [found, is_new] =
        strings_.try_emplace(text, static_cast<std::uint32_t>(difo_.strtab.size()));
    if (is_new) {
        difo_.strtab += text;
        difo_.strtab.push_back('\0');
    }
    return found->second;
}

std::uint32_t DifoAssembler::integer_operand(Cursor& cursor) {
    std::uint32_t index = 0;
    if (listing_operand(cursor, "DT_INTEGER", "[", "]", index_max, index))
        return index;
    index = intern(cursor.number("an integer"));
    if (index > index_max)
        refuse("the integer table is full: an instruction can name 65536 integers");
    return index;
}

std::uint32_t DifoAssembler::string_operand(Cursor& cursor) {
    std::uint32_t offset = 0;
    if (listing_operand(cursor, "DT_STRING", "[", "]", index_max, offset))
        return offset;
    const std::string text = cursor.strings("a string");
    if (text.find('\0') != std::string::npos)
        refuse("a string can't hold a NUL");
    offset = intern(text);
    if (offset > index_max)
        refuse("the string table is full: an instruction can name its first 65536 bytes");
    return offset;
}

std::uint32_t DifoAssembler::variable_operand(Cursor& cursor, Op op) {
    const std::uint32_t maximum = opcode_row(op).format == Format::ARRAY ? 0xff : 0xffff;
    std::uint32_t id = 0;
    if (listing_operand(cursor, "DT_VAR", "(", ")", maximum, id))
        return id;
    const std::string name = cursor.word_or_string("a variable");
    const std::uint8_t scope = scope_of(op);
    const VariableRow* builtin =
        scope == DIFJIT_SCOPE_GLOBAL ? find_builtin(difo_.dialect, name) : nullptr;
    if (const auto found = variables_[scope].find(name); found != variables_[scope].end())
        id = found->second;
    else if (builtin != nullptr)
        id = var_id(difo_.dialect, builtin->var);
    else if (const auto number = parse_number(name); number && *number <= maximum)
        return static_cast<std::uint32_t>(*number);
    else
        refuse(fmt::format("{} names no variable of its scope; declare it before, as in "
                           "\"global int x\"",
                           shown(name)));
    if (id > maximum)
        refuse(fmt::format("{} can't name variable {}, whose id is {}", opcode_row(op).mnemonic,
                           shown(name), id));
    return id;
}

std::uint32_t DifoAssembler::subroutine_operand(Cursor& cursor) const {
    std::uint32_t number = 0;
    if (listing_operand(cursor, "DIF_SUBR", "(", ")", 0xffff, number))
        return number;
    const std::string name = cursor.word("a subroutine");
    for (const SubroutineRow& row : subroutine_rows)
        if (row.name == name && subr_number(difo_.dialect, row.subr) != no_subroutine)
            return subr_number(difo_.dialect, row.subr);
    if (const auto value = parse_number(name); value && *value <= 0xffff)
        return static_cast<std::uint32_t>(*value);
    refuse(
        fmt::format("{} is no subroutine of dialect {}", shown(name), dialect_name(difo_.dialect)));
}

Instruction DifoAssembler::branch(Cursor& cursor, Op op, std::size_t line) {
    std::string label = cursor.word("a label");
    if (const auto number = parse_number(label)) {
        if (*number > label_max)
            refuse(fmt::format("a label is at most {}, not {}", label_max, shown(label)));
        return Instruction::branch(op, static_cast<std::uint32_t>(*number));
    }
    uses_.push_back({difo_.text.size(), line, std::move(label)});
    return Instruction::branch(op, 0);
}

void DifoAssembler::instruction(Cursor& cursor, std::size_t line) {
    const std::string mnemonic = cursor.word("an instruction");
    const auto found = mnemonics().find(mnemonic);
    if (found == mnemonics().end())
        refuse(fmt::format("unknown instruction {}", shown(mnemonic)));
    const Op op = found->second;
    const auto reg = [&] { return register_operand(cursor); };
    const auto comma = [&] { cursor.expect(","); };
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::uint32_t d = 0;
    switch (opcode_row(op).format) {
    case Format::R1_R2_RD: a = reg(), comma(), b = reg(), comma(), d = reg(); break;
    case Format::R1_RD: a = reg(), comma(), d = reg(); break;
    case Format::R1_R2: a = reg(), comma(), b = reg(); break;
    case Format::R1: a = reg(); break;
    case Format::LOAD: a = bracketed_register(cursor), comma(), d = reg(); break;
    case Format::STORE: a = reg(), comma(), d = bracketed_register(cursor); break;
    case Format::RD: d = reg(); break;
    case Format::NONE: break;
    case Format::ARRAY:
        a = variable_operand(cursor, op), comma(), b = reg(), comma(), d = reg();
        break;
    case Format::PUSH_REF: a = type_operand(cursor), comma(), b = reg(), comma(), d = reg(); break;
    case Format::PUSH_VALUE: a = type_operand(cursor), comma(), d = reg(); break;
    case Format::LABEL: return emit(branch(cursor, op, line));
    case Format::INTEGER: a = integer_operand(cursor), comma(), d = reg(); break;
    case Format::STRING: a = string_operand(cursor), comma(), d = reg(); break;
    case Format::LOAD_VAR: a = variable_operand(cursor, op), comma(), d = reg(); break;
    case Format::STORE_VAR: d = reg(), comma(), a = variable_operand(cursor, op); break;
    case Format::CALL: a = subroutine_operand(cursor), comma(), d = reg(); break;
    case Format::XLATE: a = xlate_operand(cursor), comma(), d = reg(); break;
    }
    switch (opcode_row(op).format) {
    case Format::INTEGER:
    case Format::STRING:
    case Format::LOAD_VAR:
    case Format::STORE_VAR:
    case Format::CALL:
    case Format::XLATE: return emit(Instruction::indexed(op, a, d));
    default: return emit(Instruction::make(op, a, b, d));
    }
}

void DifoAssembler::infer_flags() {
    std::unordered_map<std::uint64_t, std::uint16_t> used; // by scope and id
    for (const std::uint32_t word : difo_.text) {
        const Instruction i{word};
        if (!is_opcode(i.opcode()))
            continue;
        const Format format = opcode_row(i.op()).format;
        if (format != Format::ARRAY && format != Format::LOAD_VAR && format != Format::STORE_VAR)
            continue;
        const std::uint32_t id = format == Format::ARRAY ? i.array() : i.var();
        used[std::uint64_t{scope_of(i.op())} << 32 | id] |=
            format == Format::STORE_VAR ? DIFJIT_VAR_MOD : DIFJIT_VAR_REF;
    }
    for (std::size_t i = 0; i < difo_.vars.size(); i++) {
        difjit_var& var = difo_.vars[i];
        const auto found = used.find(std::uint64_t{var.scope} << 32 | var.id);
        if (declarations_[i].infer_flags && found != used.end())
            var.flags = found->second;
    }
}

Difo DifoAssembler::finish() {
    for (const Use& use : uses_) {
        const auto found = labels_.find(use.label);
        if (found == labels_.end())
            refuse(fmt::format("label {} is not defined in this DIFO", shown(use.label)), use.line);
        if (found->second > label_max)
            refuse(fmt::format("label {} is too far", shown(use.label)), use.line);
        difo_.text[use.pc] |= static_cast<std::uint32_t>(found->second);
    }
    if (!has_strtab_)
        intern("");
    for (std::size_t i = 0; i < difo_.vars.size(); i++)
        if (declarations_[i].place_name)
            difo_.vars[i].name = intern(declarations_[i].name);
    infer_flags();
    return std::move(difo_);
}

} // namespace difjit::text
