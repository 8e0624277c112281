// SPDX-License-Identifier: BSD-2-Clause
// Firings: what is recorded, when nothing is, faults, exit and activities, the predicate cache.

#include "fixture.hpp"

#include <thread>

namespace difjit::test {
namespace {

class Fire : public BothEngines {};
DIFJIT_BOTH_ENGINES(Fire);

TEST_P(Fire, ARecordIsItsHeaderAndItsData) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(0)).trace(argument(1, 1)).trace(argument(2, 4));
    b.enable(program);
    b.go();
    b.firing.timestamp = 0x123456789abcdef0;
    b.fire(p, {0x1122334455667788, 0x1ff, 0xffffffff00000007});
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].epid, 1u);
    EXPECT_EQ(r[0].timestamp, 0x123456789abcdef0u);
    ASSERT_EQ(r[0].bytes.size(), 32u); // 12, 4 of padding, 8, 1, 3 of padding, 4
    EXPECT_EQ(r[0].value(16), 0x1122334455667788u);
    EXPECT_EQ(std::to_integer<int>(r[0].bytes[24]), 0xff);
    EXPECT_EQ(r[0].word(28), 7u);
    EXPECT_TRUE(b.read().empty()) << "read records are gone";
}

TEST_P(Fire, ArgumentsThatTheProviderDoesNotHaveAreZero) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(3));
    b.enable(program);
    b.go();
    b.fire(p, {1, 2, 3, 4});
    b.fire(p, {1});
    b.fire(p, {1, 2, 3, 5, 6, 7, 8, 9, 10, 11});
    const auto r = b.read();
    ASSERT_EQ(r.size(), 3u);
    EXPECT_EQ(r[0].value(16), 4u);
    EXPECT_EQ(r[1].value(16), 0u);
    EXPECT_EQ(r[2].value(16), 5u);
}

TEST_P(Fire, EcbsRunInOrderAndAFalsePredicateLeavesNothing) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(constant(1));
    Clause(program, on("a")).predicate(argument_is(0, 7)).trace(constant(2));
    Clause(program, {"", "", "", "a", 0}).trace(constant(3));
    Clause(program, on("b")).trace(constant(4));
    b.enable(program);
    b.go();
    b.fire(p, {7});
    b.fire(p, {8});
    std::vector<std::uint64_t> values;
    for (const auto& r : b.read())
        values.push_back(r.value(16));
    EXPECT_EQ(values, (std::vector<std::uint64_t>{1, 2, 3, 1, 3}));
}

TEST_P(Fire, WithoutActionsTheEpidAloneIsRecorded) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a"));
    Clause(program, on("a")).trace(count_up(first_global)); // records nothing at all
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].bytes.size(), 12u);
    EXPECT_EQ(b.session->ecb(2)->size, 0u);
    EXPECT_EQ(b.global(first_global), 1u);
}

TEST_P(Fire, StringsAreStoredToTheirNulAndFilledUp) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(text("hello", 16)).trace(builtin(Var::TID));
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    const char expected[16] = "hello";
    EXPECT_EQ(std::memcmp(r[0].bytes.data() + 16, expected, 16), 0);
    EXPECT_EQ(r[0].value(32), 1000u);
}

TEST_P(Fire, StrtoksPlaceIsForgottenBetweenFirings) {
    Bench b(options());
    auto* const p = b.probe("a");
    auto* const q = b.probe("b");
    const auto strtok = [](Words string) {
        Words text{op(Op::FLUSHTS, 0, 0, 0)};
        text.insert(text.end(), string.begin(), string.end());
        text.insert(text.end(), {scalar(Op::SETS, 6, 1), op(Op::PUSHTV, 0, 0, 1),
                                 call(Subr::STRTOK, 1), ret(1)});
        Difo d = difo(std::move(text), {});
        d.strtab = std::string("\0a b \0 \0", 9);
        return d;
    };
    Program program;
    Clause(program, on("a")).trace(strtok({scalar(Op::SETS, 1, 1), op(Op::PUSHTV, 0, 0, 1)}));
    Clause(program, on("a")).trace(strtok({op(Op::PUSHTV, 0, 0, 0)}));
    Clause(program, on("b")).trace(strtok({op(Op::PUSHTV, 0, 0, 0)}));
    b.enable(program);
    b.go();
    b.fire(p);
    b.fire(q);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 3u);
    EXPECT_NE(r[0].value(16), 0u);
    EXPECT_NE(r[1].value(16), 0u) << "the clauses of one firing share it";
    EXPECT_EQ(r[2].value(16), 0u);
    EXPECT_EQ(b.session->status().errors, 0u);
}

TEST_P(Fire, TracememTakesTheSizeThatTheProgramGives) {
    Bench b(options());
    auto* const p = b.probe("a");
    static const std::uint8_t memory[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    Difo bytes = argument(0);
    bytes.rtype.ckind = 4;
    bytes.rtype.flags = DIFJIT_TF_BYREF;
    bytes.rtype.size = 16;
    Program program;
    Clause(program, on("a"))
        .action(ActionKind::TRACEMEM_DYNSIZE, argument(1))
        .action(ActionKind::TRACEMEM, bytes);
    b.enable(program);
    b.go();
    const auto address = reinterpret_cast<std::uint64_t>(memory);

    struct Watch : engine::Observer {
        void action(const engine::Ecb&, std::uint32_t i, std::uint64_t, const std::uint8_t* data,
                    std::uint32_t size, difjit_frame&) override {
            if (i == 1)
                seen.assign(data, data + size);
        }
        std::vector<std::uint8_t> seen;
    } watch;
    const auto stored = [&](std::uint64_t size) {
        watch.seen = {99};
        b.session->fire(*p, b.event({address, size}), watch);
        return watch.seen;
    };
    EXPECT_EQ(stored(3), (std::vector<std::uint8_t>{1, 2, 3}));
    EXPECT_EQ(stored(16).size(), 16u);
    EXPECT_EQ(stored(1000).size(), 16u);
    EXPECT_EQ(stored(0).size(), 16u) << "0 is no size";
    EXPECT_EQ(stored(~std::uint64_t{0}).size(), 0u) << "the sum wraps: nothing";
    const auto r = b.read();
    ASSERT_EQ(r.size(), 5u);
    EXPECT_EQ(r[0].bytes.size(), 40u); // header, the size at 16, 16 bytes at 24
    EXPECT_EQ(r[0].value(16), 3u);
}

TEST_P(Fire, SymbolsAndStacks) {
    Bench b(options());
    auto* const p = b.probe("a");
    const std::uint64_t kernel[] = {0x10, 0x20}, user[] = {100, 0x30, 0x40};
    Program program;
    Clause(program, on("a"))
        .action(ActionKind::SYM, argument(0))
        .action(ActionKind::USYM, argument(1))
        .action(ActionKind::STACK, 3)
        .action(ActionKind::USTACK, std::uint64_t{16} << 32 | 2);
    b.enable(program);
    b.go();
    b.firing.stack = kernel;
    b.firing.ustack = user;
    b.fire(p, {0x1000, 0x2000});
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    ASSERT_EQ(r[0].bytes.size(), 16u + 8 + 16 + 24 + 24 + 16);
    EXPECT_EQ(r[0].value(16), 0x1000u);
    EXPECT_EQ(r[0].value(24), 100u);
    EXPECT_EQ(r[0].value(32), 0x2000u);
    EXPECT_EQ(r[0].value(40), 0x10u);
    EXPECT_EQ(r[0].value(48), 0x20u);
    EXPECT_EQ(r[0].value(56), 0u);
    EXPECT_EQ(r[0].value(64), 100u);
    EXPECT_EQ(r[0].value(96), 0u) << "the place for names is empty";
}

// -- privileges -----------------------------------------------------------------------------------

TEST_P(Fire, PrivilegesOfActions) {
    SessionOptions o = options();
    o.access = 0;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).action(ActionKind::STACK, 2);
    Clause(program, on("a")).action(ActionKind::USTACK, 2);
    Clause(program, on("a")).action(ActionKind::SYM, constant(1));
    Clause(program, on("a")).action(ActionKind::USYM, constant(1));
    Clause(program, on("a")).action(ActionKind::STOP);
    Clause(program, on("a")).action(ActionKind::RAISE, constant(9));
    Clause(program, on("a")).action(ActionKind::PANIC);
    Clause(program, on("a")).action(ActionKind::CHILL, constant(9));
    b.set("destructive", "");
    b.enable(program);
    b.go();
    struct Watch : engine::Observer {
        void end(const engine::Ecb& e, difjit_frame& f) override {
            if (e.probe->kind == engine::Probe::Kind::ordinary)
                flags.push_back(f.flags);
        }
        std::vector<std::uint32_t> flags;
    } watch;
    b.session->fire(*p, b.event({}), watch);
    const std::uint32_t k = DIFJIT_FAULT_KPRIV, u = DIFJIT_FAULT_UPRIV;
    EXPECT_EQ(watch.flags, (std::vector<std::uint32_t>{k, u, k, u, u, u, k, k}));
    const auto r = b.read();
    ASSERT_EQ(r.size(), 8u) << "each fault is reported by the error program";
    for (std::size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(r[i].value(16), i + 1);
        EXPECT_EQ(r[i].value(40), watch.flags[i] == k ? 6u : 7u);
    }
}

// -- destructive actions --------------------------------------------------------------------------

struct Acts {
    static inline std::vector<std::pair<std::uint32_t, std::uint64_t>> seen;
    static inline std::uint64_t clock = 1;
    static difjit_host host() {
        seen.clear();
        clock = 1;
        difjit_host h = host::process_host();
        h.act = [](difjit_frame*, std::uint32_t action, std::uint64_t value) {
            seen.emplace_back(action, value);
        };
        h.now = [](difjit_frame*) { return clock; };
        return h;
    }
};

TEST_P(Fire, DestructiveActionsGoToTheHostIfTheOptionIsSet) {
    const difjit_host host = Acts::host();
    Acts::clock = 5'000'000'000;
    SessionOptions o = options();
    o.host = &host;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).action(ActionKind::STOP).action(ActionKind::RAISE, argument(0));
    Clause(program, on("a")).action(ActionKind::CHILL, argument(1));
    b.enable(program);
    const auto refused = b.session->go(false);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("destructive"), std::string::npos);
    b.set("destructive", "yes");
    b.go();
    b.fire(p, {9, 300'000'000});
    b.fire(p, {32, 300'000'000}); // no such signal; more than half of a second
    const auto kind = [](ActionKind k) { return static_cast<std::uint32_t>(k); };
    EXPECT_EQ(Acts::seen, (std::vector<std::pair<std::uint32_t, std::uint64_t>>{
                              {kind(ActionKind::STOP), 0},
                              {kind(ActionKind::RAISE), 9},
                              {kind(ActionKind::CHILL), 300'000'000},
                              {kind(ActionKind::STOP), 0}}));
    EXPECT_EQ(b.session->status().errors, 2u);
    Acts::clock += 1'500'000'000; // a new interval
    b.fire(p, {1, 300'000'000});
    EXPECT_EQ(Acts::seen.back().first, kind(ActionKind::CHILL));
}

TEST_P(Fire, CopyoutInADifexprIsDestructiveInAPredicateItIsNot) {
    const Difo copyout =
        difo({op(Op::FLUSHTS, 0, 0, 0), setx(0, 1), op(Op::PUSHTV, 0, 0, 1),
              op(Op::PUSHTV, 0, 0, 1), op(Op::PUSHTV, 0, 0, 1), call(Subr::COPYOUT, 1), ret(0)},
             {0}, 0);
    Difo as_predicate = copyout;
    as_predicate.rtype.size = 8;
    {
        Bench b(options());
        Program program;
        Clause(program, on("a")).trace(copyout);
        b.enable(program);
        EXPECT_FALSE(b.session->go(false));
    }
    Bench b(options());
    Program program;
    Clause(program, on("a")).predicate(as_predicate);
    b.enable(program);
    EXPECT_TRUE(b.session->go(false));
}

// -- faults ---------------------------------------------------------------------------------------

TEST_P(Fire, AFaultFiresErrorWithWhereAndWhy) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(constant(1)).trace(bad_load()).trace(constant(2));
    Clause(program, on("a")).predicate(bad_load()).trace(constant(3));
    Clause(program, pseudo("ERROR")).trace(argument(4));
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 4u) << "the user's ECB on ERROR and the session's own, twice";
    const EcbInfo* const own = b.session->ecb(r[1].epid);
    EXPECT_EQ(own->uarg, 1u);
    EXPECT_EQ(own->records.size(), 5u);
    const auto values = [&](const Record& record) {
        std::vector<std::uint64_t> out;
        for (const RecordInfo& info : own->records)
            out.push_back(record.value(info.offset));
        return out;
    };
    EXPECT_EQ(r[0].value(16), 1u); // BADADDR
    EXPECT_EQ(values(r[1]), (std::vector<std::uint64_t>{1, 2, 4, 1, 16}));
    EXPECT_EQ(values(r[3]), (std::vector<std::uint64_t>{2, 0, 4, 1, 16}));
    EXPECT_EQ(b.session->status().errors, 2u);
}

TEST_P(Fire, AFaultWhileTheRecordIsStoredHasNoInstruction) {
    Bench b(options());
    auto* const p = b.probe("a");
    Difo bytes = argument(0);
    bytes.rtype.ckind = 4;
    bytes.rtype.flags = DIFJIT_TF_BYREF;
    bytes.rtype.size = 16;
    Program program;
    Clause(program, on("a")).trace(bytes);
    b.enable(program);
    b.go();
    b.fire(p, {16});
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].value(16), 1u);
    EXPECT_EQ(r[0].value(24), 1u);
    EXPECT_EQ(r[0].value(32), ~std::uint64_t{0});
    EXPECT_EQ(r[0].value(40), 1u);
    EXPECT_EQ(r[0].value(48), 31u) << "the last byte that is not there (decision 14)";
}

TEST_P(Fire, AFaultInErrorsOwnEcbIsCountedNotFired) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(bad_load());
    Clause(program, pseudo("ERROR")).trace(bad_load());
    b.enable(program);
    b.go();
    b.fire(p);
    EXPECT_EQ(b.read().size(), 1u);
    EXPECT_EQ(b.session->status().double_errors, 1u);
    EXPECT_EQ(b.session->status().errors, 2u);
}

TEST_P(Fire, ErrorIsNotFiredWhereTheReplayDoesIt) {
    SessionOptions o = options();
    o.fire_error = false;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(bad_load());
    Clause(program, pseudo("ERROR")).trace(constant(1));
    b.enable(program);
    b.go();
    b.fire(p);
    EXPECT_TRUE(b.read().empty());
    b.session->fire(b.session->error_probe(), b.event({0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(b.read().size(), 1u);
}

TEST_P(Fire, AggregatingUnderTwoFunctionsIsIllegal) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {});
    Clause(program, on("a")).aggregate(ActionKind::SUM, 1, {}, constant(5));
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].value(40), 3u) << "ILLOP";
}

// -- exit and activities --------------------------------------------------------------------------

TEST_P(Fire, ExitStopsTheSessionAtOnceAndEndStillFires) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).action(ActionKind::EXIT, argument(0, 4));
    Clause(program, on("a")).trace(constant(2));
    Clause(program, pseudo("END")).trace(constant(3));
    b.enable(program);
    b.go();
    EXPECT_FALSE(b.session->exit_status());
    b.fire(p, {42});
    b.fire(p, {43});
    EXPECT_EQ(b.session->exit_status(), 42);
    EXPECT_TRUE(b.session->status().exiting);
    b.session->stop();
    const auto r = b.read();
    ASSERT_EQ(r.size(), 2u);
    EXPECT_EQ(r[0].word(12), 42u);
    EXPECT_EQ(r[1].value(16), 3u);
    b.fire(p, {44});
    b.session->stop();
    EXPECT_TRUE(b.read().empty());
}

TEST_P(Fire, ExitInBeginSkipsTheRestOfBegin) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, pseudo("BEGIN")).trace(constant(1)).action(ActionKind::EXIT, constant(7, 4));
    Clause(program, pseudo("BEGIN")).trace(constant(2));
    Clause(program, on("a")).trace(constant(3));
    Clause(program, pseudo("END")).action(ActionKind::EXIT, constant(8, 4));
    b.enable(program);
    b.go(true);
    b.fire(p);
    EXPECT_EQ(b.session->exit_status(), 7);
    b.session->stop();
    EXPECT_EQ(b.session->exit_status(), 8) << "END may change the status";
    EXPECT_EQ(b.read().size(), 2u);
}

TEST_P(Fire, NothingFiresBeforeGoAndAfterStop) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(constant(1));
    b.enable(program);
    b.fire(p);
    b.go();
    b.fire(p);
    b.session->stop();
    b.fire(p);
    EXPECT_EQ(b.read().size(), 1u);
}

TEST_P(Fire, ADeadConsumerIsKilled) {
    const difjit_host host = Acts::host();
    SessionOptions o = options();
    o.host = &host;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(count_up(first_global));
    b.enable(program);
    b.go();
    const auto fire_many = [&] {
        for (int i = 0; i < 200; ++i)
            b.fire(p);
    };
    for (int s = 0; s < 40; ++s) { // the cleaner keeps it alive for half a minute
        Acts::clock += 1'000'000'000;
        b.session->clean();
        fire_many();
        if (b.session->status().killed) {
            EXPECT_GE(s, 29);
            break;
        }
    }
    EXPECT_TRUE(b.session->status().killed);
    const std::uint64_t count = b.global(first_global);
    fire_many();
    EXPECT_EQ(b.global(first_global), count);
}

TEST_P(Fire, ALivingConsumerIsNotKilled) {
    const difjit_host host = Acts::host();
    SessionOptions o = options();
    o.host = &host;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(constant(1));
    b.enable(program);
    b.go();
    for (int s = 0; s < 100; ++s) {
        Acts::clock += 9'000'000'000;
        for (int i = 0; i < 100; ++i)
            b.fire(p);
        (void)b.session->snapshot(0);
    }
    EXPECT_FALSE(b.session->status().killed);
}

// -- the predicate cache --------------------------------------------------------------------------

/// tid == value
Difo tid_is(std::uint64_t value) {
    Difo d = argument_is(0, value);
    d.text[0] = scalar(Op::LDGS, static_cast<std::uint32_t>(Var::TID), 1);
    d.text[1] = op(Op::NOP, 0, 0, 0);
    return d;
}

/// self->x
Difo self_x() {
    Difo d = difo({scalar(Op::LDTS, first_global, 1), ret(1)}, {});
    d.vars.push_back(variable(first_global, DIFJIT_SCOPE_THREAD));
    return d;
}

TEST_P(Fire, AFalseAnswerOfAThreadIsRemembered) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).predicate(tid_is(1000)).trace(constant(1));
    b.enable(program);
    b.go();
    b.firing.tid = 5;
    b.fire(p);
    EXPECT_NE(b.predcache, 0u);
    EXPECT_EQ(b.predcache, p->predcache_id);
    b.firing.tid = 1000; // as if it were the same thread: the predicate does not run
    b.fire(p);
    EXPECT_TRUE(b.read().empty());
    b.predcache = 0; // another thread
    b.fire(p);
    EXPECT_EQ(b.read().size(), 1u);
    EXPECT_EQ(b.predcache, 0u) << "a true answer is not cached";
}

TEST_P(Fire, StoringAThreadLocalForgetsTheAnswer) {
    Bench b(options());
    auto* const p = b.probe("a");
    auto* const q = b.probe("b");
    Program program;
    Clause(program, on("a")).predicate(tid_is(1)).trace(constant(1));
    Difo set = difo({setx(0, 1), scalar(Op::STTS, first_global, 1), ret(1)}, {1}, 0);
    set.vars.push_back(variable(first_global, DIFJIT_SCOPE_THREAD));
    Clause(program, on("b")).trace(set);
    b.enable(program);
    b.go();
    b.fire(p);
    EXPECT_NE(b.predcache, 0u);
    b.fire(q);
    EXPECT_EQ(b.predcache, 0u);
}

TEST_P(Fire, APredicateOfAThreadLocalSeesWhatIsStored) {
    Bench b(options());
    auto* const p = b.probe("a");
    auto* const q = b.probe("b");
    Program program;
    Clause(program, on("a")).predicate(self_x()).trace(constant(1));
    Difo set = difo({setx(0, 1), scalar(Op::STTS, first_global, 1), ret(1)}, {1}, 0);
    set.vars.push_back(variable(first_global, DIFJIT_SCOPE_THREAD));
    Clause(program, on("b")).trace(set);
    b.enable(program);
    b.go();
    b.fire(p);
    b.fire(q);
    b.fire(p);
    EXPECT_EQ(b.read().size(), 1u);
}

TEST_P(Fire, WhatDependsOnMoreThanTheThreadIsNotCached) {
    Bench b(options());
    Program program;
    Clause(program, on("argument")).predicate(argument_is(0, 1));
    Clause(program, on("global")).predicate(load_global(first_global));
    Clause(program, on("call"))
        .predicate(difo({op(Op::FLUSHTS, 0, 0, 0), call(Subr::RAND, 1), ret(1)}, {}));
    Clause(program, on("load")).predicate(bad_load());
    Clause(program, on("two")).predicate(tid_is(1));
    Clause(program, on("two")).trace(constant(1));
    Clause(program, on("yes")).predicate(tid_is(1));
    std::vector<engine::Probe*> probes;
    for (const char* name : {"argument", "global", "call", "load", "two"})
        probes.push_back(b.probe(name));
    auto* const yes = b.probe("yes");
    b.enable(program);
    b.go();
    for (auto* p : probes)
        EXPECT_EQ(p->predcache_id, 0u) << p->name;
    EXPECT_NE(yes->predcache_id, 0u);
}

TEST_P(Fire, TheCacheCanBeSwitchedOff) {
    SessionOptions o = options();
    o.predicate_cache = false;
    Bench b(o);
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).predicate(tid_is(1000)).trace(constant(1));
    b.enable(program);
    b.go();
    b.firing.tid = 5;
    b.fire(p);
    b.firing.tid = 1000;
    b.fire(p);
    EXPECT_EQ(b.read().size(), 1u);
}

// -- drops ----------------------------------------------------------------------------------------

TEST_P(Fire, AFullPrincipalBufferDropsAndCounts) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).predicate(argument(0)).trace(argument(0)); // 24 bytes
    b.set("bufsize", "100");
    b.enable(program);
    b.go();
    for (std::uint64_t i = 0; i < 10; ++i)
        b.fire(p, {i}); // the first is false: no drop, no record
    const auto snapshot = b.session->snapshot(0);
    EXPECT_EQ(b.session->option(static_cast<std::uint32_t>(OptionId::BUFSIZE)), 96u);
    EXPECT_EQ(records(*b.session, snapshot).size(), 4u);
    EXPECT_EQ(snapshot.drops, 5u);
    b.fire(p, {11});
    EXPECT_EQ(b.session->snapshot(0).drops, 0u);
}

TEST_P(Fire, DynamicVariablesThatCannotBeHadAreDrops) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Difo set =
        difo({op(Op::FLUSHTS, 0, 0, 0), setx(0, 1), op(Op::LDGA, 0, 1, 1), op(Op::PUSHTV, 0, 0, 1),
              setx(1, 1), scalar(Op::STGAA, first_global, 1), ret(1)},
             {0, 1}, 0);
    difjit_var v = variable(first_global, DIFJIT_SCOPE_GLOBAL);
    v.kind = DIFJIT_VAR_KIND_ARRAY;
    set.vars.push_back(v);
    Clause(program, on("a")).trace(set).trace(constant(1));
    b.set("dynvarsize", "4k");
    b.enable(program);
    b.go();
    constexpr std::uint64_t n = 500;
    for (std::uint64_t i = 1; i <= n; ++i)
        b.fire(p, {i});
    const Status s = b.session->status();
    EXPECT_GT(s.dynamic_drops, 0u);
    EXPECT_EQ(b.read().size() + s.dynamic_drops + s.dynamic_dirty_drops + s.dynamic_rinsing_drops,
              n)
        << "each firing is recorded or dropped";
}

TEST_P(Fire, AFiringInsideAFiringIsACountedDrop) {
    static Bench* bench;
    static engine::Probe* inner;
    difjit_host host = host::process_host();
    host.stack = [](difjit_frame*, std::uint64_t* pcs, std::uint32_t n) {
        std::memset(pcs, 0, n * 8);
        bench->fire(inner); // what a probe on the host's own functions would do
    };
    SessionOptions o = options();
    o.host = &host;
    Bench b(o);
    bench = &b;
    auto* const p = inner = b.probe("a");
    Program program;
    Clause(program, on("a")).action(ActionKind::STACK, 1);
    b.enable(program);
    b.go();
    b.fire(p);
    const auto snapshot = b.session->snapshot(0);
    EXPECT_EQ(records(*b.session, snapshot).size(), 1u);
    EXPECT_EQ(snapshot.drops, 1u);
}

TEST_P(Fire, ACpuThatTheSessionDoesNotHaveIsACountedDrop) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(constant(1));
    b.enable(program);
    b.go();
    b.fire(p, {}, 77);
    const auto snapshot = b.session->snapshot(0);
    EXPECT_TRUE(snapshot.data.empty());
    EXPECT_EQ(snapshot.drops, 1u);
}

// -- policies -------------------------------------------------------------------------------------

TEST_P(Fire, ARingKeepsTheNewest) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(0));
    b.set("bufpolicy", "ring");
    b.set("bufsize", "128");
    b.enable(program);
    b.go();
    for (std::uint64_t i = 0; i < 1000; ++i)
        b.fire(p, {i});
    EXPECT_TRUE(b.session->snapshot(0).data.empty()) << "a ring is read when it has stopped";
    b.session->stop();
    const auto r = b.read();
    ASSERT_GE(r.size(), 4u);
    for (std::size_t i = 0; i < r.size(); ++i)
        EXPECT_EQ(r[i].value(16), 1000 - r.size() + i);
    EXPECT_TRUE(b.read().empty()) << "once";
}

TEST_P(Fire, AFillBufferKeepsTheOldestAndEnds) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(argument(0));
    Clause(program, pseudo("END")).trace(constant(99));
    b.set("bufpolicy", "fill");
    b.set("bufsize", "128");
    b.enable(program);
    b.go();
    for (std::uint64_t i = 0; i < 1000; ++i)
        b.fire(p, {i});
    EXPECT_EQ(b.session->status().filled, 1u);
    b.session->stop();
    const auto r = b.read();
    ASSERT_EQ(r.size(), 5u);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(r[i].value(16), i);
    EXPECT_EQ(r[4].value(16), 99u);
}

TEST_P(Fire, EndlessBuffersNeverDropWhateverThePolicy) {
    for (const char* policy : {"switch", "fill", "ring"}) {
        SessionOptions o = options();
        o.endless_buffers = true;
        Bench b(o);
        auto* const p = b.probe("a");
        Program program;
        Clause(program, on("a")).trace(text("a string", 200)).trace(count_up(first_global));
        Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {argument(0)});
        b.set("bufpolicy", policy);
        b.set("bufsize", "64");
        b.set("aggsize", "512");
        b.enable(program);
        b.go();
        for (std::uint64_t i = 0; i < 1000; ++i)
            b.fire(p, {i});
        EXPECT_EQ(b.global(first_global), 1000u) << policy;
        EXPECT_EQ(b.session->snapshot(0).drops, 0u) << policy;
        EXPECT_EQ(b.session->snapshot_aggregations(0).drops, 0u) << policy;
    }
}

TEST_P(Fire, OnlyTheCpuOfTheOptionIsTraced) {
    Bench b(options(3));
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(builtin(Var::TID)).trace(count_up(first_global));
    b.set("cpu", "1");
    b.enable(program);
    b.go();
    for (std::uint32_t cpu = 0; cpu < 3; ++cpu)
        b.fire(p, {}, cpu);
    EXPECT_EQ(b.read(0).size(), 0u);
    EXPECT_EQ(b.read(1).size(), 1u);
    EXPECT_EQ(b.session->snapshot(2).drops, 0u);
    EXPECT_EQ(b.global(first_global), 1u);
}

} // namespace
} // namespace difjit::test
