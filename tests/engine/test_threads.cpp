// SPDX-License-Identifier: BSD-2-Clause
// Firing threads, one CPU slot each, against a consumer that reads and cleans at the same time:
// every firing is in some snapshot or counted as a drop, and ThreadSanitizer has nothing to say.

#include "fixture.hpp"

#include <atomic>
#include <thread>

namespace difjit::test {
namespace {

class Threads : public BothEngines {
  protected:
    static constexpr std::uint32_t ncpus = 3;
    static constexpr std::uint64_t firings = 20000;

    /// Fires `probe` on every slot from its own thread while `consume` runs again and again.
    template <class Consume>
    void run(Bench& b, engine::Probe* probe, Consume consume) {
        std::atomic<std::uint32_t> running{ncpus};
        std::vector<std::thread> threads;
        for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu)
            threads.emplace_back([&, cpu] {
                host::Firing firing;
                firing.tid = 1000 + cpu;
                std::uint64_t predcache = 0;
                for (std::uint64_t i = 1; i <= firings; ++i) {
                    const std::uint64_t args[] = {i, i % 5};
                    b.session->fire(*probe, {args, 2, cpu, &firing, &predcache});
                }
                --running;
            });
        while (running != 0)
            consume();
        for (std::thread& t : threads)
            t.join();
        consume();
        consume();
    }
};
DIFJIT_BOTH_ENGINES(Threads);

TEST_P(Threads, RecordsAreReadOrCounted) {
    Bench b(options(ncpus));
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(0));
    b.set("bufsize", "16k");
    b.enable(program);
    b.go();
    std::uint64_t seen[ncpus] = {}, drops[ncpus] = {}, last[ncpus] = {};
    run(b, p, [&] {
        for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu) {
            const auto s = b.session->snapshot(cpu);
            drops[cpu] += s.drops;
            for (const Record& r : records(*b.session, s)) {
                ASSERT_GT(r.value(16), last[cpu]) << "in order";
                last[cpu] = r.value(16);
                ++seen[cpu];
            }
        }
        (void)b.session->status();
    });
    for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu) {
        EXPECT_EQ(seen[cpu] + drops[cpu], firings);
        EXPECT_GT(seen[cpu], 0u);
    }
}

TEST_P(Threads, AggregationsAreExact) {
    Bench b(options(ncpus));
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::SUM, 1, {argument(1)}, constant(1));
    b.enable(program);
    b.go();
    std::uint64_t sum = 0, drops = 0;
    run(b, p, [&] {
        for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu) {
            const auto s = b.session->snapshot_aggregations(cpu);
            drops += s.drops;
            const AggregationInfo& info = *b.session->aggregation(1);
            for (std::size_t at = 0; at < s.data.size(); at += info.size)
                sum += word64(s.data.data() + at + info.records.back().offset);
            drops += b.session->snapshot(cpu).drops;
        }
    });
    EXPECT_EQ(sum + drops, firings * ncpus);
}

TEST_P(Threads, SpeculationsAndVariablesUnderTheCleaner) {
    Bench b(options(ncpus));
    auto* const p = b.probe("a");
    Program program;
    // self->x = speculation(); speculate(self->x); commit(self->x); self->x = 0.
    const auto self = [](Words before, Words after, std::uint32_t size) {
        Difo d = difo(std::move(before), {}, size);
        d.text.insert(d.text.end(), after.begin(), after.end());
        d.vars.push_back(variable(first_global, DIFJIT_SCOPE_THREAD));
        return d;
    };
    const std::uint32_t load = scalar(Op::LDTS, first_global, 1);
    const std::uint32_t store = scalar(Op::STTS, first_global, 1);
    Clause(program, on("a")).trace(self({call(Subr::SPECULATION, 1), store, ret(1)}, {}, 0));
    Clause(program, on("a"))
        .action(ActionKind::SPECULATE, self({load, ret(1)}, {}, 4))
        .trace(argument(0));
    Clause(program, on("a")).action(ActionKind::COMMIT, self({load, ret(1)}, {}, 4));
    Clause(program, on("a")).trace(self({scalar(Op::STTS, first_global, 0), ret(0)}, {}, 0));
    b.set("nspec", "4");
    b.enable(program);
    b.go();
    std::uint64_t seen = 0, refused = 0;
    run(b, p, [&] {
        b.session->clean();
        for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu) {
            const auto s = b.session->snapshot(cpu);
            seen += records(*b.session, s).size();
            refused += s.drops;
        }
    });
    const Status s = b.session->status();
    EXPECT_GT(seen, 0u);
    const std::uint64_t lost = refused + s.speculation_unavailable + s.speculation_busy +
                               s.dynamic_drops + s.dynamic_dirty_drops + s.dynamic_rinsing_drops +
                               s.speculation_drops;
    EXPECT_LE(seen, firings * ncpus);
    EXPECT_GE(seen + lost, firings * ncpus) << "nothing is lost silently";
}

TEST_P(Threads, StoppingIsSafeWhileProbesFire) {
    Bench b(options(ncpus));
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(0));
    Clause(program, pseudo("END")).trace(constant(1));
    b.set("bufpolicy", "ring");
    b.set("bufsize", "4k");
    b.enable(program);
    b.go();
    int calls = 0;
    run(b, p, [&] {
        if (++calls == 1)
            b.session->stop();
    });
    for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu) {
        std::uint64_t last = 0;
        auto r = b.read(cpu);
        if (cpu == 0) {
            ASSERT_FALSE(r.empty());
            EXPECT_EQ(r.back().value(16), 1u);
            EXPECT_EQ(b.session->ecb(r.back().epid)->probe.name, "END");
            r.pop_back();
        }
        for (const Record& record : r) {
            EXPECT_EQ(record.value(16), last == 0 ? record.value(16) : last + 1);
            last = record.value(16);
        }
    }
}

TEST_P(Threads, OneThreadCallsExit) {
    Bench b(options(ncpus));
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).action(ActionKind::EXIT, argument(1, 4));
    b.enable(program);
    b.go();
    std::uint64_t seen = 0;
    run(b, p, [&] {
        for (std::uint32_t cpu = 0; cpu < ncpus; ++cpu)
            seen += b.read(cpu).size();
    });
    EXPECT_EQ(seen, 1u);
    EXPECT_TRUE(b.session->exit_status());
}

} // namespace
} // namespace difjit::test
