// SPDX-License-Identifier: BSD-2-Clause
// The order of the verifier's passes, and two questions about a DIFO's text that need no proof.
#include "verifier/core.hpp"

#include "dif/subroutines.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

std::size_t workspace_size(const difjit_difo& difo) {
    return declared_words * sizeof(std::uint64_t) + difo.text_len * sizeof(std::uint32_t);
}

bool verify(const difjit_difo& difo, const Settings& settings, void* workspace, std::size_t size,
            Findings& findings) {
    const bool ours = !settings.reference_rules && !settings.reference_list;
    if (ours && (workspace == nullptr || size < workspace_size(difo)))
        return false;
    findings.count = 0;
    check_structure(difo, settings.reference_list, findings);
    if (!settings.reference_list || findings.count == 0)
        check_variables(difo, settings, findings);
    if (settings.helper && (!settings.reference_list || findings.count == 0))
        check_helper(difo, findings);
    if (!ours)
        return true;
    if (difo.text_len == 0)
        findings.add(0, Rule::EMPTY);
    auto* words = static_cast<std::uint64_t*>(workspace);
    check_declared(difo, words, findings);
    if (findings.count == 0) // needs instructions and labels that are right
        check_paths(difo, reinterpret_cast<std::uint32_t*>(words + declared_words), findings);
    return true;
}

bool is_destructive(const difjit_difo& difo) {
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        const Instruction in{difo.text[pc]};
        if (in.op() != Op::CALL)
            continue;
        const Subr subr = subr_from_number(static_cast<Dialect>(difo.dialect), in.subr_number());
        if (subr == Subr::COPYOUT || subr == Subr::COPYOUTSTR)
            return true;
    }
    return false;
}

std::uint32_t restricted(std::uint32_t word) {
    const Instruction in{word};
    if (in.op() < Op::LDSB || in.op() > Op::LDX)
        return word;
    constexpr std::uint32_t step =
        static_cast<std::uint32_t>(Op::RLDSB) - static_cast<std::uint32_t>(Op::LDSB);
    const auto op = static_cast<Op>(in.opcode() + step);
    return Instruction::make(op, in.r1(), 0, in.rd()).word;
}

} // namespace difjit::verifier::core
