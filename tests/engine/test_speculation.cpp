// SPDX-License-Identifier: BSD-2-Clause
// Speculations: life cycle on one CPU and on several, the cleaner, and each kind of drop.

#include "fixture.hpp"

namespace difjit::test {
namespace {

class Speculations : public BothEngines {
  protected:
    /// new: x = speculation(); a: speculate(x), traces arg0; commit, discard: x; set: x = arg0.
    Program program() {
        Program p;
        Clause(p, on("new")).trace(store_global(first_global, {call(Subr::SPECULATION, 1)}, {}));
        Clause(p, on("set"))
            .trace(store_global(first_global, {setx(0, 1), op(Op::LDGA, 0, 1, 1)}, {0}));
        Clause(p, on("a"))
            .action(ActionKind::SPECULATE, load_global(first_global, 4))
            .trace(argument(0));
        Clause(p, on("commit")).action(ActionKind::COMMIT, load_global(first_global, 4));
        Clause(p, on("discard")).action(ActionKind::DISCARD, load_global(first_global, 4));
        return p;
    }
    struct Probes {
        engine::Probe *fresh, *set, *a, *commit, *discard;
    };
    Probes probes(Bench& b) {
        return {b.probe("new"), b.probe("set"), b.probe("a"), b.probe("commit"),
                b.probe("discard")};
    }
    static std::vector<std::uint64_t> values(const std::vector<Record>& records) {
        std::vector<std::uint64_t> out;
        for (const Record& r : records)
            if (r.bytes.size() > 16)
                out.push_back(r.value(16));
        return out;
    }
};
DIFJIT_BOTH_ENGINES(Speculations);

using Values = std::vector<std::uint64_t>;

TEST_P(Speculations, CommittedRecordsComeWithTheTimeOfTheCommit) {
    Bench b(options());
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 1u);
    b.firing.timestamp = 5;
    b.fire(p.a, {11});
    b.fire(p.a, {12});
    EXPECT_TRUE(b.read().empty()) << "nothing is in the principal buffer yet";
    b.fire(p.commit);
    const auto r = b.read();
    EXPECT_EQ(values(r), (Values{11, 12}));
    for (const Record& record : r) {
        EXPECT_NE(record.timestamp, 5u);
        EXPECT_NE(record.timestamp, UINT64_MAX);
    }
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 1u) << "it is free again";
}

TEST_P(Speculations, DiscardedRecordsAreGone) {
    Bench b(options());
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.fresh);
    b.fire(p.a, {11});
    b.fire(p.discard);
    b.fire(p.commit); // of nothing
    EXPECT_EQ(values(b.read()), Values{});
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 1u) << "on one CPU it is free at once";
    b.fire(p.a, {12});
    b.fire(p.commit);
    EXPECT_EQ(values(b.read()), Values{12});
}

TEST_P(Speculations, AreUnavailableWhereAllAreUsed) {
    Bench b(options());
    const Probes p = probes(b);
    b.set("nspec", "2");
    b.enable(program());
    b.go();
    b.fire(p.fresh);
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 2u);
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 0u);
    EXPECT_EQ(b.session->status().speculation_unavailable, 1u);
    EXPECT_EQ(b.session->status().speculation_busy, 0u);
    b.fire(p.a, {11}); // speculate(0): not recorded anywhere
    EXPECT_EQ(values(b.read()), Values{});
}

TEST_P(Speculations, AreBusyUntilTheCleanerHasComeByEveryCpu) {
    Bench b(options(2));
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.fresh, {}, 0);
    b.fire(p.a, {10}, 0);
    b.fire(p.a, {20}, 1);
    b.fire(p.commit, {}, 0); // CPU 1's part waits for the cleaner
    EXPECT_EQ(values(b.read(0)), Values{10});
    EXPECT_EQ(values(b.read(1)), Values{});
    b.fire(p.a, {30}, 1); // no longer active
    b.fire(p.set, {1}, 1);
    b.fire(p.fresh, {}, 1);
    EXPECT_EQ(b.session->status().speculation_busy, 1u);
    b.session->clean();
    EXPECT_EQ(values(b.read(1)), Values{20});
    b.fire(p.fresh, {}, 1);
    EXPECT_EQ(b.global(first_global), 1u);
}

TEST_P(Speculations, ACommitOnAnotherCpuIsDoneByTheCleaner) {
    Bench b(options(2));
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.fresh, {}, 0);
    b.fire(p.a, {10}, 0);
    b.fire(p.commit, {}, 1);
    EXPECT_EQ(values(b.read(0)), Values{});
    b.session->clean();
    EXPECT_EQ(values(b.read(0)), Values{10});
}

TEST_P(Speculations, ADiscardOnAnotherCpuIsDoneByTheCleaner) {
    Bench b(options(2));
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.fresh, {}, 0);
    b.fire(p.a, {10}, 0);
    b.fire(p.discard, {}, 1);
    b.fire(p.fresh, {}, 1);
    EXPECT_EQ(b.session->status().speculation_busy, 1u);
    b.session->clean();
    b.fire(p.fresh, {}, 1);
    EXPECT_EQ(b.global(first_global), 1u);
    b.fire(p.a, {11}, 0);
    b.fire(p.commit, {}, 0);
    EXPECT_EQ(values(b.read(0)), Values{11});
}

TEST_P(Speculations, RecordsThatDoNotFitTheSpeculationAreCountedAtItsCommit) {
    Bench b(options());
    const Probes p = probes(b);
    b.set("specsize", "64");
    b.enable(program());
    b.go();
    b.fire(p.fresh);
    for (std::uint64_t i = 0; i < 5; ++i)
        b.fire(p.a, {i}); // two records of 24 fit
    EXPECT_EQ(b.session->status().speculation_drops, 0u);
    b.fire(p.commit);
    EXPECT_EQ(values(b.read()), (Values{0, 1}));
    EXPECT_EQ(b.session->status().speculation_drops, 3u);
}

TEST_P(Speculations, ACommitThatDoesNotFitThePrincipalBufferIsADrop) {
    Bench b(options());
    const Probes p = probes(b);
    b.set("bufsize", "64");
    b.enable(program());
    b.go();
    b.fire(p.fresh);
    for (std::uint64_t i = 0; i < 5; ++i)
        b.fire(p.a, {i});
    b.fire(p.commit);
    const auto s = b.session->snapshot(0);
    EXPECT_GE(s.drops, 1u);
    EXPECT_EQ(values(records(*b.session, s)), Values{});
    b.fire(p.fresh);
    EXPECT_EQ(b.global(first_global), 1u) << "the speculation is free all the same";
}

TEST_P(Speculations, ANumberThatNoSpeculationHasIsIllegal) {
    Bench b(options());
    const Probes p = probes(b);
    b.enable(program());
    b.go();
    b.fire(p.set, {9});
    b.fire(p.commit);
    b.fire(p.discard);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 2u);
    EXPECT_EQ(r[0].value(40), 3u) << "ILLOP";
    EXPECT_EQ(r[1].value(40), 3u);
    b.fire(p.a, {1}); // also a drop, which ERROR does not report
    EXPECT_TRUE(b.read().empty());
}

TEST_P(Speculations, DataBeforeACommitIsRecordedBeforeIt) {
    Bench b(options());
    const Probes p = probes(b);
    auto* const both = b.probe("both");
    Program more = program();
    Clause(more, on("both"))
        .trace(constant(99))
        .action(ActionKind::COMMIT, load_global(first_global, 4));
    b.enable(more);
    b.go();
    b.fire(p.fresh);
    b.fire(p.a, {11});
    b.fire(both);
    EXPECT_EQ(values(b.read()), (Values{99, 11}));
}

TEST_P(Speculations, SpeculateAloneRecordsItsEpid) {
    Bench b(options());
    const Probes p = probes(b);
    auto* const alone = b.probe("alone");
    Program more = program();
    Clause(more, on("alone")).action(ActionKind::SPECULATE, load_global(first_global, 4));
    b.enable(more);
    b.go();
    b.fire(p.fresh);
    b.fire(alone);
    b.fire(p.commit);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].bytes.size(), 12u);
}

} // namespace
} // namespace difjit::test
