// SPDX-License-Identifier: BSD-2-Clause
// difo/NAME/ENGINE: the DIFOs of a program's largest ECB, one after the other, without the engine.
#include <benchmark/benchmark.h>

#include "benches.hpp"
#include "fixture.hpp"

namespace difjit::bench {

namespace {

void run_difos(benchmark::State& state, const std::string& name, Engine engine) {
    DifoFixture fixture(name, engine);
    for (auto _ : state)
        benchmark::DoNotOptimize(fixture.run());
    state.counters["instructions"] = static_cast<double>(fixture.instructions());
}

} // namespace

void register_difo() {
    for (const char* name : programs) {
        if (std::string_view(name) == "cost-empty")
            continue; // it has no DIFO
        for (const auto& [label, engine] :
             {std::pair("interp", Engine::interp), std::pair("jit", Engine::jit)})
            benchmark::RegisterBenchmark((std::string("difo/") + name + "/" + label).c_str(),
                                         [name, engine = engine](benchmark::State& state) {
                                             run_difos(state, name, engine);
                                         });
    }
}

} // namespace difjit::bench
