// SPDX-License-Identifier: BSD-2-Clause
// No bytes crash, hang or blow up the reader. Worth most under -DDIFJIT_SANITIZE=address,undefined.
#include <gtest/gtest.h>

#include "dof/dofs.hpp"

using namespace difjit;
using namespace difjit::test;

namespace {

/// Either a message, or a program that the writer takes.
void expect_sane(const Bytes& bytes) {
    const auto program = dof::read(bytes);
    if (!program) {
        ASSERT_FALSE(program.error().message.empty());
        return;
    }
    const auto written = dof::write(*program);
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_TRUE(*dof::read(*written) == *program);
}

void flip_every_bit(const Bytes& good) {
    Bytes bytes = good;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit++) {
        const auto mask = std::byte{static_cast<unsigned char>(1u << (bit % 8))};
        bytes[bit / 8] ^= mask;
        expect_sane(bytes);
        bytes[bit / 8] ^= mask;
    }
}

const std::string corpus = DIFJIT_SOURCE_DIR "/tests/corpus/";

} // namespace

TEST(Robustness, TruncatedAtEveryByte) {
    for (const char* name :
         {"dof/cost-empty.dof", "dof/cost-count.dof", "dof/assoc.dof", "opt/tiny-buffer.dof"}) {
        const Bytes good = read_file(corpus + name);
        for (std::size_t size = 0; size < good.size(); size++) {
            // A copy of that very size, so that a sanitizer sees each byte behind the end.
            const Bytes part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
            const auto program = dof::read(part);
            ASSERT_FALSE(program) << name << " " << size;
            ASSERT_TRUE(program.error().message.starts_with(size < 4 ? "not DOF" : "truncated"))
                << program.error().message;
        }
    }
}

TEST(Robustness, EveryBitFlipped) {
    flip_every_bit(read_file(corpus + "dof/cost-count.dof"));
    flip_every_bit(read_file(corpus + "opt/tiny-buffer.dof"));
    flip_every_bit(*dof::write(helper()));
}

TEST(Robustness, EveryWordReplaced) {
    // What bit flips don't reach: each word 0, all ones, and each small number.
    const Bytes good = *dof::write(enabling());
    Bytes bytes = good;
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4)
        for (const std::uint32_t word : {0u, 1u, 2u, 3u, 8u, 15u, 0x7fffffffu, 0xffffffffu}) {
            std::memcpy(bytes.data() + at, &word, 4);
            expect_sane(bytes);
            std::memcpy(bytes.data() + at, good.data() + at, 4);
        }
}

// Links make a small file stand for a huge program; the reader gives up in time.
TEST(Robustness, SharedLinksDoNotBlowUp) {
    Program p;
    p.difos = {ret_difo()};
    EcbDescription ecb;
    ecb.actions.assign(16384, {static_cast<std::uint32_t>(ActionKind::PRINTF), 0, 0, 0,
                               std::string(1000, 'x'), 0});
    p.ecbs = {ecb};
    Knife knife(p);
    // Ever more ECBs with the same actions: section headers are appended at the end.
    const auto h = knife.get<dof::Header>(0);
    const auto ecbdesc = knife.section(knife.find(dof::SectionType::ECBDESC));
    const std::uint64_t start = (knife.bytes.size() + 7) / 8 * 8, more = 100;
    knife.bytes.resize(start + (h.secnum + more) * sizeof(dof::Section));
    std::memcpy(knife.bytes.data() + start, knife.bytes.data() + h.secoff,
                h.secnum * sizeof(dof::Section));
    for (std::uint64_t i = 0; i < more; i++)
        knife.put(start + (h.secnum + i) * sizeof(dof::Section), ecbdesc);
    knife.header([&](dof::Header& x) {
        x.secoff = start;
        x.secnum += static_cast<std::uint32_t>(more);
        x.loadsz = x.filesz = knife.bytes.size();
    });
    EXPECT_EQ(knife.message(),
              "sections that are linked again and again make the program larger than "
              "67108864 bytes");
}

// Any number of relocation headers times any number of providers, all on one empty table.
TEST(Robustness, EmptyRelocationTablesDoNotBlowUp) {
    Knife knife(helper());
    knife.head(knife.find(dof::SectionType::RELTAB), [](dof::Section& s) { s.size = 0; });
    const auto provider = knife.section(knife.find(dof::SectionType::PROVIDER));
    const auto relocations = knife.section(knife.find(dof::SectionType::URELHDR));
    const auto h = knife.get<dof::Header>(0);
    const std::uint64_t start = (knife.bytes.size() + 7) / 8 * 8, more = 40000;
    knife.bytes.resize(start + (h.secnum + more) * sizeof(dof::Section));
    std::memcpy(knife.bytes.data() + start, knife.bytes.data() + h.secoff,
                h.secnum * sizeof(dof::Section));
    for (std::uint64_t i = 0; i < more; i++)
        knife.put(start + (h.secnum + i) * sizeof(dof::Section),
                  i % 2 == 0 ? provider : relocations);
    knife.header([&](dof::Header& x) {
        x.secoff = start;
        x.secnum += static_cast<std::uint32_t>(more);
        x.loadsz = x.filesz = knife.bytes.size();
    });
    EXPECT_TRUE(knife.message().starts_with("sections that are linked again and again"));
}

TEST(Robustness, ManyEcbsMayShareTheirSections) {
    Program p;
    p.difos = {full_difo(), ret_difo()};
    EcbDescription ecb = enabling().ecbs[0];
    for (ActionDescription& action : ecb.actions)
        action.difo = action.difo == no_difo ? no_difo : 1;
    p.ecbs.assign(2000, ecb);
    expect_sane(*dof::write(p));
}
