// SPDX-License-Identifier: BSD-2-Clause
// Images: header, code, relocations, faults, lines; written by one function, checked by another.
//
// parse_image trusts nothing: every field and every entry is checked before anybody uses one, and
// each check has its own message. docs/image.md describes the format; tests/jit/image_test.cpp has
// a case for each check.
#include "jit/image.hpp"

#include <cstring>

#include <fmt/format.h>

#include <difjit/jit.hpp>

#include "jit/sha256.hpp"

namespace difjit::jit {
namespace {

constexpr std::uint32_t align8(std::uint32_t n) {
    return (n + 7) & ~7u;
}

struct TableBounds {
    const char* name;
    difjit_section section;
    std::uint32_t entry_size;
};

/// Sections follow each other in this order; overlap is refused by it.
Result<void> check_sections(const difjit_image_header& h) {
    const TableBounds tables[] = {{"code", h.code, 1},
                                  {"relocation", h.relocs, sizeof(difjit_reloc)},
                                  {"fault", h.faults, sizeof(difjit_fault_entry)},
                                  {"line", h.lines, sizeof(difjit_line)}};
    std::uint64_t free = sizeof h;
    for (const TableBounds& t : tables) {
        if (t.section.offset % 8 != 0)
            return fail(fmt::format("image: {} section at offset {}, which 8 does not divide",
                                    t.name, t.section.offset));
        if (t.section.offset < free)
            return fail(fmt::format("image: {} section at offset {} overlaps what ends at {}",
                                    t.name, t.section.offset, free));
        free = t.section.offset + std::uint64_t{t.section.count} * t.entry_size;
        if (free > h.size)
            return fail(fmt::format("image: {} section ends at {}, behind the image's {} bytes",
                                    t.name, free, h.size));
    }
    return {};
}

Result<void> check_header(const difjit_image_header& h, std::size_t size) {
    if (h.magic != DIFJIT_IMAGE_MAGIC)
        return fail(fmt::format("image: magic {:#x}, expected {:#x}", h.magic, DIFJIT_IMAGE_MAGIC));
    if (h.abi != DIFJIT_ABI_VERSION)
        return fail(fmt::format("image: ABI version {}, this is {}", h.abi, DIFJIT_ABI_VERSION));
    if (h.machine != DIFJIT_MACHINE_AMD64 && h.machine != DIFJIT_MACHINE_ARM64)
        return fail(fmt::format("image: unknown machine {}", h.machine));
    if (h.size != size)
        return fail(fmt::format("image: header says {} bytes, but there are {}", h.size, size));
    if (h.flags != 0)
        return fail(fmt::format("image: unknown flags {:#x}", h.flags));
    if (auto ok = check_sections(h); !ok)
        return ok;
    if (h.code.count == 0)
        return fail("image: no code");
    if (h.entry >= h.code.count)
        return fail(
            fmt::format("image: entry {} behind the code's {} bytes", h.entry, h.code.count));
    if (h.fault_exit >= h.code.count)
        return fail(fmt::format("image: fault exit {} behind the code's {} bytes", h.fault_exit,
                                h.code.count));
    return {};
}

/// Is `symbol` one that relocations of this kind can name?
bool symbol_fits(std::uint32_t kind, std::uint32_t symbol) {
    switch (kind) {
    case DIFJIT_RELOC_HELPER_REL32:
    case DIFJIT_RELOC_HELPER_ABS64: return symbol < DIFJIT_NHELPERS;
    case DIFJIT_RELOC_GLOBAL_ABS64:
    case DIFJIT_RELOC_LOCAL_DISP32: return symbol >= DIFJIT_USER_VARIABLE_BASE && symbol <= 0xffff;
    case DIFJIT_RELOC_STRTAB_ABS64: return symbol == 0;
    default: return true;
    }
}

Result<void> check_relocs(const ImageView& view) {
    std::uint64_t free = 0;
    for (std::size_t i = 0; i < view.relocs.size(); i++) {
        const difjit_reloc& r = view.relocs[i];
        const std::uint32_t width = reloc_width(r.kind);
        if (width == 0)
            return fail(fmt::format("image: relocation {}: unknown kind {}", i, r.kind));
        if (r.reserved != 0)
            return fail(fmt::format("image: relocation {}: reserved field is {}", i, r.reserved));
        if (r.offset < free)
            return fail(fmt::format("image: relocation {}: offset {} is not behind the one before",
                                    i, r.offset));
        free = std::uint64_t{r.offset} + width;
        if (free > view.code.size())
            return fail(fmt::format("image: relocation {}: offset {} behind the code's {} bytes", i,
                                    r.offset, view.code.size()));
        if (!symbol_fits(r.kind, r.symbol))
            return fail(fmt::format("image: relocation {}: symbol {} does not exist", i, r.symbol));
    }
    return {};
}

bool load_size_fits(std::uint8_t size) {
    return size == 1 || size == 2 || size == 4 || size == 8;
}

Result<void> check_faults(const ImageView& view) {
    std::uint64_t free = 0;
    for (std::size_t i = 0; i < view.faults.size(); i++) {
        const difjit_fault_entry& f = view.faults[i];
        if (f.offset < free)
            return fail(fmt::format("image: fault {}: offset {} is not behind the one before", i,
                                    f.offset));
        free = std::uint64_t{f.offset} + 1;
        if (free > view.code.size())
            return fail(fmt::format("image: fault {}: offset {} behind the code's {} bytes", i,
                                    f.offset, view.code.size()));
        if (f.base_reg > 31 || f.frame_reg > 31 ||
            (view.header->machine == DIFJIT_MACHINE_AMD64 && (f.base_reg > 15 || f.frame_reg > 15)))
            return fail(fmt::format("image: fault {}: no machine register {}", i,
                                    std::max(f.base_reg, f.frame_reg)));
        if (!load_size_fits(f.size))
            return fail(fmt::format("image: fault {}: a load of {} bytes", i, f.size));
        if (f.reserved != 0)
            return fail(fmt::format("image: fault {}: reserved field is {}", i, f.reserved));
        if (f.pc >= 0x1000000)
            return fail(fmt::format("image: fault {}: no DIF instruction {}", i, f.pc));
    }
    return {};
}

Result<void> check_lines(const ImageView& view) {
    std::uint64_t free = 0;
    for (std::size_t i = 0; i < view.lines.size(); i++) {
        const difjit_line& l = view.lines[i];
        if (l.offset < free)
            return fail(
                fmt::format("image: line {}: offset {} is not behind the one before", i, l.offset));
        free = std::uint64_t{l.offset} + 1;
        if (free > view.code.size())
            return fail(fmt::format("image: line {}: offset {} behind the code's {} bytes", i,
                                    l.offset, view.code.size()));
        if (l.pc >= 0x1000000 && (l.pc < DIFJIT_LINE_PROLOGUE || l.pc > DIFJIT_LINE_CONSTANTS))
            return fail(fmt::format("image: line {}: no DIF instruction {:#x}", i, l.pc));
    }
    return {};
}

template <class T>
std::span<const T> table(std::span<const std::byte> bytes, difjit_section section) {
    return {reinterpret_cast<const T*>(bytes.data() + section.offset), section.count};
}

template <class T>
void append(std::vector<std::byte>& image, difjit_section& section, const std::vector<T>& entries) {
    section.offset = align8(static_cast<std::uint32_t>(image.size()));
    section.count = static_cast<std::uint32_t>(entries.size());
    image.resize(section.offset + entries.size() * sizeof(T));
    if (!entries.empty())
        std::memcpy(image.data() + section.offset, entries.data(), entries.size() * sizeof(T));
}

} // namespace

std::uint32_t reloc_width(std::uint32_t kind) {
    switch (kind) {
    case DIFJIT_RELOC_HELPER_REL32:
    case DIFJIT_RELOC_LOCAL_DISP32: return 4;
    case DIFJIT_RELOC_HELPER_ABS64:
    case DIFJIT_RELOC_GLOBAL_ABS64:
    case DIFJIT_RELOC_STRTAB_ABS64:
    case DIFJIT_RELOC_INT_ABS64: return 8;
    default: return 0;
    }
}

Hash difo_hash(const difjit_difo& difo) {
    Sha256 sha;
    auto counted = [&sha](const void* data, std::size_t count, std::size_t size) {
        sha.update_u32(static_cast<std::uint32_t>(count));
        sha.update({static_cast<const std::byte*>(data), count * size});
    };
    sha.update_u32(difo.dialect);
    sha.update(std::as_bytes(std::span(&difo.rtype, 1)));
    counted(difo.text, difo.text_len, sizeof *difo.text);
    counted(difo.ints, difo.int_len, sizeof *difo.ints);
    counted(difo.strtab, difo.str_len, 1);
    counted(difo.vars, difo.var_len, sizeof *difo.vars);
    return sha.finish();
}

Hash no_facts_hash() {
    return Sha256().finish();
}

std::vector<std::byte> write_image(const Parts& parts, const Hash& difo, const Hash& facts) {
    difjit_image_header h{};
    h.magic = DIFJIT_IMAGE_MAGIC;
    h.abi = DIFJIT_ABI_VERSION;
    h.machine = parts.machine;
    std::memcpy(h.difo_hash, difo.data(), difo.size());
    std::memcpy(h.fact_hash, facts.data(), facts.size());
    std::vector<std::byte> image(sizeof h);
    append(image, h.code, parts.code);
    append(image, h.relocs, parts.relocs);
    append(image, h.faults, parts.faults);
    append(image, h.lines, parts.lines);
    h.entry = parts.entry;
    h.fault_exit = parts.fault_exit;
    h.size = static_cast<std::uint32_t>(image.size());
    std::memcpy(image.data(), &h, sizeof h);
    return image;
}

Result<ImageView> parse_image(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(difjit_image_header))
        return fail(fmt::format("image: {} bytes, shorter than its header's {}", bytes.size(),
                                sizeof(difjit_image_header)));
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0)
        return fail("image: not at an address that 8 divides");
    const auto* header = reinterpret_cast<const difjit_image_header*>(bytes.data());
    if (auto ok = check_header(*header, bytes.size()); !ok)
        return std::unexpected(ok.error());
    ImageView view{header, bytes.subspan(header->code.offset, header->code.count),
                   table<difjit_reloc>(bytes, header->relocs),
                   table<difjit_fault_entry>(bytes, header->faults),
                   table<difjit_line>(bytes, header->lines)};
    for (auto check : {check_relocs, check_faults, check_lines})
        if (auto ok = check(view); !ok)
            return std::unexpected(ok.error());
    return view;
}

bool image_matches(const ImageView& image, const difjit_difo& difo) {
    const Hash hash = difo_hash(difo);
    return std::memcmp(image.header->difo_hash, hash.data(), hash.size()) == 0;
}

} // namespace difjit::jit
