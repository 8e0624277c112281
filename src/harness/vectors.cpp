// SPDX-License-Identifier: BSD-2-Clause
// Files of single DIFOs: vectors with their runs, and invalid objects.
#include "harness/vectors.hpp"

#include <array>

#include <fmt/format.h>

#include "harness/files.hpp"
#include "harness/json_fields.hpp"

namespace difjit::harness {

namespace {

constexpr std::uint64_t max_u8 = 0xff, max_u32 = 0xffffffff;
constexpr std::uint64_t max_strsize = std::uint64_t{1} << 20;
constexpr std::uint64_t max_scratch = std::uint64_t{64} << 20;
constexpr std::size_t max_table = std::size_t{1} << 24; // entries: labels have 24 bits
constexpr std::uint8_t ctf_integer = 1;

/// A scope or kind: its name, or a number where it has none.
std::uint8_t named(const Json& variable, const char* name,
                   std::initializer_list<const char*> names) {
    const Json& value = field(variable, name);
    if (!value.is_string())
        return static_cast<std::uint8_t>(integer(value, fmt::format("\"{}\"", name), max_u8));
    const auto& text = value.get_ref<const std::string&>();
    std::uint8_t number = 0;
    std::string known;
    for (const char* candidate : names) {
        if (text == candidate)
            return number;
        known += fmt::format("{}\"{}\"", number++ == 0 ? "" : ", ", candidate);
    }
    throw BadInput{fmt::format("\"{}\": {} is none of {}", name, Json(text).dump(), known)};
}

difjit_type parse_type(const Json& object) {
    bool byref = bool_field(object, "byref");
    bool string = byref && bool_field_or(object, "string", true);
    difjit_type type{};
    type.kind = string ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF;
    type.ckind = string ? 0 : ctf_integer;
    type.flags = byref ? DIFJIT_TF_BYREF : 0;
    type.size = static_cast<std::uint32_t>(integer_field(object, "size", max_u32));
    return type;
}

difjit_var parse_variable(const Json& object) {
    if (!object.is_object())
        throw BadInput{"\"vars\" has an entry that is not an object"};
    difjit_var variable{};
    variable.id = static_cast<std::uint32_t>(integer_field(object, "id", max_u32));
    variable.scope = named(object, "scope", {"global", "thread", "local"});
    variable.kind = named(object, "kind", {"array", "scalar"});
    variable.flags = DIFJIT_VAR_REF | DIFJIT_VAR_MOD;
    variable.type = parse_type(object);
    return variable;
}

Difo parse_difo(const Json& line) {
    Difo difo;
    const Json& text = array_field(line, "text");
    if (text.size() > max_table)
        throw BadInput{fmt::format("\"text\" has {} instructions", text.size())};
    for (const Json& word : text)
        difo.text.push_back(static_cast<std::uint32_t>(integer(word, "\"text\"", max_u32)));
    difo.ints = integers_field(line, "ints", max_table);
    auto strings = hex_bytes(string_field(line, "strtab"), "\"strtab\"");
    difo.strtab.assign(reinterpret_cast<const char*>(strings.data()), strings.size());
    for (const Json& variable : array_field(line, "vars"))
        difo.vars.push_back(parse_variable(variable));
    const Json& rtype = field(line, "rtype");
    if (!rtype.is_object())
        throw BadInput{"\"rtype\" is not an object"};
    difo.rtype = parse_type(rtype);
    return difo;
}

Vector parse_object(const Json& line, std::size_t number) {
    Vector object;
    object.line = number;
    object.difo = parse_difo(line);
    object.kernel = bool_field_or(line, "kernel", true);
    object.proc = bool_field_or(line, "proc", true);
    if (line.contains("rules")) {
        if (string_field(line, "rules") != "reference")
            throw BadInput{"\"rules\" can only be \"reference\""};
        object.reference_rules = true;
    }
    return object;
}

void parse_runs(const Json& line, Vector& object) {
    for (const Json& run : array_field(line, "runs")) {
        if (!run.is_object())
            throw BadInput{"\"runs\" has an entry that is not an object"};
        object.run_args.push_back(integers_field(run, "args", DIFJIT_NARGS));
    }
}

VectorSetting parse_setting(const Json& line) {
    VectorSetting setting;
    setting.strsize = integer_field(line, "strsize", max_strsize);
    if (setting.strsize == 0)
        throw BadInput{"\"strsize\" is 0"};
    setting.scratch_size = integer_field(line, "scratchsize", max_scratch);
    setting.memory = regions_field(line, "memory");
    setting.user = regions_field(line, "user");
    identity_fields(line, setting.firing);
    return setting;
}

} // namespace

Result<Vectors> parse_vectors(std::string_view text, const std::string& name) {
    Vectors vectors;
    vectors.name = name;
    bool first = true;
    auto done = for_each_line(text, name, [&](const Json& line, std::size_t number) {
        if (first) {
            vectors.setting = parse_setting(line);
            first = false;
            return;
        }
        vectors.objects.push_back(parse_object(line, number));
        parse_runs(line, vectors.objects.back());
    });
    if (!done)
        return std::unexpected(done.error());
    if (first)
        return fail(name + ": is empty: the first line must be the setting");
    return vectors;
}

Result<Vectors> read_vectors(const std::string& path) {
    auto text = read_text(path, max_lines_bytes);
    if (!text)
        return std::unexpected(text.error().in(display_name(path)));
    return parse_vectors(*text, display_name(path));
}

Result<std::vector<Vector>> parse_objects(std::string_view text, const std::string& name) {
    std::vector<Vector> objects;
    auto done = for_each_line(text, name, [&](const Json& line, std::size_t number) {
        objects.push_back(parse_object(line, number));
    });
    if (!done)
        return std::unexpected(done.error());
    return objects;
}

Result<std::vector<Vector>> read_objects(const std::string& path) {
    auto text = read_text(path, max_lines_bytes);
    if (!text)
        return std::unexpected(text.error().in(display_name(path)));
    return parse_objects(*text, display_name(path));
}

} // namespace difjit::harness
