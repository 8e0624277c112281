// SPDX-License-Identifier: BSD-2-Clause
// Listings of `dtrace -S`: the disassembler writes them byte for byte, and the assembler reads them
// back to the same DIFO.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <difjit/text.hpp>

#include "dif/instruction.hpp"

namespace difjit::text {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> corpus_listings() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(DIFJIT_SOURCE_DIR "/tests/corpus/dis"))
        if (entry.path().extension() == ".dis")
            paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
}

TEST(Listing, CorpusTextToDifoToText) {
    const auto paths = corpus_listings();
    ASSERT_GE(paths.size(), 60U);
    std::size_t difos = 0;
    for (const fs::path& path : paths) {
        const std::string text = read_file(path);
        const auto program = assemble(text, path.filename().string());
        ASSERT_TRUE(program.has_value()) << program.error().message;
        std::string again;
        for (const Difo& difo : program->difos)
            again += disassemble(difo);
        EXPECT_EQ(again, text) << path;
        difos += program->difos.size();
    }
    EXPECT_GE(difos, 500U);
}

TEST(Listing, ReadsAddressesHeadingsAndCarriageReturns) {
    const std::string text =
        "! DIFO 0: ECB 1\r\n\r\nDIFO 0x55d0c0de returns D type (integer) (size 8)\r\n"
        "OFF OPCODE      INSTRUCTION\r\n"
        "00: 25000001    setx DT_INTEGER[0], %r1\t\t! 0x10\r\n"
        "01: 26000102    sets DT_STRING[1], %r2\t\t! \"a\"\r\n"
        "02: 23000001    ret  %r1\r\n";
    const auto program = assemble(text, "x");
    ASSERT_TRUE(program.has_value()) << program.error().message;
    ASSERT_EQ(program->difos.size(), 1U);
    const Difo& difo = program->difos[0];
    EXPECT_EQ(difo.text, (std::vector<std::uint32_t>{0x25000001, 0x26000102, 0x23000001}));
    EXPECT_EQ(difo.ints, std::vector<std::uint64_t>{0x10});
    EXPECT_EQ(difo.strtab, std::string("\0a\0", 3));
    EXPECT_EQ(difo.rtype.size, 8U);
}

TEST(Listing, StringsMayHoldQuotesAndLineEnds) {
    Difo difo;
    difo.strtab = std::string("\0say \"hi\"\n\nDIF \"x\"\n\0b\0", 22);
    const auto offset = static_cast<std::uint32_t>(difo.strtab.size() - 2);
    difo.text = {Instruction::indexed(Op::SETS, 1, 1).word,
                 Instruction::indexed(Op::SETS, offset, 2).word,
                 Instruction::make(Op::RET, 0, 0, 1).word};
    const std::string text = disassemble(difo);
    const auto program = assemble(text, "x");
    ASSERT_TRUE(program.has_value()) << program.error().message << text;
    EXPECT_EQ(program->difos.at(0), difo);
}

TEST(Listing, NamesArePlacedAsTheCompilerPlacesThem) {
    const std::string text =
        "\nDIFO returns D type (integer) (size 8)\n"
        "OFF OPCODE      INSTRUCTION\n"
        "00: 26000101    sets DT_STRING[1], %r1\t\t! \"x\"\n"
        "01: 29050001    ldgs DT_VAR(1280), %r1\t\t! DT_VAR(1280) = \"x\"\n"
        "02: 23000001    ret  %r1\n"
        "\nNAME             ID   KND SCP FLAG TYPE\n"
        "x                1280 scl glb r    D type (integer) (size 8)\n"
        "y                1281 arr tls r/w  string (unknown) by ref (size 64)\n"
        "z                1282 3   9        0x7 (0x63) by user ref (size 1)\n"
        "w                1283 scl loc 0x4/w D type (struct) by ref (size 2)\n";
    const auto program = assemble(text, "x");
    ASSERT_TRUE(program.has_value()) << program.error().message;
    const Difo& difo = program->difos.at(0);
    EXPECT_EQ(difo.strtab, std::string("\0x\0y\0z\0w\0", 9));
    ASSERT_EQ(difo.vars.size(), 4U);
    EXPECT_EQ(difo.vars[0].name, 1U);
    EXPECT_EQ(difo.vars[1].name, 3U);
    EXPECT_EQ(difo.vars[1].kind, DIFJIT_VAR_KIND_ARRAY);
    EXPECT_EQ(difo.vars[1].flags, DIFJIT_VAR_REF | DIFJIT_VAR_MOD);
    EXPECT_EQ(difo.vars[2].scope, 9);
    EXPECT_EQ(difo.vars[2].type.flags, DIFJIT_TF_BYUREF);
    EXPECT_EQ(difo.vars[3].flags, 0x4 | DIFJIT_VAR_MOD);
    EXPECT_EQ(disassemble(difo), text);
}

TEST(Listing, Relocations) {
    Difo difo;
    difo.text = {Instruction::make(Op::RET, 0, 0, 0).word};
    difo.strtab = std::string("\0sym\0other\0", 11);
    difo.kernel_relocations = {{"sym", 1, 8, 0}};
    difo.user_relocations = {{"other", 2, 16, 99}};
    const std::string text = disassemble(difo);
    EXPECT_NE(text.find("\nKREL OFFSET   DATA     NAME\n1    8        0        sym\n"),
              std::string::npos);
    const auto program = assemble(text, "x");
    ASSERT_TRUE(program.has_value()) << program.error().message;
    EXPECT_EQ(program->difos.at(0), difo);
}

TEST(Disassembler, IllegalOpcodesAndUnknownNames) {
    Difo difo;
    difo.text = {0,
                 0x50000000,
                 0xffffffff,
                 Instruction::indexed(Op::CALL, 999, 1).word,
                 Instruction::make(Op::PUSHTV, 7, 0, 3).word,
                 Instruction::indexed(Op::XLATE, 5, 1).word};
    difo.vars = {{77, 3, 2, 5, 9, {9, 77, 0, 0, 0}}};
    EXPECT_EQ(disassemble_instruction(difo, 0), "(illegal opcode)");
    EXPECT_EQ(disassemble_instruction(difo, 1), "(illegal opcode)");
    EXPECT_EQ(disassemble_instruction(difo, 2), "(illegal opcode)");
    EXPECT_EQ(disassemble_instruction(difo, 3), "call DIF_SUBR(999), %r1\t\t! unknown");
    EXPECT_EQ(disassemble_instruction(difo, 4), "pushtv DT_TYPE(7), %r3");
    EXPECT_EQ(disassemble_instruction(difo, 5), "xlate DT_XLREF[5], %r1");
    EXPECT_EQ(disassemble_instruction(difo, 6), "");
    EXPECT_NE(disassemble(difo).find("?                3    2   5   0x8/r 0x9 (0x4d) (size 0)\n"),
              std::string::npos)
        << disassemble(difo);
}

TEST(Disassembler, NamesFollowTheDialect) {
    Difo difo;
    difo.text = {Instruction::indexed(Op::CALL, 47, 1).word};
    EXPECT_EQ(disassemble_instruction(difo, 0), "call DIF_SUBR(47), %r1\t\t! sx_shared_held");
    difo.dialect = Dialect::freebsd11;
    EXPECT_EQ(disassemble_instruction(difo, 0), "call DIF_SUBR(47), %r1\t\t! typeref");
    difo.dialect = Dialect::illumos;
    EXPECT_EQ(disassemble_instruction(difo, 0), "call DIF_SUBR(47), %r1\t\t! json");
}

TEST(Disassembler, OneStringInEachInstructionStaysBounded) {
    Difo difo;
    difo.strtab.assign(60000, 'x');
    difo.text.assign(60000, Instruction::indexed(Op::SETS, 0, 1).word);
    EXPECT_LT(disassemble(difo).size(), std::size_t{32} << 20);
}

TEST(Disassembler, IsTotal) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 3000; round++) {
        Difo difo;
        difo.strtab.resize(random() % 40);
        for (char& c : difo.strtab)
            c = static_cast<char>(random());
        difo.ints.resize(random() % 4);
        difo.text.resize(random() % 20);
        for (std::uint32_t& word : difo.text)
            word = static_cast<std::uint32_t>(random() % 90 << 24 | random() % (1 << 24));
        difo.vars.resize(random() % 4);
        for (difjit_var& var : difo.vars)
            var = {static_cast<std::uint32_t>(random() % 50),
                   static_cast<std::uint32_t>(random()),
                   static_cast<std::uint8_t>(random() % 4),
                   static_cast<std::uint8_t>(random() % 5),
                   static_cast<std::uint16_t>(random()),
                   {static_cast<std::uint8_t>(random() % 4),
                    static_cast<std::uint8_t>(random() % 17), static_cast<std::uint8_t>(random()),
                    0, static_cast<std::uint32_t>(random())}};
        const std::string text = disassemble(difo);
        EXPECT_TRUE(text.starts_with("\nDIFO returns "));
        (void)assemble(text, "random"); // refused or not: it comes back
    }
}

struct Refused {
    const char* text;
    const char* message;
};

TEST(Listing, RefusesWhatDoesNotFit) {
    const std::string head =
        "DIFO returns D type (integer) (size 8)\nOFF OPCODE      INSTRUCTION\n";
    const Refused cases[] = {
        {"DIFO\n", "x:1: unknown statement \"DIFO\""},
        {"DIFO returns nonsense\n", "x:1: expected \"DIFO [address] returns TYPE\""},
        {"DIFO returns string (unknown) (size 4)\nret\n", "x:2: the line \"OFF OPCODE"},
        {"@01: 23000001    ret  %r1\n", "x:3: expected instruction 00"},
        {"@00: 2300000    ret  %r1\n", "x:3: expected instruction 00"},
        {"@00: 23000001    ret  %r2\n", "x:3: word 23000001 is \"ret  %r1\", not \"ret  %r2\""},
        {"@00: 25000001    setx DT_INTEGER[0], %r1\t\t! ten\n", "x:3: expected the integer"},
        {"@00: 25000001    setx DT_INTEGER[0], %r1\t\t! 0x1\n"
         "01: 25000001    setx DT_INTEGER[0], %r1\t\t! 0x2\n",
         "x:4: DT_INTEGER[0] was 0x1 before"},
        {"@00: 26000101    sets DT_STRING[1], %r1\t\t! \"abc\n",
         "x:3: the string of DT_STRING[1] has"},
        {"@00: 26000101    sets DT_STRING[1], %r1\t\t! abc\n", "x:3: expected the string"},
        {"@00: 26000101    sets DT_STRING[1], %r1\t\t! \"abc\"\n"
         "01: 26000201    sets DT_STRING[2], %r1\t\t! \"xx\"\n",
         "DT_STRING[2] does not fit the string before it"},
        {"@\nNAME  \nx 1280 scl\n", "x:5: "},
        {"@\nNAME  \nx 1280 scl glb r nonsense\n", "x:5: \"nonsense\" is no type"},
        {"@\nNAME  \nx 99999999999 scl glb r D type (integer) (size 8)\n", "x:5: \"99999999999\""},
        {"@\nKREL \nx\n", "x:5: expected a relocation's numbers"},
    };
    for (const Refused& test : cases) {
        std::string text = test.text;
        if (text.starts_with('@'))
            text = head + text.substr(1);
        const auto program = assemble(text, "x");
        ASSERT_FALSE(program.has_value()) << text;
        EXPECT_NE(program.error().message.find(test.message), std::string::npos)
            << program.error().message << "\nwanted: " << test.message;
        EXPECT_TRUE(program.error().message.starts_with("x:"));
        EXPECT_EQ(program.error().message.find('\n'), std::string::npos);
    }
}

TEST(Listing, HugeGapsAreRefused) {
    std::string text;
    for (int i = 0; i < 2000; i++)
        text += "DIFO returns D type (integer) (size 8)\nOFF OPCODE      INSTRUCTION\n"
                "00: 25ffff01    setx DT_INTEGER[65535], %r1\t\t! 0x1\n\n";
    const auto program = assemble(text, "x");
    ASSERT_FALSE(program.has_value());
    EXPECT_NE(program.error().message.find("too big"), std::string::npos);
}

} // namespace
} // namespace difjit::text
