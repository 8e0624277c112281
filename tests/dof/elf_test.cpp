// SPDX-License-Identifier: BSD-2-Clause
// DOF in ELF objects that libelf makes here: both classes, by name and by type, joined and damaged.
#include <fcntl.h>
#include <gelf.h>
#include <gtest/gtest.h>
#include <libelf.h>
#include <unistd.h>

#include "dof/dofs.hpp"

using namespace difjit;
using namespace difjit::test;

namespace {

struct Part {
    std::string name;
    std::uint32_t type = SHT_PROGBITS;
    Bytes bytes;
};

/// An ELF file with these sections, as bytes.
class Object {
  public:
    Object(int elf_class, std::vector<Part> parts, GElf_Half kind = ET_REL) {
        char path[] = "/tmp/difjit-elf-XXXXXX";
        const int fd = mkstemp(path);
        elf_version(EV_CURRENT);
        Elf* elf = elf_begin(fd, ELF_C_WRITE, nullptr);
        gelf_newehdr(elf, elf_class);
        GElf_Ehdr ehdr;
        gelf_getehdr(elf, &ehdr);
        ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
        ehdr.e_type = kind;
        ehdr.e_machine = elf_class == ELFCLASS64 ? EM_X86_64 : EM_386;
        std::string names(1, '\0');
        std::vector<GElf_Word> offsets;
        for (const Part& part : parts) {
            offsets.push_back(static_cast<GElf_Word>(names.size()));
            names += part.name + '\0';
        }
        const auto own = static_cast<GElf_Word>(names.size());
        names += std::string(".shstrtab") + '\0';
        for (std::size_t i = 0; i < parts.size(); i++)
            add(elf, offsets[i], parts[i].type, parts[i].bytes.data(), parts[i].bytes.size());
        ehdr.e_shstrndx =
            static_cast<GElf_Half>(add(elf, own, SHT_STRTAB, names.data(), names.size()));
        gelf_update_ehdr(elf, &ehdr);
        elf_update(elf, ELF_C_WRITE);
        elf_end(elf);
        close(fd);
        bytes = read_file(path);
        unlink(path);
    }

    std::string message() const {
        const auto programs = dof::read_elf(bytes);
        return programs ? "accepted" : programs.error().message;
    }

    Bytes bytes;

  private:
    static std::size_t add(Elf* elf, GElf_Word name, std::uint32_t type, const void* from,
                           std::size_t size) {
        Elf_Scn* section = elf_newscn(elf);
        Elf_Data* data = elf_newdata(section);
        data->d_buf = const_cast<void*>(from);
        data->d_size = size;
        data->d_align = 8;
        GElf_Shdr header;
        gelf_getshdr(section, &header);
        header.sh_name = name;
        header.sh_type = type;
        gelf_update_shdr(section, &header);
        return elf_ndxscn(section);
    }
};

Bytes joined(const std::vector<Bytes>& dofs) {
    Bytes out;
    for (const Bytes& dof : dofs) {
        out.resize((out.size() + 7) / 8 * 8);
        out.insert(out.end(), dof.begin(), dof.end());
    }
    return out;
}

const Bytes one = *dof::write(helper());
const Bytes two = *dof::write(enabling());

} // namespace

TEST(Elf, BothClassesAndKinds) {
    for (const int elf_class : {ELFCLASS64, ELFCLASS32})
        for (const GElf_Half kind : {ET_REL, ET_EXEC, ET_DYN}) {
            const Object object(
                elf_class, {{".text", SHT_PROGBITS, Bytes(16)}, {".SUNW_dof", 0x6ffffff4, one}},
                kind);
            const auto programs = dof::read_elf(object.bytes);
            ASSERT_TRUE(programs) << programs.error().message;
            ASSERT_EQ(programs->size(), 1u);
            EXPECT_EQ((*programs)[0].name, ".SUNW_dof");
            Program expected = helper();
            expected.name = ".SUNW_dof";
            EXPECT_TRUE((*programs)[0] == expected);
        }
}

TEST(Elf, ByNameOrByType) {
    for (const auto& [name, type] : {std::pair{".SUNW_dof", SHT_PROGBITS},
                                     {".dof", SHT_PROGBITS},
                                     {"set_dof_1", SHT_PROGBITS},
                                     {".set_dof", SHT_PROGBITS},
                                     {".anything", 0x6ffffff4}})
        EXPECT_EQ(Object(ELFCLASS64, {{name, static_cast<std::uint32_t>(type), one}}).message(),
                  "accepted")
            << name;
    EXPECT_EQ(Object(ELFCLASS64, {{".doff", SHT_PROGBITS, one}}).message(),
              "ELF: no section holds DOF");
}

TEST(Elf, SeveralInOneSectionAndInSeveral) {
    const Object object(ELFCLASS64, {{".SUNW_dof", SHT_PROGBITS, joined({two, one, two})},
                                     {".dof", SHT_PROGBITS, one}});
    const auto programs = dof::read_elf(object.bytes);
    ASSERT_TRUE(programs) << programs.error().message;
    ASSERT_EQ(programs->size(), 4u);
    EXPECT_EQ((*programs)[0].ecbs.size(), 2u);
    EXPECT_EQ((*programs)[1].providers.size(), 1u);
    EXPECT_EQ((*programs)[3].name, ".dof");
}

TEST(Elf, MessagesNameThePlace) {
    Bytes bad = joined({one, two});
    bad[(one.size() + 7) / 8 * 8 + 5] = std::byte{2};
    EXPECT_EQ(Object(ELFCLASS64, {{".SUNW_dof", SHT_PROGBITS, bad}}).message(),
              "ELF section 1 (.SUNW_dof): DOF at " + std::to_string((one.size() + 7) / 8 * 8) +
                  ": header: encoding is 2 (big-endian), this reader takes 1 (little-endian) only");
    Bytes rest = one;
    rest.push_back(std::byte{'x'});
    EXPECT_EQ(Object(ELFCLASS64, {{".dof", SHT_PROGBITS, rest}}).message(),
              "ELF section 1 (.dof): DOF at " + std::to_string(one.size()) +
                  ": not DOF: does not begin with 7f 44 4f 46");
    EXPECT_EQ(Object(ELFCLASS64, {{".dof", SHT_NOBITS, one}}).message(),
              "ELF section 1 (.dof): has no bytes in the file");
    EXPECT_EQ(Object(ELFCLASS64, {{".dof", SHT_PROGBITS, Bytes(24)}}).message(),
              "ELF: no section holds DOF");
    EXPECT_EQ(dof::read_elf(one).error().message, "not ELF: does not begin with 7f 45 4c 46");
}

TEST(Elf, TruncatedAndFlipped) {
    const Object object(ELFCLASS64, {{".SUNW_dof", SHT_PROGBITS, one}});
    for (std::size_t size = 0; size < object.bytes.size(); size++) {
        const Bytes part(object.bytes.begin(),
                         object.bytes.begin() + static_cast<std::ptrdiff_t>(size));
        const auto programs = dof::read_elf(part);
        ASSERT_FALSE(programs) << size;
        ASSERT_FALSE(programs.error().message.empty());
    }
    Bytes bytes = object.bytes;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit++) {
        const auto mask = std::byte{static_cast<unsigned char>(1u << (bit % 8))};
        bytes[bit / 8] ^= mask;
        const auto programs = dof::read_elf(bytes);
        ASSERT_TRUE(programs || !programs.error().message.empty());
        bytes[bit / 8] ^= mask;
    }
}

TEST(Elf, KnowsItsKinds) {
    EXPECT_TRUE(dof::is_dof(one));
    EXPECT_FALSE(dof::is_elf(one));
    const Object object(ELFCLASS32, {{".dof", SHT_PROGBITS, one}});
    EXPECT_TRUE(dof::is_elf(object.bytes));
    EXPECT_FALSE(dof::is_dof(object.bytes));
    EXPECT_FALSE(dof::is_dof({}));
    EXPECT_FALSE(dof::is_elf(std::span(object.bytes).first(3)));
}
