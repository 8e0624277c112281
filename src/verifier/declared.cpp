// SPDX-License-Identifier: BSD-2-Clause
// What dtrace_difo_validate accepts and dtrace_dif_emulate panics on: a user variable without a row
// in the variable table, and an associative load of a built-in (semantics.md decision 8, points
// 22-23).
//
// Tested in tests/verifier/cases/ours.txt.
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

/// A bit for each scope and id.
class IdSet {
  public:
    explicit IdSet(std::uint64_t* words) : words_(words) {
        for (std::size_t i = 0; i < declared_words; i++)
            words_[i] = 0;
    }
    void insert(std::uint32_t scope, std::uint32_t id) {
        words_[index(scope, id)] |= std::uint64_t{1} << (id % 64);
    }
    bool contains(std::uint32_t scope, std::uint32_t id) const {
        return (words_[index(scope, id)] >> (id % 64) & 1) != 0;
    }

  private:
    static std::size_t index(std::uint32_t scope, std::uint32_t id) {
        return (scope * 0x10000 + id) / 64;
    }
    std::uint64_t* words_;
};

} // namespace

void check_declared(const difjit_difo& difo, std::uint64_t* workspace, Findings& findings) {
    IdSet declared(workspace);
    std::uint32_t greatest[3] = {};
    for (std::uint32_t row = 0; row < difo.var_len; row++) {
        const difjit_var& var = difo.vars[row];
        if (var.scope > DIFJIT_SCOPE_LOCAL || var.kind > DIFJIT_VAR_KIND_SCALAR ||
            var.id > last_variable)
            continue;
        declared.insert(var.scope, var.id);
        if (var.id > greatest[var.scope])
            greatest[var.scope] = var.id;
    }
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        const Instruction in{difo.text[pc]};
        std::uint8_t scope = 0;
        if (!variable_scope(in.op(), scope))
            continue;
        if (in.var() >= DIFJIT_USER_VARIABLE_BASE) {
            // Beyond the greatest, the reference refuses it too: VARIABLE_RANGE.
            if (in.var() <= greatest[scope] && !declared.contains(scope, in.var()))
                findings.add(pc, Rule::UNDECLARED, in.var());
        } else if ((in.op() == Op::LDGAA || in.op() == Op::LDTAA) && in.var() >= first_scalar) {
            findings.add(pc, Rule::BUILTIN_ARRAY, in.var());
        }
    }
}

} // namespace difjit::verifier::core
