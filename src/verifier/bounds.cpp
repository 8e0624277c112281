// SPDX-License-Identifier: BSD-2-Clause
// An index of args[] that lies outside on every path, compared as the 64 bits that it is.
//
// Needs a host that says how many arguments its probes have at most. Kernels have narrowed such an
// index to an int before they compared it (CVE-2017-13782, CVE-2023-28200; semantics.md decision
// 9). Tested in tests/verifier/cases/bounds.txt.
#include "dif/variables.hpp"
#include "verifier/analysis.hpp"
#include "verifier/passes.hpp"

namespace difjit::verifier::core {

namespace {

class IndexWatcher final : public Watcher {
  public:
    IndexWatcher(const difjit_difo& difo, std::uint32_t bound, Findings& findings)
        : difo_(difo), bound_(bound), findings_(findings) {}

    void before(std::uint32_t pc, const Paths& paths) override {
        const Instruction in{difo_.text[pc]};
        if (in.op() != Op::LDGA ||
            var_from_id(static_cast<Dialect>(difo_.dialect), in.array()) != Var::ARGS)
            return;
        for (std::uint32_t i = 0; i < paths.count; i++) {
            const Value& index = paths.states[i]->at(in.r2());
            if (index.is_pointer() || index.number.umin < bound_)
                return;
        }
        findings_.add(pc, Rule::ARRAY_INDEX, bound_);
    }

  private:
    const difjit_difo& difo_;
    std::uint32_t bound_;
    Findings& findings_;
};

} // namespace

std::size_t bounds_workspace(const difjit_difo& difo) {
    return analysis_workspace(difo);
}

bool check_bounds(const difjit_difo& difo, std::uint32_t args_bound, void* workspace,
                  std::size_t size, Findings& findings) {
    if (workspace == nullptr || size < analysis_workspace(difo))
        return false;
    IndexWatcher watcher(difo, args_bound, findings);
    analyse(difo, {}, {static_cast<std::byte*>(workspace), size}, {}, &watcher);
    return true;
}

} // namespace difjit::verifier::core
