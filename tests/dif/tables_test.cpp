// SPDX-License-Identifier: BSD-2-Clause
// Every row of every table: numbers are unique in each dialect, names and numbers find their row
// again, and the columns agree with each other and with the headers of the systems.
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "dif/actions.hpp"
#include "dif/instruction.hpp"
#include "dif/opcodes.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit {
namespace {

constexpr Dialect dialects[] = {Dialect::freebsd, Dialect::freebsd11, Dialect::illumos};

TEST(Opcodes, AreSeventyNineInOrder) {
    ASSERT_EQ(opcode_count, 79U);
    std::set<std::string> mnemonics;
    for (unsigned i = 0; i < opcode_count; i++) {
        EXPECT_EQ(static_cast<unsigned>(opcode_rows[i].op), i + 1);
        EXPECT_TRUE(mnemonics.insert(opcode_rows[i].mnemonic).second) << opcode_rows[i].mnemonic;
        EXPECT_EQ(&opcode_row(opcode_rows[i].op), &opcode_rows[i]);
    }
    EXPECT_FALSE(is_opcode(0));
    EXPECT_TRUE(is_opcode(1));
    EXPECT_TRUE(is_opcode(79));
    EXPECT_FALSE(is_opcode(80));
    EXPECT_FALSE(is_opcode(255));
}

TEST(Opcodes, HaveDtraceHsNumbers) {
    // Spot checks against DIF_OP_* at every place where the order is not alphabetical or grouped.
    EXPECT_EQ(static_cast<int>(Op::OR), 1);
    EXPECT_EQ(static_cast<int>(Op::UREM), 12);
    EXPECT_EQ(static_cast<int>(Op::TST), 16);
    EXPECT_EQ(static_cast<int>(Op::BLEU), 27);
    EXPECT_EQ(static_cast<int>(Op::LDX), 34);
    EXPECT_EQ(static_cast<int>(Op::RET), 35);
    EXPECT_EQ(static_cast<int>(Op::SCMP), 39);
    EXPECT_EQ(static_cast<int>(Op::SRA), 46);
    EXPECT_EQ(static_cast<int>(Op::STTAA), 55);
    EXPECT_EQ(static_cast<int>(Op::STX), 63);
    EXPECT_EQ(static_cast<int>(Op::ULDX), 70);
    EXPECT_EQ(static_cast<int>(Op::RLDX), 77);
    EXPECT_EQ(static_cast<int>(Op::XLARG), 79);
}

TEST(Opcodes, ColumnsAgree) {
    using namespace column;
    for (const OpcodeRow& row : opcode_rows) {
        SCOPED_TRACE(row.mnemonic);
        EXPECT_TRUE(row.writes == 0 || row.writes == RD);
        EXPECT_EQ(is_branch(row.op), row.format == Format::LABEL);
        EXPECT_EQ(is_branch(row.op), (row.effects & JUMPS) != 0);
        EXPECT_EQ(row.cc_reads != 0, is_branch(row.op) && row.op != Op::BA);
        EXPECT_EQ(row.cc_writes != 0, row.op == Op::CMP || row.op == Op::TST || row.op == Op::SCMP);
        EXPECT_EQ(row.memory == Memory::STORE, row.format == Format::STORE);
        EXPECT_EQ(row.memory != Memory::NONE, row.width != 0);
        EXPECT_EQ(row.format == Format::LOAD, row.memory == Memory::KERNEL ||
                                                  row.memory == Memory::RESTRICTED ||
                                                  row.memory == Memory::USER);
        EXPECT_EQ(row.op == Op::RET, (row.effects & ENDS) != 0);
        EXPECT_NE(std::string(row.meaning), "");
        EXPECT_NE(std::string(row.source), "");
        EXPECT_TRUE(!row.is_signed || row.width < 8);
    }
    EXPECT_FALSE(is_executable(Op::XLATE));
    EXPECT_FALSE(is_executable(Op::XLARG));
    EXPECT_TRUE(is_executable(Op::RLDX));
}

TEST(Opcodes, LoadWidthsFollowTheirNames) {
    const std::map<char, int> widths = {{'b', 1}, {'h', 2}, {'w', 4}, {'x', 8}};
    for (const OpcodeRow& row : opcode_rows) {
        if (row.memory == Memory::NONE)
            continue;
        const std::string name = row.mnemonic;
        EXPECT_EQ(row.width, widths.at(name.back())) << name;
        EXPECT_EQ(row.is_signed, row.format == Format::LOAD && name[name.size() - 2] == 's')
            << name;
    }
}

TEST(Subroutines, NumbersAreUniqueAndFindTheirRow) {
    for (const Dialect dialect : dialects) {
        std::set<unsigned> numbers;
        for (const SubroutineRow& row : subroutine_rows) {
            const unsigned number = subr_number(dialect, row.subr);
            if (number == no_subroutine)
                continue;
            EXPECT_TRUE(numbers.insert(number).second) << row.name;
            EXPECT_EQ(subr_from_number(dialect, number), row.subr) << row.name;
        }
        ASSERT_FALSE(numbers.empty());
        EXPECT_EQ(*numbers.rbegin(), subr_max(dialect));
        EXPECT_EQ(numbers.size(), subr_max(dialect) + 1) << "the numbers have no holes";
        EXPECT_EQ(subr_from_number(dialect, subr_max(dialect) + 1), Subr::INVALID);
        EXPECT_EQ(subr_from_number(dialect, 0xffff), Subr::INVALID);
        EXPECT_EQ(subr_from_number(dialect, 0xffffffff), Subr::INVALID);
    }
    EXPECT_EQ(subr_from_number(static_cast<Dialect>(3), 0), Subr::INVALID);
}

TEST(Subroutines, DialectsDifferWhereTheSystemsDo) {
    EXPECT_EQ(subr_from_number(Dialect::freebsd, 46), Subr::MEMREF);
    EXPECT_EQ(subr_from_number(Dialect::freebsd11, 46), Subr::MEMREF);
    EXPECT_EQ(subr_from_number(Dialect::illumos, 46), Subr::GETF);
    EXPECT_EQ(subr_from_number(Dialect::freebsd, 47), Subr::SX_SHARED_HELD);
    EXPECT_EQ(subr_from_number(Dialect::freebsd11, 47), Subr::TYPEREF);
    EXPECT_EQ(subr_from_number(Dialect::illumos, 47), Subr::JSON);
    EXPECT_EQ(subr_from_number(Dialect::freebsd, 53), Subr::STRTOLL);
    EXPECT_EQ(subr_from_number(Dialect::freebsd11, 54), Subr::STRTOLL);
    EXPECT_EQ(subr_from_number(Dialect::illumos, 48), Subr::STRTOLL);
    EXPECT_EQ(subr_number(Dialect::freebsd, Subr::TYPEREF), no_subroutine);
}

TEST(Subroutines, ColumnsAgree) {
    using namespace column;
    std::set<std::string> names;
    for (const SubroutineRow& row : subroutine_rows) {
        SCOPED_TRACE(row.name);
        EXPECT_TRUE(names.insert(row.name).second);
        EXPECT_LE(row.minimum, row.maximum);
        const std::string arguments = row.arguments;
        EXPECT_EQ(arguments.size(), row.maximum);
        EXPECT_EQ(arguments.find_first_not_of("icnspduo"), std::string::npos);
        EXPECT_EQ(subr_argument(row.subr, row.maximum), Argument::NONE);
        for (unsigned i = 0; i < row.maximum; i++)
            EXPECT_EQ(static_cast<char>(subr_argument(row.subr, i)), arguments[i]);
        const bool absent = (row.effects & ABSENT) != 0;
        const bool allocates =
            row.result == SubrResult::SCRATCH || row.result == SubrResult::SCRATCH_STRING;
        EXPECT_EQ(allocates && !absent, (row.effects & SCRATCH) != 0);
        EXPECT_EQ((row.effects & SCRATCH) != 0, (row.faults & NOSCRATCH) != 0);
        EXPECT_EQ(arguments.find('u') != std::string::npos, (row.effects & USER_MEMORY) != 0);
        EXPECT_EQ(arguments.find('s') != std::string::npos && !absent && row.subr != Subr::TYPEREF,
                  arguments.find('s') != std::string::npos && (row.effects & LOADS) != 0);
        EXPECT_EQ((row.effects & DESTRUCTIVE) != 0,
                  row.subr == Subr::COPYOUT || row.subr == Subr::COPYOUTSTR);
        EXPECT_NE(std::string(row.meaning), "");
    }
}

TEST(Variables, NumbersAreUniqueAndFindTheirRow) {
    for (const Dialect dialect : dialects) {
        std::set<unsigned> numbers;
        for (const VariableRow& row : variable_rows) {
            const unsigned number = var_id(dialect, row.var);
            if (number == no_variable)
                continue;
            EXPECT_TRUE(numbers.insert(number).second) << row.name;
            EXPECT_EQ(var_from_id(dialect, number), row.var) << row.name;
            EXPECT_LT(number, DIFJIT_USER_VARIABLE_BASE);
            EXPECT_EQ(number < 0x100, row.kind == DIFJIT_VAR_KIND_ARRAY) << row.name;
        }
        EXPECT_EQ(var_from_id(dialect, DIFJIT_USER_VARIABLE_BASE), Var::INVALID);
        EXPECT_EQ(var_from_id(dialect, 0xffff), Var::INVALID);
    }
    EXPECT_EQ(variable_row(Var::INVALID), nullptr);
    EXPECT_EQ(var_id(Dialect::freebsd, Var::INVALID), no_variable);
}

TEST(Variables, DialectsDifferWhereTheSystemsDo) {
    EXPECT_EQ(var_from_id(Dialect::freebsd, 0x122), Var::JID);
    EXPECT_EQ(var_from_id(Dialect::freebsd11, 0x122), Var::INVALID);
    EXPECT_EQ(var_from_id(Dialect::freebsd, 0x121), Var::EXECARGS);
    EXPECT_EQ(var_from_id(Dialect::illumos, 0x121), Var::THREADNAME);
    EXPECT_EQ(var_from_id(Dialect::freebsd, 0x200), Var::CPU);
    EXPECT_EQ(var_from_id(Dialect::illumos, 0x200), Var::INVALID);
    for (const VariableRow& row : variable_rows) {
        const unsigned number = var_id(Dialect::freebsd, row.var);
        EXPECT_TRUE(number == no_variable || number == static_cast<unsigned>(row.var)) << row.name;
    }
}

TEST(Variables, PrivilegesAreThoseOfTheReference) {
    // semantics.md, point 34.
    const auto needs = [](Var var) { return variable_row(var)->privilege[0]; };
    for (const Var var : {Var::TID, Var::EXECNAME, Var::ERRNO, Var::CPU, Var::TIMESTAMP, Var::ARG0})
        EXPECT_EQ(needs(var), Privilege::NONE) << variable_row(var)->name;
    for (const Var var : {Var::PID, Var::PPID, Var::UID, Var::GID, Var::CURTHREAD})
        EXPECT_EQ(needs(var), Privilege::PROC) << variable_row(var)->name;
    for (const Var var : {Var::CALLER, Var::STACKDEPTH, Var::JID, Var::JAILNAME})
        EXPECT_EQ(needs(var), Privilege::KERNEL) << variable_row(var)->name;
}

TEST(Variables, ColumnsAgree) {
    std::set<std::string> names;
    for (const VariableRow& row : variable_rows) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(row.type == VarType::STRING, row.origin == Origin::HOST_STRING) << row.name;
        EXPECT_EQ(row.type == VarType::STRING, (row.faults & column::NOSCRATCH) != 0) << row.name;
    }
    for (unsigned i = 0; i < 10; i++)
        EXPECT_EQ(static_cast<unsigned>(Var::ARG0) + i,
                  static_cast<unsigned>(var_from_id(Dialect::freebsd, 0x106 + i)));
}

TEST(Actions, NumbersAndNamesAreUnique) {
    std::set<std::string> names;
    std::set<unsigned> numbers;
    for (const ActionRow& row : action_rows) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_TRUE(numbers.insert(static_cast<unsigned>(row.kind)).second) << row.name;
        EXPECT_EQ(action_row(row.kind), &row);
        EXPECT_STREQ(name(row.kind), row.name);
    }
    EXPECT_EQ(name(static_cast<ActionKind>(0x777)), nullptr);
}

TEST(Actions, Classes) {
    EXPECT_EQ(static_cast<unsigned>(ActionKind::COUNT), 0x701U);
    EXPECT_EQ(static_cast<unsigned>(ActionKind::STDDEV), 0x706U);
    EXPECT_EQ(static_cast<unsigned>(ActionKind::LLQUANTIZE), 0x709U);
    EXPECT_TRUE(is_aggregation(ActionKind::QUANTIZE));
    EXPECT_FALSE(is_aggregation(ActionKind::SPECULATE));
    EXPECT_TRUE(is_speculative(ActionKind::COMMIT));
    EXPECT_TRUE(is_destructive(ActionKind::STOP));
    EXPECT_TRUE(is_destructive(ActionKind::CHILL));
    EXPECT_FALSE(is_destructive(ActionKind::STACK));
    EXPECT_TRUE(is_printf_like(ActionKind::SYSTEM));
    EXPECT_FALSE(is_printf_like(ActionKind::DIFEXPR));
    EXPECT_FALSE(is_printf_like(static_cast<ActionKind>(0xffff)));
}

TEST(Actions, LibraryActionsAreNumberedByDialect) {
    // dt_impl.h: DT_ACT(n) is DIF_SUBR_MAX + 1 + n, so it moves with the subroutines.
    EXPECT_EQ(libact_argument(Dialect::freebsd, LibAction::TRUNC), 0x48U);
    EXPECT_EQ(libact_argument(Dialect::freebsd, LibAction::CLEAR), 0x45U);
    EXPECT_EQ(libact_argument(Dialect::freebsd11, LibAction::TRUNC), 0x49U);
    for (const Dialect dialect : dialects)
        for (const LibAction action :
             {LibAction::CLEAR, LibAction::NORMALIZE, LibAction::DENORMALIZE, LibAction::TRUNC,
              LibAction::FTRUNCATE, LibAction::SETOPT})
            EXPECT_EQ(libact_from_argument(dialect, libact_argument(dialect, action)), action);
    EXPECT_EQ(libact_from_argument(Dialect::freebsd, 0), LibAction::INVALID);
    EXPECT_EQ(libact_from_argument(Dialect::freebsd, UINT64_MAX), LibAction::INVALID);
}

TEST(Options, AreThirtyTwoInOrder) {
    ASSERT_EQ(option_count, 32U);
    EXPECT_EQ(static_cast<unsigned>(OptionId::MAX), 32U);
    std::set<std::string> names;
    for (unsigned i = 0; i < option_count; i++) {
        EXPECT_EQ(static_cast<unsigned>(option_rows[i].id), i);
        EXPECT_TRUE(names.insert(option_rows[i].name).second);
        EXPECT_EQ(option_row(i), &option_rows[i]);
    }
    EXPECT_EQ(option_row(32), nullptr);
    EXPECT_TRUE(option_row(static_cast<unsigned>(OptionId::QUIET))->dynamic);
    EXPECT_FALSE(option_row(static_cast<unsigned>(OptionId::BUFSIZE))->dynamic);
}

} // namespace
} // namespace difjit
