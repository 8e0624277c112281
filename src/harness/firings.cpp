// SPDX-License-Identifier: BSD-2-Clause
// A firings file: the setting, then one probe firing a line (tests/corpus/README.md, "firings").
#include "harness/firings.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "harness/files.hpp"
#include "harness/json_fields.hpp"

namespace difjit::harness {

namespace {

constexpr std::size_t max_args = 64;
constexpr std::uint64_t max_strsize = std::uint64_t{1} << 20;
constexpr std::uint64_t max_scratch = std::uint64_t{64} << 20;
constexpr std::uint64_t max_u32 = 0xffffffff;

FiringSetting parse_setting(const Json& line) {
    FiringSetting setting;
    setting.strsize = integer_field(line, "strsize", max_strsize);
    if (setting.strsize == 0)
        throw BadInput{"\"strsize\" is 0"};
    setting.kernel = bool_field(line, "kernel");
    setting.scratch = integer_field(line, "scratch", max_scratch);
    setting.memory = regions_field(line, "memory");
    setting.user = regions_field(line, "user");
    return setting;
}

/// The probes of a file by name.
class ProbeNames {
  public:
    explicit ProbeNames(std::vector<ProbeInfo>& probes) : probes_(probes) {}

    std::uint32_t index_of(const std::string& name) {
        if (name.find('\0') != std::string::npos)
            throw BadInput{"\"probe\" has a NUL inside"};
        auto [found, is_new] = index_.try_emplace(name, probes_.size());
        if (is_new)
            probes_.push_back(split_probe(name));
        return found->second;
    }

  private:
    std::vector<ProbeInfo>& probes_;
    std::unordered_map<std::string, std::uint32_t> index_;
};

FiringLine parse_firing(const Json& line, ProbeNames& probes) {
    FiringLine firing;
    firing.probe = probes.index_of(string_field(line, "probe"));
    firing.reported_id = static_cast<std::uint32_t>(integer_field_or(line, "id", 1, max_u32));
    firing.args = integers_field(line, "args", max_args);
    identity_fields(line, firing);
    return firing;
}

} // namespace

std::uint32_t Firings::ncpus() const {
    std::uint32_t highest = 0;
    for (const auto& line : lines)
        highest = std::max(highest, line.cpu);
    return highest + 1;
}

Result<Firings> parse_firings(std::string_view text, const std::string& name) {
    Firings firings;
    firings.name = name;
    ProbeNames probes(firings.probes);
    bool first = true;
    auto done = for_each_line(text, name, [&](const Json& line, std::size_t) {
        if (first)
            firings.setting = parse_setting(line);
        else
            firings.lines.push_back(parse_firing(line, probes));
        first = false;
    });
    if (!done)
        return std::unexpected(done.error());
    if (first)
        return fail(name + ": is empty: the first line must be the setting");
    return firings;
}

Result<Firings> read_firings(const std::string& path) {
    auto text = read_text(path, max_lines_bytes);
    if (!text)
        return std::unexpected(text.error().in(display_name(path)));
    return parse_firings(*text, display_name(path));
}

ProbeInfo split_probe(std::string_view probe) {
    std::array<std::string, 4> parts; // provider, module, function, name
    auto take_last = [&](std::string& part) {
        std::size_t colon = probe.rfind(':');
        bool found = colon != std::string_view::npos;
        part = probe.substr(found ? colon + 1 : 0);
        probe = found ? probe.substr(0, colon) : std::string_view{};
    };
    take_last(parts[3]);
    // A function may hold colons of its own, where provider and module are there before it.
    std::size_t provider = probe.find(':');
    std::size_t module =
        provider == std::string_view::npos ? provider : probe.find(':', provider + 1);
    if (module != std::string_view::npos) {
        parts[0] = probe.substr(0, provider);
        parts[1] = probe.substr(provider + 1, module - provider - 1);
        parts[2] = probe.substr(module + 1);
    } else {
        take_last(parts[2]);
        take_last(parts[1]);
    }
    return {0, parts[0], parts[1], parts[2], parts[3]};
}

host::Firing host_firing(const FiringLine& line, const UserMemory& user) {
    static constexpr std::array<std::uint64_t, 1> no_stack{0};
    host::Firing firing;
    firing.pid = line.pid;
    firing.tid = line.tid;
    firing.ppid = line.ppid;
    firing.uid = line.uid;
    firing.gid = line.gid;
    firing.errno_value = line.errno_value;
    firing.timestamp = line.timestamp;
    firing.vtimestamp = line.vtimestamp;
    firing.walltimestamp = line.walltimestamp;
    firing.recorded = true;
    firing.execname = line.execname.c_str();
    firing.cpu = line.cpu;
    firing.reported_id = line.reported_id;
    if (line.args.size() > DIFJIT_NARGS)
        firing.more_args = std::span(line.args).subspan(DIFJIT_NARGS);
    firing.user = user.windows();
    firing.stack = no_stack;
    firing.ustack = no_stack;
    return firing;
}

} // namespace difjit::harness
