// SPDX-License-Identifier: BSD-2-Clause
// Reads whole programs as text: the hand-written form of docs/dif-text.md, and listings.
//
// The form is what printer.cpp writes. DIFOs have names; what refers to them may stand before them.
// Tested in tests/dif/assembler_test.cpp.
#include <unordered_map>

#include <fmt/format.h>

#include <difjit/text.hpp>

#include "dif/actions.hpp"
#include "dif/difo_assembler.hpp"
#include "dif/lexer.hpp"
#include "dif/listing.hpp"
#include "dif/option_text.hpp"
#include "dif/options.hpp"

namespace difjit::text {

namespace {

class Assembler {
  public:
    Assembler(std::string_view source, Dialect dialect) : source_(source), dialect_(dialect) {}

    Program read() {
        while (!source_.at_end()) {
            if (starts_listing(source_.peek())) {
                program_.difos.push_back(read_listing(source_, dialect_, gap_budget_));
                continue;
            }
            Cursor cursor(source_.next());
            if (!cursor.at_end())
                statement(cursor);
        }
        resolve();
        return std::move(program_);
    }

    [[nodiscard]] std::size_t line() const { return source_.line(); }

  private:
    /// A place that holds a DIFO's index once all names are known.
    struct Reference {
        std::string name;
        std::size_t line, ecb;
        std::size_t action; ///< or no_action: the predicate
    };
    static constexpr std::size_t no_action = SIZE_MAX;

    void statement(Cursor& cursor) {
        const std::string keyword = cursor.word("a statement");
        if (keyword == "difo")
            return difo(cursor);
        if (keyword == "probe")
            return ecb(cursor);
        if (keyword == "provider")
            return provider(cursor);
        if (keyword == "option")
            option(cursor);
        else if (keyword == "dialect")
            dialect(cursor);
        else if (keyword == "version")
            program_.dof_version = static_cast<std::uint8_t>(cursor.number("a DOF version", 0xff));
        else if (keyword == "model")
            program_.data_model = static_cast<std::uint8_t>(cursor.number("a data model", 0xff));
        else if (keyword == "registers")
            registers(cursor);
        else if (keyword == "comments")
            append(program_.comments, cursor);
        else if (keyword == "utsname")
            append(program_.utsname, cursor);
        else if (keyword == "source")
            append(program_.source, cursor);
        else
            refuse(fmt::format("unknown statement {}; known: difo probe provider option dialect "
                               "version model registers comments utsname source",
                               shown(keyword)));
        cursor.expect_end();
    }

    static void append(std::optional<std::string>& section, Cursor& cursor) {
        section = section.value_or("") + cursor.strings("a string");
    }

    void dialect(Cursor& cursor) {
        const std::string name = cursor.word("a dialect");
        const auto found = find_dialect(name);
        if (!found)
            refuse(
                fmt::format("unknown dialect {}; known: freebsd freebsd11 illumos", shown(name)));
        dialect_ = *found;
    }

    void registers(Cursor& cursor) {
        program_.integer_registers =
            static_cast<std::uint8_t>(cursor.number("the integer registers", 0xff));
        program_.tuple_registers =
            static_cast<std::uint8_t>(cursor.number("the tuple registers", 0xff));
    }

    // The lines of a { block }; the cursor stands on the brace.
    template <class Each>
    void block(Cursor& cursor, std::string_view what, Each&& each) {
        cursor.expect("{");
        const std::size_t opened = source_.line();
        if (cursor.accept("}"))
            return cursor.expect_end();
        cursor.expect_end();
        while (!source_.at_end()) {
            Cursor inner(source_.next());
            if (inner.accept("}"))
                return inner.expect_end();
            if (!inner.at_end())
                each(inner);
        }
        refuse(fmt::format("this {} has no closing }}", what), opened);
    }

    void difo(Cursor& cursor) {
        const std::string name = cursor.word("a DIFO's name");
        cursor.expect("returns");
        DifoAssembler assembler(dialect_, parse_hand_type(cursor));
        if (!names_.emplace(name, program_.difos.size()).second)
            refuse(fmt::format("DIFO {} is defined twice", shown(name)));
        block(cursor, "difo", [&](Cursor& inner) { assembler.statement(inner, source_.line()); });
        program_.difos.push_back(assembler.finish());
    }

    // provider:module:function:name, or only its last parts, as in D
    static ProbeDescription probe_description(Cursor& cursor) {
        std::vector<std::string> parts;
        do {
            const TokenKind kind = cursor.peek().kind;
            const bool given = kind == TokenKind::WORD || kind == TokenKind::STRING;
            parts.push_back(given ? cursor.next().text : "");
        } while (cursor.accept(":"));
        if (parts.size() > 4)
            refuse("a probe has four parts: provider:module:function:name");
        ProbeDescription probe;
        std::string* const places[] = {&probe.name, &probe.function, &probe.module,
                                       &probe.provider};
        for (std::string* place : places) {
            if (parts.empty())
                break;
            *place = std::move(parts.back());
            parts.pop_back();
        }
        return probe;
    }

    void ecb(Cursor& cursor) {
        EcbDescription ecb;
        ecb.probe = probe_description(cursor);
        while (!cursor.at("{") && !cursor.at_end()) {
            if (cursor.accept("id"))
                ecb.probe.id = static_cast<std::uint32_t>(cursor.number("an id", UINT32_MAX));
            else if (cursor.accept("uarg"))
                ecb.uarg = cursor.number("a user argument");
            else
                refuse(fmt::format("expected id, uarg or {{, not {}", shown(cursor.peek().text)));
        }
        program_.ecbs.push_back(std::move(ecb));
        block(cursor, "probe", [&](Cursor& inner) {
            if (inner.accept("predicate"))
                program_.ecbs.back().predicate = reference(inner, no_action);
            else
                action(inner);
            inner.expect_end();
        });
    }

    void action(Cursor& cursor) {
        EcbDescription& ecb = program_.ecbs.back();
        ActionDescription action;
        action_kind(cursor, action);
        const std::size_t index = ecb.actions.size();
        const TokenKind kind = cursor.peek().kind;
        if (kind == TokenKind::WORD && !is_attribute(cursor.peek().text))
            action.difo = reference(cursor, index);
        if (cursor.peek().kind == TokenKind::STRING)
            action.format = cursor.strings("a format");
        while (!cursor.at_end()) {
            if (cursor.accept("tuple"))
                action.ntuple =
                    static_cast<std::uint32_t>(cursor.number("a tuple's size", UINT32_MAX));
            else if (cursor.accept("arg"))
                action.arg = cursor.number("an argument");
            else if (cursor.accept("uarg"))
                action.uarg = cursor.number("a user argument");
            else if (cursor.accept("difo"))
                action.difo = reference(cursor, index);
            else
                refuse(fmt::format("expected a DIFO, \"format\", tuple, arg or uarg, not {}",
                                   shown(cursor.peek().text)));
        }
        ecb.actions.push_back(std::move(action));
    }

    static bool is_attribute(std::string_view word) {
        return word == "tuple" || word == "arg" || word == "uarg" || word == "difo";
    }

    void action_kind(Cursor& cursor, ActionDescription& action) const {
        const std::string name = cursor.word("an action");
        if (name == "action") {
            action.kind =
                static_cast<std::uint32_t>(cursor.number("an action's number", UINT32_MAX));
            return;
        }
        for (const ActionRow& row : action_rows) {
            if (row.name == name) {
                action.kind = static_cast<std::uint32_t>(row.kind);
                return;
            }
        }
        const LibAction library = find_library_action(name);
        if (library == LibAction::INVALID)
            refuse(fmt::format("unknown action {}", shown(name)));
        action.kind = static_cast<std::uint32_t>(ActionKind::LIBACT);
        action.arg = libact_argument(dialect_, library);
    }

    // #5: an index as it is; else a name, resolved at the end.
    std::int32_t reference(Cursor& cursor, std::size_t action) {
        const std::string name = cursor.word("a DIFO");
        if (name.starts_with('#')) {
            const auto value = parse_number(std::string_view(name).substr(1));
            const auto index = static_cast<std::int64_t>(value.value_or(UINT64_MAX >> 1));
            if (index < INT32_MIN || index > INT32_MAX)
                refuse(fmt::format("{} is no index of a DIFO", shown(name)));
            return static_cast<std::int32_t>(index);
        }
        references_.push_back({name, source_.line(), program_.ecbs.size() - 1, action});
        return no_difo;
    }

    void resolve() {
        for (const Reference& r : references_) {
            const auto found = names_.find(r.name);
            if (found == names_.end())
                refuse(fmt::format("DIFO {} is not defined", shown(r.name)), r.line);
            EcbDescription& ecb = program_.ecbs[r.ecb];
            (r.action == no_action ? ecb.predicate : ecb.actions[r.action].difo) =
                static_cast<std::int32_t>(found->second);
        }
    }

    void option(Cursor& cursor) {
        OptionDescription option;
        const std::string name = cursor.word("an option");
        const OptionRow* row = find_option(name);
        const auto number = parse_number(name);
        if (row == nullptr && (!number || *number > UINT32_MAX))
            refuse(fmt::format("unknown option {}", shown(name)));
        option.option = row != nullptr ? static_cast<std::uint32_t>(row->id)
                                       : static_cast<std::uint32_t>(*number);
        cursor.accept("=");
        const std::string value = cursor.word("an option's value");
        const auto parsed = row != nullptr ? parse_option(*row, value) : parse_number(value);
        if (!parsed)
            refuse(fmt::format("{} is no value of option {}", shown(value), shown(name)));
        option.value = *parsed;
        if (cursor.accept("text"))
            option.text = cursor.strings("a string");
        program_.options.push_back(std::move(option));
    }

    void provider(Cursor& cursor) {
        ProviderDescription provider;
        provider.name = cursor.word_or_string("a provider's name");
        cursor.expect("attributes");
        for (std::uint32_t* word : {&provider.provider_attributes, &provider.module_attributes,
                                    &provider.function_attributes, &provider.name_attributes,
                                    &provider.argument_attributes})
            *word = static_cast<std::uint32_t>(cursor.number("an attribute word", UINT32_MAX));
        block(cursor, "provider", [&](Cursor& inner) {
            provider_line(inner, provider);
            inner.expect_end();
        });
        program_.providers.push_back(std::move(provider));
    }

    static void provider_line(Cursor& cursor, ProviderDescription& provider) {
        const std::string keyword = cursor.word("probe, native, translated, map, offsets, enabled");
        if (keyword == "probe") {
            ProviderProbe probe;
            probe.function = cursor.word_or_string("a function");
            probe.name = cursor.word_or_string("a probe's name");
            cursor.expect("address");
            probe.address = cursor.number("an address");
            provider.probes.push_back(std::move(probe));
            return;
        }
        if (keyword == "reloc") {
            Relocation r;
            r.type = static_cast<std::uint32_t>(cursor.number("a type", UINT32_MAX));
            r.offset = cursor.number("an offset");
            r.data = cursor.number("data");
            r.name = cursor.string("a name");
            provider.relocations.push_back(std::move(r));
            return;
        }
        if (provider.probes.empty())
            refuse(fmt::format("{} must follow a probe of the provider", shown(keyword)));
        probe_line(cursor, keyword, provider.probes.back());
    }

    static void probe_line(Cursor& cursor, const std::string& keyword, ProviderProbe& probe) {
        const auto numbers = [&](auto& list, std::uint64_t maximum) {
            while (!cursor.at_end())
                list.push_back(static_cast<typename std::decay_t<decltype(list)>::value_type>(
                    cursor.number("a number", maximum)));
        };
        const auto strings = [&](std::vector<std::string>& list) {
            while (!cursor.at_end())
                list.push_back(cursor.string("a type's name"));
        };
        if (keyword == "native")
            strings(probe.native_arguments);
        else if (keyword == "translated")
            strings(probe.translated_arguments);
        else if (keyword == "map")
            numbers(probe.argument_map, 0xff);
        else if (keyword == "offsets")
            numbers(probe.offsets, UINT32_MAX);
        else if (keyword == "enabled")
            numbers(probe.enabled_offsets, UINT32_MAX);
        else
            refuse(fmt::format("unknown statement {} of a provider; known: probe native "
                               "translated map offsets enabled reloc",
                               shown(keyword)));
    }

    Source source_;
    Dialect dialect_;
    Program program_;
    std::size_t gap_budget_ = listing_gap_budget;
    std::unordered_map<std::string, std::size_t> names_; ///< of DIFOs
    std::vector<Reference> references_;
};

} // namespace

Result<Program> assemble(std::string_view source, std::string_view file_name, Dialect dialect) {
    Assembler assembler(source, dialect);
    try {
        Program program = assembler.read();
        program.name = file_name;
        return program;
    } catch (const Failure& failure) {
        return fail(fmt::format("{}:{}: {}", file_name,
                                failure.line != 0 ? failure.line : assembler.line(),
                                failure.message));
    }
}

} // namespace difjit::text
