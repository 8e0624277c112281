// SPDX-License-Identifier: BSD-2-Clause
// The image format: every check of parse_image by its own message, and images that were cut or
// flipped.
#include <cstring>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "jit/image.hpp"
#include "jit/machine.hpp"
#include "jit/sha256.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

/// A DIFO whose image has two entries in each table.
Difo sample() {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_GLOBAL).variable(1281, DIFJIT_SCOPE_LOCAL);
    b.arg(0, 1).op(Op::LDX, 1, 0, 1).op(Op::LDUB, 1, 0, 2).indexed(Op::STGS, 1280, 2);
    b.indexed(Op::STLS, 1281, 2).sets("text", 3).op(Op::SCMP, 3, 1, 0).ret(2);
    return b.difo;
}

std::vector<std::byte> image_of(const Difo& difo) {
    return jit::compile(difo.view()).value();
}

struct Image {
    std::vector<std::byte> bytes;

    difjit_image_header& header() { return *reinterpret_cast<difjit_image_header*>(bytes.data()); }
    template <class T>
    T& entry(difjit_section section, std::size_t i) {
        return reinterpret_cast<T*>(bytes.data() + section.offset)[i];
    }
    difjit_reloc& reloc(std::size_t i) { return entry<difjit_reloc>(header().relocs, i); }
    difjit_fault_entry& fault(std::size_t i) {
        return entry<difjit_fault_entry>(header().faults, i);
    }
    difjit_line& line(std::size_t i) { return entry<difjit_line>(header().lines, i); }
};

struct BadField {
    const char* message; ///< part of it
    std::function<void(Image&)> spoil;
};

TEST(Image, EachCheckHasItsMessage) {
    const BadField cases[] = {
        {"magic", [](Image& i) { i.header().magic++; }},
        {"ABI version 2", [](Image& i) { i.header().abi = 2; }},
        {"unknown machine 9", [](Image& i) { i.header().machine = 9; }},
        {"header says", [](Image& i) { i.header().size -= 8; }},
        {"unknown flags", [](Image& i) { i.header().flags = 4; }},
        {"code section at offset 129, which 8 does not divide",
         [](Image& i) { i.header().code.offset++; }},
        {"code section at offset 120 overlaps", [](Image& i) { i.header().code.offset = 120; }},
        {"code section ends at", [](Image& i) { i.header().code.count = 0xffffffff; }},
        {"relocation section at offset 128 overlaps",
         [](Image& i) { i.header().relocs.offset = 128; }},
        {"relocation section ends at", [](Image& i) { i.header().relocs.count = 0x10000000; }},
        {"fault section at offset", [](Image& i) { i.header().faults.offset -= 8; }},
        {"fault section ends at", [](Image& i) { i.header().faults.count += 0x10000; }},
        {"line section at offset", [](Image& i) { i.header().lines.offset = 0; }},
        {"line section ends at", [](Image& i) { i.header().lines.count++; }},
        {"no code", [](Image& i) { i.header().code.count = 0; }},
        {"entry", [](Image& i) { i.header().entry = i.header().code.count; }},
        {"fault exit", [](Image& i) { i.header().fault_exit = i.header().code.count; }},
        {"relocation 0: unknown kind 7", [](Image& i) { i.reloc(0).kind = 7; }},
        {"relocation 1: unknown kind 0", [](Image& i) { i.reloc(1).kind = 0; }},
        {"relocation 0: reserved", [](Image& i) { i.reloc(0).reserved = 1; }},
        {"relocation 1: offset", [](Image& i) { i.reloc(1).offset = i.reloc(0).offset; }},
        {"relocation 1: offset", [](Image& i) { i.reloc(1).offset = i.header().code.count - 3; }},
        {"relocation 0: symbol 128",
         [](Image& i) { i.reloc(0).kind = DIFJIT_RELOC_HELPER_ABS64, i.reloc(0).symbol = 128; }},
        {"relocation 0: symbol 1279", [](Image& i) { i.reloc(0).symbol = 1279; }},
        {"relocation 2: symbol 1", [](Image& i) { i.reloc(2).symbol = 1; }},
        {"fault 1: offset", [](Image& i) { i.fault(1).offset = i.fault(0).offset; }},
        {"fault 1: offset", [](Image& i) { i.fault(1).offset = i.header().code.count; }},
        {"fault 0: no machine register 16", [](Image& i) { i.fault(0).base_reg = 16; }},
        {"fault 0: no machine register 99", [](Image& i) { i.fault(0).frame_reg = 99; }},
        {"fault 0: a load of 3 bytes", [](Image& i) { i.fault(0).size = 3; }},
        {"fault 0: reserved", [](Image& i) { i.fault(0).reserved = 1; }},
        {"fault 0: no DIF instruction", [](Image& i) { i.fault(0).pc = 0x1000000; }},
        {"line 1: offset", [](Image& i) { i.line(1).offset = i.line(0).offset; }},
        {"line 1: offset", [](Image& i) { i.line(1).offset = i.header().code.count; }},
        {"line 1: no DIF instruction", [](Image& i) { i.line(1).pc = 0xfffffffe; }},
    };
    const Difo difo = sample();
    ASSERT_TRUE(jit::parse_image(image_of(difo)));
    for (const BadField& c : cases) {
        Image image{image_of(difo)};
        c.spoil(image);
        const auto parsed = jit::parse_image(image.bytes);
        ASSERT_FALSE(parsed) << c.message;
        EXPECT_NE(parsed.error().message.find(c.message), std::string::npos)
            << c.message << " / " << parsed.error().message;
    }
}

TEST(Image, OddAddressIsRefused) {
    const std::vector<std::byte> image = image_of(sample());
    std::vector<std::byte> odd(image.size() + 1);
    std::memcpy(odd.data() + 1, image.data(), image.size());
    EXPECT_FALSE(jit::parse_image(std::span(odd).subspan(1)));
}

TEST(Image, EveryTruncationIsRefused) {
    const std::vector<std::byte> image = image_of(sample());
    for (std::size_t n = 0; n < image.size(); n++) {
        const std::vector<std::byte> cut(image.begin(),
                                         image.begin() + static_cast<std::ptrdiff_t>(n));
        ASSERT_FALSE(jit::parse_image(cut)) << n;
        ASSERT_FALSE(jit::listing(cut, difjit_difo{})) << n;
    }
}

/// Whatever parses can be listed; what does not has a message.
TEST(Image, EveryBitFlipIsRefusedOrHarmless) {
    const Difo difo = sample();
    const difjit_difo view = difo.view();
    const std::vector<std::byte> image = image_of(difo);
    for (std::size_t bit = 0; bit < image.size() * 8; bit++) {
        std::vector<std::byte> flipped = image;
        flipped[bit / 8] ^= std::byte{1} << bit % 8;
        if (const auto parsed = jit::parse_image(flipped)) {
            ASSERT_TRUE(jit::listing(flipped, view));
            ASSERT_TRUE(jit::listing(flipped, difjit_difo{}));
        } else {
            ASSERT_FALSE(parsed.error().message.empty());
        }
    }
}

TEST(Image, RandomBytesAreRefused) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; i++) {
        std::vector<std::byte> bytes(random() % 600);
        for (std::byte& b : bytes)
            b = static_cast<std::byte>(random());
        ASSERT_FALSE(jit::parse_image(bytes));
    }
}

TEST(Image, BelongsToItsDifoAlone) {
    const Difo difo = sample();
    const std::vector<std::byte> image = image_of(difo);
    const auto view = jit::parse_image(image);
    EXPECT_TRUE(jit::image_matches(*view, difo.view()));
    for (const auto& change : std::vector<std::function<void(Difo&)>>{
             [](Difo& d) { d.text[0] ^= 0x100; }, [](Difo& d) { d.ints.push_back(0); },
             [](Difo& d) { d.strtab += 'x'; }, [](Difo& d) { d.vars[0].type.size = 4; },
             [](Difo& d) { d.rtype.size = 4; }, [](Difo& d) { d.dialect = Dialect::illumos; }}) {
        Difo other = sample();
        change(other);
        EXPECT_FALSE(jit::image_matches(*view, other.view()));
    }
}

TEST(Image, CompilingTwiceGivesTheSameBytes) {
    EXPECT_EQ(image_of(sample()), image_of(sample()));
}

std::string hex(const std::array<std::uint8_t, 32>& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
        static constexpr char digits[] = "0123456789abcdef";
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

TEST(Sha256, VectorsOfFips180) {
    const auto digest = [](std::string_view text, std::size_t piece) {
        jit::Sha256 sha;
        for (std::size_t i = 0; i < text.size(); i += piece)
            sha.update(std::as_bytes(std::span(text.substr(i, piece))));
        return hex(sha.finish());
    };
    EXPECT_EQ(digest("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string_view two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (const std::size_t piece : {1u, 3u, 56u})
        EXPECT_EQ(digest(two, piece),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest(std::string(1'000'000, 'a'), 777),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

} // namespace
