// SPDX-License-Identifier: BSD-2-Clause
// The DIFOs of the corpus' DOF against what `dtrace -S` printed of the same compilation: the text
// of each is the same, and the assembler makes of the text the very DIFO that the DOF holds.
//
// Two things stand in a DOF that no listing shows: a clause on several probes has its DIFOs once
// for each ECB, and constants (an aggregation's id, printf() without arguments) are DIFOs that the
// compiler makes without its assembler, which is what prints; those have no string table.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>

#include <gtest/gtest.h>

#include <difjit/dof.hpp>
#include <difjit/text.hpp>

namespace difjit::text {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<std::string> corpus_names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(DIFJIT_SOURCE_DIR "/tests/corpus/dof"))
        names.push_back(entry.path().stem().string());
    std::ranges::sort(names);
    return names;
}

Program read_dof(const std::string& name) {
    const std::string bytes = read_file(DIFJIT_SOURCE_DIR "/tests/corpus/dof/" + name + ".dof");
    auto program = dof::read(std::as_bytes(std::span(bytes)));
    EXPECT_TRUE(program.has_value()) << name << ": " << program.error().message;
    return program ? std::move(*program) : Program{};
}

// The DIFOs of an ECB that the compiler assembled, in its order.
std::vector<Difo> assembled(const Program& program, const EcbDescription& ecb) {
    std::vector<Difo> difos;
    const auto add = [&](std::int32_t index) {
        if (index != no_difo && !program.difos.at(static_cast<std::size_t>(index)).strtab.empty())
            difos.push_back(program.difos[static_cast<std::size_t>(index)]);
    };
    add(ecb.predicate);
    for (const ActionDescription& action : ecb.actions)
        add(action.difo);
    return difos;
}

// What dt_cc.c does to a DIFO's return type after it was printed: an expression statement and
// quantize()'s increment become void, tracemem()'s dynamic size becomes int, and tracemem()'s
// address becomes a reference to so many bytes.
bool is_rewritten(const difjit_type& listed, const difjit_type& of_dof) {
    const difjit_type void_type{DIFJIT_TYPE_CTF, 1, 0, 0, 0};
    const difjit_type int_type{DIFJIT_TYPE_CTF, 1, 0, 0, 8};
    difjit_type memory = listed;
    memory.flags |= DIFJIT_TF_BYREF;
    memory.size = of_dof.size;
    return of_dof == void_type || of_dof == int_type || of_dof == memory;
}

bool same_but_for_rewritten_type(const Difo& listed, Difo& of_dof) {
    if (is_rewritten(listed.rtype, of_dof.rtype))
        of_dof.rtype = listed.rtype;
    return listed == of_dof;
}

// Are these DIFOs the next ones of the listing?
bool match(std::span<const Difo> listed, std::vector<Difo>& difos) {
    if (difos.size() > listed.size())
        return false;
    for (std::size_t i = 0; i < difos.size(); i++)
        if (!same_but_for_rewritten_type(listed[i], difos[i]))
            return false;
    return true;
}

TEST(Corpus, EveryDifoOfTheDofIsWhatItsListingSays) {
    const auto names = corpus_names();
    ASSERT_GE(names.size(), 60U);
    std::size_t compared = 0;
    for (const std::string& name : names) {
        SCOPED_TRACE(name);
        const Program program = read_dof(name);
        const std::string listing =
            read_file(DIFJIT_SOURCE_DIR "/tests/corpus/dis/" + name + ".dis");
        const auto from_text = assemble(listing, name);
        ASSERT_TRUE(from_text.has_value()) << from_text.error().message;
        const std::span<const Difo> listed = from_text->difos;
        std::string printed;
        std::size_t next = 0;
        std::size_t previous = 0;
        for (const EcbDescription& ecb : program.ecbs) {
            std::vector<Difo> difos = assembled(program, ecb);
            if (match(listed.subspan(next), difos)) {
                for (const Difo& difo : difos)
                    printed += disassemble(difo);
                next += difos.size();
                previous = difos.size();
                continue;
            }
            // Then it is the clause before, on its next probe.
            ASSERT_EQ(difos.size(), previous) << "ECB " << &ecb - program.ecbs.data();
            ASSERT_TRUE(match(listed.subspan(next - previous), difos))
                << "ECB " << &ecb - program.ecbs.data() << " at listing " << next;
        }
        EXPECT_EQ(printed, listing);
        EXPECT_EQ(next, listed.size());
        compared += next;
    }
    EXPECT_GE(compared, 540U);
}

TEST(Corpus, ProgramsComeBackFromTheHandWrittenForm) {
    for (const std::string& name : corpus_names()) {
        Program program = read_dof(name);
        program.name = name;
        const std::string text = print(program);
        const auto again = assemble(text, name);
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_EQ(*again, program) << text;
        EXPECT_EQ(text.find(".var"), std::string::npos) << "raw form for a compiler's DIFO";
        EXPECT_EQ(text.find(".ints"), std::string::npos) << name;
    }
}

} // namespace
} // namespace difjit::text
