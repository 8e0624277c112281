// SPDX-License-Identifier: BSD-2-Clause
// Encoding and decoding are inverse for all opcodes and the whole range of each operand.
#include <gtest/gtest.h>

#include "dif/instruction.hpp"

namespace difjit {
namespace {

TEST(Instruction, ThreeBytesComeBack) {
    for (const OpcodeRow& row : opcode_rows) {
        for (std::uint32_t v = 0; v < 256; v++) {
            const Instruction i = Instruction::make(row.op, v, v ^ 0x5a, 255 - v);
            ASSERT_EQ(i.op(), row.op);
            ASSERT_EQ(i.opcode(), static_cast<std::uint32_t>(row.op));
            ASSERT_EQ(i.r1(), v);
            ASSERT_EQ(i.array(), v);
            ASSERT_EQ(i.type(), v);
            ASSERT_EQ(i.r2(), v ^ 0x5a);
            ASSERT_EQ(i.rd(), 255 - v);
        }
    }
}

TEST(Instruction, IndicesComeBack) {
    for (const OpcodeRow& row : opcode_rows) {
        for (std::uint32_t v = 0; v < 0x10000; v += 0xff) {
            const Instruction i = Instruction::indexed(row.op, v, v & 0xff);
            ASSERT_EQ(i.op(), row.op);
            ASSERT_EQ(i.var(), v);
            ASSERT_EQ(i.integer_index(), v);
            ASSERT_EQ(i.string_offset(), v);
            ASSERT_EQ(i.subr_number(), v);
            ASSERT_EQ(i.xlate_index(), v);
            ASSERT_EQ(i.rd(), v & 0xff);
        }
    }
}

TEST(Instruction, LabelsComeBack) {
    for (const OpcodeRow& row : opcode_rows) {
        for (const std::uint32_t v : {0U, 1U, 0xffU, 0x100U, 0xabcdefU, 0xffffffU}) {
            const Instruction i = Instruction::branch(row.op, v);
            ASSERT_EQ(i.op(), row.op);
            ASSERT_EQ(i.label(), v);
        }
    }
}

TEST(Instruction, OperandsThatDoNotFitStayInTheirField) {
    EXPECT_EQ(Instruction::make(Op::ADD, 0x101, 0x102, 0x103), Instruction::make(Op::ADD, 1, 2, 3));
    EXPECT_EQ(Instruction::indexed(Op::SETX, 0x10001, 0x102), Instruction::indexed(Op::SETX, 1, 2));
    EXPECT_EQ(Instruction::branch(Op::BA, 0x1000001), Instruction::branch(Op::BA, 1));
}

TEST(Instruction, KnownWords) {
    // From the corpus' listings.
    EXPECT_EQ(Instruction::indexed(Op::SETS, 1, 1).word, 0x26000101U);
    EXPECT_EQ(Instruction::indexed(Op::LDGS, 280, 2).word, 0x29011802U);
    EXPECT_EQ(Instruction::make(Op::PUSHTR, DIFJIT_TYPE_STRING, 2, 1).word, 0x30010201U);
    EXPECT_EQ(Instruction::make(Op::RET, 0, 0, 1).word, 0x23000001U);
    EXPECT_EQ(Instruction::indexed(Op::CALL, 12, 1).word, 0x2f000c01U);
}

} // namespace
} // namespace difjit
