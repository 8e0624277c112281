// SPDX-License-Identifier: BSD-2-Clause
// What the text names and the tables lack, where dtrace_difo_validate does not look: a user
// variable without a row, or with rows of the other kind only, or with rows that disagree; an
// associative load of a built-in; a string that does not end; an array that no host has
// (semantics.md decision 8, points 22-23, 33, 48, 50).
//
// Tested in tests/verifier/cases/ours.txt.
#include "dif/variables.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

/// The greatest id of each scope: sets are only as long as they need be.
struct Greatest {
    std::uint32_t id[3] = {};
};

/// A bit for each scope and id.
class IdSet {
  public:
    IdSet(std::uint64_t* words, const Greatest& greatest) : words_(words), greatest_(greatest) {
        for (std::uint32_t scope = 0; scope < 3; scope++)
            __builtin_memset(&words_[index(scope, 0)], 0,
                             (greatest.id[scope] / 64 + 1) * sizeof *words_);
    }
    void insert(std::uint32_t scope, std::uint32_t id) {
        words_[index(scope, id)] |= std::uint64_t{1} << (id % 64);
    }
    bool contains(std::uint32_t scope, std::uint32_t id) const {
        return id <= greatest_.id[scope] && (words_[index(scope, id)] >> (id % 64) & 1) != 0;
    }

  private:
    static std::size_t index(std::uint32_t scope, std::uint32_t id) {
        return (scope * 0x10000 + id) / 64;
    }
    std::uint64_t* words_;
    const Greatest& greatest_;
};

/// The rows that the text may name: what is wrong with a row is the reference's to say.
bool is_row(const difjit_var& var) {
    return var.scope <= DIFJIT_SCOPE_LOCAL && var.kind <= DIFJIT_VAR_KIND_SCALAR &&
           var.id <= last_variable;
}

Greatest greatest_ids(const difjit_difo& difo) {
    Greatest greatest;
    for (std::uint32_t row = 0; row < difo.var_len; row++) {
        const difjit_var& var = difo.vars[row];
        if (is_row(var) && var.id > greatest.id[var.scope])
            greatest.id[var.scope] = var.id;
    }
    return greatest;
}

bool agree(const difjit_var& a, const difjit_var& b) {
    return a.kind == b.kind && a.type.flags == b.type.flags && a.type.size == b.type.size;
}

/// A user variable that an earlier row declares as something else. Only a row whose id is there
/// already is looked for.
void check_conflict(const difjit_difo& difo, std::uint32_t row, Findings& findings) {
    const difjit_var& var = difo.vars[row];
    for (std::uint32_t i = 0; i < row; i++) {
        const difjit_var& earlier = difo.vars[i];
        if (earlier.id == var.id && earlier.scope == var.scope && is_row(earlier) &&
            !agree(earlier, var))
            return findings.add(row, Rule::VAR_CONFLICT, var.id);
    }
}

/// args[] and uregs[], as far as the dialect has them; reading uregs[] may still be illegal.
bool is_array(const difjit_difo& difo, std::uint32_t id) {
    return var_from_id(static_cast<Dialect>(difo.dialect), id) != Var::INVALID;
}

bool is_array_access(Op op) {
    return op == Op::LDGAA || op == Op::LDTAA || op == Op::STGAA || op == Op::STTAA;
}

/// How far strings reach that end: 1 + the place of the table's last NUL.
std::uint32_t terminated_length(const difjit_difo& difo) {
    std::uint32_t n = difo.str_len;
    while (n > 0 && difo.strtab[n - 1] != '\0')
        n--;
    return n;
}

} // namespace

void check_declared(const difjit_difo& difo, std::uint64_t* workspace, Findings& findings) {
    const Greatest greatest = greatest_ids(difo);
    IdSet scalars(workspace, greatest), arrays(workspace + id_set_words, greatest);
    for (std::uint32_t row = 0; row < difo.var_len; row++) {
        const difjit_var& var = difo.vars[row];
        if (!is_row(var))
            continue;
        const bool again =
            scalars.contains(var.scope, var.id) || arrays.contains(var.scope, var.id);
        if (again && var.id >= DIFJIT_USER_VARIABLE_BASE)
            check_conflict(difo, row, findings);
        (var.kind == DIFJIT_VAR_KIND_SCALAR ? scalars : arrays).insert(var.scope, var.id);
    }
    const std::uint32_t strings = terminated_length(difo);
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        const Instruction in{difo.text[pc]};
        std::uint8_t scope = 0;
        if (in.op() == Op::SETS && in.string_offset() >= strings &&
            in.string_offset() < difo.str_len)
            findings.add(pc, Rule::UNTERMINATED, in.string_offset());
        if (in.op() == Op::LDTA || (in.op() == Op::LDGA && !is_array(difo, in.array())))
            findings.add(pc, Rule::NO_ARRAY, in.array());
        if (!variable_scope(in.op(), scope))
            continue;
        const bool scalar = scalars.contains(scope, in.var());
        const bool array = arrays.contains(scope, in.var());
        if (in.var() >= DIFJIT_USER_VARIABLE_BASE) {
            // Beyond the greatest, the reference refuses it too: VARIABLE_RANGE.
            if (in.var() > greatest.id[scope])
                continue;
            if (!scalar && !array)
                findings.add(pc, Rule::UNDECLARED, in.var());
            else if (!(is_array_access(in.op()) ? array : scalar))
                findings.add(pc, Rule::KIND_MISMATCH, in.var());
        } else if ((in.op() == Op::LDGAA || in.op() == Op::LDTAA) && in.var() >= first_scalar) {
            findings.add(pc, Rule::BUILTIN_ARRAY, in.var());
        }
    }
}

} // namespace difjit::verifier::core
