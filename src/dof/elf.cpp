// SPDX-License-Identifier: BSD-2-Clause
// DOF inside ELF objects: what `dtrace -G` makes and what a linker makes of several of them.
//
// A section holds DOF if its type or its name says so. It may hold several, one behind the other,
// each with its own size, with zeros between them. Follows drti.c and dt_link.c; relocations of the
// ELF object are the linker's and are left alone. Tested in tests/dof/elf_test.cpp.
#include <algorithm>
#include <cstring>
#include <gelf.h>
#include <libelf.h>
#include <memory>
#include <string>

#include "dof/reader.hpp"

namespace difjit::dof {

namespace {

constexpr std::uint32_t type_sunw_dof = 0x6ffffff4; // SHT_SUNW_dof

struct ElfEnd {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

std::string elf_error(const char* what) {
    const int number = elf_errno();
    return fmt::format("ELF: {}: {}", what, number == 0 ? "unknown error" : elf_errmsg(number));
}

bool holds_dof(const GElf_Shdr& header, std::string_view name) {
    return header.sh_type == type_sunw_dof || name == ".SUNW_dof" || name == ".dof" ||
           name.starts_with("set_dof") || name.starts_with(".set_dof");
}

class ObjectReader {
  public:
    ObjectReader(Elf* elf, Dialect dialect) : elf_(elf), options_{dialect, false} {}

    Result<std::vector<Program>> read();

  private:
    Result<void> read_section(Elf_Scn* section, std::size_t names);
    Result<void> read_dofs(std::span<const std::byte> bytes, const std::string& where,
                           const std::string& name);

    Elf* elf_;
    ReadOptions options_;
    Budget budget_; ///< of all DOFs together
    std::vector<Program> programs_;
};

Result<void> ObjectReader::read_dofs(std::span<const std::byte> bytes, const std::string& where,
                                     const std::string& name) {
    for (std::size_t at = 0;;) {
        while (at < bytes.size() && bytes[at] == std::byte{0})
            at++;
        if (at == bytes.size())
            return {};
        const auto rest = bytes.subspan(at);
        std::uint64_t size = rest.size();
        if (rest.size() >= sizeof(Header)) {
            Header header;
            std::memcpy(&header, rest.data(), sizeof(header));
            size = std::min(size, std::max<std::uint64_t>(header.filesz, sizeof(Header)));
        }
        auto program = dof::read(rest.first(static_cast<std::size_t>(size)), options_, budget_);
        if (!program)
            return std::unexpected(program.error().in(fmt::format("{}: DOF at {}", where, at)));
        program->name = name;
        programs_.push_back(std::move(*program));
        at += static_cast<std::size_t>(size);
    }
}

Result<void> ObjectReader::read_section(Elf_Scn* section, std::size_t names) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr)
        return fail(elf_error("section header"));
    const char* found = elf_strptr(elf_, names, header.sh_name);
    const std::string name = found == nullptr ? "" : found;
    if (!holds_dof(header, name))
        return {};
    const std::string where = fmt::format("ELF section {} ({})", elf_ndxscn(section), name);
    if (header.sh_type == SHT_NOBITS)
        return fail(where + ": has no bytes in the file");
    const Elf_Data* data = elf_rawdata(section, nullptr);
    if (data == nullptr)
        return fail(where + ": " + elf_error("data"));
    if (data->d_buf == nullptr)
        return {};
    // Many section headers may name the same bytes.
    if (auto ok = budget_.charge(data->d_size); !ok)
        return std::unexpected(ok.error().in(where));
    return read_dofs({static_cast<const std::byte*>(data->d_buf), data->d_size}, where, name);
}

Result<std::vector<Program>> ObjectReader::read() {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf_, &names) != 0)
        return fail(elf_error("section names"));
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf_, section)) != nullptr)
        if (auto ok = read_section(section, names); !ok)
            return std::unexpected(ok.error());
    if (programs_.empty())
        return fail("ELF: no section holds DOF");
    return std::move(programs_);
}

} // namespace

bool is_elf(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

Result<std::vector<Program>> read_elf(std::span<const std::byte> bytes, Dialect dialect) {
    if (!is_elf(bytes))
        return fail("not ELF: does not begin with 7f 45 4c 46");
    if (elf_version(EV_CURRENT) == EV_NONE)
        return fail(elf_error("library"));
    // libelf takes memory that it may write to.
    std::vector<char> copy(bytes.size());
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    const ElfHandle elf(elf_memory(copy.data(), copy.size()));
    if (!elf)
        return fail(elf_error("header"));
    if (elf_kind(elf.get()) != ELF_K_ELF)
        return fail("ELF: not an object");
    return ObjectReader(elf.get(), dialect).read();
}

} // namespace difjit::dof
