// SPDX-License-Identifier: BSD-2-Clause
// Reads a listing of `dtrace -S` back to the DIFO it was made of.
//
// The words are taken from the OPCODE column and must mean what the INSTRUCTION column says. The
// tables come from the comments: an integer or a string stands at the index or offset that the
// operand names. Names of variables have no offset in a listing; they are placed as the D compiler
// places them (dt_as.c): after the strings, in order, each once. docs/dif-text.md says what a
// listing does not determine. Tested in tests/dif/listing_test.cpp.
#include "dif/listing.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "dif/disassembler.hpp"
#include "dif/instruction.hpp"
#include "dif/type_text.hpp"

namespace difjit::text {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

bool is_blank(std::string_view line) {
    return trimmed(line).empty();
}

// Takes the next word off.
std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

// A line of its own that begins with '!': a heading of `difjit dis`.
bool is_comment(std::string_view line) {
    return trimmed(line).starts_with('!');
}

bool starts_section(std::string_view line) {
    return line.starts_with("DIFO ") || line.starts_with("NAME ") || line.starts_with("KREL ") ||
           line.starts_with("UREL ") || line.starts_with("XLID ");
}

// "07: 25000001    ", the start of instruction `pc`.
std::optional<std::uint32_t> instruction_word(std::string_view line, std::size_t pc) {
    const std::string offset = fmt::format("{:02}: ", pc);
    if (!line.starts_with(offset))
        return std::nullopt;
    line.remove_prefix(offset.size());
    std::uint32_t word = 0;
    const std::string_view digits = line.substr(0, 8);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), word, 16);
    if (error != std::errc() || end != digits.data() + 8 || !line.substr(8).starts_with("    "))
        return std::nullopt;
    return word;
}

class Reader {
  public:
    Reader(Source& source, Dialect dialect, std::size_t& gap_budget)
        : source_(source), gap_budget_(gap_budget) {
        difo_.dialect = dialect;
    }

    Difo read() {
        header();
        instructions();
        while (section()) {
        }
        build_ints();
        build_strtab();
        return std::move(difo_);
    }

  private:
    void header() {
        std::string_view line = source_.next();
        const std::size_t at = line.find("returns ");
        const auto type = at == std::string_view::npos
                              ? std::optional<difjit_type>{}
                              : parse_listing_type(trimmed(line.substr(at + 8)));
        if (!type)
            refuse(fmt::format("expected \"DIFO [address] returns TYPE\", not {}", shown(line)));
        difo_.rtype = *type;
        while (!source_.at_end() && is_blank(source_.peek()))
            source_.next();
        if (!source_.peek().starts_with("OFF "))
            refuse("the line \"OFF OPCODE      INSTRUCTION\" is missing after DIFO",
                   source_.line() + 1);
        source_.next();
    }

    void instructions() {
        while (!source_.at_end()) {
            const std::string_view line = source_.peek();
            if (is_blank(line) || is_comment(line) || starts_section(line))
                return;
            const auto word = instruction_word(line, difo_.text.size());
            if (!word) {
                source_.next();
                refuse(fmt::format("expected instruction {:02}, not {}", difo_.text.size(),
                                   shown(line)));
            }
            instruction(*word);
        }
    }

    void instruction(std::uint32_t word) {
        const std::string expected = operand_text(word);
        const std::string_view line = source_.peek();
        const std::size_t start = fmt::formatted_size("{:02}: ", difo_.text.size()) + 12;
        const std::size_t comment = line.find('!');
        const std::string_view columns = trimmed(line.substr(0, comment));
        const std::string_view written = columns.substr(std::min(start, columns.size()));
        if (written != expected) {
            source_.next();
            refuse(fmt::format("word {:08x} is {}, not {}", word, shown(expected), shown(written)));
        }
        const Instruction i{word};
        difo_.text.push_back(word);
        const bool known = is_opcode(i.opcode());
        if (known && i.op() == Op::SETS && comment != std::string_view::npos)
            return string_comment(i.string_offset(), comment);
        source_.next();
        if (known && i.op() == Op::SETX && comment != std::string_view::npos)
            integer_comment(i.integer_index(), trimmed(line.substr(comment + 1)));
    }

    void integer_comment(std::uint32_t index, std::string_view text) {
        const auto value = parse_number(text);
        if (!value)
            refuse(
                fmt::format("expected the integer of DT_INTEGER[{}], not {}", index, shown(text)));
        if (const auto [found, is_new] = ints_.emplace(index, *value);
            !is_new && found->second != *value)
            refuse(fmt::format("DT_INTEGER[{}] was 0x{:x} before", index, found->second));
    }

    // The string of a sets: it is not escaped, so it may hold quotes and line ends. It ends at the
    // first quote after which the listing goes on.
    void string_comment(std::uint32_t offset, std::size_t comment) {
        const std::string_view rest = source_.rest();
        const std::size_t open = rest.find_first_not_of(blanks, comment + 1);
        if (open == std::string_view::npos || rest[open] != '"') {
            source_.next();
            refuse(fmt::format("expected the string of DT_STRING[{}]", offset));
        }
        for (std::size_t quote = rest.find('"', open + 1); quote != std::string_view::npos;
             quote = rest.find('"', quote + 1)) {
            if (!ends_string(rest.substr(quote + 1)))
                continue;
            add_string(offset, rest.substr(open + 1, quote - open - 1));
            source_.skip(quote + 1);
            source_.next();
            return;
        }
        source_.next();
        refuse(fmt::format("the string of DT_STRING[{}] has no end", offset));
    }

    bool ends_string(std::string_view after) const {
        if (after.starts_with('\r'))
            after.remove_prefix(1);
        if (after.empty())
            return true;
        if (!after.starts_with('\n'))
            return false;
        after.remove_prefix(1);
        if (after.empty() || instruction_word(after.substr(0, 40), difo_.text.size()))
            return true;
        if (starts_section(after) || after.starts_with("! "))
            return true;
        const std::size_t next = after.find_first_not_of("\r\n");
        return next != 0 &&
               (next == std::string_view::npos || starts_section(after.substr(next, 8)) ||
                is_comment(after.substr(next, 2)));
    }

    void add_string(std::uint32_t offset, std::string_view text) {
        if (text.find('\0') != std::string_view::npos)
            refuse(fmt::format("the string of DT_STRING[{}] holds a NUL", offset));
        const auto [found, is_new] = strings_.emplace(offset, std::string(text));
        if (!is_new && found->second != text)
            refuse(fmt::format("DT_STRING[{}] was {} before", offset, shown(found->second)));
    }

    // Blank lines, then a table. False where the listing is over.
    bool section() {
        while (!source_.at_end() && (is_blank(source_.peek()) || is_comment(source_.peek())))
            source_.next();
        const std::string_view line = source_.peek();
        if (!starts_section(line) || line.starts_with("DIFO "))
            return false;
        source_.next();
        while (!source_.at_end() && !is_blank(source_.peek()) && !starts_section(source_.peek())) {
            const std::string_view row = source_.next();
            if (is_comment(row))
                continue;
            if (line.starts_with("NAME "))
                variable(row);
            else if (line.starts_with("KREL "))
                difo_.kernel_relocations.push_back(relocation(row));
            else if (line.starts_with("UREL "))
                difo_.user_relocations.push_back(relocation(row));
            // XLID: translator members are not part of a DIFO that can run
        }
        return true;
    }

    void variable(std::string_view row) {
        const std::string_view whole = row;
        difjit_var var{};
        const std::string_view name = row.starts_with(' ') ? std::string_view{} : take_word(row);
        var.id = table_number(take_word(row), UINT32_MAX, whole);
        var.kind = kind_or_scope(take_word(row), {"arr", "scl", ""}, whole);
        var.scope = kind_or_scope(take_word(row), {"glb", "tls", "loc"}, whole);
        std::string_view type = trimmed(row);
        if (!parse_listing_type(type)) {
            var.flags = flags(take_word(row), whole);
            type = trimmed(row);
        }
        const auto parsed = parse_listing_type(type);
        if (!parsed)
            refuse(fmt::format("{} is no type", shown(type)));
        var.type = *parsed;
        difo_.vars.push_back(var);
        names_.emplace_back(name);
    }

    static std::uint32_t table_number(std::string_view word, std::uint64_t maximum,
                                      std::string_view row) {
        const auto value = parse_number(word);
        if (!value || *value > maximum)
            refuse(fmt::format("{} is no number of a table's row {}", shown(word), shown(row)));
        return static_cast<std::uint32_t>(*value);
    }

    static std::uint8_t kind_or_scope(std::string_view word,
                                      std::initializer_list<std::string_view> known,
                                      std::string_view row) {
        std::uint8_t number = 0;
        for (const std::string_view name : known) {
            if (word == name)
                return number;
            number++;
        }
        return static_cast<std::uint8_t>(table_number(word, 0xff, row));
    }

    // "r", "r/w", "0x4/r"
    static std::uint16_t flags(std::string_view word, std::string_view row) {
        std::uint16_t bits = 0;
        while (!word.empty()) {
            const std::string_view part = word.substr(0, word.find('/'));
            word.remove_prefix(std::min(part.size() + 1, word.size()));
            if (part == "r")
                bits |= DIFJIT_VAR_REF;
            else if (part == "w")
                bits |= DIFJIT_VAR_MOD;
            else
                bits |= static_cast<std::uint16_t>(table_number(part, 0xffff, row));
        }
        return bits;
    }

    static Relocation relocation(std::string_view row) {
        const std::string_view whole = row;
        Relocation r;
        const auto number = [&] {
            const auto value = parse_number(take_word(row));
            if (!value)
                refuse(fmt::format("expected a relocation's numbers, not {}", shown(whole)));
            return *value;
        };
        const std::uint64_t type = number();
        if (type > UINT32_MAX)
            refuse("a relocation's type has 32 bits");
        r.type = static_cast<std::uint32_t>(type);
        r.offset = number();
        r.data = number();
        r.name = trimmed(row);
        return r;
    }

    void spend(std::size_t bytes) {
        if (bytes > gap_budget_)
            refuse("the listings' tables are too big for what is shown of them");
        gap_budget_ -= bytes;
    }

    void build_ints() {
        if (ints_.empty())
            return;
        const std::size_t count = std::size_t{ints_.rbegin()->first} + 1;
        spend((count - ints_.size()) * sizeof(std::uint64_t));
        difo_.ints.resize(count);
        for (const auto& [index, value] : ints_)
            difo_.ints[index] = value;
    }

    void build_strtab() {
        std::size_t size = 1;
        std::size_t given = 0;
        for (const auto& [offset, text] : strings_) {
            size = std::max(size, offset + text.size() + 1);
            given += text.size() + 1;
        }
        spend(size - std::min(size, given));
        difo_.strtab.assign(size, '\0');
        std::size_t end = 0; // bytes below it are given
        for (const auto& [offset, text] : strings_) {
            const std::size_t overlap = std::min(end > offset ? end - offset : 0, text.size() + 1);
            const std::string_view bytes(text.c_str(), text.size() + 1);
            if (std::string_view(difo_.strtab).substr(offset, overlap) != bytes.substr(0, overlap))
                refuse(fmt::format("DT_STRING[{}] does not fit the string before it", offset));
            std::copy(bytes.begin(), bytes.end(), difo_.strtab.begin() + offset);
            end = std::max(end, offset + bytes.size());
        }
        place_names();
    }

    void place_names() {
        std::unordered_map<std::string, std::uint32_t> known;
        known.emplace("", 0);
        for (const auto& [offset, text] : strings_)
            known.try_emplace(text, offset);
        const auto place = [&](const std::string& name) {
            const auto [found, is_new] =
                known.try_emplace(name, static_cast<std::uint32_t>(difo_.strtab.size()));
            if (is_new) {
                difo_.strtab += name;
                difo_.strtab.push_back('\0');
            }
            return found->second;
        };
        for (std::size_t i = 0; i < names_.size(); i++)
            difo_.vars[i].name = place(names_[i]);
        for (const auto* table : {&difo_.kernel_relocations, &difo_.user_relocations})
            for (const Relocation& r : *table)
                place(r.name);
    }

    Source& source_;
    std::size_t& gap_budget_;
    Difo difo_;
    std::map<std::uint32_t, std::uint64_t> ints_;  ///< by index
    std::map<std::uint32_t, std::string> strings_; ///< by offset
    std::vector<std::string> names_;               ///< of the variables, in order
};

} // namespace

bool starts_listing(std::string_view line) {
    return line.starts_with("DIFO ");
}

Difo read_listing(Source& source, Dialect dialect, std::size_t& gap_budget) {
    return Reader(source, dialect, gap_budget).read();
}

} // namespace difjit::text
