// SPDX-License-Identifier: BSD-2-Clause
// build/difjit-bench: the costs that count, the empty baseline first, both engines in one run.
//
// Read ratios, not times: the machines are shared. `difo/NAME/interp` over `difo/NAME/jit` is what
// compiling gains; `probe/NAME/*` above `baseline/call` is what a firing costs.
#include <benchmark/benchmark.h>

#include "benches.hpp"

namespace {

void baseline_call(benchmark::State& state) {
    // An opaque call and nothing else: what the loop and a call cost.
    std::uint64_t (*volatile function)() = []() -> std::uint64_t { return 0; };
    for (auto _ : state)
        benchmark::DoNotOptimize(function());
}

} // namespace

int main(int argc, char** argv) {
    benchmark::RegisterBenchmark("baseline/call", baseline_call);
    difjit::bench::register_difo();
    difjit::bench::register_probe();
    difjit::bench::register_compile();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
