// SPDX-License-Identifier: BSD-2-Clause
#include "interp/vectors.hpp"

#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dif/instruction.hpp"
#include "interp/interpreter.hpp"
#include "runtime/world.hpp"

namespace difjit::test {

namespace {

using nlohmann::json;

std::uint64_t number(const json& j) {
    return j.is_string() ? std::stoull(j.get<std::string>(), nullptr, 0) : j.get<std::uint64_t>();
}

std::string unhex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

std::string hex(const std::uint8_t* bytes, std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; i++)
        text += fmt::format("{:02x}", bytes[i]);
    return text;
}

/// Regions begin on a page and are filled up with zeros to the end of their last one.
std::vector<Region> regions(const json& list) {
    std::vector<Region> all;
    for (const json& region : list) {
        std::string bytes = unhex(region.at("hex"));
        bytes.resize((bytes.size() + 4095) / 4096 * 4096);
        all.push_back({number(region.at("addr")), std::move(bytes)});
    }
    return all;
}

difjit_type type_of(const json& j) {
    const bool byref = j.at("byref");
    difjit_type type{};
    type.kind = byref && j.value("string", true) ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF;
    type.flags = byref ? DIFJIT_TF_BYREF : 0;
    type.size = static_cast<std::uint32_t>(number(j.at("size")));
    return type;
}

difjit_var variable_of(const json& j) {
    const std::string scope = j.at("scope"), kind = j.at("kind");
    difjit_var v{};
    v.id = j.at("id");
    v.scope = scope == "global"   ? DIFJIT_SCOPE_GLOBAL
              : scope == "thread" ? DIFJIT_SCOPE_THREAD
                                  : DIFJIT_SCOPE_LOCAL;
    v.kind = kind == "array" ? DIFJIT_VAR_KIND_ARRAY : DIFJIT_VAR_KIND_SCALAR;
    v.type = type_of(j);
    if (v.type.kind == DIFJIT_TYPE_STRING && v.type.size == 0)
        v.type.size = DIFJIT_STRSIZE_DEFAULT; // dtrace_dof_difo
    return v;
}

/// Without the privilege to read the kernel, the validator makes ld* of rld* (point 49).
std::uint32_t restricted(std::uint32_t word) {
    const std::uint32_t op = word >> 24;
    constexpr auto first = static_cast<std::uint32_t>(Op::LDSB),
                   last = static_cast<std::uint32_t>(Op::LDX),
                   to = static_cast<std::uint32_t>(Op::RLDSB);
    return op < first || op > last ? word : (word & 0xffffff) | (op - first + to) << 24;
}

Object object_of(const json& j) {
    Object o;
    const bool kernel = j.at("kernel");
    for (const json& word : j.at("text")) {
        const auto w = static_cast<std::uint32_t>(number(word));
        o.text.push_back(kernel ? w : restricted(w));
    }
    for (const json& value : j.at("ints"))
        o.ints.push_back(number(value));
    o.strtab = unhex(j.at("strtab"));
    for (const json& v : j.at("vars"))
        o.vars.push_back(variable_of(v));
    o.rtype = type_of(j.at("rtype"));
    return o;
}

class Runner {
  public:
    Runner(const json& setting, const json& vector)
        : setting_(setting), vector_(vector),
          world_(object_of(vector), {static_cast<std::uint32_t>(number(setting.at("cpu"))) + 1,
                                     number(setting.at("scratchsize")), 256 << 10}) {
        Firing& f = world_.firing;
        f.memory = regions(setting.at("memory"));
        f.user = regions(setting.at("user"));
        f.thread = number(setting.at("tid"));
        f.variables = {{Var::PID, number(setting.at("pid"))},
                       {Var::TID, number(setting.at("tid"))},
                       {Var::PPID, number(setting.at("ppid"))},
                       {Var::UID, number(setting.at("uid"))},
                       {Var::GID, number(setting.at("gid"))},
                       {Var::ERRNO, number(setting.at("errno"))},
                       {Var::TIMESTAMP, number(setting.at("timestamp"))},
                       {Var::VTIMESTAMP, number(setting.at("vtimestamp"))},
                       {Var::WALLTIMESTAMP, number(setting.at("walltimestamp"))},
                       {Var::CURTHREAD, 0},
                       {Var::ARGS, 0}};
        std::string& execname = f.strings[Var::EXECNAME];
        execname = setting.at("execname");
        f.real.emplace_back(reinterpret_cast<std::uint64_t>(execname.c_str()), execname.size() + 1);
    }

    /// One run; the answer in the file's own form, without what the file's answer leaves out.
    json run(const json& expected) {
        difjit_frame f = frame(expected.at("args"));
        const std::uint64_t value = interp::execute(&f, &world_.difo());
        json answer;
        answer["args"] = expected.at("args");
        std::optional<std::string> record;
        if (world_.object().rtype.flags != 0 && (f.flags & DIFJIT_FLAG_FAULT) == 0)
            record = stored(f, value);
        if (world_.object().rtype.flags == 0)
            answer["value"] = fmt::format("{:#x}", value);
        else if (record)
            answer["record"] = *record;
        answer["fault"] = fault(f, expected.at("fault"));
        answer["drop"] = (f.flags & DIFJIT_FLAG_DROP) != 0;
        answer["scratch"] = f.scratch_ptr - f.scratch_base;
        answer["globals"] = globals();
        return answer;
    }

  private:
    difjit_frame frame(const json& args) {
        difjit_frame f = world_.frame(static_cast<std::uint32_t>(number(setting_.at("cpu"))));
        for (std::size_t i = 0; i < args.size() && i < DIFJIT_NARGS; i++)
            f.args[i] = number(args[i]);
        f.strsize = number(setting_.at("strsize"));
        f.access = 0;
        if (vector_.at("kernel").get<bool>())
            f.access |= DIFJIT_ACCESS_KERNEL;
        if (vector_.value("proc", true))
            f.access |= DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
        return f;
    }

    /// What a DIFEXPR action does with a by-ref result.
    std::optional<std::string> stored(difjit_frame& f, std::uint64_t addr) {
        const difjit_type& type = world_.object().rtype;
        std::vector<std::uint8_t> bytes(type.size);
        f.fault_offset = UINT32_MAX;
        if (runtime::vcanload(&f, addr, type, nullptr))
            runtime::store_by_ref(&f, type, bytes.data(), bytes.size(), addr, false);
        if ((f.flags & DIFJIT_FLAG_FAULT) != 0)
            return std::nullopt;
        return hex(bytes.data(), bytes.size());
    }

    json fault(const difjit_frame& f, const json& expected) {
        if ((f.flags & DIFJIT_FLAG_FAULT) == 0)
            return nullptr;
        json answer;
        answer["kind"] = fault_name(f.flags);
        answer["pc"] = f.fault_offset == UINT32_MAX ? -1 : static_cast<int>(f.fault_offset / 4);
        if (expected.is_object() && expected.contains("illval"))
            answer["illval"] = fmt::format("{:#x}", f.illval);
        return answer;
    }

    json globals() {
        json all = json::object();
        for (const difjit_var& v : world_.object().vars) {
            if (v.scope != DIFJIT_SCOPE_GLOBAL || v.kind != DIFJIT_VAR_KIND_SCALAR ||
                v.id < DIFJIT_USER_VARIABLE_BASE)
                continue;
            const auto& s = world_.vstate().globals[v.id - DIFJIT_USER_VARIABLE_BASE];
            json& value = all[std::to_string(v.id)];
            std::uint64_t cell = 0;
            if (!s.byref) {
                std::memcpy(&cell, s.data, 8);
                value = fmt::format("{:#x}", cell);
            } else if (*s.data != 0xff) {
                value = hex(s.data + 8, v.type.size);
            }
        }
        return all;
    }

    const json& setting_;
    const json& vector_;
    World world_;
};

} // namespace

VectorReport run_vectors(const std::string& path) {
    VectorReport report;
    std::ifstream file(path);
    std::string line;
    json setting;
    for (std::size_t n = 1; std::getline(file, line); n++) {
        const json parsed = json::parse(line);
        if (n == 1) {
            setting = parsed;
            continue;
        }
        Runner runner(setting, parsed);
        report.objects++;
        for (std::size_t i = 0; i < parsed.at("runs").size(); i++) {
            const json& expected = parsed.at("runs")[i];
            const json answer = runner.run(expected);
            report.runs++;
            report.faults += !expected.at("fault").is_null();
            if (answer != expected)
                report.differences.push_back(
                    fmt::format("line {}, run {}:\n  is     {}\n  not    {}", n, i, answer.dump(),
                                expected.dump()));
        }
    }
    return report;
}

} // namespace difjit::test
