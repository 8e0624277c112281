// SPDX-License-Identifier: BSD-2-Clause
// dtrace_dof_difo and dtrace_dof_relocate, check by check; bounds of ours are marked so.
// Tested in tests/dof/checks_test.cpp.
#include "dof/difo_reader.hpp"

#include <algorithm>
#include <numeric>

namespace difjit::dof {

namespace {

/// What a DIFOHDR may link: each at most once, with this alignment and entry size.
struct Part {
    SectionType type;
    std::uint32_t entsize, align;
};
constexpr Part parts[] = {
    {SectionType::DIF, 4, 4},
    {SectionType::INTTAB, 8, 8},
    {SectionType::STRTAB, 0, 1},
    {SectionType::VARTAB, sizeof(difjit_var), 4},
};

template <class T>
std::vector<T> table(std::string_view bytes) {
    std::vector<T> entries(bytes.size() / sizeof(T));
    if (!entries.empty())
        std::memcpy(entries.data(), bytes.data(), entries.size() * sizeof(T));
    return entries;
}

/// Strings of size 0 get the default size, before anything looks at them.
void default_string_sizes(std::vector<difjit_var>& vars) {
    for (difjit_var& var : vars)
        if (var.id >= DIFJIT_USER_VARIABLE_BASE && var.type.kind == DIFJIT_TYPE_STRING &&
            var.type.size == 0)
            var.type.size = DIFJIT_STRSIZE_DEFAULT;
}

} // namespace

Result<std::int32_t> DifoReader::get(std::uint32_t section) {
    if (const auto it = by_section_.find(section); it != by_section_.end())
        return it->second;
    auto difo = read(section);
    if (!difo)
        return std::unexpected(difo.error());
    const auto index = static_cast<std::int32_t>(difos_.size());
    difos_.push_back(std::move(*difo));
    sections_.push_back(section);
    by_section_.emplace(section, index);
    return index;
}

Result<Difo> DifoReader::read(std::uint32_t section) {
    const Section& s = dof_.section(section);
    constexpr std::uint64_t type_size = sizeof(difjit_type);
    if (s.align != 4)
        return dof_.fail_in(section, "alignment is {}, must be 4", s.align);
    if (s.size < type_size + 4 || s.size % 4 != 0)
        return dof_.fail_in(section, "size is {}, must be at least 12 and a multiple of 4", s.size);
    Difo difo;
    difo.dialect = dialect_;
    difo.rtype = dof_.load<difjit_type>(s.offset);
    const std::uint64_t links = (s.size - type_size) / 4;
    std::uint64_t total = 0;
    unsigned seen = 0;
    std::uint32_t integers = no_section;
    for (std::uint64_t l = 0; l < links; l++) {
        const auto part = dof_.load<std::uint32_t>(s.offset + type_size + l * 4);
        if (auto ok = dof_.check_link(section, SectionType::NONE, part, fmt::format("link {}", l));
            !ok)
            return std::unexpected(ok.error());
        total += dof_.section(part).size;
        if (total > max_difo_size)
            return dof_.fail_in(section,
                                "its sections have {} bytes up to link {}, the limit is {}", total,
                                l, max_difo_size);
        if (auto ok = read_part(section, part, difo, seen); !ok)
            return std::unexpected(ok.error());
        if (dof_.is(part, SectionType::INTTAB))
            integers = part;
    }
    if ((seen & 1) == 0)
        return dof_.fail_in(section, "links no DIF section");
    default_string_sizes(difo.vars);
    if (auto ok = budget_.charge(sizeof(Difo) + total); !ok)
        return std::unexpected(ok.error());
    if (integers != no_section)
        by_integers_[integers].push_back(static_cast<std::int32_t>(difos_.size()));
    return difo;
}

Result<void> DifoReader::read_part(std::uint32_t header, std::uint32_t part, Difo& difo,
                                   unsigned& seen) {
    const Section& s = dof_.section(part);
    const auto* row = std::ranges::find_if(
        parts, [&](const Part& p) { return static_cast<std::uint32_t>(p.type) == s.type; });
    if (row == std::end(parts))
        return dof_.fail_in(header, "links {}, which is no part of a DIFO", dof_.where(part));
    const unsigned bit = 1u << (row - parts);
    if (s.align != row->align)
        return dof_.fail_in(header, "links {} of alignment {}, must be {}", dof_.where(part),
                            s.align, row->align);
    if ((seen & bit) != 0)
        return dof_.fail_in(header, "links {}, a second section of that type", dof_.where(part));
    if (s.entsize != row->entsize)
        return dof_.fail_in(header, "links {} of entry size {}, must be {}", dof_.where(part),
                            s.entsize, row->entsize);
    if (s.entsize != 0 && s.size % s.entsize != 0)
        return dof_.fail_in(header, "links {} of size {}, not a multiple of its entry size {}",
                            dof_.where(part), s.size, s.entsize);
    seen |= bit;
    const std::string_view bytes = dof_.data(part);
    switch (row->type) {
    case SectionType::DIF: difo.text = table<std::uint32_t>(bytes); break;
    case SectionType::INTTAB: difo.ints = table<std::uint64_t>(bytes); break;
    case SectionType::VARTAB: difo.vars = table<difjit_var>(bytes); break;
    default: difo.strtab = bytes; break;
    }
    return {};
}

Result<std::vector<bool>> DifoReader::of_translators() {
    std::vector<bool> owned(dof_.section_count());
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        if (!dof_.is(i, SectionType::XLMEMBERS))
            continue;
        const Section& s = dof_.section(i);
        if (auto ok = budget_.charge(s.size); !ok)
            return std::unexpected(ok.error());
        const std::uint64_t step = s.entsize < sizeof(XlMember) ? sizeof(XlMember) : s.entsize;
        for (std::uint64_t at = 0; at + sizeof(XlMember) <= s.size; at += step) {
            const auto member = dof_.load<XlMember>(s.offset + at);
            if (member.difo < dof_.section_count())
                owned[member.difo] = true;
        }
    }
    return owned;
}

Result<void> DifoReader::get_unlinked() {
    const auto owned = of_translators();
    if (!owned)
        return std::unexpected(owned.error());
    for (std::uint32_t i = 0; i < dof_.section_count(); i++) {
        if (!dof_.is(i, SectionType::DIFOHDR) || (*owned)[i] || by_section_.contains(i))
            continue;
        if (auto difo = get(i); !difo)
            return std::unexpected(difo.error());
    }
    return {};
}

std::vector<std::int32_t> DifoReader::order() {
    std::vector<std::size_t> by_section(difos_.size());
    std::iota(by_section.begin(), by_section.end(), std::size_t{0});
    std::ranges::sort(by_section, {}, [&](std::size_t i) { return sections_[i]; });
    std::vector<std::int32_t> new_index(difos_.size());
    std::vector<Difo> sorted;
    sorted.reserve(difos_.size());
    for (const std::size_t old : by_section) {
        new_index[old] = static_cast<std::int32_t>(sorted.size());
        sorted.push_back(std::move(difos_[old]));
    }
    difos_ = std::move(sorted);
    return new_index;
}

namespace {

/// The rules for one SETX or DOFREL relocation.
Result<void> check_relocation(const Container& dof, std::uint32_t header, std::uint64_t number,
                              const RelDesc& r, std::uint32_t target) {
    const Section& t = dof.section(target);
    if (r.type == relo_none)
        return {};
    if (r.type != relo_setx && r.type != relo_dofrel)
        return dof.fail_in(header, "relocation {}: type is {}, must be 0, 1 or 2", number, r.type);
    if (r.offset >= t.size || t.size - r.offset < 8)
        return dof.fail_in(header, "relocation {}: 8 bytes at {} end beyond {} of {} bytes", number,
                           r.offset, dof.where(target), t.size);
    const std::uint64_t at = t.offset + r.offset;
    const std::uint64_t own = dof.section_header_offset(target);
    if (at >= own && at < own + sizeof(Section))
        return dof.fail_in(header, "relocation {}: would change the header of {}", number,
                           dof.where(target));
    if (at % 8 != 0)
        return dof.fail_in(header, "relocation {}: file offset {} is not a multiple of 8", number,
                           at);
    return {};
}

Result<RelHdr> check_relocation_header(const Container& dof, std::uint32_t section) {
    const Section& s = dof.section(section);
    if (s.size < sizeof(RelHdr) || s.align != 4)
        return dof.fail_in(section, "size is {} and alignment {}, must be at least {} and 4",
                           s.size, s.align, sizeof(RelHdr));
    const auto header = dof.load<RelHdr>(s.offset);
    for (const auto& [type, link, role] :
         {std::tuple{SectionType::STRTAB, header.strtab, "string table"},
          {SectionType::RELTAB, header.relsec, "relocation table"},
          {SectionType::NONE, header.tgtsec, "target"}})
        if (auto ok = dof.check_link(section, type, link, role); !ok)
            return std::unexpected(ok.error());
    const Section& table = dof.section(header.relsec);
    if (table.entsize < sizeof(RelDesc) || table.align != 8)
        return dof.fail_in(header.relsec,
                           "entry size is {} and alignment {}, must be at least {} and 8",
                           table.entsize, table.align, sizeof(RelDesc));
    return header;
}

} // namespace

Result<RelocationTable> read_relocations(const Container& dof, Budget& budget,
                                         std::uint32_t section) {
    const auto header = check_relocation_header(dof, section);
    if (!header)
        return std::unexpected(header.error());
    const Section& table = dof.section(header->relsec);
    const std::uint64_t count = table.size / table.entsize;
    RelocationTable out{header->tgtsec, {}};
    for (std::uint64_t i = 0; i < count; i++) {
        const auto r = dof.load<RelDesc>(table.offset + i * table.entsize);
        if (auto ok = check_relocation(dof, section, i, r, header->tgtsec); !ok)
            return std::unexpected(ok.error());
        // Ours: the kernel never looks at the name.
        if (r.name >= dof.section(header->strtab).size)
            return dof.fail_in(section, "relocation {}: name at {}, but {} has {} bytes", i, r.name,
                               dof.where(header->strtab), dof.section(header->strtab).size);
        const std::string_view name = dof.string(header->strtab, r.name);
        if (auto ok = budget.charge(sizeof(Relocation) + name.size()); !ok)
            return std::unexpected(ok.error());
        out.relocations.push_back({std::string(name), r.type, r.offset, r.data});
    }
    return out;
}

} // namespace difjit::dof
