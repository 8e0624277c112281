// SPDX-License-Identifier: BSD-2-Clause
// read -> write -> read is the identity; what a compiler wrote comes back byte for byte.
#include <gtest/gtest.h>

#include "dof/dofs.hpp"

using namespace difjit;
using namespace difjit::test;

namespace {

void expect_identity(const Program& program, const std::string& name) {
    const auto bytes = dof::write(program);
    ASSERT_TRUE(bytes) << name << ": " << bytes.error().message;
    const auto again = dof::read(*bytes);
    ASSERT_TRUE(again) << name << ": " << again.error().message;
    EXPECT_TRUE(*again == program) << name;
}

} // namespace

TEST(Identity, WholeCorpus) {
    const auto files = corpus_files();
    ASSERT_GT(files.size(), 70u);
    for (const auto& file : files) {
        const Bytes bytes = read_file(file);
        const auto program = dof::read(bytes);
        ASSERT_TRUE(program) << file << ": " << program.error().message;
        expect_identity(*program, file);
        EXPECT_EQ(*dof::write(*program), bytes) << file << ": the compiler's own layout";
        // The kernel takes all of them as enablings.
        EXPECT_TRUE(dof::read(bytes, dof::ReadOptions{Dialect::freebsd, true})) << file;
    }
}

TEST(Identity, ByHand) {
    expect_identity(Program{}, "empty");
    expect_identity(enabling(), "enabling");
    expect_identity(helper(), "helper");
    expect_identity(helper_version_1(), "helper, version 1");
    Program options;
    options.options = {{6, 512, std::nullopt}};
    expect_identity(options, "options only");
    Program difos;
    difos.difos = {full_difo(), ret_difo(), full_difo()};
    expect_identity(difos, "DIFOs that no ECB uses");
}

TEST(Identity, SharedAndUnorderedDifos) {
    Program p;
    p.difos = {full_difo(), ret_difo(), full_difo(), ret_difo()};
    p.ecbs.resize(3);
    p.ecbs[0].predicate = 3; // before DIFOs 0 to 2
    p.ecbs[1].predicate = 0;
    p.ecbs[2].predicate = 3;
    p.ecbs[2].actions = {{1, 0, 0, 0, std::nullopt, 3}, {1, 0, 0, 0, std::nullopt, 0}};
    expect_identity(p, "shared");
    // Sharing is kept: four DIFOs, four headers.
    Knife knife(p);
    EXPECT_NO_THROW(knife.find(dof::SectionType::DIFOHDR, 3));
    EXPECT_THROW(knife.find(dof::SectionType::DIFOHDR, 4), std::runtime_error);
}

TEST(Identity, Dialect) {
    Program p;
    p.difos = {ret_difo()};
    p.difos[0].dialect = Dialect::illumos;
    const auto bytes = dof::write(p);
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(*dof::read(*bytes, Dialect::illumos) == p);
    EXPECT_FALSE(*dof::read(*bytes) == p);
}

TEST(Reader, KeepsTheKernelsWays) {
    // Strings without a size get 256; built-ins are left alone.
    Program p;
    Difo difo = ret_difo();
    difo.vars = {
        {0, 0x500, 1, 0, 0, {DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYREF, 0, 1}},
        {0, 0x118, 1, 0, 0, {DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYREF, 0, 1}},
    };
    p.difos = {difo};
    Knife knife(p);
    const auto vartab = knife.find(dof::SectionType::VARTAB);
    for (const std::uint64_t row : {0, 1})
        knife.body<difjit_var>(vartab, [](difjit_var& v) { v.type.size = 0; }, row);
    const auto program = dof::read(knife.bytes);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(program->difos[0].vars[0].type.size, 256u);
    EXPECT_EQ(program->difos[0].vars[1].type.size, 0u);
}

TEST(Reader, CutsLongProbeNames) {
    // The strings lie in the string table one behind the other; without their NULs they are one.
    Program p;
    EcbDescription ecb;
    ecb.probe = {std::string(63, 'p'), std::string(63, 'm'), std::string(191, 'f'),
                 std::string(63, 'n'), 0};
    p.ecbs = {ecb};
    Knife knife(p);
    const auto strtab = knife.section(0);
    for (std::uint64_t i = 1; i + 1 < strtab.size; i++)
        if (knife.get<char>(strtab.offset + i) == '\0')
            knife.put(strtab.offset + i, '.');
    const auto program = dof::read(knife.bytes);
    ASSERT_TRUE(program) << program.error().message;
    const ProbeDescription& probe = program->ecbs[0].probe;
    EXPECT_EQ(probe.provider.size(), 63u);
    EXPECT_EQ(probe.module.size(), 63u);
    EXPECT_EQ(probe.function.size(), 191u);
    EXPECT_EQ(probe.name, std::string(63, 'n')); // the last ends by itself
}

TEST(Reader, ObeysTheHeadersSizes) {
    // Section headers of 40 bytes at the end of the file.
    const Knife good(enabling());
    const auto h = good.get<dof::Header>(0);
    Knife knife(enabling());
    const std::uint64_t old = knife.bytes.size(), start = (old + 7) / 8 * 8;
    knife.bytes.resize(start + 40ull * h.secnum, std::byte{0xaa});
    for (std::uint32_t i = 0; i < h.secnum; i++)
        knife.put(start + 40ull * i, good.section(i));
    std::memset(knife.bytes.data() + old, 0, start - old);
    std::memset(knife.bytes.data() + 64, 0xee, h.secnum * sizeof(dof::Section));
    knife.header([&](dof::Header& x) {
        x.secoff = start;
        x.secsize = 40;
        x.hdrsize = 1234; // nobody looks
        x.loadsz = x.filesz = knife.bytes.size();
    });
    const auto program = dof::read(knife.bytes);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_TRUE(*program == enabling());
}

TEST(Reader, TranslatorsDifosStayUnread) {
    // A DIFO that only a translator has may hold what no kernel runs.
    Program p;
    p.difos = {ret_difo(), full_difo()};
    Knife knife(p);
    const auto vartab = knife.find(dof::SectionType::VARTAB);
    const auto difohdr = knife.find(dof::SectionType::DIFOHDR, 1);
    knife.head(vartab, [](dof::Section& s) {
        s.type = static_cast<std::uint32_t>(dof::SectionType::XLMEMBERS);
        s.entsize = 16;
    });
    knife.body<dof::XlMember>(vartab, [&](dof::XlMember& m) { m.difo = difohdr; });
    const auto program = dof::read(knife.bytes);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(program->difos.size(), 1u);
}

TEST(Reader, ZerosMayFollow) {
    Knife knife(enabling());
    knife.bytes.resize(knife.bytes.size() + 13);
    EXPECT_EQ(knife.message(), "accepted");
}
