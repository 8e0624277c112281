// SPDX-License-Identifier: BSD-2-Clause
// What a helper may use, which runs inside stack tracing: dtrace_difo_validate_helper.
//
// A helper never has the privilege to read kernel memory, so its ld* are rld* by the time that this
// is asked. Tested in tests/verifier/cases/helper.txt.
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

bool helper_may_read(Var var) {
    if (Var::ARG0 <= var && var <= Var::ARG9)
        return true;
    switch (var) {
    case Var::CURTHREAD:
    case Var::PID:
    case Var::PPID:
    case Var::TID:
    case Var::EXECARGS:
    case Var::EXECNAME:
    case Var::ZONENAME:
    case Var::UID:
    case Var::GID: return true;
    default: return false;
    }
}

bool helper_may_call(Subr subr) {
    switch (subr) {
    case Subr::ALLOCA:
    case Subr::BCOPY:
    case Subr::COPYIN:
    case Subr::COPYINTO:
    case Subr::COPYINSTR:
    case Subr::INDEX:
    case Subr::INET_NTOA:
    case Subr::INET_NTOA6:
    case Subr::INET_NTOP:
    case Subr::JSON:
    case Subr::LLTOSTR:
    case Subr::STRTOLL:
    case Subr::RINDEX:
    case Subr::STRCHR:
    case Subr::STRJOIN:
    case Subr::STRRCHR:
    case Subr::STRSTR:
    case Subr::HTONS:
    case Subr::HTONL:
    case Subr::HTONLL:
    case Subr::NTOHS:
    case Subr::NTOHL:
    case Subr::NTOHLL:
    case Subr::MEMREF:
    case Subr::MEMSTR: return true;
    default: return false;
    }
}

void check_one(const difjit_difo& difo, std::uint32_t pc, Findings& findings) {
    const auto dialect = static_cast<Dialect>(difo.dialect);
    const Instruction in{difo.text[pc]};
    switch (in.op()) {
    case Op::LDGS:
        if (in.var() < DIFJIT_USER_VARIABLE_BASE &&
            !helper_may_read(var_from_id(dialect, in.var())))
            findings.add(pc, Rule::HELPER_VARIABLE, in.var());
        break;
    case Op::LDTA:
    case Op::LDTS:
    case Op::LDGAA:
    case Op::LDTAA: findings.add(pc, Rule::HELPER_LOAD); break;
    case Op::STTS:
    case Op::STGAA:
    case Op::STTAA: findings.add(pc, Rule::HELPER_STORE); break;
    case Op::CALL:
        if (in.subr_number() <= subr_max(dialect) &&
            !helper_may_call(subr_from_number(dialect, in.subr_number())))
            findings.add(pc, Rule::HELPER_SUBROUTINE, in.subr_number());
        break;
    default: break;
    }
}

} // namespace

void check_helper(const difjit_difo& difo, Findings& findings) {
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++)
        check_one(difo, pc, findings);
}

} // namespace difjit::verifier::core
