// SPDX-License-Identifier: BSD-2-Clause
// DOF to Program: dtrace_dof_slurp after its first pass, dtrace_dof_ecbdesc, dtrace_dof_probedesc,
// dtrace_dof_actdesc and dtrace_dof_options, in the kernel's order of checks.
//
// Sections may be linked many times over. A DIFO is read once for its section; everything that is
// copied for each link is charged to a budget, so that no small file makes a huge program.
// Tested in tests/dof/identity_test.cpp and checks_test.cpp.
#include "dof/reader.hpp"

#include <unordered_map>

#include "dif/actions.hpp"
#include "dif/options.hpp"
#include "dof/container.hpp"
#include "dof/difo_reader.hpp"
#include "dof/provider_reader.hpp"

namespace difjit::dof {

namespace {

class Reader {
  public:
    Reader(const Container& dof, Budget& budget, Dialect dialect)
        : dof_(dof), budget_(budget), difos_(dof, budget, dialect) {}

    Result<Program> read();

  private:
    Result<void> read_ecbs();
    Result<EcbDescription> read_ecb(std::uint32_t section);
    Result<ProbeDescription> read_probe(std::uint32_t section) const;
    Result<std::vector<ActionDescription>> read_actions(std::uint32_t section);
    Result<ActionDescription> read_action(std::uint32_t section, std::uint64_t number,
                                          const ActDesc& raw);
    Result<std::string> read_format(std::uint32_t section, std::uint64_t number,
                                    const ActDesc& raw);
    Result<void> read_options();
    Result<void> read_option(std::uint32_t section, std::uint64_t number, const OptDesc& raw);
    Result<void> read_providers();
    Result<void> attach_relocations();
    Result<void> attach(std::uint32_t section, const RelocationTable& table, bool kernel);
    Result<void> attach_to_probes(std::uint32_t section, RelocationTable table);
    Result<void> append(std::vector<Relocation>& list, const std::vector<Relocation>& relocations);
    void read_unloaded();
    void reorder_difos();

    const Container& dof_;
    Budget& budget_;
    DifoReader difos_;
    /// Providers by their PROBES section.
    std::unordered_map<std::uint32_t, std::vector<std::size_t>> by_probes_;
    Program program_;
};

/// Does an action of this kind have a string where `strtab` is set? (dtrace_dof_actdesc)
bool has_format(std::uint32_t kind, std::uint32_t strtab) {
    const auto action = static_cast<ActionKind>(kind);
    if (action == ActionKind::PRINTA || action == ActionKind::DIFEXPR)
        return strtab != no_section;
    return is_printf_like(action);
}

Result<ProbeDescription> Reader::read_probe(std::uint32_t section) const {
    const Section& s = dof_.section(section);
    if (s.align != 4)
        return dof_.fail_in(section, "alignment is {}, must be 4", s.align);
    if (s.offset + sizeof(ProbeDesc) > dof_.header().loadsz)
        return dof_.fail_in(section, "{} bytes at {} end beyond the load size {}",
                            sizeof(ProbeDesc), s.offset, dof_.header().loadsz);
    const auto raw = dof_.load<ProbeDesc>(s.offset);
    if (auto ok = dof_.check_link(section, SectionType::STRTAB, raw.strtab, "string table"); !ok)
        return std::unexpected(ok.error());
    ProbeDescription probe;
    probe.id = raw.id;
    struct PartOfName {
        std::uint32_t offset;
        std::size_t length;
        const char* what;
        std::string& out;
    };
    for (const PartOfName& part :
         {PartOfName{raw.provider, provider_name_length, "provider", probe.provider},
          PartOfName{raw.module, module_name_length, "module", probe.module},
          PartOfName{raw.function, function_name_length, "function", probe.function},
          PartOfName{raw.name, probe_name_length, "name", probe.name}}) {
        if (part.offset >= dof_.section(raw.strtab).size)
            return dof_.fail_in(section, "{} at {}, but {} has {} bytes", part.what, part.offset,
                                dof_.where(raw.strtab), dof_.section(raw.strtab).size);
        // A longer name is cut off, as the kernel's strncpy does.
        const std::string_view text = dof_.data(raw.strtab).substr(part.offset, part.length - 1);
        part.out = text.substr(0, text.find('\0'));
    }
    return probe;
}

Result<EcbDescription> Reader::read_ecb(std::uint32_t section) {
    const Section& s = dof_.section(section);
    if (s.size < sizeof(EcbDesc))
        return dof_.fail_in(section, "size is {}, must be at least {}", s.size, sizeof(EcbDesc));
    if (s.align != 8)
        return dof_.fail_in(section, "alignment is {}, must be 8", s.align);
    const auto raw = dof_.load<EcbDesc>(s.offset);
    if (auto ok = dof_.check_link(section, SectionType::PROBEDESC, raw.probes, "probe description");
        !ok)
        return std::unexpected(ok.error());
    EcbDescription ecb;
    ecb.uarg = raw.uarg;
    auto probe = read_probe(raw.probes);
    if (!probe)
        return std::unexpected(probe.error());
    ecb.probe = std::move(*probe);
    if (auto ok = budget_.charge(sizeof(EcbDescription) + ecb.probe.function.size()); !ok)
        return std::unexpected(ok.error());
    if (raw.pred != no_section) {
        if (auto ok = dof_.check_link(section, SectionType::DIFOHDR, raw.pred, "predicate"); !ok)
            return std::unexpected(ok.error());
        const auto difo = difos_.get(raw.pred);
        if (!difo)
            return std::unexpected(difo.error());
        ecb.predicate = *difo;
    }
    if (raw.actions != no_section) {
        if (auto ok = dof_.check_link(section, SectionType::ACTDESC, raw.actions, "actions"); !ok)
            return std::unexpected(ok.error());
        auto actions = read_actions(raw.actions);
        if (!actions)
            return std::unexpected(actions.error());
        ecb.actions = std::move(*actions);
    }
    return ecb;
}

Result<std::vector<ActionDescription>> Reader::read_actions(std::uint32_t section) {
    const Section& s = dof_.section(section);
    if (s.offset + sizeof(ActDesc) > dof_.header().loadsz)
        return dof_.fail_in(section, "{} bytes at {} end beyond the load size {}", sizeof(ActDesc),
                            s.offset, dof_.header().loadsz);
    if (s.align != 8)
        return dof_.fail_in(section, "alignment is {}, must be 8", s.align);
    if (s.size < s.entsize)
        return dof_.fail_in(section, "entry size {} exceeds the size {}", s.entsize, s.size);
    if (s.entsize != sizeof(ActDesc))
        return dof_.fail_in(section, "entry size is {}, must be {}", s.entsize, sizeof(ActDesc));
    if (s.size / s.entsize > max_actions)
        return dof_.fail_in(section, "{} actions, the limit is {}", s.size / s.entsize,
                            max_actions);
    // Ours: the kernel would read beyond the section.
    if (s.size % s.entsize != 0)
        return dof_.fail_in(section, "size is {}, not a multiple of the entry size {}", s.size,
                            s.entsize);
    std::vector<ActionDescription> actions;
    for (std::uint64_t i = 0; i < s.size / s.entsize; i++) {
        auto action = read_action(section, i, dof_.load<ActDesc>(s.offset + i * s.entsize));
        if (!action)
            return std::unexpected(action.error());
        actions.push_back(std::move(*action));
    }
    return actions;
}

Result<ActionDescription> Reader::read_action(std::uint32_t section, std::uint64_t number,
                                              const ActDesc& raw) {
    ActionDescription action;
    action.kind = raw.kind;
    action.ntuple = raw.ntuple;
    action.uarg = raw.uarg;
    if (auto ok = budget_.charge(sizeof(ActionDescription)); !ok)
        return std::unexpected(ok.error());
    if (has_format(raw.kind, raw.strtab)) {
        auto format = read_format(section, number, raw);
        if (!format)
            return std::unexpected(format.error());
        action.format = std::move(*format);
    } else if (static_cast<ActionKind>(raw.kind) != ActionKind::PRINTA) {
        action.arg = raw.arg; // printa without a format has none
    }
    if (raw.difo == no_section)
        return action;
    if (auto ok = dof_.check_link(section, SectionType::DIFOHDR, raw.difo,
                                  fmt::format("action {}: DIFO", number));
        !ok)
        return std::unexpected(ok.error());
    const auto difo = difos_.get(raw.difo);
    if (!difo)
        return std::unexpected(difo.error());
    action.difo = *difo;
    return action;
}

Result<std::string> Reader::read_format(std::uint32_t section, std::uint64_t number,
                                        const ActDesc& raw) {
    if (auto ok = dof_.check_link(section, SectionType::STRTAB, raw.strtab,
                                  fmt::format("action {}: string table", number));
        !ok)
        return std::unexpected(ok.error());
    if (raw.arg >= dof_.section(raw.strtab).size)
        return dof_.fail_in(section, "action {}: string at {}, but {} has {} bytes", number,
                            raw.arg, dof_.where(raw.strtab), dof_.section(raw.strtab).size);
    const std::string_view text = dof_.string(raw.strtab, raw.arg);
    if (text.empty())
        return dof_.fail_in(section, "action {}: string is empty", number);
    if (auto ok = budget_.charge(text.size()); !ok)
        return std::unexpected(ok.error());
    return std::string(text);
}

Result<void> Reader::read_ecbs() {
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        if (!dof_.is(i, SectionType::ECBDESC))
            continue;
        auto ecb = read_ecb(i);
        if (!ecb)
            return std::unexpected(ecb.error());
        program_.ecbs.push_back(std::move(*ecb));
    }
    return {};
}

Result<void> Reader::read_options() {
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        if (!dof_.is(i, SectionType::OPTDESC))
            continue;
        const Section& s = dof_.section(i);
        if (s.align != 8)
            return dof_.fail_in(i, "alignment is {}, must be 8", s.align);
        if (s.entsize < sizeof(OptDesc))
            return dof_.fail_in(i, "entry size is {}, must be at least {}", s.entsize,
                                sizeof(OptDesc));
        // Ours: the kernel would read beyond the section.
        if (s.size % s.entsize != 0)
            return dof_.fail_in(i, "size is {}, not a multiple of the entry size {}", s.size,
                                s.entsize);
        if (auto ok = budget_.charge(s.size / s.entsize * sizeof(OptionDescription)); !ok)
            return ok;
        for (std::uint64_t n = 0; n < s.size / s.entsize; n++)
            if (auto ok = read_option(i, n, dof_.load<OptDesc>(s.offset + n * s.entsize)); !ok)
                return ok;
    }
    return {};
}

/// dtrace_dof_options, and what dtrace_state_option refuses whatever the state.
Result<void> Reader::read_option(std::uint32_t section, std::uint64_t number, const OptDesc& raw) {
    if (raw.strtab != no_section)
        return dof_.fail_in(section, "option {}: has a string, which no option may", number);
    if (raw.value == option_unset)
        return dof_.fail_in(section, "option {}: value is -2, which stands for unset", number);
    if (raw.option >= option_count)
        return dof_.fail_in(section, "option {}: number is {}, must be below {}", number,
                            raw.option, option_count);
    if (static_cast<OptionId>(raw.option) != OptionId::CPU &&
        static_cast<std::int64_t>(raw.value) < 0)
        return dof_.fail_in(section, "option {}: {} is {}, must not be negative", number,
                            option_row(raw.option)->name, static_cast<std::int64_t>(raw.value));
    program_.options.push_back({raw.option, raw.value, std::nullopt});
    return {};
}

Result<void> Reader::read_providers() {
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        if (!dof_.is(i, SectionType::PROVIDER))
            continue;
        auto provider = read_provider(dof_, budget_, i);
        if (!provider)
            return std::unexpected(provider.error());
        by_probes_[provider->probes_section].push_back(program_.providers.size());
        program_.providers.push_back(std::move(provider->provider));
    }
    return {};
}

Result<void> Reader::attach_relocations() {
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        const bool kernel = dof_.is(i, SectionType::KRELHDR);
        if (!kernel && !dof_.is(i, SectionType::URELHDR))
            continue;
        const auto table = read_relocations(dof_, budget_, i);
        if (!table)
            return std::unexpected(table.error());
        if (auto ok = attach(i, *table, kernel); !ok)
            return ok;
    }
    return {};
}

/// Relocations are kept with what they change: a DIFO's integers or a provider's probes.
Result<void> Reader::attach(std::uint32_t section, const RelocationTable& table, bool kernel) {
    if (dof_.is(table.target, SectionType::INTTAB)) {
        const auto* difos = difos_.with_integers(table.target);
        for (std::size_t d = 0; difos != nullptr && d < difos->size(); d++) {
            Difo& difo = difos_.at((*difos)[d]);
            if (auto ok = append(kernel ? difo.kernel_relocations : difo.user_relocations,
                                 table.relocations);
                !ok)
                return ok;
        }
        return {};
    }
    if (kernel)
        return {};
    if (dof_.is(table.target, SectionType::PROBES))
        return attach_to_probes(section, table);
    // Ours: the kernel would change any section, and read it changed.
    return dof_.fail_in(section, "relocates {}, must be INTTAB or PROBES",
                        dof_.where(table.target));
}

/// Offsets in a PROBES section are kept as if its entries had no more than a probe's size.
Result<void> Reader::attach_to_probes(std::uint32_t section, RelocationTable table) {
    const auto it = by_probes_.find(table.target);
    if (it == by_probes_.end())
        return {};
    const std::uint64_t entsize = dof_.section(table.target).entsize;
    const std::uint64_t probes = dof_.section(table.target).size / entsize;
    for (Relocation& r : table.relocations) {
        const std::uint64_t probe = r.offset / entsize, inside = r.offset % entsize;
        if (r.type != relo_none && (inside + 8 > sizeof(Probe) || probe >= probes))
            return dof_.fail_in(section, "relocates byte {} of {}, which is in no probe", r.offset,
                                dof_.where(table.target));
        if (entsize != sizeof(Probe))
            r.offset = probe * sizeof(Probe) + inside;
    }
    for (const std::size_t p : it->second)
        if (auto ok = append(program_.providers[p].relocations, table.relocations); !ok)
            return ok;
    return {};
}

Result<void> Reader::append(std::vector<Relocation>& list,
                            const std::vector<Relocation>& relocations) {
    // Empty tables cost something too: any number of headers may name any number of targets.
    if (auto ok = budget_.charge(sizeof(Relocation)); !ok)
        return ok;
    for (const Relocation& r : relocations)
        if (auto ok = budget_.charge(sizeof(Relocation) + r.name.size()); !ok)
            return ok;
    list.insert(list.end(), relocations.begin(), relocations.end());
    return {};
}

/// The first section of each kind that is not loaded; the kernel sees none of them.
void Reader::read_unloaded() {
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        std::optional<std::string>* to = dof_.is(i, SectionType::COMMENTS)  ? &program_.comments
                                         : dof_.is(i, SectionType::UTSNAME) ? &program_.utsname
                                         : dof_.is(i, SectionType::SOURCE)  ? &program_.source
                                                                            : nullptr;
        if (to != nullptr && !to->has_value())
            *to = std::string(dof_.data(i));
    }
}

void Reader::reorder_difos() {
    const std::vector<std::int32_t> order = difos_.order();
    const auto remap = [&](std::int32_t& difo) {
        if (difo != no_difo)
            difo = order[static_cast<std::size_t>(difo)];
    };
    for (EcbDescription& ecb : program_.ecbs) {
        remap(ecb.predicate);
        for (ActionDescription& action : ecb.actions)
            remap(action.difo);
    }
    program_.difos = difos_.take();
}

Result<Program> Reader::read() {
    const auto& ident = dof_.header().ident;
    program_.data_model = ident[ident_model];
    program_.dof_version = ident[ident_version];
    program_.integer_registers = ident[ident_difireg];
    program_.tuple_registers = ident[ident_diftreg];
    if (auto ok = read_ecbs(); !ok)
        return std::unexpected(ok.error());
    if (auto ok = difos_.get_unlinked(); !ok)
        return std::unexpected(ok.error());
    if (auto ok = read_options(); !ok)
        return std::unexpected(ok.error());
    if (auto ok = read_providers(); !ok)
        return std::unexpected(ok.error());
    if (auto ok = attach_relocations(); !ok)
        return std::unexpected(ok.error());
    reorder_difos();
    read_unloaded();
    return std::move(program_);
}

} // namespace

Result<Program> read(std::span<const std::byte> bytes, const ReadOptions& options, Budget& budget) {
    const auto container = Container::open(bytes, options.enabling);
    if (!container)
        return std::unexpected(container.error());
    return Reader(*container, budget, options.dialect).read();
}

Result<Program> read(std::span<const std::byte> bytes, const ReadOptions& options) {
    Budget budget;
    return read(bytes, options, budget);
}

Result<Program> read(std::span<const std::byte> bytes, Dialect dialect) {
    return read(bytes, ReadOptions{dialect, false});
}

bool is_dof(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= sizeof(magic) && std::memcmp(bytes.data(), magic, sizeof(magic)) == 0;
}

} // namespace difjit::dof
