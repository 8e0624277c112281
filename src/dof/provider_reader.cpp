// SPDX-License-Identifier: BSD-2-Clause
// dtrace_helper_provider_validate, check by check; bounds of ours are marked so.
//
// A probe whose function's name is too long for the kernel is kept here: the kernel accepts the DOF
// and leaves out the probe. Tested in tests/dof/checks_test.cpp.
#include "dof/provider_reader.hpp"

namespace difjit::dof {

namespace {

class ProviderReader {
  public:
    ProviderReader(const Container& dof, Budget& budget, std::uint32_t section)
        : dof_(dof), budget_(budget), section_(section) {}

    Result<ReadProvider> read();

  private:
    bool version_1() const { return dof_.header().ident[ident_version] == dof::version_1; }
    bool has_enabled() const { return !version_1() && raw_.prenoffs != 0; }
    Result<void> check_links() const;
    Result<void> check_tables() const;
    Result<std::string> name(std::uint32_t offset, std::size_t limit, std::string what) const;
    Result<ProviderProbe> read_probe(std::uint64_t number, const Probe& p);
    Result<void> check_offsets(std::uint64_t number, const Probe& p) const;
    Result<std::vector<std::string>> types(std::uint64_t number, const char* kind,
                                           std::uint32_t offset, std::uint32_t count);
    std::vector<std::uint32_t> offsets(std::uint32_t table, std::uint32_t first,
                                       std::uint32_t count) const;

    const Container& dof_;
    Budget& budget_;
    std::uint32_t section_;
    Provider raw_{};
};

Result<void> ProviderReader::check_links() const {
    struct Link {
        SectionType type;
        std::uint32_t to;
        const char* role;
    };
    for (const Link& l : {Link{SectionType::STRTAB, raw_.strtab, "string table"},
                          Link{SectionType::PROBES, raw_.probes, "probes"},
                          Link{SectionType::PRARGS, raw_.prargs, "argument table"},
                          Link{SectionType::PROFFS, raw_.proffs, "offset table"}})
        if (auto ok = dof_.check_link(section_, l.type, l.to, l.role); !ok)
            return ok;
    if (has_enabled())
        return dof_.check_link(section_, SectionType::PRENOFFS, raw_.prenoffs,
                               "is-enabled offset table");
    return {};
}

Result<void> ProviderReader::check_tables() const {
    const Section& probes = dof_.section(raw_.probes);
    const Section& offs = dof_.section(raw_.proffs);
    const Section& args = dof_.section(raw_.prargs);
    if (probes.entsize == 0 || probes.entsize > probes.size)
        return dof_.fail_in(raw_.probes, "entry size is {}, must be from 1 to the size {}",
                            probes.entsize, probes.size);
    if (probes.entsize % 8 != 0)
        return dof_.fail_in(raw_.probes, "entry size is {}, not a multiple of 8", probes.entsize);
    // Ours: the kernel would read beyond the last probe, and misaligned words.
    const std::size_t least = version_1() ? probe_size_v1 : sizeof(Probe);
    if (probes.entsize < least)
        return dof_.fail_in(raw_.probes, "entry size is {}, a probe has {}", probes.entsize, least);
    if (probes.offset % 8 != 0)
        return dof_.fail_in(raw_.probes, "offset {} is not a multiple of 8", probes.offset);
    if (offs.entsize != 4)
        return dof_.fail_in(raw_.proffs, "entry size is {}, must be 4", offs.entsize);
    if (offs.offset % 4 != 0)
        return dof_.fail_in(raw_.proffs, "offset {} is not a multiple of 4", offs.offset);
    if (args.entsize != 1)
        return dof_.fail_in(raw_.prargs, "entry size is {}, must be 1", args.entsize);
    // Ours: the kernel takes them for 4-byte entries without looking.
    if (has_enabled() && dof_.section(raw_.prenoffs).entsize != 4)
        return dof_.fail_in(raw_.prenoffs, "entry size is {}, must be 4",
                            dof_.section(raw_.prenoffs).entsize);
    return {};
}

/// A string of the provider's string table; limit counts the NUL, 0: any length.
Result<std::string> ProviderReader::name(std::uint32_t offset, std::size_t limit,
                                         std::string what) const {
    const std::uint64_t size = dof_.section(raw_.strtab).size;
    if (offset >= size)
        return dof_.fail_in(section_, "{} at {}, but {} has {} bytes", what, offset,
                            dof_.where(raw_.strtab), size);
    const std::string_view text = dof_.string(raw_.strtab, offset);
    if (limit != 0 && text.size() >= limit)
        return dof_.fail_in(section_, "{} has {} bytes, must be below {}", what, text.size(),
                            limit);
    return std::string(text);
}

Result<void> ProviderReader::check_offsets(std::uint64_t number, const Probe& p) const {
    const std::uint64_t have = dof_.section(raw_.proffs).size / 4;
    if (std::uint64_t{p.offidx} + p.noffs > have)
        return dof_.fail_in(section_, "probe {}: {} offsets from {}, but {} has {}", number,
                            p.noffs, p.offidx, dof_.where(raw_.proffs), have);
    if (version_1()) {
        if (p.noffs == 0)
            return dof_.fail_in(section_, "probe {}: has no offsets", number);
    } else {
        const std::uint64_t enabled = has_enabled() ? dof_.section(raw_.prenoffs).size / 4 : 0;
        if (!has_enabled() && (p.enoffidx != 0 || p.nenoffs != 0))
            return dof_.fail_in(section_,
                                "probe {}: {} is-enabled offsets from {}, but there is no table of "
                                "them",
                                number, p.nenoffs, p.enoffidx);
        if (has_enabled() && std::uint64_t{p.enoffidx} + p.nenoffs > enabled)
            return dof_.fail_in(section_, "probe {}: {} is-enabled offsets from {}, but {} has {}",
                                number, p.nenoffs, p.enoffidx, dof_.where(raw_.prenoffs), enabled);
        if (p.noffs == 0 && p.nenoffs == 0)
            return dof_.fail_in(section_, "probe {}: has no offsets and no is-enabled offsets",
                                number);
    }
    const std::uint64_t args = dof_.section(raw_.prargs).size;
    if (std::uint64_t{p.argidx} + p.xargc > args)
        return dof_.fail_in(section_, "probe {}: {} arguments from {}, but {} has {}", number,
                            p.xargc, p.argidx, dof_.where(raw_.prargs), args);
    return {};
}

Result<std::vector<std::string>> ProviderReader::types(std::uint64_t number, const char* kind,
                                                       std::uint32_t offset, std::uint32_t count) {
    std::vector<std::string> out;
    std::uint64_t at = offset;
    const std::uint64_t size = dof_.section(raw_.strtab).size;
    for (std::uint32_t k = 0; k < count; k++) {
        if (at >= size)
            return dof_.fail_in(section_,
                                "probe {}: type of {} argument {} at {}, but {} has {} bytes",
                                number, kind, k, at, dof_.where(raw_.strtab), size);
        const std::string_view text = dof_.string(raw_.strtab, at);
        if (text.size() + 1 > argument_type_length)
            return dof_.fail_in(section_,
                                "probe {}: type of {} argument {} has {} bytes, must be "
                                "below {}",
                                number, kind, k, text.size(), argument_type_length);
        if (auto ok = budget_.charge(sizeof(std::string) + text.size()); !ok)
            return std::unexpected(ok.error());
        out.emplace_back(text);
        at += text.size() + 1;
    }
    return out;
}

std::vector<std::uint32_t> ProviderReader::offsets(std::uint32_t table, std::uint32_t first,
                                                   std::uint32_t count) const {
    std::vector<std::uint32_t> out;
    out.reserve(count); // bounded by the section that was checked
    for (std::uint32_t i = 0; i < count; i++)
        out.push_back(
            dof_.load<std::uint32_t>(dof_.section(table).offset + (std::uint64_t{first} + i) * 4));
    return out;
}

Result<ProviderProbe> ProviderReader::read_probe(std::uint64_t number, const Probe& p) {
    ProviderProbe probe;
    probe.address = p.addr;
    auto function = name(p.func, 0, fmt::format("probe {}: function's name", number));
    if (!function)
        return std::unexpected(function.error());
    probe.function = std::move(*function);
    auto own = name(p.name, probe_name_length, fmt::format("probe {}: name", number));
    if (!own)
        return std::unexpected(own.error());
    probe.name = std::move(*own);
    if (auto ok = check_offsets(number, p); !ok)
        return std::unexpected(ok.error());
    if (auto ok = budget_.charge(sizeof(ProviderProbe) + probe.function.size() + p.xargc +
                                 4 * (std::uint64_t{p.noffs} + (version_1() ? 0 : p.nenoffs)));
        !ok)
        return std::unexpected(ok.error());
    auto native = types(number, "native", p.nargv, p.nargc);
    if (!native)
        return std::unexpected(native.error());
    probe.native_arguments = std::move(*native);
    for (std::uint32_t k = 0; k < p.xargc; k++) {
        const auto map =
            dof_.load<std::uint8_t>(dof_.section(raw_.prargs).offset + p.argidx + std::uint64_t{k});
        if (map > p.nargc)
            return dof_.fail_in(section_,
                                "probe {}: translated argument {} is native argument {}, but there "
                                "are {}",
                                number, k, map, p.nargc);
        probe.argument_map.push_back(map);
    }
    auto translated = types(number, "translated", p.xargv, p.xargc);
    if (!translated)
        return std::unexpected(translated.error());
    probe.translated_arguments = std::move(*translated);
    probe.offsets = offsets(raw_.proffs, p.offidx, p.noffs);
    if (has_enabled())
        probe.enabled_offsets = offsets(raw_.prenoffs, p.enoffidx, p.nenoffs);
    return probe;
}

Result<ReadProvider> ProviderReader::read() {
    const Section& s = dof_.section(section_);
    if (s.offset % 4 != 0)
        return dof_.fail_in(section_, "offset {} is not a multiple of 4", s.offset);
    const std::size_t least = version_1() ? provider_size_v1 : sizeof(Provider);
    if (s.size < least)
        return dof_.fail_in(section_, "size is {}, must be at least {}", s.size, least);
    raw_ = dof_.load_part<Provider>(s.offset, least);
    if (auto ok = check_links(); !ok)
        return std::unexpected(ok.error());
    auto own = name(raw_.name, provider_name_length, "provider's name");
    if (!own)
        return std::unexpected(own.error());
    if (auto ok = check_tables(); !ok)
        return std::unexpected(ok.error());
    if (auto ok = budget_.charge(sizeof(ProviderDescription) + own->size()); !ok)
        return std::unexpected(ok.error());
    ReadProvider out{raw_.probes,
                     {std::move(*own),
                      raw_.provattr,
                      raw_.modattr,
                      raw_.funcattr,
                      raw_.nameattr,
                      raw_.argsattr,
                      {},
                      {}}};
    const Section& probes = dof_.section(raw_.probes);
    for (std::uint64_t i = 0; i < probes.size / probes.entsize; i++) {
        const auto p = dof_.load_part<Probe>(probes.offset + i * probes.entsize,
                                             version_1() ? probe_size_v1 : sizeof(Probe));
        auto probe = read_probe(i, p);
        if (!probe)
            return std::unexpected(probe.error());
        out.provider.probes.push_back(std::move(*probe));
    }
    return out;
}

} // namespace

Result<ReadProvider> read_provider(const Container& dof, Budget& budget, std::uint32_t section) {
    return ProviderReader(dof, budget, section).read();
}

} // namespace difjit::dof
