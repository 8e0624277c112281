// SPDX-License-Identifier: BSD-2-Clause
// Each instruction by itself: the first pass of dtrace_difo_validate, in its order of checks, and
// the rules of the last instruction and of the return type.
//
// What an instruction's operands must be follows from its format in opcodes.def.
// Tested in tests/verifier/reference_test.cpp (invalid.jsonl) and cases/structure.txt.
#include "dif/subroutines.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

class Scan {
  public:
    Scan(const difjit_difo& difo, Findings& findings) : difo_(difo), findings_(findings) {}

    void check(std::uint32_t pc) {
        pc_ = pc;
        in_ = Instruction{difo_.text[pc]};
        if (!is_opcode(in_.opcode()) || !is_executable(in_.op()))
            return add(Rule::OPCODE, in_.opcode());
        check_operands(opcode_row(in_.op()).format);
    }

  private:
    void add(Rule rule, std::uint32_t value = 0) { findings_.add(pc_, rule, value); }
    void is_register(std::uint32_t number) {
        if (number >= DIFJIT_NREGS)
            add(Rule::REGISTER, number);
    }
    void is_zero(std::uint32_t bits) {
        if (bits != 0)
            add(Rule::RESERVED);
    }
    void writes(std::uint32_t rd, Rule rule = Rule::WRITE_R0) {
        is_register(rd);
        if (rd == 0)
            add(rule);
    }
    void check_operands(Format format);
    void check_branch();
    void check_reference(std::uint32_t index, std::uint32_t length, Rule rule) {
        if (index >= length)
            add(rule, index);
    }
    void check_call() {
        if (in_.subr_number() > subr_max(static_cast<Dialect>(difo_.dialect)))
            add(Rule::SUBROUTINE, in_.subr_number());
        writes(in_.rd());
    }
    void check_push(bool type_fits, Rule rule) {
        if (!type_fits)
            add(rule, in_.type());
        is_register(in_.r2());
        is_register(in_.rd());
    }

    const difjit_difo& difo_;
    Findings& findings_;
    Instruction in_;
    std::uint32_t pc_ = 0;
};

void Scan::check_branch() {
    if (in_.label() >= difo_.text_len)
        add(Rule::BRANCH_TARGET, in_.label());
    if (in_.label() <= pc_)
        add(Rule::BRANCH_BACKWARD, in_.label());
}

void Scan::check_operands(Format format) {
    const std::uint32_t r1 = in_.r1(), r2 = in_.r2(), rd = in_.rd();
    switch (format) {
    case Format::R1_R2_RD: is_register(r1), is_register(r2), writes(rd); break;
    case Format::R1_RD:
    case Format::LOAD: is_register(r1), is_zero(r2), writes(rd); break;
    case Format::STORE: is_register(r1), is_zero(r2), writes(rd, Rule::STORE_R0); break;
    case Format::R1_R2: is_register(r1), is_register(r2), is_zero(rd); break;
    case Format::R1: is_register(r1), is_zero(r2 | rd); break;
    case Format::LABEL: check_branch(); break;
    case Format::RD: is_zero(r1 | r2), is_register(rd); break;
    case Format::NONE: is_zero(r1 | r2 | rd); break;
    case Format::INTEGER:
        check_reference(in_.integer_index(), difo_.int_len, Rule::INTEGER_REF), writes(rd);
        break;
    case Format::STRING:
        check_reference(in_.string_offset(), difo_.str_len, Rule::STRING_REF), writes(rd);
        break;
    case Format::ARRAY: is_register(r2), writes(rd); break;
    case Format::LOAD_VAR:
        if (in_.var() < first_scalar)
            add(Rule::VARIABLE_ID, in_.var());
        writes(rd);
        break;
    case Format::STORE_VAR:
        if (in_.var() < DIFJIT_USER_VARIABLE_BASE)
            add(Rule::VARIABLE_ID, in_.var());
        is_register(rd);
        break;
    case Format::CALL: check_call(); break;
    case Format::PUSH_REF:
        check_push(in_.type() == DIFJIT_TYPE_STRING || in_.type() == DIFJIT_TYPE_CTF,
                   Rule::REF_TYPE);
        break;
    case Format::PUSH_VALUE: check_push(in_.type() == DIFJIT_TYPE_CTF, Rule::VALUE_TYPE); break;
    case Format::XLATE: break; // not executable: refused before
    }
}

bool is_return_size(std::uint32_t size) {
    return size == 0 || size == 1 || size == 2 || size == 4 || size == 8;
}

} // namespace

void check_structure(const difjit_difo& difo, bool stop_at_first, Findings& findings) {
    Scan scan(difo, findings);
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        scan.check(pc);
        if (stop_at_first && findings.count != 0)
            break;
    }
    const std::uint32_t last = difo.text_len - 1; // of an empty text: UINT32_MAX, as the reference
    if (difo.text_len != 0 && Instruction{difo.text[last]}.op() != Op::RET)
        findings.add(last, Rule::LAST_RET);
    if ((difo.rtype.flags & (DIFJIT_TF_BYREF | DIFJIT_TF_BYUREF)) == 0 &&
        !is_return_size(difo.rtype.size))
        findings.add(last, Rule::RETURN_SIZE);
}

} // namespace difjit::verifier::core
