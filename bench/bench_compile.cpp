// SPDX-License-Identifier: BSD-2-Clause
// compile/NAME, verify/NAME and analyse/NAME: what it costs to get a DIFO ready, per instruction,
// split by phase.
#include <algorithm>
#include <span>

#include <benchmark/benchmark.h>

#include <difjit/verifier.hpp>

#include "benches.hpp"
#include "fixture.hpp"
#include "verifier/analysis.hpp"

namespace difjit::bench {

namespace {

std::size_t count_instructions(const Program& program) {
    std::size_t n = 0;
    for (const Difo& difo : program.difos)
        n += difo.text.size();
    return n;
}

void per_instruction(benchmark::State& state, const Program& program) {
    const auto n = static_cast<double>(count_instructions(program));
    state.counters["instructions"] = n;
    state.counters["per_instruction"] = benchmark::Counter(
        n, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void verify(benchmark::State& state, const std::string& name) {
    const Program program = read_corpus(name);
    for (auto _ : state)
        benchmark::DoNotOptimize(verifier::verify(program));
    per_instruction(state, program);
}

/// The abstract interpretation alone, in memory that is there.
void analyse(benchmark::State& state, const std::string& name) {
    const Program program = read_corpus(name);
    std::size_t bytes = 0, capacity = 0;
    for (const Difo& difo : program.difos) {
        bytes = std::max(bytes, verifier::analysis_workspace(difo.view()));
        capacity = std::max(capacity, verifier::fact_capacity(difo.view()));
    }
    std::vector<std::uint64_t> workspace(bytes / sizeof(std::uint64_t) + 1);
    std::vector<verifier::Fact> facts(capacity);
    for (auto _ : state)
        for (const Difo& difo : program.difos)
            benchmark::DoNotOptimize(verifier::analyse(
                difo.view(), {}, std::as_writable_bytes(std::span(workspace)), facts));
    per_instruction(state, program);
}

/// DIFO to image: emit and write the tables.
void emit(benchmark::State& state, const std::string& name) {
    const Program program = read_corpus(name);
    for (auto _ : state)
        for (const Difo& difo : program.difos)
            benchmark::DoNotOptimize(jit::compile(difo.view()));
    per_instruction(state, program);
}

/// Image to runnable code: check, copy, relocate, seal, and give it back.
void load(benchmark::State& state, const std::string& name) {
    const Program program = read_corpus(name);
    std::vector<difjit_difo> views;
    std::vector<const difjit_difo*> pointers;
    std::vector<std::vector<std::byte>> images;
    for (const Difo& difo : program.difos)
        views.push_back(difo.view());
    for (const difjit_difo& view : views) {
        pointers.push_back(&view);
        images.push_back(jit::compile(view).value());
    }
    const auto layout = runtime::vstate_measure(pointers, 1, 1 << 20);
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    std::vector<Line> memory(layout.bytes / sizeof(Line) + 1);
    difjit_vstate* vstate = runtime::vstate_init(memory.data(), layout, pointers);
    const auto arena = jit::CodeArena::create();
    for (auto _ : state)
        for (std::size_t i = 0; i < images.size(); i++)
            benchmark::DoNotOptimize(arena->load(images[i], views[i], vstate, "bench"));
    per_instruction(state, program);
}

} // namespace

void register_compile() {
    for (const char* name :
         {"pred-compare", "long-predicate", "hash-mix", "hexval", "monitor-writes"}) {
        const auto add = [name](const char* phase, auto* function) {
            benchmark::RegisterBenchmark(
                (std::string(phase) + "/" + name).c_str(),
                [name, function](benchmark::State& state) { function(state, name); });
        };
        add("verify", verify);
        add("analyse", analyse);
        add("compile/emit", emit);
        add("compile/load", load);
    }
}

} // namespace difjit::bench
