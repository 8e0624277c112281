// SPDX-License-Identifier: BSD-2-Clause
// The tables' faults against the reference: every fault in the corpus' vectors is one that the row
// of its instruction, or of the subroutine it calls, allows.
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"

namespace difjit {
namespace {

const std::map<std::string, std::uint32_t> fault_bits = {
#define DIFJIT_FAULT(name, bit, code, meaning) {#name, bit},
#include <difjit/faults.def>
};

std::uint32_t allowed_faults(Instruction instruction, bool kernel) {
    Op op = instruction.op();
    if (op == Op::CALL) {
        const Subr subr = subr_from_number(Dialect::freebsd, instruction.subr_number());
        return subr != Subr::INVALID ? subroutine_row(subr).faults : 0;
    }
    // Who may not read kernel memory runs rld* for ld* (semantics.md, point 49).
    if (!kernel && opcode_row(op).memory == Memory::KERNEL)
        op = static_cast<Op>(static_cast<unsigned>(op) - static_cast<unsigned>(Op::LDSB) +
                             static_cast<unsigned>(Op::RLDSB));
    return opcode_row(op).faults;
}

TEST(Faults, OfTheReferenceAreInTheTables) {
    std::ifstream in(DIFJIT_SOURCE_DIR "/tests/corpus/difo/vectors.jsonl");
    std::set<std::string> kinds;
    std::set<std::uint32_t> faulting; // opcodes and subroutines
    std::string line;
    std::getline(in, line); // the settings
    while (std::getline(in, line)) {
        const auto vector = nlohmann::json::parse(line);
        for (const auto& run : vector.at("runs")) {
            const auto& fault = run.at("fault");
            if (fault.is_null() || fault.value("pc", -1) < 0)
                continue;
            const auto pc = fault.at("pc").get<std::size_t>();
            const Instruction instruction{static_cast<std::uint32_t>(
                std::stoul(vector.at("text").at(pc).get<std::string>(), nullptr, 16))};
            const std::string kind = fault.at("kind");
            ASSERT_TRUE(is_opcode(instruction.opcode())) << line;
            EXPECT_NE(allowed_faults(instruction, vector.at("kernel")) & fault_bits.at(kind), 0U)
                << kind << " at " << pc << " of " << line;
            kinds.insert(kind);
            faulting.insert(instruction.op() == Op::CALL ? 0x100 + instruction.subr_number()
                                                         : instruction.opcode());
        }
    }
    EXPECT_GE(kinds.size(), 6U);
    EXPECT_GE(faulting.size(), 40U);
}

} // namespace
} // namespace difjit
