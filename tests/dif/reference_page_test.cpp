// SPDX-License-Identifier: BSD-2-Clause
// docs/dif.md is what difjit_gen_docs prints, and the form of DIF text that docs/dif-text.md shows
// is what the assembler reads.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <difjit/text.hpp>

#include "dif/opcodes.hpp"
#include "dif/reference_page.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit::text {
namespace {

std::string read_doc(const std::string& name) {
    std::ifstream in(std::string(DIFJIT_SOURCE_DIR "/docs/") + name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

TEST(ReferencePage, IsFresh) {
    EXPECT_EQ(read_doc("dif.md"), reference_page()) << "run: build/difjit_gen_docs > docs/dif.md";
}

TEST(ReferencePage, HasEveryRow) {
    const std::string page = reference_page();
    for (const OpcodeRow& row : opcode_rows)
        EXPECT_NE(page.find(std::string(" | `") + row.mnemonic), std::string::npos) << row.mnemonic;
    for (const SubroutineRow& row : subroutine_rows)
        EXPECT_NE(page.find(std::string("`") + row.name + "`"), std::string::npos) << row.name;
    for (const VariableRow& row : variable_rows)
        EXPECT_NE(page.find(std::string("`") + row.name + "`"), std::string::npos) << row.name;
}

// Every block of docs/dif-text.md that is marked ```dif is a whole text.
TEST(TextPage, ItsExamplesAssemble) {
    const std::string page = read_doc("dif-text.md");
    const std::string open = "```dif\n";
    std::size_t examples = 0;
    for (std::size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
        at += open.size();
        const std::string example = page.substr(at, page.find("```", at) - at);
        const auto program = assemble(example, "docs/dif-text.md");
        EXPECT_TRUE(program.has_value()) << program.error().message << "\n" << example;
        if (program) {
            EXPECT_FALSE(program->difos.empty());
        }
        examples++;
    }
    EXPECT_GE(examples, 4U);
}

} // namespace
} // namespace difjit::text
