// SPDX-License-Identifier: BSD-2-Clause
// Header and section headers: dtrace_dof_copyin and the first pass of dtrace_dof_slurp.
//
// Checks stand in the kernel's order. Where the kernel's own arithmetic could wrap, or where it
// would read beyond the file, there is a check of ours, marked so. Tested in
// tests/dof/checks_test.cpp.
#include "dof/container.hpp"

#include <algorithm>
#include <bit>

namespace difjit::dof {

namespace {

Result<void> check_ident(const Header& header) {
    const auto& ident = header.ident;
    if (ident[ident_model] != model_ilp32 && ident[ident_model] != model_lp64)
        return fail(fmt::format("header: data model is {}, must be 1 (ILP32) or 2 (LP64)",
                                ident[ident_model]));
    if (ident[ident_encoding] == encode_msb)
        return fail("header: encoding is 2 (big-endian), this reader takes 1 (little-endian) only");
    if (ident[ident_encoding] != encode_lsb)
        return fail(fmt::format("header: encoding is {}, must be 1 (little-endian)",
                                ident[ident_encoding]));
    if (ident[ident_version] != version_1 && ident[ident_version] != version_2)
        return fail(fmt::format("header: DOF version is {}, must be 1 or 2", ident[ident_version]));
    if (ident[ident_difvers] != dif_version)
        return fail(fmt::format("header: DIF version is {}, must be 2", ident[ident_difvers]));
    if (ident[ident_difireg] > DIFJIT_NREGS)
        return fail(fmt::format("header: uses {} integer registers, there are {}",
                                ident[ident_difireg], DIFJIT_NREGS));
    if (ident[ident_diftreg] > DIFJIT_NTUPLE)
        return fail(fmt::format("header: uses {} tuple registers, there are {}",
                                ident[ident_diftreg], DIFJIT_NTUPLE));
    for (std::size_t i = ident_pad; i < sizeof(ident); i++)
        if (ident[i] != 0)
            return fail(fmt::format("header: ident byte {} is {}, must be 0", i, ident[i]));
    if (header.flags != 0)
        return fail(fmt::format("header: flags are {:#x}, none is valid", header.flags));
    return {};
}

Result<void> check_sizes(const Header& header, std::size_t size) {
    if (header.loadsz >= max_load_size)
        return fail(
            fmt::format("header: load size is {}, must be below {}", header.loadsz, max_load_size));
    if (header.loadsz < sizeof(Header))
        return fail(fmt::format("header: load size is {}, less than the header's {}", header.loadsz,
                                sizeof(Header)));
    if (size < header.loadsz)
        return fail(fmt::format("truncated: {} bytes, but the header's load size is {}", size,
                                header.loadsz));
    // Ours: the kernel takes only the loaded part, and never looks at the file size.
    if (header.filesz < header.loadsz)
        return fail(fmt::format("header: file size is {}, less than the load size {}",
                                header.filesz, header.loadsz));
    if (size < header.filesz)
        return fail(fmt::format("truncated: {} bytes, but the header's file size is {}", size,
                                header.filesz));
    return {};
}

Result<void> check_section_table(const Header& header) {
    if (header.secsize == 0)
        return fail("header: size of a section header is 0");
    const std::uint64_t length = std::uint64_t{header.secnum} * header.secsize;
    if (header.secoff > header.loadsz || length > header.loadsz ||
        header.secoff + length > header.loadsz)
        return fail(fmt::format("header: {} section headers of {} bytes at {} end beyond the load "
                                "size {}",
                                header.secnum, header.secsize, header.secoff, header.loadsz));
    if (header.secoff % 8 != 0)
        return fail(
            fmt::format("header: section headers at {}, not a multiple of 8", header.secoff));
    if (header.secsize % 8 != 0)
        return fail(fmt::format("header: size of a section header is {}, not a multiple of 8",
                                header.secsize));
    // Ours: the kernel would read beyond the last header.
    if (header.secnum != 0 && header.secsize < sizeof(Section))
        return fail(fmt::format("header: size of a section header is {}, less than {}",
                                header.secsize, sizeof(Section)));
    return {};
}

} // namespace

Result<void> check_header(const Header& header, std::size_t size) {
    if (auto ok = check_ident(header); !ok)
        return ok;
    if (auto ok = check_sizes(header, size); !ok)
        return ok;
    return check_section_table(header);
}

Result<Container> Container::open(std::span<const std::byte> bytes, bool enabling) {
    if (bytes.size() < sizeof(magic) || std::memcmp(bytes.data(), magic, sizeof(magic)) != 0)
        return fail("not DOF: does not begin with 7f 44 4f 46");
    if (bytes.size() < sizeof(Header))
        return fail(fmt::format("truncated: {} bytes, but the header has {}", bytes.size(),
                                sizeof(Header)));
    Container c;
    std::memcpy(&c.header_, bytes.data(), sizeof(Header));
    if (auto ok = check_header(c.header_, bytes.size()); !ok)
        return std::unexpected(ok.error());
    const auto tail = bytes.subspan(static_cast<std::size_t>(c.header_.filesz));
    if (std::ranges::any_of(tail, [](std::byte b) { return b != std::byte{0}; }))
        return fail(
            fmt::format("{} bytes follow the end of the DOF at {}", tail.size(), c.header_.filesz));
    c.bytes_ = bytes.first(static_cast<std::size_t>(c.header_.filesz));
    c.sections_.reserve(c.header_.secnum);
    for (std::uint32_t i = 0; i < c.header_.secnum; i++)
        c.sections_.push_back(c.load<Section>(c.section_header_offset(i)));
    if (auto ok = c.check_sections(enabling); !ok)
        return std::unexpected(ok.error());
    return c;
}

std::string Container::where(std::uint32_t index) const {
    const std::uint32_t type = sections_[index].type;
    if (const char* name = section_name(type))
        return fmt::format("section {} ({})", index, name);
    return fmt::format("section {} (type {})", index, type);
}

Result<void> Container::check_sections(bool enabling) const {
    for (std::uint32_t i = 0; i < section_count(); i++) {
        if (enabling && (is(i, SectionType::PROVIDER) || is(i, SectionType::PROBES) ||
                         is(i, SectionType::PRARGS) || is(i, SectionType::PROFFS)))
            return fail_in(i, "a program that is to be enabled may not hold it");
        const bool loaded = (sections_[i].flags & flag_load) != 0;
        if (must_load(sections_[i].type) && !loaded)
            return fail_in(i, "must be loaded, but its load flag is not set");
        if (auto ok = loaded ? check_section(i) : check_unloaded(i); !ok)
            return ok;
    }
    return {};
}

Result<void> Container::check_section(std::uint32_t index) const {
    const Section& s = sections_[index];
    const std::uint64_t length = header_.loadsz;
    if ((s.align & (s.align - 1)) != 0)
        return fail_in(index, "alignment {} is not a power of 2", s.align);
    if ((s.offset & (s.align - 1)) != 0)
        return fail_in(index, "offset {} is not aligned to {}", s.offset, s.align);
    if (s.offset > length || s.size > length || s.offset + s.size > length)
        return fail_in(index, "{} bytes at {} end beyond the load size {}", s.size, s.offset,
                       length);
    if (!is(index, SectionType::STRTAB))
        return {};
    // Ours: of an empty table, the kernel would look at the byte before it.
    if (s.size == 0)
        return fail_in(index, "string table is empty, it must hold a NUL");
    if (data(index).back() != '\0')
        return fail_in(index, "string table does not end in a NUL");
    return {};
}

/// Ours: sections that are not loaded are nothing to the kernel; we keep some of them.
Result<void> Container::check_unloaded(std::uint32_t index) const {
    const Section& s = sections_[index];
    const std::uint64_t length = header_.filesz;
    if (s.offset > length || s.size > length || s.offset + s.size > length)
        return fail_in(index, "{} bytes at {} end beyond the file size {}", s.size, s.offset,
                       length);
    return {};
}

Result<void> Container::check_link(std::uint32_t from, SectionType type, std::uint32_t to,
                                   std::string_view role) const {
    if (to == no_section)
        return fail_in(from, "{} is missing", role);
    if (to >= section_count())
        return fail_in(from, "{} is section {}, but there are {} sections", role, to,
                       section_count());
    if ((sections_[to].flags & flag_load) == 0)
        return fail_in(from, "{} is {}, which is not loaded", role, where(to));
    if (type != SectionType::NONE && !is(to, type))
        return fail_in(from, "{} is {}, must be {}", role, where(to),
                       section_name(static_cast<std::uint32_t>(type)));
    return {};
}

} // namespace difjit::dof
