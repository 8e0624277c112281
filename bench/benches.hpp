// SPDX-License-Identifier: BSD-2-Clause
// Each file of benchmarks registers its own; the order here is the order of the report.
#ifndef DIFJIT_BENCH_BENCHES_HPP
#define DIFJIT_BENCH_BENCHES_HPP

#include <array>

namespace difjit::bench {

/// The programs whose cost is watched: one each of the costs that count (docs/architecture.md).
inline constexpr std::array programs = {
    "cost-empty",
    "cost-predicate",
    "cost-count",
    "cost-count-pid",
    "cost-count-execname",
    "cost-count-pid-execname",
    "cost-string-key",
    "cost-quantize",
    "cost-lquantize",
    "cost-timing",
    "cost-record32",
    "cost-printf",
    "cost-hex",
    "cost-count-stack",
    "cost-count-ustack",
    "hash-mix",
    "hexval",
    "long-predicate",
    "pred-compare",
    "alu-mix",
    "globals",
    "clause-locals",
    "monitor-writes",
};

void register_difo();    ///< difo/NAME/{interp,jit}
void register_probe();   ///< probe/NAME/{interp,jit}
void register_compile(); ///< compile/NAME, verify/NAME

} // namespace difjit::bench

#endif
