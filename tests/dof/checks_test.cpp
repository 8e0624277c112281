// SPDX-License-Identifier: BSD-2-Clause
// Every check of the reader: good DOF, spoiled in one place, and the message it gives.
#include <gtest/gtest.h>

#include "dof/dofs.hpp"

using namespace difjit;
using namespace difjit::test;
using dof::SectionType;

namespace {

/// The message for a program's DOF after a cut.
template <class F>
std::string after(const Program& program, F cut) {
    Knife knife(program);
    cut(knife);
    return knife.message();
}
template <class F>
std::string enabling_after(F cut) {
    return after(enabling(), cut);
}
template <class F>
std::string helper_after(F cut) {
    return after(helper(), cut);
}

/// The message after a change of the file's header.
template <class F>
std::string header_after(F change) {
    return enabling_after([&](Knife& k) { k.header(change); });
}

/// The message after a change of the header of a section.
template <class F>
std::string head_after(SectionType type, F change, int nth = 0) {
    return enabling_after([&](Knife& k) { k.head(k.find(type, nth), change); });
}
template <class F>
std::string provider_head_after(SectionType type, F change) {
    return helper_after([&](Knife& k) { k.head(k.find(type), change); });
}

/// The message after a change of a section's data.
template <class T, class F>
std::string body_after(SectionType type, F change, int nth = 0, std::uint64_t entry = 0) {
    return enabling_after([&](Knife& k) { k.body<T>(k.find(type, nth), change, entry); });
}
template <class T, class F>
std::string provider_body_after(SectionType type, F change, std::uint64_t entry = 0) {
    return helper_after([&](Knife& k) { k.body<T>(k.find(type), change, entry); });
}

} // namespace

// The tests below count on this order of sections.
TEST(Checks, TheGoodOnesAreGood) {
    EXPECT_EQ(enabling_after([](Knife&) {}), "accepted");
    EXPECT_EQ(helper_after([](Knife&) {}), "accepted");
    EXPECT_EQ(after(helper_version_1(), [](Knife&) {}), "accepted");
    const Knife k(enabling());
    std::string order;
    for (std::uint32_t i = 0; i < k.get<dof::Header>(0).secnum; i++)
        order += std::string(i == 0 ? "" : " ") + dof::section_name(k.section(i).type);
    EXPECT_EQ(order,
              "STRTAB PROBEDESC DIF INTTAB STRTAB VARTAB DIFOHDR DIF DIFOHDR DIF INTTAB STRTAB "
              "VARTAB DIFOHDR RELTAB KRELHDR RELTAB URELHDR ACTDESC ECBDESC PROBEDESC ECBDESC "
              "OPTDESC COMMENTS SOURCE UTSNAME");
}

TEST(Checks, Ident) {
    const auto ident = [](std::size_t byte, std::uint8_t value) {
        return header_after([&](dof::Header& h) { h.ident[byte] = value; });
    };
    for (const std::size_t byte : {0, 1, 2, 3})
        EXPECT_EQ(ident(byte, 0), "not DOF: does not begin with 7f 44 4f 46");
    EXPECT_EQ(ident(4, 0), "header: data model is 0, must be 1 (ILP32) or 2 (LP64)");
    EXPECT_EQ(ident(4, 3), "header: data model is 3, must be 1 (ILP32) or 2 (LP64)");
    EXPECT_EQ(ident(4, 1), "accepted");
    EXPECT_EQ(ident(5, 2),
              "header: encoding is 2 (big-endian), this reader takes 1 (little-endian) only");
    EXPECT_EQ(ident(5, 0), "header: encoding is 0, must be 1 (little-endian)");
    EXPECT_EQ(ident(6, 0), "header: DOF version is 0, must be 1 or 2");
    EXPECT_EQ(ident(6, 3), "header: DOF version is 3, must be 1 or 2");
    EXPECT_EQ(ident(6, 2), "accepted");
    EXPECT_EQ(ident(7, 1), "header: DIF version is 1, must be 2");
    EXPECT_EQ(ident(8, 9), "header: uses 9 integer registers, there are 8");
    EXPECT_EQ(ident(9, 9), "header: uses 9 tuple registers, there are 8");
    EXPECT_EQ(ident(10, 1), "header: ident byte 10 is 1, must be 0");
    EXPECT_EQ(ident(15, 255), "header: ident byte 15 is 255, must be 0");
    EXPECT_EQ(header_after([](dof::Header& h) { h.flags = 4; }),
              "header: flags are 0x4, none is valid");
}

TEST(Checks, Sizes) {
    const auto size = std::to_string(Knife(enabling()).bytes.size());
    EXPECT_EQ(header_after([](dof::Header& h) { h.loadsz = 8 << 20; }),
              "header: load size is 8388608, must be below 8388608");
    EXPECT_EQ(header_after([](dof::Header& h) { h.loadsz = 63; }),
              "header: load size is 63, less than the header's 64");
    EXPECT_EQ(header_after([](dof::Header& h) { h.loadsz = 100000; }),
              "truncated: " + size + " bytes, but the header's load size is 100000");
    EXPECT_TRUE(header_after([](dof::Header& h) {
                    h.filesz = h.loadsz - 1;
                }).starts_with("header: file size is "));
    EXPECT_EQ(header_after([](dof::Header& h) { h.filesz = ~std::uint64_t{0}; }),
              "truncated: " + size + " bytes, but the header's file size is 18446744073709551615");
    EXPECT_EQ(enabling_after([](Knife& k) { k.bytes.resize(63); }),
              "truncated: 63 bytes, but the header has 64");
    EXPECT_EQ(enabling_after([](Knife& k) { k.bytes.push_back(std::byte{1}); }),
              "1 bytes follow the end of the DOF at " + size);
}

TEST(Checks, SectionTable) {
    EXPECT_EQ(header_after([](dof::Header& h) { h.secsize = 0; }),
              "header: size of a section header is 0");
    const auto load = std::to_string(Knife(enabling()).get<dof::Header>(0).loadsz);
    EXPECT_EQ(header_after([](dof::Header& h) { h.secnum = 0xffffffff; }),
              "header: 4294967295 section headers of 32 bytes at 64 end beyond the load size " +
                  load);
    EXPECT_EQ(header_after([](dof::Header& h) { h.secoff = ~std::uint64_t{7}; }),
              "header: 26 section headers of 32 bytes at 18446744073709551608 end beyond the load "
              "size " +
                  load);
    EXPECT_EQ(header_after([](dof::Header& h) { h.secoff = 68; }),
              "header: section headers at 68, not a multiple of 8");
    EXPECT_EQ(header_after([](dof::Header& h) { h.secsize = 36; }),
              "header: size of a section header is 36, not a multiple of 8");
    EXPECT_EQ(header_after([](dof::Header& h) { h.secsize = 8; }),
              "header: size of a section header is 8, less than 32");
}

TEST(Checks, SectionHeaders) {
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.flags = 0; }),
              "section 2 (DIF): must be loaded, but its load flag is not set");
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.align = 12; }),
              "section 2 (DIF): alignment 12 is not a power of 2");
    const auto dif = Knife(enabling()).section(2);
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.align = 1 << 31; }),
              "section 2 (DIF): offset " + std::to_string(dif.offset) +
                  " is not aligned to 2147483648");
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.align = 0; }),
              "section 2 (DIF): offset " + std::to_string(dif.offset) + " is not aligned to 0");
    const auto load = std::to_string(Knife(enabling()).get<dof::Header>(0).loadsz);
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.offset = ~std::uint64_t{3}; }),
              "section 2 (DIF): 16 bytes at 18446744073709551612 end beyond the load size " + load);
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.size = ~std::uint64_t{0}; }),
              "section 2 (DIF): 18446744073709551615 bytes at " + std::to_string(dif.offset) +
                  " end beyond the load size " + load);
    EXPECT_EQ(head_after(SectionType::STRTAB, [](dof::Section& s) { s.size = 0; }),
              "section 0 (STRTAB): string table is empty, it must hold a NUL");
    EXPECT_EQ(head_after(SectionType::STRTAB, [](dof::Section& s) { s.size--; }),
              "section 0 (STRTAB): string table does not end in a NUL");
    EXPECT_TRUE(head_after(SectionType::COMMENTS, [](dof::Section& s) {
                    s.size = 1 << 20;
                }).starts_with("section 23 (COMMENTS): 1048576 bytes at "));
    // A type that nobody knows is nothing, if it keeps the rules of all sections.
    EXPECT_EQ(head_after(SectionType::SOURCE, [](dof::Section& s) { s.type = 99; }), "accepted");
    EXPECT_TRUE(head_after(SectionType::SOURCE, [](dof::Section& s) {
                    s.type = 99;
                    s.offset = 1 << 20;
                }).starts_with("section 24 (type 99): "));
}

TEST(Checks, ProvidersOfAnEnabling) {
    const Knife k(helper());
    EXPECT_EQ(k.message(), "accepted");
    EXPECT_EQ(k.message({Dialect::freebsd, true}),
              "section 6 (PROBES): a program that is to be enabled may not hold it");
    for (const SectionType type :
         {SectionType::PROVIDER, SectionType::PRARGS, SectionType::PROFFS}) {
        Knife other(enabling());
        other.head(other.find(SectionType::SOURCE), [&](dof::Section& s) {
            s.type = static_cast<std::uint32_t>(type);
            s.flags = dof::flag_load;
        });
        EXPECT_TRUE(other.message({Dialect::freebsd, true}).ends_with("may not hold it"));
    }
}

TEST(Checks, Links) {
    const auto predicate = [](std::uint32_t to) {
        return body_after<dof::EcbDesc>(SectionType::ECBDESC,
                                        [&](dof::EcbDesc& e) { e.pred = to; });
    };
    EXPECT_EQ(predicate(26),
              "section 19 (ECBDESC): predicate is section 26, but there are 26 sections");
    EXPECT_EQ(predicate(0xfffffffe),
              "section 19 (ECBDESC): predicate is section 4294967294, but there are 26 sections");
    EXPECT_EQ(predicate(23),
              "section 19 (ECBDESC): predicate is section 23 (COMMENTS), which is not loaded");
    EXPECT_EQ(predicate(2), "section 19 (ECBDESC): predicate is section 2 (DIF), must be DIFOHDR");
    EXPECT_EQ(body_after<dof::EcbDesc>(SectionType::ECBDESC,
                                       [](dof::EcbDesc& e) { e.probes = dof::no_section; }),
              "section 19 (ECBDESC): probe description is missing");
    EXPECT_EQ(
        body_after<dof::EcbDesc>(SectionType::ECBDESC, [](dof::EcbDesc& e) { e.actions = 6; }),
        "section 19 (ECBDESC): actions is section 6 (DIFOHDR), must be ACTDESC");
}

TEST(Checks, Ecb) {
    EXPECT_EQ(head_after(SectionType::ECBDESC, [](dof::Section& s) { s.size = 23; }),
              "section 19 (ECBDESC): size is 23, must be at least 24");
    EXPECT_EQ(head_after(SectionType::ECBDESC, [](dof::Section& s) { s.align = 4; }),
              "section 19 (ECBDESC): alignment is 4, must be 8");
}

TEST(Checks, ProbeDescription) {
    EXPECT_EQ(head_after(SectionType::PROBEDESC, [](dof::Section& s) { s.align = 8; }),
              "section 1 (PROBEDESC): alignment is 8, must be 4");
    const auto load = Knife(enabling()).get<dof::Header>(0).loadsz / 4 * 4;
    EXPECT_TRUE(head_after(SectionType::PROBEDESC,
                           [&](dof::Section& s) {
                               s.offset = load;
                               s.size = 0;
                           })
                    .starts_with("section 1 (PROBEDESC): 24 bytes at " + std::to_string(load) +
                                 " end beyond the load size "));
    EXPECT_EQ(
        body_after<dof::ProbeDesc>(SectionType::PROBEDESC, [](dof::ProbeDesc& p) { p.strtab = 1; }),
        "section 1 (PROBEDESC): string table is section 1 (PROBEDESC), must be STRTAB");
    const auto size = std::to_string(Knife(enabling()).section(0).size);
    const auto part = [&](std::uint32_t dof::ProbeDesc::* member) {
        return body_after<dof::ProbeDesc>(SectionType::PROBEDESC,
                                          [&](dof::ProbeDesc& p) { p.*member = 1000; });
    };
    const std::string rest = " at 1000, but section 0 (STRTAB) has " + size + " bytes";
    EXPECT_EQ(part(&dof::ProbeDesc::provider), "section 1 (PROBEDESC): provider" + rest);
    EXPECT_EQ(part(&dof::ProbeDesc::module), "section 1 (PROBEDESC): module" + rest);
    EXPECT_EQ(part(&dof::ProbeDesc::function), "section 1 (PROBEDESC): function" + rest);
    EXPECT_EQ(part(&dof::ProbeDesc::name), "section 1 (PROBEDESC): name" + rest);
}

TEST(Checks, Actions) {
    const auto head = [](auto change) { return head_after(SectionType::ACTDESC, change); };
    const auto load = Knife(enabling()).get<dof::Header>(0).loadsz / 8 * 8;
    EXPECT_TRUE(head([&](dof::Section& s) {
                    s.offset = load;
                    s.size = 0;
                }).starts_with("section 18 (ACTDESC): 32 bytes at "));
    EXPECT_EQ(head([](dof::Section& s) { s.align = 4; }),
              "section 18 (ACTDESC): alignment is 4, must be 8");
    EXPECT_EQ(head([](dof::Section& s) { s.size = 31; }),
              "section 18 (ACTDESC): entry size 32 exceeds the size 31");
    EXPECT_EQ(head([](dof::Section& s) { s.entsize = 24; }),
              "section 18 (ACTDESC): entry size is 24, must be 32");
    EXPECT_EQ(head([](dof::Section& s) { s.size--; }),
              "section 18 (ACTDESC): size is 95, not a multiple of the entry size 32");
    EXPECT_EQ(body_after<dof::ActDesc>(SectionType::ACTDESC, [](dof::ActDesc& a) { a.difo = 3; }),
              "section 18 (ACTDESC): action 0: DIFO is section 3 (INTTAB), must be DIFOHDR");
    Knife many(enabling());
    const auto start = many.bytes.size() / 8 * 8 + 8;
    many.bytes.resize(start + 16385 * sizeof(dof::ActDesc));
    many.header([&](dof::Header& h) { h.loadsz = h.filesz = many.bytes.size(); });
    many.head(18, [&](dof::Section& s) {
        s.offset = start;
        s.size = 16385 * sizeof(dof::ActDesc);
    });
    EXPECT_EQ(many.message(), "section 18 (ACTDESC): 16385 actions, the limit is 16384");
}

TEST(Checks, FormatStrings) {
    const auto action = [](auto change) {
        return body_after<dof::ActDesc>(SectionType::ACTDESC, change);
    };
    EXPECT_EQ(action([](dof::ActDesc& a) { a.strtab = dof::no_section; }),
              "section 18 (ACTDESC): action 0: string table is missing");
    EXPECT_EQ(action([](dof::ActDesc& a) { a.strtab = 2; }),
              "section 18 (ACTDESC): action 0: string table is section 2 (DIF), must be STRTAB");
    const auto size = std::to_string(Knife(enabling()).section(0).size);
    EXPECT_EQ(
        action([](dof::ActDesc& a) { a.arg = ~std::uint64_t{0}; }),
        "section 18 (ACTDESC): action 0: string at 18446744073709551615, but section 0 (STRTAB) "
        "has " +
            size + " bytes");
    EXPECT_EQ(action([](dof::ActDesc& a) { a.arg = 0; }),
              "section 18 (ACTDESC): action 0: string is empty");
    // Other kinds keep their argument, whatever the string table.
    Knife k(enabling());
    k.body<dof::ActDesc>(18, [](dof::ActDesc& a) { a.strtab = 12345; }, 2);
    const auto program = dof::read(k.bytes);
    ASSERT_TRUE(program);
    EXPECT_EQ(program->ecbs[0].actions[2].arg, 77u);
    EXPECT_FALSE(program->ecbs[0].actions[2].format);
}

TEST(Checks, Difo) {
    EXPECT_EQ(head_after(SectionType::DIFOHDR, [](dof::Section& s) { s.align = 2; }),
              "section 6 (DIFOHDR): alignment is 2, must be 4");
    for (const std::uint64_t size : {8, 10, 13})
        EXPECT_EQ(head_after(SectionType::DIFOHDR, [&](dof::Section& s) { s.size = size; }),
                  "section 6 (DIFOHDR): size is " + std::to_string(size) +
                      ", must be at least 12 and a multiple of 4");
    // Links are words 2 to 5: DIF, INTTAB, STRTAB, VARTAB.
    const auto link = [](std::uint64_t which, std::uint32_t to) {
        return body_after<std::uint32_t>(
            SectionType::DIFOHDR, [&](std::uint32_t& l) { l = to; }, 0, 2 + which);
    };
    EXPECT_EQ(link(0, 99), "section 6 (DIFOHDR): link 0 is section 99, but there are 26 sections");
    EXPECT_EQ(link(1, 23),
              "section 6 (DIFOHDR): link 1 is section 23 (COMMENTS), which is not loaded");
    EXPECT_EQ(link(1, 2),
              "section 6 (DIFOHDR): links section 2 (DIF), a second section of that type");
    EXPECT_EQ(link(0, 3),
              "section 6 (DIFOHDR): links section 3 (INTTAB), a second section of that type");
    EXPECT_EQ(link(1, 18),
              "section 6 (DIFOHDR): links section 18 (ACTDESC), which is no part of a DIFO");
    EXPECT_EQ(enabling_after([](Knife& k) {
                  k.body<std::uint32_t>(6, [](std::uint32_t& l) { l = 3; }, 2);
                  k.head(6, [](dof::Section& s) { s.size = 12; });
              }),
              "section 6 (DIFOHDR): links no DIF section");
}

TEST(Checks, PartsOfDifos) {
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.align = 8; }),
              "section 6 (DIFOHDR): links section 2 (DIF) of alignment 8, must be 4");
    EXPECT_EQ(head_after(SectionType::INTTAB, [](dof::Section& s) { s.align = 4; }),
              "section 6 (DIFOHDR): links section 3 (INTTAB) of alignment 4, must be 8");
    EXPECT_EQ(head_after(SectionType::VARTAB, [](dof::Section& s) { s.align = 1; }),
              "section 6 (DIFOHDR): links section 5 (VARTAB) of alignment 1, must be 4");
    EXPECT_EQ(head_after(SectionType::DIF, [](dof::Section& s) { s.entsize = 8; }),
              "section 6 (DIFOHDR): links section 2 (DIF) of entry size 8, must be 4");
    EXPECT_EQ(head_after(
                  SectionType::STRTAB, [](dof::Section& s) { s.entsize = 1; }, 1),
              "section 6 (DIFOHDR): links section 4 (STRTAB) of entry size 1, must be 0");
    EXPECT_EQ(
        head_after(SectionType::INTTAB, [](dof::Section& s) { s.size = 15; }),
        "section 6 (DIFOHDR): links section 3 (INTTAB) of size 15, not a multiple of its entry "
        "size 8");
    Knife k(enabling());
    const auto start = k.bytes.size() / 8 * 8 + 8;
    k.bytes.resize(start + 262144);
    k.header([&](dof::Header& h) { h.loadsz = h.filesz = k.bytes.size(); });
    k.head(3, [&](dof::Section& s) {
        s.offset = start;
        s.size = 262144 - 16;
    });
    EXPECT_EQ(k.message(), "section 6 (DIFOHDR): its sections have 262151 bytes up to link 2, the "
                           "limit is 262144");
}

TEST(Checks, Options) {
    const auto head = [](auto change) { return head_after(SectionType::OPTDESC, change); };
    const auto body = [](auto change) {
        return body_after<dof::OptDesc>(SectionType::OPTDESC, change);
    };
    EXPECT_EQ(head([](dof::Section& s) { s.align = 4; }),
              "section 22 (OPTDESC): alignment is 4, must be 8");
    EXPECT_EQ(head([](dof::Section& s) { s.entsize = 0; }),
              "section 22 (OPTDESC): entry size is 0, must be at least 16");
    EXPECT_EQ(head([](dof::Section& s) { s.entsize = 12; }),
              "section 22 (OPTDESC): entry size is 12, must be at least 16");
    EXPECT_EQ(head([](dof::Section& s) { s.entsize = 24; }),
              "section 22 (OPTDESC): size is 32, not a multiple of the entry size 24");
    EXPECT_EQ(head([](dof::Section& s) { s.entsize = 32; }), "accepted"); // one entry and padding
    EXPECT_EQ(body([](dof::OptDesc& o) { o.strtab = 0; }),
              "section 22 (OPTDESC): option 0: has a string, which no option may");
    EXPECT_EQ(body([](dof::OptDesc& o) { o.value = static_cast<std::uint64_t>(-2); }),
              "section 22 (OPTDESC): option 0: value is -2, which stands for unset");
    EXPECT_TRUE(body([](dof::OptDesc& o) {
                    o.option = 1000;
                }).starts_with("section 22 (OPTDESC): option 0: number is 1000, must be below "));
    EXPECT_EQ(body([](dof::OptDesc& o) { o.value = static_cast<std::uint64_t>(-1); }),
              "section 22 (OPTDESC): option 0: bufsize is -1, must not be negative");
}

TEST(Checks, RelocationHeaders) {
    for (const SectionType type : {SectionType::URELHDR, SectionType::KRELHDR}) {
        const std::string where =
            type == SectionType::URELHDR ? "section 17 (URELHDR): " : "section 15 (KRELHDR): ";
        EXPECT_EQ(head_after(type, [](dof::Section& s) { s.size = 8; }),
                  where + "size is 8 and alignment 4, must be at least 12 and 4");
        EXPECT_EQ(
            head_after(type, [](dof::Section& s) { s.align = 8; }).substr(0, where.size() + 7),
            where + "size is");
        const auto body = [&](auto change) { return body_after<dof::RelHdr>(type, change); };
        EXPECT_EQ(body([](dof::RelHdr& r) { r.strtab = 2; }),
                  where + "string table is section 2 (DIF), must be STRTAB");
        EXPECT_EQ(body([](dof::RelHdr& r) { r.relsec = 2; }),
                  where + "relocation table is section 2 (DIF), must be RELTAB");
        EXPECT_EQ(body([](dof::RelHdr& r) { r.tgtsec = dof::no_section; }),
                  where + "target is missing");
    }
    EXPECT_EQ(head_after(SectionType::RELTAB, [](dof::Section& s) { s.entsize = 16; }),
              "section 14 (RELTAB): entry size is 16 and alignment 8, must be at least 24 and 8");
    EXPECT_EQ(head_after(SectionType::RELTAB, [](dof::Section& s) { s.align = 4; }),
              "section 14 (RELTAB): entry size is 24 and alignment 4, must be at least 24 and 8");
    EXPECT_EQ(body_after<dof::RelHdr>(SectionType::URELHDR, [](dof::RelHdr& r) { r.tgtsec = 18; }),
              "section 17 (URELHDR): relocates section 18 (ACTDESC), must be INTTAB or PROBES");
}

TEST(Checks, Relocations) {
    const auto body = [](auto change) {
        return body_after<dof::RelDesc>(SectionType::RELTAB, change, 1);
    };
    EXPECT_EQ(body([](dof::RelDesc& r) { r.type = 3; }),
              "section 17 (URELHDR): relocation 0: type is 3, must be 0, 1 or 2");
    for (const std::uint64_t offset : {std::uint64_t{9}, std::uint64_t{16}, ~std::uint64_t{0}})
        EXPECT_EQ(body([&](dof::RelDesc& r) { r.offset = offset; }),
                  "section 17 (URELHDR): relocation 0: 8 bytes at " + std::to_string(offset) +
                      " end beyond section 10 (INTTAB) of 16 bytes");
    const auto inttab = Knife(enabling()).section(10).offset;
    EXPECT_EQ(body([](dof::RelDesc& r) { r.offset = 4; }),
              "section 17 (URELHDR): relocation 0: file offset " + std::to_string(inttab + 4) +
                  " is not a multiple of 8");
    EXPECT_TRUE(body([](dof::RelDesc& r) {
                    r.name = 1000;
                }).starts_with("section 17 (URELHDR): relocation 0: name at 1000, but section "));
    // A target whose data is its own section header.
    EXPECT_EQ(enabling_after([](Knife& k) {
                  const auto own = k.header_of(10);
                  k.head(10, [&](dof::Section& s) { s.offset = own; });
              }),
              "section 15 (KRELHDR): relocation 0: would change the header of section 10 (INTTAB)");
}

TEST(Checks, ProviderSection) {
    EXPECT_EQ(provider_head_after(SectionType::PROVIDER,
                                  [](dof::Section& s) {
                                      s.align = 1;
                                      s.offset++;
                                      s.size--;
                                  })
                  .substr(0, 29),
              "section 10 (PROVIDER): offset");
    EXPECT_EQ(provider_head_after(SectionType::PROVIDER, [](dof::Section& s) { s.size = 43; }),
              "section 10 (PROVIDER): size is 43, must be at least 44");
    EXPECT_EQ(after(helper_version_1(),
                    [](Knife& k) {
                        k.head(k.find(SectionType::PROVIDER), [](dof::Section& s) { s.size = 40; });
                    }),
              "accepted");
    EXPECT_EQ(after(helper_version_1(),
                    [](Knife& k) {
                        k.head(k.find(SectionType::PROVIDER), [](dof::Section& s) { s.size = 39; });
                    }),
              "section 9 (PROVIDER): size is 39, must be at least 40");
    const auto body = [](auto change) {
        return provider_body_after<dof::Provider>(SectionType::PROVIDER, change);
    };
    const std::string p = "section 10 (PROVIDER): ";
    EXPECT_EQ(body([](dof::Provider& v) { v.strtab = 10; }),
              p + "string table is section 10 (PROVIDER), must be STRTAB");
    EXPECT_EQ(body([](dof::Provider& v) { v.probes = 0; }),
              p + "probes is section 0 (STRTAB), must be PROBES");
    EXPECT_EQ(body([](dof::Provider& v) { v.prargs = 0; }),
              p + "argument table is section 0 (STRTAB), must be PRARGS");
    EXPECT_EQ(body([](dof::Provider& v) { v.proffs = 0; }),
              p + "offset table is section 0 (STRTAB), must be PROFFS");
    EXPECT_EQ(body([](dof::Provider& v) { v.prenoffs = 8; }),
              p + "is-enabled offset table is section 8 (PROFFS), must be PRENOFFS");
    const auto size = std::to_string(Knife(helper()).section(0).size);
    EXPECT_EQ(body([](dof::Provider& v) { v.name = 5000; }),
              p + "provider's name at 5000, but section 0 (STRTAB) has " + size + " bytes");
    Program long_name = helper();
    long_name.providers[0].name = std::string(64, 'p');
    EXPECT_TRUE(dof::write(long_name).error().message.ends_with(
        "provider's name has 64 bytes, must be below 64"));
}

TEST(Checks, ProviderTables) {
    const auto head = [](SectionType type, auto change) {
        return provider_head_after(type, change);
    };
    EXPECT_EQ(head(SectionType::PROBES, [](dof::Section& s) { s.entsize = 0; }),
              "section 6 (PROBES): entry size is 0, must be from 1 to the size 96");
    EXPECT_EQ(head(SectionType::PROBES, [](dof::Section& s) { s.entsize = 104; }),
              "section 6 (PROBES): entry size is 104, must be from 1 to the size 96");
    EXPECT_EQ(head(SectionType::PROBES, [](dof::Section& s) { s.entsize = 44; }),
              "section 6 (PROBES): entry size is 44, not a multiple of 8");
    EXPECT_EQ(head(SectionType::PROBES, [](dof::Section& s) { s.entsize = 40; }),
              "section 6 (PROBES): entry size is 40, a probe has 48");
    EXPECT_TRUE(head(SectionType::PROBES, [](dof::Section& s) {
                    s.align = 4;
                    s.offset += 4;
                }).ends_with(" is not a multiple of 8"));
    EXPECT_EQ(head(SectionType::PROFFS, [](dof::Section& s) { s.entsize = 8; }),
              "section 8 (PROFFS): entry size is 8, must be 4");
    EXPECT_TRUE(head(SectionType::PROFFS, [](dof::Section& s) {
                    s.align = 2;
                    s.offset += 2;
                }).ends_with(" is not a multiple of 4"));
    EXPECT_EQ(head(SectionType::PRARGS, [](dof::Section& s) { s.entsize = 2; }),
              "section 7 (PRARGS): entry size is 2, must be 1");
    EXPECT_EQ(head(SectionType::PRENOFFS, [](dof::Section& s) { s.entsize = 0; }),
              "section 9 (PRENOFFS): entry size is 0, must be 4");
}

TEST(Checks, ProviderProbes) {
    const auto body = [](auto change) {
        return provider_body_after<dof::Probe>(SectionType::PROBES, change);
    };
    const std::string p = "section 10 (PROVIDER): probe 0: ";
    const auto size = std::to_string(Knife(helper()).section(0).size);
    const std::string behind = " at 5000, but section 0 (STRTAB) has " + size + " bytes";
    EXPECT_EQ(body([](dof::Probe& b) { b.func = 5000; }), p + "function's name" + behind);
    EXPECT_EQ(body([](dof::Probe& b) { b.name = 5000; }), p + "name" + behind);
    EXPECT_EQ(body([](dof::Probe& b) { b.offidx = 2; }),
              p + "2 offsets from 2, but section 8 (PROFFS) has 3");
    EXPECT_EQ(body([](dof::Probe& b) { b.offidx = 0xffffffff; }),
              p + "2 offsets from 4294967295, but section 8 (PROFFS) has 3");
    EXPECT_EQ(body([](dof::Probe& b) { b.nenoffs = 2; }),
              p + "2 is-enabled offsets from 0, but section 9 (PRENOFFS) has 1");
    EXPECT_EQ(body([](dof::Probe& b) { b.noffs = b.nenoffs = 0; }),
              p + "has no offsets and no is-enabled offsets");
    EXPECT_EQ(body([](dof::Probe& b) { b.argidx = 0xffffffff; }),
              p + "1 arguments from 4294967295, but section 7 (PRARGS) has 1");
    EXPECT_EQ(body([](dof::Probe& b) { b.nargv = 5000; }),
              p + "type of native argument 0" + behind);
    EXPECT_EQ(body([](dof::Probe& b) { b.xargv = 5000; }),
              p + "type of translated argument 0" + behind);
    EXPECT_EQ(body([](dof::Probe& b) { b.nargc = 0; }),
              p + "translated argument 0 is native argument 1, but there are 0");
    EXPECT_EQ(helper_after([](Knife& k) {
                  k.body<dof::Provider>(10, [](dof::Provider& v) { v.prenoffs = 0; });
              }),
              p + "1 is-enabled offsets from 0, but there is no table of them");
    EXPECT_EQ(after(helper_version_1(),
                    [](Knife& k) {
                        k.body<dof::Probe>(k.find(SectionType::PROBES),
                                           [](dof::Probe& b) { b.noffs = 0; });
                    }),
              "section 9 (PROVIDER): probe 0: has no offsets");
}

TEST(Checks, ProviderStrings) {
    const auto refusal = [](auto change) {
        Program p = helper();
        change(p.providers[0].probes[0]);
        const auto bytes = dof::write(p);
        return bytes ? "written" : bytes.error().message;
    };
    const std::string p = "DOF can't hold this program: section 10 (PROVIDER): probe 0: ";
    EXPECT_EQ(refusal([](ProviderProbe& b) { b.name = std::string(64, 'n'); }),
              p + "name has 64 bytes, must be below 64");
    EXPECT_EQ(refusal([](ProviderProbe& b) { b.native_arguments[1] = std::string(128, 't'); }),
              p + "type of native argument 1 has 128 bytes, must be below 128");
    EXPECT_EQ(refusal([](ProviderProbe& b) { b.translated_arguments[0] = std::string(128, 't'); }),
              p + "type of translated argument 0 has 128 bytes, must be below 128");
    // The kernel accepts a function whose name is too long, and leaves out its probe.
    EXPECT_EQ(refusal([](ProviderProbe& b) { b.function = std::string(300, 'f'); }), "written");
}

TEST(Checks, ProviderRelocations) {
    const auto reloc = [](auto change) {
        return provider_body_after<dof::RelDesc>(SectionType::RELTAB, change);
    };
    EXPECT_EQ(reloc([](dof::RelDesc& r) { r.offset = 88; }),
              "accepted"); // the last word of a probe
    // With larger entries, a relocation may fall between two probes.
    EXPECT_EQ(
        helper_after([](Knife& k) { k.head(6, [](dof::Section& s) { s.entsize = 96; }); }),
        "section 12 (URELHDR): relocates byte 48 of section 6 (PROBES), which is in no probe");
}
