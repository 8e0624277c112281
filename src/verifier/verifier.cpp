// SPDX-License-Identifier: BSD-2-Clause
// The verifier for users: owns the core's storage, turns findings into text, and judges programs
// across their DIFOs in the order in which a kernel would load them.
//
// Tested in tests/verifier/.
#include <algorithm>
#include <difjit/verifier.hpp>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>

#include "verifier/core.hpp"

namespace difjit::verifier {

namespace {

/// dtrace_vstate_t's declarations: of a global or clause-local the first counts, of a thread-local
/// the last (dtrace_difo_init).
class Declarations {
  public:
    void add(const Difo& difo) {
        for (const difjit_var& var : difo.vars) {
            if (var.id < DIFJIT_USER_VARIABLE_BASE)
                continue;
            if (var.scope == DIFJIT_SCOPE_THREAD)
                known_.insert_or_assign(Key{var.scope, var.id}, var);
            else
                known_.try_emplace(Key{var.scope, var.id}, var);
        }
    }
    core::KnownVariables view() { return {&find, this}; }

  private:
    using Key = std::pair<std::uint8_t, std::uint32_t>;
    static const difjit_var* find(void* context, std::uint8_t scope, std::uint32_t id) {
        const auto& known = static_cast<Declarations*>(context)->known_;
        const auto it = known.find(Key{scope, id});
        return it == known.end() ? nullptr : &it->second;
    }
    std::map<Key, difjit_var> known_;
};

/// The reference's message, with %u or %d filled in.
std::string render(const core::Finding& finding) {
    const std::string_view text = rule_row(finding.rule).message;
    std::string out(text);
    if (const auto at = text.find("%u"); at != text.npos)
        out.replace(at, 2, std::to_string(finding.value));
    else if (const auto at_signed = text.find("%d"); at_signed != text.npos)
        out.replace(at_signed, 2, std::to_string(static_cast<std::int32_t>(finding.value)));
    return out;
}

/// The one pass that needs the analysis. It finds at most one in each instruction.
std::vector<core::Finding> find_bounds(const difjit_difo& difo, std::uint32_t args_bound) {
    std::vector<core::Finding> storage(difo.text_len);
    std::vector<std::uint64_t> workspace((core::bounds_workspace(difo) + 7) / 8);
    core::Findings findings{storage.data(), difo.text_len, 0};
    core::check_bounds(difo, args_bound, workspace.data(), workspace.size() * 8, findings);
    storage.resize(findings.count);
    return storage;
}

std::vector<core::Finding> find_all(const difjit_difo& difo, const core::Settings& settings) {
    std::vector<core::Finding> storage(64);
    // Not cleared: the passes clear what they use.
    const std::size_t words = (core::workspace_size(difo) + 7) / 8;
    const auto workspace = std::make_unique_for_overwrite<std::uint64_t[]>(words);
    core::Findings findings;
    do {
        storage.resize(std::max<std::size_t>(storage.size(), findings.count));
        findings = {storage.data(), static_cast<std::uint32_t>(storage.size()), 0};
        core::verify(difo, settings, workspace.get(), words * 8, findings);
    } while (findings.count > storage.size());
    storage.resize(findings.count);
    return storage;
}

std::vector<Violation> verify_after(const Difo& difo, const Options& options,
                                    core::KnownVariables known) {
    const core::Settings settings{options.helper, options.reference_rules, options.reference_list,
                                  options.max_statics, known};
    std::vector<core::Finding> findings = find_all(difo.view(), settings);
    const bool ours = !options.reference_rules && !options.reference_list;
    if (ours && options.args_bound != 0 && findings.empty())
        findings = find_bounds(difo.view(), options.args_bound);
    std::vector<std::size_t> order(findings.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // The reference's list keeps its order; ours goes by place, the text before the variables.
    if (!options.reference_list)
        std::ranges::sort(order, {}, [&](std::size_t i) {
            return std::tuple{rule_row(findings[i].rule).place, findings[i].pc, i};
        });
    std::vector<Violation> violations;
    violations.reserve(findings.size());
    for (const std::size_t i : order) {
        const core::Finding& f = findings[i];
        const RuleRow& row = rule_row(f.rule);
        violations.push_back({f.pc, row.identifier, render(f), row.place == Place::VARS});
    }
    return violations;
}

/// Verifies each DIFO once, in the order in which a kernel would come upon it.
class ProgramVerifier {
  public:
    ProgramVerifier(const Program& program, const Options& options)
        : program_(program), options_(options), seen_(program.difos.size()) {}

    std::vector<ProgramViolation> run() {
        for (std::size_t e = 0; e < program_.ecbs.size(); e++) {
            const auto ecb = static_cast<std::int32_t>(e);
            visit(ecb, program_.ecbs[e].predicate);
            for (const ActionDescription& action : program_.ecbs[e].actions)
                visit(ecb, action.difo);
        }
        for (std::size_t d = 0; d < program_.difos.size(); d++)
            visit(-1, static_cast<std::int32_t>(d));
        return std::move(violations_);
    }

  private:
    void visit(std::int32_t ecb, std::int32_t index) {
        if (index < 0 || static_cast<std::size_t>(index) >= seen_.size() ||
            seen_[static_cast<std::size_t>(index)])
            return;
        seen_[static_cast<std::size_t>(index)] = true;
        const Difo& difo = program_.difos[static_cast<std::size_t>(index)];
        for (Violation& v : verify_after(difo, options_, declarations_.view()))
            violations_.push_back({ecb, index, std::move(v)});
        declarations_.add(difo);
    }

    const Program& program_;
    const Options& options_;
    std::vector<bool> seen_;
    Declarations declarations_;
    std::vector<ProgramViolation> violations_;
};

} // namespace

std::vector<Violation> verify(const Difo& difo, const Options& options) {
    return verify_after(difo, options, {});
}

std::vector<ProgramViolation> verify(const Program& program, const Options& options) {
    return ProgramVerifier(program, options).run();
}

void restrict_loads(Difo& difo) {
    for (std::uint32_t& word : difo.text)
        word = core::restricted(word);
}

bool is_destructive(const Difo& difo) {
    return core::is_destructive(difo.view());
}

} // namespace difjit::verifier
