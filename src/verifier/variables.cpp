// SPDX-License-Identifier: BSD-2-Clause
// The variable table, and the variable ids of the text against it: the second and third pass of
// dtrace_difo_validate (semantics.md point 50).
//
// The third pass compares with the greatest id of each scope only; declared.cpp has the rest.
// Tested in tests/verifier/reference_test.cpp and cases/variables.txt.
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

class Table {
  public:
    Table(const difjit_difo& difo, const Settings& settings, Findings& findings)
        : difo_(difo), settings_(settings), findings_(findings) {}

    /// One row; false: the reference looks at no further row.
    bool check(std::uint32_t row);
    void check_text();

  private:
    bool stop(std::uint32_t row, Rule rule, std::uint32_t value = 0) {
        findings_.add(row, rule, value);
        return false;
    }
    bool check_known(std::uint32_t row, const difjit_var& var, const difjit_var& known);

    const difjit_difo& difo_;
    const Settings& settings_;
    Findings& findings_;
    std::uint32_t greatest_[3] = {DIFJIT_USER_VARIABLE_BASE - 1, DIFJIT_USER_VARIABLE_BASE - 1,
                                  DIFJIT_USER_VARIABLE_BASE - 1}; ///< by scope
};

bool Table::check(std::uint32_t row) {
    const difjit_var& var = difo_.vars[row];
    if (var.scope > DIFJIT_SCOPE_LOCAL)
        return stop(row, Rule::VAR_SCOPE, var.scope);
    if (var.kind > DIFJIT_VAR_KIND_SCALAR)
        return stop(row, Rule::VAR_KIND, var.kind);
    if (var.id > last_variable)
        return stop(row, Rule::VAR_LIMIT, var.id);
    if (var.id < DIFJIT_USER_VARIABLE_BASE)
        return true;
    if (var.id > greatest_[var.scope])
        greatest_[var.scope] = var.id;
    if ((var.type.flags & DIFJIT_TF_BYREF) != 0) {
        if (var.type.size == 0)
            return stop(row, Rule::VAR_ZERO_SIZE);
        if (var.scope != DIFJIT_SCOPE_THREAD && var.type.size > settings_.max_statics)
            return stop(row, Rule::VAR_OVERSIZED);
    }
    const KnownVariables& known = settings_.known;
    const difjit_var* before =
        known.find != nullptr ? known.find(known.context, var.scope, var.id) : nullptr;
    return before == nullptr || check_known(row, var, *before);
}

/// A change of kind is reported together with a change of flags or size, these two never both.
bool Table::check_known(std::uint32_t row, const difjit_var& var, const difjit_var& known) {
    if (known.kind != var.kind)
        findings_.add(row, Rule::VAR_CHANGED_KIND, var.id);
    if (known.type.flags != var.type.flags)
        return stop(row, Rule::VAR_CHANGED_FLAGS, var.id);
    if (var.type.size != 0 && known.type.size != var.type.size)
        return stop(row, Rule::VAR_CHANGED_SIZE, var.id);
    return true;
}

void Table::check_text() {
    for (std::uint32_t pc = 0; pc < difo_.text_len; pc++) {
        const Instruction in{difo_.text[pc]};
        std::uint8_t scope = 0;
        if (variable_scope(in.op(), scope) && in.var() > greatest_[scope])
            findings_.add(pc, Rule::VARIABLE_RANGE, in.var());
        if (settings_.reference_list && findings_.count != 0)
            return;
    }
}

} // namespace

void check_variables(const difjit_difo& difo, const Settings& settings, Findings& findings) {
    Table table(difo, settings, findings);
    for (std::uint32_t row = 0; row < difo.var_len; row++) {
        if (settings.reference_list && findings.count != 0)
            return;
        table.check(row);
    }
    if (settings.reference_list && findings.count != 0)
        return;
    table.check_text();
}

} // namespace difjit::verifier::core
