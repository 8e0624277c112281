// SPDX-License-Identifier: BSD-2-Clause
// probe/NAME/ENGINE: one firing of the probe that a program's first ECB stands on, with predicate,
// record header, record stores and aggregation; buffers are switched when they are half full.
#include <benchmark/benchmark.h>

#include <memory>

#include "benches.hpp"
#include "engine/engine.hpp"
#include "fixture.hpp"

namespace difjit::bench {

namespace {

constexpr std::uint64_t firings_per_switch = 4096;

std::string part_or(const std::string& part, const char* otherwise) {
    return part.empty() || part.find_first_of("*?[") != std::string::npos ? otherwise : part;
}

void fail(benchmark::State& state, const Error& error) {
    state.SkipWithError(error.message.c_str());
}

void fire_probe(benchmark::State& state, const std::string& name, Engine engine) {
    SessionOptions options;
    options.engine = engine;
    options.predicate_cache = false; // the DIF is what is measured
    auto session = Session::create(options);
    if (!session)
        return fail(state, session.error());
    Session& s = **session;

    Program program = read_corpus(name);
    // The first ECB on a probe that can fire by itself, not dtrace:::BEGIN.
    ProbeDescription description;
    for (const EcbDescription& ecb : program.ecbs) {
        description = ecb.probe;
        if (description.name != "BEGIN" && description.name != "END")
            break;
    }
    engine::Probe* probe =
        s.create_probe({0, part_or(description.provider, "bench"), part_or(description.module, "m"),
                        part_or(description.function, "f"), part_or(description.name, "entry")});
    for (const auto& [option, value] : {std::pair("bufsize", "4m"), std::pair("aggsize", "4m")})
        if (auto set = s.set_option(option, value); !set)
            return fail(state, set.error());
    if (auto enabled = s.enable(std::move(program)); !enabled)
        return fail(state, enabled.error());
    if (auto gone = s.go(); !gone)
        return fail(state, gone.error());

    host::Firing firing = plausible_firing();
    std::uint64_t predcache = 0;
    const engine::Event event{plausible_args(), DIFJIT_NARGS, 0, &firing, &predcache};
    std::uint64_t until_switch = firings_per_switch;
    for (auto _ : state) {
        s.fire(*probe, event);
        if (--until_switch == 0) {
            state.PauseTiming();
            (void)s.snapshot(0);
            (void)s.snapshot_aggregations(0);
            s.alive();
            until_switch = firings_per_switch;
            state.ResumeTiming();
        }
    }
    state.counters["drops"] = static_cast<double>(s.snapshot(0).drops);
    s.stop();
}

} // namespace

void register_probe() {
    for (const char* name : programs)
        for (const auto& [label, engine] :
             {std::pair("interp", Engine::interp), std::pair("jit", Engine::jit)})
            benchmark::RegisterBenchmark((std::string("probe/") + name + "/" + label).c_str(),
                                         [name, engine = engine](benchmark::State& state) {
                                             fire_probe(state, name, engine);
                                         });
}

} // namespace difjit::bench
