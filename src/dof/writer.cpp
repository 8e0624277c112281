// SPDX-License-Identifier: BSD-2-Clause
// Program to DOF, laid out as libdtrace does (dt_dof.c: dtrace_dof_create, dtrace_getopt_dof).
//
// Section 0 is the global string table, whose data lies last among what is loaded. DIFOs are
// written in the order of the program, each just before the first ECB that needs it or a later one,
// so that a compiler's file gets its own layout back and sharing is kept. What was written is read
// again and compared: the reader's checks are the kernel's, and what DOF can't hold becomes an
// error. Tested in tests/dof/identity_test.cpp and writer_test.cpp.
#include <algorithm>
#include <difjit/dof.hpp>
#include <fmt/format.h>

#include "dof/format.hpp"

namespace difjit::dof {

namespace {

/// Growing bytes with alignment: dt_buf_t.
class Buffer {
  public:
    std::uint64_t align(std::uint64_t to) {
        bytes_.resize((bytes_.size() + to - 1) / to * to);
        return bytes_.size();
    }
    void put(const void* data, std::size_t size) {
        const auto* from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size);
    }
    template <class T>
    void put(const T& value) {
        put(&value, sizeof(T));
    }
    std::uint64_t size() const { return bytes_.size(); }
    const std::vector<std::byte>& bytes() const { return bytes_; }

  private:
    std::vector<std::byte> bytes_;
};

class Writer {
  public:
    explicit Writer(const Program& program) : program_(program), placed_(program.difos.size()) {}

    Result<std::vector<std::byte>> write();

  private:
    std::uint32_t add(SectionType type, std::uint32_t align, std::uint32_t entsize,
                      const void* data, std::uint64_t size);
    void add_unloaded(SectionType type, const std::optional<std::string>& data);
    std::uint32_t add_string(std::string_view text);
    Result<void> add_difos(std::int32_t last);
    std::uint32_t add_difo(const Difo& difo);
    void add_relocations(SectionType header, const std::vector<Relocation>& relocations,
                         const std::string& strtab, std::uint32_t strtab_section,
                         std::uint32_t target);
    Result<void> add_ecb(const EcbDescription& ecb);
    Result<std::uint32_t> add_actions(const EcbDescription& ecb);
    Result<void> add_options();
    Result<void> add_provider(const ProviderDescription& provider);
    Result<Probe> add_probe(const ProviderProbe& probe, Buffer& args, Buffer& offs, Buffer& enoffs);
    std::vector<std::byte> finish();

    const Program& program_;
    std::vector<Section> sections_;
    Buffer loaded_, unloaded_, strings_;
    std::vector<std::uint32_t> placed_; ///< DIFOHDR section of each DIFO before next_
    std::size_t next_ = 0;              ///< first DIFO that is not written
    bool has_strings_ = false;
};

std::uint32_t Writer::add(SectionType type, std::uint32_t align, std::uint32_t entsize,
                          const void* data, std::uint64_t size) {
    const std::uint64_t offset = loaded_.align(align);
    loaded_.put(data, size);
    sections_.push_back(
        {static_cast<std::uint32_t>(type), align, flag_load, entsize, offset, size});
    return static_cast<std::uint32_t>(sections_.size() - 1);
}

void Writer::add_unloaded(SectionType type, const std::optional<std::string>& data) {
    if (!data)
        return;
    sections_.push_back(
        {static_cast<std::uint32_t>(type), 1, 0, 0, unloaded_.size(), data->size()});
    unloaded_.put(data->data(), data->size());
}

/// The empty string is at 0; others are not shared, as in libdtrace.
std::uint32_t Writer::add_string(std::string_view text) {
    if (text.empty())
        return 0;
    const auto offset = static_cast<std::uint32_t>(strings_.size());
    strings_.put(text.data(), text.size());
    strings_.put('\0');
    return offset;
}

std::uint32_t Writer::add_difo(const Difo& difo) {
    std::vector<std::uint32_t> links;
    std::uint32_t integers = no_section, strtab = no_section;
    links.push_back(add(SectionType::DIF, 4, 4, difo.text.data(), difo.text.size() * 4));
    if (!difo.ints.empty())
        links.push_back(integers =
                            add(SectionType::INTTAB, 8, 8, difo.ints.data(), difo.ints.size() * 8));
    if (!difo.strtab.empty())
        links.push_back(strtab =
                            add(SectionType::STRTAB, 1, 0, difo.strtab.data(), difo.strtab.size()));
    if (!difo.vars.empty())
        links.push_back(add(SectionType::VARTAB, 4, sizeof(difjit_var), difo.vars.data(),
                            difo.vars.size() * sizeof(difjit_var)));
    Buffer header;
    header.put(difo.rtype);
    header.put(links.data(), links.size() * 4);
    const std::uint32_t section =
        add(SectionType::DIFOHDR, 4, 0, header.bytes().data(), header.size());
    add_relocations(SectionType::KRELHDR, difo.kernel_relocations, difo.strtab, strtab, integers);
    add_relocations(SectionType::URELHDR, difo.user_relocations, difo.strtab, strtab, integers);
    return section;
}

/// Where a name is in a DIFO's string table, or npos.
std::size_t find_name(const std::string& strtab, const std::string& name) {
    const std::string with_nul(name.c_str(), name.size() + 1);
    return strtab.find(with_nul);
}

void Writer::add_relocations(SectionType header, const std::vector<Relocation>& relocations,
                             const std::string& strtab, std::uint32_t strtab_section,
                             std::uint32_t target) {
    if (relocations.empty())
        return;
    const bool own =
        strtab_section != no_section && std::ranges::all_of(relocations, [&](const Relocation& r) {
            return find_name(strtab, r.name) != std::string::npos;
        });
    Buffer table;
    for (const Relocation& r : relocations) {
        const std::uint32_t name =
            own ? static_cast<std::uint32_t>(find_name(strtab, r.name)) : add_string(r.name);
        table.put(RelDesc{name, r.type, r.offset, r.data});
    }
    const std::uint32_t relsec =
        add(SectionType::RELTAB, 8, sizeof(RelDesc), table.bytes().data(), table.size());
    const RelHdr raw{own ? strtab_section : 0, relsec, target};
    add(header, 4, 0, &raw, sizeof(raw));
}

/// Writes all DIFOs up to `last`, so that every index up to it has its section.
Result<void> Writer::add_difos(std::int32_t last) {
    if (last < no_difo || last >= static_cast<std::int64_t>(program_.difos.size()))
        return fail(fmt::format("an ECB uses DIFO {}, but the program has {}", last,
                                program_.difos.size()));
    for (; static_cast<std::int64_t>(next_) <= last; next_++) {
        const Difo& difo = program_.difos[next_];
        if (difo.dialect != program_.difos[0].dialect)
            return fail(fmt::format("DIFO {}: its dialect is not that of DIFO 0", next_));
        if (!difo.strtab.empty() && difo.strtab.back() != '\0')
            return fail(fmt::format("DIFO {}: its string table does not end in a NUL", next_));
        placed_[next_] = add_difo(difo);
    }
    return {};
}

Result<std::uint32_t> Writer::add_actions(const EcbDescription& ecb) {
    if (ecb.actions.empty())
        return no_section;
    Buffer table;
    const ActionDescription* before = nullptr;
    std::uint32_t shared = 0; // the string of a statement's actions is written once
    for (const ActionDescription& a : ecb.actions) {
        if (auto ok = add_difos(a.difo); !ok)
            return std::unexpected(ok.error());
        ActDesc raw{a.difo == no_difo ? no_section : placed_[static_cast<std::size_t>(a.difo)],
                    no_section,
                    a.kind,
                    a.ntuple,
                    a.arg,
                    a.uarg};
        if (a.format) {
            if (before == nullptr || before->kind != a.kind || before->format != a.format)
                shared = add_string(*a.format);
            raw.arg = shared;
            raw.strtab = 0;
        }
        table.put(raw);
        before = &a;
    }
    return add(SectionType::ACTDESC, 8, sizeof(ActDesc), table.bytes().data(), table.size());
}

Result<void> Writer::add_ecb(const EcbDescription& ecb) {
    ProbeDesc probe{0, add_string(ecb.probe.provider), 0, 0, 0, ecb.probe.id};
    probe.module = add_string(ecb.probe.module);
    probe.function = add_string(ecb.probe.function);
    probe.name = add_string(ecb.probe.name);
    EcbDesc raw{add(SectionType::PROBEDESC, 4, sizeof(probe), &probe, sizeof(probe)), no_section,
                no_section, 0, ecb.uarg};
    if (auto ok = add_difos(ecb.predicate); !ok)
        return ok;
    if (ecb.predicate != no_difo)
        raw.pred = placed_[static_cast<std::size_t>(ecb.predicate)];
    const auto actions = add_actions(ecb);
    if (!actions)
        return std::unexpected(actions.error());
    raw.actions = *actions;
    add(SectionType::ECBDESC, 8, 0, &raw, sizeof(raw));
    return {};
}

Result<void> Writer::add_options() {
    if (program_.options.empty())
        return {};
    Buffer table;
    for (const OptionDescription& o : program_.options) {
        if (o.text)
            return fail(fmt::format("option {}: has a string, which no kernel takes", o.option));
        table.put(OptDesc{o.option, no_section, o.value});
    }
    add(SectionType::OPTDESC, 8, sizeof(OptDesc), table.bytes().data(), table.size());
    return {};
}

Result<Probe> Writer::add_probe(const ProviderProbe& probe, Buffer& args, Buffer& offs,
                                Buffer& enoffs) {
    if (probe.native_arguments.size() > 255 || probe.translated_arguments.size() > 255 ||
        probe.offsets.size() > 65535 || probe.enabled_offsets.size() > 65535)
        return fail(fmt::format("probe {}: too many arguments or offsets", probe.name));
    if (probe.argument_map.size() != probe.translated_arguments.size())
        return fail(fmt::format("probe {}: {} translated arguments, but {} in their map",
                                probe.name, probe.translated_arguments.size(),
                                probe.argument_map.size()));
    Probe raw{};
    raw.addr = probe.address;
    raw.name = add_string(probe.name);
    const auto put_types = [&](const std::vector<std::string>& types) {
        const auto first = static_cast<std::uint32_t>(strings_.size());
        for (const std::string& type : types)
            strings_.put(type.c_str(), type.size() + 1);
        return first;
    };
    raw.nargv = put_types(probe.native_arguments);
    raw.xargv = put_types(probe.translated_arguments);
    raw.func = add_string(probe.function);
    raw.nargc = static_cast<std::uint8_t>(probe.native_arguments.size());
    raw.xargc = static_cast<std::uint8_t>(probe.translated_arguments.size());
    raw.argidx = static_cast<std::uint32_t>(args.size());
    args.put(probe.argument_map.data(), probe.argument_map.size());
    raw.offidx = static_cast<std::uint32_t>(offs.size() / 4);
    raw.noffs = static_cast<std::uint16_t>(probe.offsets.size());
    offs.put(probe.offsets.data(), probe.offsets.size() * 4);
    raw.enoffidx = static_cast<std::uint32_t>(enoffs.size() / 4);
    raw.nenoffs = static_cast<std::uint16_t>(probe.enabled_offsets.size());
    enoffs.put(probe.enabled_offsets.data(), probe.enabled_offsets.size() * 4);
    return raw;
}

Result<void> Writer::add_provider(const ProviderDescription& provider) {
    Buffer probes, args, offs, enoffs;
    for (const ProviderProbe& probe : provider.probes) {
        const auto raw = add_probe(probe, args, offs, enoffs);
        if (!raw)
            return std::unexpected(raw.error().in("provider " + provider.name));
        probes.put(*raw);
    }
    if (enoffs.size() != 0 && program_.dof_version == version_1)
        return fail(fmt::format("provider {}: has is-enabled offsets, which version 1 can't hold",
                                provider.name));
    Provider raw{};
    raw.probes = add(SectionType::PROBES, 8, sizeof(Probe), probes.bytes().data(), probes.size());
    raw.prargs = add(SectionType::PRARGS, 1, 1, args.bytes().data(), args.size());
    raw.proffs = add(SectionType::PROFFS, 4, 4, offs.bytes().data(), offs.size());
    if (enoffs.size() != 0)
        raw.prenoffs = add(SectionType::PRENOFFS, 4, 4, enoffs.bytes().data(), enoffs.size());
    raw.name = add_string(provider.name);
    raw.provattr = provider.provider_attributes;
    raw.modattr = provider.module_attributes;
    raw.funcattr = provider.function_attributes;
    raw.nameattr = provider.name_attributes;
    raw.argsattr = provider.argument_attributes;
    add(SectionType::PROVIDER, 4, 0, &raw, sizeof(raw));
    add_relocations(SectionType::URELHDR, provider.relocations, {}, no_section, raw.probes);
    return {};
}

/// Header, section headers, loaded data, strings, and then what is not loaded.
std::vector<std::byte> Writer::finish() {
    const std::uint64_t start = sizeof(Header) + sections_.size() * sizeof(Section);
    const std::uint64_t load = start + loaded_.size() + strings_.size();
    const std::uint64_t after = unloaded_.size() == 0 ? load : (load + 7) / 8 * 8;
    for (Section& s : sections_)
        s.offset += (s.flags & flag_load) != 0 ? start : after;
    if (has_strings_) {
        sections_[0].offset = start + loaded_.size();
        sections_[0].size = strings_.size();
    }
    Header header{};
    std::ranges::copy(magic, header.ident);
    header.ident[ident_model] = program_.data_model;
    header.ident[ident_encoding] = encode_lsb;
    header.ident[ident_version] = program_.dof_version;
    header.ident[ident_difvers] = dif_version;
    header.ident[ident_difireg] = program_.integer_registers;
    header.ident[ident_diftreg] = program_.tuple_registers;
    header.hdrsize = sizeof(Header);
    header.secsize = sizeof(Section);
    header.secnum = static_cast<std::uint32_t>(sections_.size());
    header.secoff = sizeof(Header);
    header.loadsz = load;
    header.filesz = after + unloaded_.size();
    Buffer out;
    out.put(header);
    out.put(sections_.data(), sections_.size() * sizeof(Section));
    out.put(loaded_.bytes().data(), loaded_.size());
    out.put(strings_.bytes().data(), strings_.size());
    if (unloaded_.size() != 0)
        out.align(8);
    out.put(unloaded_.bytes().data(), unloaded_.size());
    return out.bytes();
}

Result<std::vector<std::byte>> Writer::write() {
    // Options alone travel without a string table (dtrace_getopt_dof).
    has_strings_ = program_.options.empty() || !program_.ecbs.empty() || !program_.difos.empty() ||
                   !program_.providers.empty();
    if (has_strings_) {
        add(SectionType::STRTAB, 1, 0, nullptr, 0);
        strings_.put('\0');
    }
    for (const EcbDescription& ecb : program_.ecbs)
        if (auto ok = add_ecb(ecb); !ok)
            return std::unexpected(ok.error());
    if (auto ok = add_difos(static_cast<std::int32_t>(program_.difos.size()) - 1); !ok)
        return std::unexpected(ok.error());
    for (const ProviderDescription& provider : program_.providers)
        if (auto ok = add_provider(provider); !ok)
            return std::unexpected(ok.error());
    if (auto ok = add_options(); !ok)
        return std::unexpected(ok.error());
    add_unloaded(SectionType::COMMENTS, program_.comments);
    add_unloaded(SectionType::SOURCE, program_.source);
    add_unloaded(SectionType::UTSNAME, program_.utsname);
    return finish();
}

/// The first part in which two programs differ, for a message.
std::string difference(const Program& a, const Program& b) {
    const auto first = [](const auto& x, const auto& y, const char* what) -> std::string {
        for (std::size_t i = 0; i < x.size() && i < y.size(); i++)
            if (!(x[i] == y[i]))
                return fmt::format("{} {}", what, i);
        return x.size() == y.size() ? "" : fmt::format("number of {}s", what);
    };
    for (std::string text :
         {first(a.difos, b.difos, "DIFO"), first(a.ecbs, b.ecbs, "ECB"),
          first(a.options, b.options, "option"), first(a.providers, b.providers, "provider")})
        if (!text.empty())
            return text;
    return "header";
}

} // namespace

Result<std::vector<std::byte>> write(const Program& program) {
    auto bytes = Writer(program).write();
    if (!bytes)
        return std::unexpected(bytes.error());
    const Dialect dialect = program.difos.empty() ? Dialect::freebsd : program.difos[0].dialect;
    auto again = read(*bytes, dialect);
    if (!again)
        return fail("DOF can't hold this program: " + again.error().message);
    again->name = program.name;
    if (!(*again == program))
        return fail(fmt::format("DOF can't hold this program: {} would be read back changed",
                                difference(program, *again)));
    return bytes;
}

} // namespace difjit::dof
