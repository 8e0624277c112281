// SPDX-License-Identifier: BSD-2-Clause
// The hand-written form: what it means, that it is printed back to the same program, and what it
// refuses.
#include <random>

#include <gtest/gtest.h>

#include <difjit/text.hpp>

#include "dif/actions.hpp"
#include "dif/instruction.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"

namespace difjit::text {
namespace {

Program must_assemble(std::string_view text) {
    auto program = assemble(text, "test.dif");
    EXPECT_TRUE(program.has_value()) << program.error().message;
    return program ? std::move(*program) : Program{};
}

Difo must_assemble_block(const std::string& lines) {
    Program program = must_assemble("difo d returns long {\n" + lines + "\n}\n");
    return program.difos.empty() ? Difo{} : program.difos[0];
}

void expect_round_trip(const Program& program) {
    const std::string text = print(program);
    auto again = assemble(text, program.name);
    ASSERT_TRUE(again.has_value()) << again.error().message << "\n" << text;
    EXPECT_EQ(*again, program) << text;
}

TEST(Assembler, ADifoAsAPersonWritesIt) {
    const Difo difo = must_assemble_block(R"(
        global int count
        self string[64] path     ; or: self string path[64]
        this struct s[24]
        global assoc long hits
        ldgs pid, %r1            // a built-in
        setx 0x3e8, %r2          ! an integer of the table
        cmp  %r1, %r2
        be   done
        sets "abc", %r1
        setx 0x3e8, %r3
        flushts
        pushtr string, %r3, %r1
        call strlen, %r1
        ldgs count, %r2
        add  %r1, %r2, %r1
        stgs %r1, count
        ldgaa hits, %r4
        stts %r0, path
        ldls s, %r5
        ldub [%r5], %r6
        stb  %r6, [%r5]
    done: ret %r1)");
    EXPECT_EQ(difo.ints, std::vector<std::uint64_t>{0x3e8});
    EXPECT_EQ(difo.strtab, std::string("\0abc\0count\0path\0s\0hits\0", 23));
    ASSERT_EQ(difo.vars.size(), 4U);
    const difjit_var count{5,
                           0x500,
                           DIFJIT_VAR_KIND_SCALAR,
                           DIFJIT_SCOPE_GLOBAL,
                           DIFJIT_VAR_REF | DIFJIT_VAR_MOD,
                           {DIFJIT_TYPE_CTF, 1, 0, 0, 4}};
    EXPECT_EQ(difo.vars[0], count);
    const difjit_var path{11,
                          0x500,
                          DIFJIT_VAR_KIND_SCALAR,
                          DIFJIT_SCOPE_THREAD,
                          DIFJIT_VAR_MOD,
                          {DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYREF, 0, 64}};
    EXPECT_EQ(difo.vars[1], path);
    EXPECT_EQ(difo.vars[2].type.size, 24U);
    EXPECT_EQ(difo.vars[2].scope, DIFJIT_SCOPE_LOCAL);
    EXPECT_EQ(difo.vars[3].id, 0x501U);
    EXPECT_EQ(difo.vars[3].kind, DIFJIT_VAR_KIND_ARRAY);
    const std::vector<std::uint32_t> words = {
        0x29011601, 0x25000002, 0x0f010200, 0x12000011, 0x26000101, 0x25000003,
        0x33000000, 0x30010301, 0x2f000c01, 0x29050002, 0x07010201, 0x2a050001,
        0x34050104, 0x2d050000, 0x38050005, 0x1f050006, 0x3c060005, 0x23000001};
    EXPECT_EQ(difo.text, words);
}

TEST(Assembler, SizesMayStandBehindTheName) {
    const Difo difo = must_assemble_block("self string a[64]\nself string[64] b\nself string c\n"
                                          "self struct \"odd name\"[3]\nret %r0");
    ASSERT_EQ(difo.vars.size(), 4U);
    EXPECT_EQ(difo.vars[0].type, difo.vars[1].type);
    EXPECT_EQ(difo.vars[2].type.size, 256U);
    EXPECT_EQ(difo.vars[3].type.size, 3U);
    EXPECT_NE(difo.strtab.find("odd name"), std::string::npos);
}

TEST(Assembler, ListingOperandsAndRawWords) {
    const Difo difo = must_assemble_block(
        ".ints 1 -1 0x10\n.strtab \"\\0ab\\x41\\n\"\n.var 1 0x600 2 9 0xffff type(3, 4, 5, 6, 7)\n"
        "setx DT_INTEGER[77], %r255\nsets DT_STRING[2], %r1\nldgs DT_VAR(1281), %r1\n"
        "call DIF_SUBR(900), %r1\npushtv DT_TYPE(9), %r1\nxlate DT_XLREF[3], %r1\nba 70000\n"
        ".word 0xdeadbeef\nldgs 0x106, %r2\ncall 12, %r1\npushtr 1, %r1, %r2");
    EXPECT_EQ(difo.ints, (std::vector<std::uint64_t>{1, UINT64_MAX, 0x10}));
    EXPECT_EQ(difo.strtab, std::string("\0abA\n", 5));
    const difjit_var raw{1, 0x600, 2, 9, 0xffff, {3, 4, 5, 6, 7}};
    EXPECT_EQ(difo.vars.at(0), raw);
    EXPECT_EQ(difo.text, (std::vector<std::uint32_t>{0x25004dff, 0x26000201, 0x29050101, 0x2f038401,
                                                     0x31090001, 0x4e000301, 0x11011170, 0xdeadbeef,
                                                     0x29010602, 0x2f000c01, 0x30010102}));
}

TEST(Assembler, EveryOpcodeInItsListingForm) {
    for (const OpcodeRow& row : opcode_rows) {
        Difo difo;
        difo.strtab = std::string(1, '\0');
        difo.text = {Instruction::make(row.op, 1, 0, 0).word};
        if (row.format == Format::RD || row.format == Format::NONE)
            difo.text = {Instruction::make(row.op, 0, 0, 0).word};
        const std::string line = disassemble_instruction(difo, 0);
        EXPECT_EQ(must_assemble_block(line).text, difo.text) << line;
    }
}

TEST(Assembler, EverySubroutineByName) {
    for (const SubroutineRow& row : subroutine_rows) {
        const char* dialect = row.subr == Subr::TYPEREF ? "freebsd11" : "freebsd";
        const Program program =
            must_assemble(std::string("dialect ") + dialect + "\ndifo d returns int {\ncall " +
                          row.name + ", %r1\n}\n");
        ASSERT_EQ(program.difos.size(), 1U);
        const Difo& difo = program.difos[0];
        EXPECT_EQ(Instruction{difo.text.at(0)}.subr_number(), subr_number(difo.dialect, row.subr));
    }
}

TEST(Assembler, AProgram) {
    const Program program = must_assemble(R"(
version 2
model 1
registers 7 6
option bufsize 4m
option switchrate=10hz
option quiet yes
option 99 -2 text "x"
comments "made by hand"

probe syscall::open*:entry id 7 uarg 9 {
    predicate p
    trace d
    printf d "%d\n" arg 0
    count tuple 1
    lquantize d arg 0x0005001400000000 tuple 2
    trunc d
    action 4660 #5
    stack arg 3 uarg 4
}
probe BEGIN {}
probe "a:b":"":f:"" {
}
difo p returns int {
    ret %r0
}
difo d returns string {
    ret %r0
}
provider "my prov" attributes 1 2 3 4 5 {
    probe main go address 0x1000
        native "int" "char *"
        translated "string"
        map 0 1
        offsets 1 0x20
        enabled 3
    reloc 1 2 3 "sym"
}
)");
    EXPECT_EQ(program.dof_version, 2);
    EXPECT_EQ(program.data_model, 1);
    EXPECT_EQ(program.integer_registers, 7);
    EXPECT_EQ(program.tuple_registers, 6);
    EXPECT_EQ(program.comments, "made by hand");
    ASSERT_EQ(program.options.size(), 4U);
    EXPECT_EQ(program.options[0], (OptionDescription{0, 4U << 20, {}}));
    EXPECT_EQ(program.options[1], (OptionDescription{16, 100000000, {}}));
    EXPECT_EQ(program.options[2], (OptionDescription{12, 1, {}}));
    EXPECT_EQ(program.options[3], (OptionDescription{99, option_unset, "x"}));
    ASSERT_EQ(program.ecbs.size(), 3U);
    const EcbDescription& ecb = program.ecbs[0];
    EXPECT_EQ(ecb.probe, (ProbeDescription{"syscall", "", "open*", "entry", 7}));
    EXPECT_EQ(ecb.uarg, 9U);
    EXPECT_EQ(ecb.predicate, 0);
    ASSERT_EQ(ecb.actions.size(), 7U);
    EXPECT_EQ(ecb.actions[0], (ActionDescription{1, 0, 0, 0, {}, 1}));
    EXPECT_EQ(ecb.actions[1], (ActionDescription{3, 0, 0, 0, "%d\n", 1}));
    EXPECT_EQ(ecb.actions[2], (ActionDescription{0x701, 1, 0, 0, {}, no_difo}));
    EXPECT_EQ(ecb.actions[3], (ActionDescription{0x708, 2, 0x0005001400000000, 0, {}, 1}));
    EXPECT_EQ(ecb.actions[4], (ActionDescription{5, 0, 0x48, 0, {}, 1}));
    EXPECT_EQ(ecb.actions[5], (ActionDescription{4660, 0, 0, 0, {}, 5}));
    EXPECT_EQ(ecb.actions[6], (ActionDescription{0x401, 0, 3, 4, {}, no_difo}));
    EXPECT_EQ(program.ecbs[1].probe, (ProbeDescription{"", "", "", "BEGIN", 0}));
    EXPECT_EQ(program.ecbs[2].probe, (ProbeDescription{"a:b", "", "f", "", 0}));
    ASSERT_EQ(program.providers.size(), 1U);
    const ProviderDescription& provider = program.providers[0];
    EXPECT_EQ(provider.argument_attributes, 5U);
    ASSERT_EQ(provider.probes.size(), 1U);
    EXPECT_EQ(provider.probes[0].native_arguments, (std::vector<std::string>{"int", "char *"}));
    EXPECT_EQ(provider.probes[0].offsets, (std::vector<std::uint32_t>{1, 0x20}));
    ASSERT_EQ(provider.relocations.size(), 1U);
    expect_round_trip(program);
}

TEST(Printer, WritesAFriendlyForm) {
    const Program program = must_assemble("difo x returns string[64] {\n"
                                          "global int n\n"
                                          "a: ldgs n, %r1\nldgs execname, %r2\n"
                                          "sets \"q\\\"\\n\", %r3\nbe a\nsetx 10, %r4\nret %r1\n}\n"
                                          "probe load:::tick {\n trace x\n}\n");
    EXPECT_EQ(print(program), R"(dialect freebsd

difo d0 returns string[64] {
    global int n flags r
L0:
    ldgs n, %r1
    ldgs execname, %r2
    sets "q\"\n", %r3
    be   L0
    setx 0xa, %r4
    ret  %r1
}

probe load:::tick {
    trace d0
}
)");
    expect_round_trip(program);
}

TEST(Printer, TablesThatNoCompilerMakes) {
    Program program;
    Difo difo;
    difo.text = {Instruction::indexed(Op::SETX, 0, 1).word,
                 Instruction::make(Op::RET, 0, 0, 1).word};
    difo.ints = {5, 5, 7};
    difo.strtab = "";
    program.difos = {difo};
    difo.strtab = std::string("abc\0\xff\x80", 6);
    difo.vars = {{0, 0x500, 1, 0, 0, {}},
                 {1, 0x500, 1, 0, 0, {}},
                 {0, 0x501, 1, 0, 0, {}},
                 {99, 0x502, 7, 3, 0xffff, {1, 2, 3, 4, 5}}};
    program.difos.push_back(difo);
    expect_round_trip(program);
}

Difo random_difo(std::mt19937_64& random) {
    const auto pick = [&](std::uint64_t n) { return random() % n; };
    Difo difo;
    difo.dialect = static_cast<Dialect>(pick(3));
    difo.rtype = {static_cast<std::uint8_t>(pick(3)), static_cast<std::uint8_t>(pick(9)),
                  static_cast<std::uint8_t>(pick(3)), static_cast<std::uint8_t>(pick(2)),
                  static_cast<std::uint32_t>(pick(10))};
    const bool wild = pick(2) == 0;
    difo.strtab.assign(1, '\0');
    for (std::uint64_t i = pick(5); i > 0; i--) {
        for (std::uint64_t n = pick(6); n > 0; n--)
            difo.strtab += static_cast<char>(wild ? random() : 'a' + pick(4));
        difo.strtab += '\0';
    }
    if (wild && pick(2) == 0)
        difo.strtab.resize(pick(difo.strtab.size() + 1));
    for (std::uint64_t i = pick(4); i > 0; i--)
        difo.ints.push_back(pick(2) == 0 ? random() : pick(3));
    for (std::uint64_t i = pick(5); i > 0; i--)
        difo.vars.push_back(
            {static_cast<std::uint32_t>(pick(difo.strtab.size() + 2)),
             static_cast<std::uint32_t>(pick(4) == 0 ? pick(0x300) : 0x500 + pick(3)),
             static_cast<std::uint8_t>(pick(wild ? 4 : 2)),
             static_cast<std::uint8_t>(pick(wild ? 5 : 3)),
             static_cast<std::uint16_t>(pick(wild ? 70000 : 4)), difo.rtype});
    for (std::uint64_t i = pick(30); i > 0; i--) {
        const std::uint64_t op = wild ? pick(256) : 1 + pick(79);
        const std::uint32_t low = static_cast<std::uint32_t>(wild ? random() : pick(0x600) << 8);
        difo.text.push_back(static_cast<std::uint32_t>(op << 24) | (low & 0xffffff));
    }
    if (wild && pick(3) == 0)
        difo.kernel_relocations.push_back({std::string("a\0\"b", 4), 1, random(), random()});
    if (wild && pick(3) == 0)
        difo.user_relocations.push_back({"", static_cast<std::uint32_t>(random()), 0, 1});
    return difo;
}

TEST(Printer, AnyProgramComesBack) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 2000; round++) {
        Program program;
        program.name = "random";
        for (std::uint64_t i = random() % 3; i > 0; i--)
            program.difos.push_back(random_difo(random));
        for (std::uint64_t i = random() % 3; i > 0; i--) {
            EcbDescription ecb;
            std::string odd;
            for (std::uint64_t n = random() % 5; n > 0; n--)
                odd += static_cast<char>(random());
            ecb.probe = {random() % 2 == 0 ? odd : "", "", random() % 2 == 0 ? "id" : "", odd,
                         static_cast<std::uint32_t>(random() % 2)};
            ecb.predicate = static_cast<std::int32_t>(random() % 5) - 2;
            ActionDescription action{static_cast<std::uint32_t>(random() % 0x710),
                                     static_cast<std::uint32_t>(random() % 3),
                                     random() % 100,
                                     random() % 2,
                                     {},
                                     static_cast<std::int32_t>(random())};
            if (random() % 2 == 0)
                action.format = odd;
            ecb.actions = {action, action};
            ecb.uarg = random() % 2 == 0 ? 0 : random();
            program.ecbs.push_back(ecb);
        }
        for (std::uint64_t i = random() % 3; i > 0; i--)
            program.options.push_back(
                {static_cast<std::uint32_t>(random() % 40),
                 random() % 2 == 0 ? random() : random() % 100,
                 random() % 2 == 0 ? std::optional<std::string>{} : std::string("\0t", 2)});
        if (random() % 3 == 0)
            program.comments = std::string(random() % 200, '\x01');
        program.dof_version = static_cast<std::uint8_t>(random() % 3);
        expect_round_trip(program);
        if (HasFailure())
            return;
    }
}

struct Refused {
    const char* text;
    const char* message;
};

TEST(Assembler, RefusesWithLineAndReason) {
    const Refused cases[] = {
        {"nonsense", "t:1: unknown statement \"nonsense\""},
        {"{", "t:1: expected a statement, not \"{\""},
        {"\n\ndifo", "t:3: a DIFO's name is missing at the end of the line"},
        {"difo d returns", "t:1: a type is missing"},
        {"difo d returns foo {\n}", "t:1: unknown type \"foo\""},
        {"difo d returns struct {\n}", "t:1: struct needs its size"},
        {"difo d returns int {\nret %r0\n", "t:1: this difo has no closing }"},
        {"difo d returns int { ret %r0 }", "t:1: unexpected \"ret\""},
        {"difo d returns int {\n}\ndifo d returns int {\n}", "t:3: DIFO \"d\" is defined twice"},
        {"difo d returns int {\nfly %r0\n}", "t:2: unknown instruction \"fly\""},
        {"difo d returns int {\nret r0\n}", "t:2: expected a register"},
        {"difo d returns int {\nret %r256\n}", "t:2: expected a register"},
        {"difo d returns int {\nadd %r1 %r2, %r3\n}", "t:2: expected ','"},
        {"difo d returns int {\nret %r0 %r0\n}", "t:2: unexpected \"%r0\""},
        {"difo d returns int {\nnop\nba away\n}", "t:3: label \"away\" is not defined"},
        {"difo d returns int {\na:\na:\n}", "t:3: label \"a\" is defined twice"},
        {"difo d returns int {\nba 16777216\n}", "t:2: a label is at most 16777215"},
        {"difo d returns int {\nldgs foo, %r1\n}", "t:2: \"foo\" names no variable"},
        {"difo d returns int {\nldts pid, %r1\n}", "t:2: \"pid\" names no variable"},
        {"difo d returns int {\nldga pid, %r1, %r1\n}", "t:2: ldga can't name variable \"pid\""},
        {"difo d returns int {\ncall foo, %r1\n}",
         "t:2: \"foo\" is no subroutine of dialect freebsd"},
        {"difo d returns int {\ncall typeref, %r1\n}", "t:2: \"typeref\" is no subroutine"},
        {"difo d returns int {\nsetx 0x10000000000000000, %r1\n}", "t:2: expected an integer"},
        {"difo d returns int {\nsetx DT_INTEGER[65536], %r1\n}", "t:2: a number is at most 65535"},
        {"difo d returns int {\nsets \"abc, %r1\n}", "t:2: a string has no closing quote"},
        {"difo d returns int {\nsets \"\\q\", %r1\n}", "t:2: unknown escape"},
        {"difo d returns int {\nsets \"\\x4\", %r1\n}", "t:2: \\x needs two"},
        {"difo d returns int {\nsets \"a\\0b\", %r1\n}", "t:2: a string can't hold a NUL"},
        {"difo d returns int {\n.bad\n}", "t:2: unknown directive \".bad\""},
        {"difo d returns int {\n.word 0x100000000\n}", "t:2: an instruction word is at most"},
        {"difo d returns int {\nglobal int x\nglobal int x\n}",
         "t:3: variable \"x\" is declared twice"},
        {"difo d returns int {\nglobal int x[4]\n}", "t:2: expected id, flags or name"},
        {"difo d returns int {\nsets \"a\", %r1\n.strtab \"b\"\n}",
         "t:3: .strtab must stand before"},
        {"probe a:b:c:d:e {}", "t:1: a probe has four parts"},
        {"probe a what {}", "t:1: expected id, uarg or {"},
        {"probe a {\nfly\n}", "t:2: unknown action \"fly\""},
        {"probe a {\ntrace d\n}", "t:2: DIFO \"d\" is not defined"},
        {"probe a {\ntrace #x\n}", "t:2: \"#x\" is no index"},
        {"probe a {\ntrace : \n}", "t:2: expected a DIFO"},
        {"probe a {\npredicate\n}", "t:2: a DIFO is missing"},
        {"option foo 1", "t:1: unknown option \"foo\""},
        {"option bufsize 4x", "t:1: \"4x\" is no value of option \"bufsize\""},
        {"dialect linux", "t:1: unknown dialect \"linux\""},
        {"version 256", "t:1: a DOF version is at most 255"},
        {"provider p attributes 1 2 3 4", "t:1: "},
        {"provider p attributes 1 2 3 4 5 {\nmap 1\n}", "t:2: \"map\" must follow a probe"},
    };
    for (const Refused& test : cases) {
        const auto program = assemble(test.text, "t");
        ASSERT_FALSE(program.has_value()) << test.text;
        EXPECT_TRUE(program.error().message.starts_with(test.message))
            << program.error().message << "\nwanted: " << test.message;
        EXPECT_EQ(program.error().message.find('\n'), std::string::npos);
    }
}

TEST(Assembler, HostileTextIsRefusedInLinearTime) {
    std::string text = "difo d returns int {\n";
    for (int i = 0; i < 100000; i++)
        text += "sets \"" + std::to_string(i) + "\", %r1\n";
    const auto full = assemble(text, "t");
    ASSERT_FALSE(full.has_value());
    EXPECT_NE(full.error().message.find("string table is full"), std::string::npos);
    for (const char* piece : {"{", "\"", "a:", "DIFO returns ", "\n", "! \"", "\\", "\xff"}) {
        std::string many;
        for (int i = 0; i < 200000; i++)
            many += piece;
        (void)assemble(many, "t");
        (void)assemble("difo d returns int {\n" + many, "t");
        (void)assemble("DIFO returns D type (integer) (size 8)\nOFF \n"
                       "00: 26000101    sets DT_STRING[1], %r1\t\t! \"" +
                           many,
                       "t");
    }
    const auto long_word = assemble(std::string(1000000, 'x'), "t");
    ASSERT_FALSE(long_word.has_value());
    EXPECT_LT(long_word.error().message.size(), 400U);
}

TEST(Assembler, MutatedTextNeverCrashes) {
    const std::string text = print(must_assemble(
        "difo a returns int {\nglobal int n\nsetx 5, %r1\nsets \"x\", %r2\nb:\nbe b\ncall strlen, "
        "%r1\nret %r1\n}\nprobe x:y:z:w {\npredicate a\nprintf a \"%d\"\n}\noption bufsize 4k\n"));
    std::mt19937_64 random(3);
    for (int round = 0; round < 20000; round++) {
        std::string mutant = text;
        for (std::uint64_t n = 1 + random() % 3; n > 0; n--)
            mutant[random() % mutant.size()] = static_cast<char>(random());
        const auto program = assemble(mutant, "t");
        if (program)
            expect_round_trip(*program);
        else
            EXPECT_TRUE(program.error().message.starts_with("t:")) << program.error().message;
        if (HasFailure())
            return;
    }
}

} // namespace
} // namespace difjit::text
