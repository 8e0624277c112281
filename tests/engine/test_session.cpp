// SPDX-License-Identifier: BSD-2-Clause
// Sessions: what enable and go refuse, numbering, several programs, globals, memory.

#include "fixture.hpp"

#include <csetjmp>

#include "engine/mapping.hpp"

namespace difjit::test {
namespace {

class Sessions : public BothEngines {};
DIFJIT_BOTH_ENGINES(Sessions);

std::string error(const Result<void>& r) {
    return r ? "" : r.error().message;
}

TEST_P(Sessions, ABadDifoIsRefusedWithPlaceAndRuleAndChangesNothing) {
    Bench b(options());
    Program bad;
    bad.name = "bad.dof";
    Clause(bad, on("a")).trace(constant(1)).trace(difo({ret(9)}, {}));
    OptionDescription quiet;
    quiet.option = static_cast<std::uint32_t>(OptionId::QUIET);
    quiet.value = 1;
    bad.options.push_back(quiet);
    const std::string message = error(b.session->enable(bad));
    EXPECT_NE(message.find("bad.dof"), std::string::npos) << message;
    EXPECT_NE(message.find("DIFO 1"), std::string::npos) << message;
    EXPECT_EQ(b.session->option(quiet.option), option_unset);
    EXPECT_EQ(b.session->summary().programs, 0u);
    Program good;
    Clause(good, on("a")).trace(constant(1));
    b.enable(good);
    b.go();
}

TEST_P(Sessions, VariablesOfAllProgramsMustAgree) {
    Bench b(options());
    Program one, two;
    Clause(one, on("a")).trace(count_up(first_global));
    Difo other = load_global(first_global);
    other.vars[0].type.size = 4;
    Clause(two, on("a")).trace(other);
    b.enable(one);
    EXPECT_NE(error(b.session->enable(two)), "");
}

TEST_P(Sessions, LinksToNoDifoAreRefused) {
    Bench b(options());
    Program p;
    Clause(p, on("a")).trace(constant(1));
    p.ecbs[0].actions[0].difo = 5;
    EXPECT_NE(error(b.session->enable(p)).find("no DIFO 5"), std::string::npos);
    p.ecbs[0].actions[0].difo = -7;
    EXPECT_NE(error(b.session->enable(p)), "");
    p.ecbs[0].actions[0].difo = 0;
    p.ecbs[0].predicate = 1;
    EXPECT_NE(error(b.session->enable(p)), "");
}

TEST_P(Sessions, OptionsOfAnOptionsDof) {
    Bench b(options());
    Program p;
    OptionDescription o;
    o.option = static_cast<std::uint32_t>(OptionId::BUFSIZE);
    o.value = 8192;
    p.options.push_back(o);
    b.enable(p);
    EXPECT_EQ(b.session->option(o.option), 8192u);
    p.options[0].option = 1000;
    EXPECT_NE(error(b.session->enable(p)), "");
    p.options[0] = o;
    p.options[0].text = "8k";
    EXPECT_NE(error(b.session->enable(p)), "");
}

TEST_P(Sessions, AfterGoOnlyDynamicOptionsChange) {
    Bench b(options());
    b.go();
    EXPECT_EQ(error(b.session->set_option("bufsize", "1m")),
              "Operation illegal when tracing is active");
    EXPECT_EQ(error(b.session->set_option("quiet", "")), "");
    EXPECT_NE(error(b.session->enable(Program{})), "");
    EXPECT_NE(error(b.session->go()), "");
}

TEST_P(Sessions, BuffersThatAreNeededMustBeThere) {
    const auto go = [&](const char* option, const char* value, auto build) {
        Bench b(options());
        Program p;
        build(p);
        b.set(option, value);
        b.enable(p);
        return error(b.session->go(false));
    };
    const auto trace = [](Program& p) { Clause(p, on("a")).trace(constant(1)); };
    EXPECT_NE(go("bufsize", "0", trace).find("bufsize"), std::string::npos);
    EXPECT_NE(go("bufsize", "7", trace).find("bufsize"), std::string::npos);
    EXPECT_NE(go("aggsize", "0",
                 [](Program& p) { Clause(p, on("a")).aggregate(ActionKind::COUNT, 1, {}); })
                  .find("aggsize"),
              std::string::npos);
    EXPECT_NE(
        go("specsize", "0",
           [](Program& p) { Clause(p, on("a")).action(ActionKind::SPECULATE, constant(0, 4)); })
            .find("specsize"),
        std::string::npos);
    EXPECT_NE(go("cpu", "5", trace).find("cpu"), std::string::npos);
    EXPECT_EQ(go("aggsize", "0", trace), "");
}

TEST_P(Sessions, ABufferThatIsTooLargeIsHalvedOrRefused) {
    Program p;
    Clause(p, on("a")).trace(constant(1));
    {
        Bench b(options());
        b.set("bufsize", "1024t");
        b.enable(p);
        b.go();
        EXPECT_LT(b.session->option(static_cast<std::uint32_t>(OptionId::BUFSIZE)),
                  std::uint64_t{1} << 50);
    }
    Bench b(options());
    b.set("bufsize", "1024t");
    b.set("bufresize", "manual");
    b.enable(p);
    EXPECT_NE(error(b.session->go(false)).find("bufsize"), std::string::npos);
    b.set("bufsize", "1m");
    EXPECT_EQ(error(b.session->go(false)), "") << "a refused go() can be tried again";
}

TEST_P(Sessions, EpidsCountEcbsOnProbesInOrder) {
    Bench b(options());
    b.probe("a1");
    Program p;
    Clause(p, on("a*")).trace(constant(1));
    Clause(p, on("a2")).trace(constant(2));
    b.enable(p);
    Program q;
    q.name = "second";
    Clause(q, on("a1")).trace(constant(3, 4));
    b.enable(q);
    b.probe("a2"); // probes may come after programs
    b.go();
    EXPECT_EQ(b.session->ecb(1)->probe.name, "a1");
    EXPECT_EQ(b.session->ecb(2)->probe.name, "a2");
    EXPECT_EQ(b.session->ecb(3)->probe.name, "a2");
    EXPECT_EQ(b.session->ecb(4)->probe.name, "a1");
    EXPECT_EQ(b.session->ecb(4)->records[0].size, 4u);
    EXPECT_EQ(b.session->ecb(5)->uarg, 1u) << "the error program comes last";
    EXPECT_EQ(b.session->ecb(6), nullptr);
    EXPECT_EQ(b.session->ecb(0), nullptr);
    const auto s = b.session->summary();
    EXPECT_EQ(s.programs, 2u);
    EXPECT_EQ(s.ecbs, 3u);
    EXPECT_EQ(s.enablings, 4u);
    EXPECT_EQ(s.difos, 3u);
    EXPECT_EQ(s.instructions, 6u);
    EXPECT_EQ(s.compiled, GetParam() == Engine::jit ? 3u : 0u);
    EXPECT_EQ(s.code_bytes != 0, GetParam() == Engine::jit);
}

TEST_P(Sessions, AProbeMadeWhileTheSessionRunsIsEnabled) {
    Bench b(options());
    Program p;
    Clause(p, on("late")).trace(constant(5));
    b.enable(p);
    b.go();
    auto* const late = b.probe("late");
    b.fire(late);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].value(16), 5u);
    EXPECT_EQ(b.session->ecb(r[0].epid)->probe.name, "late");
}

TEST_P(Sessions, DescriptionEpidsAreThoseOfTheCorpus) {
    SessionOptions o = options();
    o.description_epids = true;
    Bench b(o);
    auto* const p = b.probe("b");
    Program program;
    Clause(program, on("a")).trace(constant(1));
    Clause(program, on("b")).trace(builtin(Var::EPID, 4));
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].epid, 2u);
    EXPECT_EQ(r[0].word(12), 2u);
}

TEST_P(Sessions, AnEmptyDescriptionAndProbeIds) {
    Bench b(options());
    auto* const p = b.probe("a");
    auto* const q = b.probe("b");
    Program program;
    ProbeDescription by_id;
    by_id.id = q->id;
    Clause(program, by_id).trace(constant(1));
    Clause(program, {}).trace(constant(2));
    b.enable(program);
    b.go(true); // an empty description does not mean BEGIN, which has no function
    b.fire(p);
    b.fire(q);
    std::vector<std::uint64_t> values;
    for (const auto& r : b.read())
        values.push_back(r.value(16));
    EXPECT_EQ(values, (std::vector<std::uint64_t>{2, 1, 2}));
}

TEST_P(Sessions, GlobalsOfEachKind) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).trace(count_up(first_global));
    Difo set = difo({scalar(Op::SETS, 1, 1), scalar(Op::STGS, first_global + 2, 1), ret(1)}, {}, 0);
    set.strtab = std::string("\0hello\0", 7);
    difjit_var s = variable(first_global + 2, DIFJIT_SCOPE_GLOBAL, 16);
    s.type.kind = DIFJIT_TYPE_STRING;
    s.type.flags = DIFJIT_TF_BYREF;
    set.vars.push_back(s);
    Clause(program, on("a")).trace(set);
    Difo clear = difo({scalar(Op::STGS, first_global + 3, 0), ret(0)}, {}, 0);
    s.id = first_global + 3;
    clear.vars.push_back(s);
    Clause(program, on("a")).trace(clear);
    Difo array = difo({op(Op::FLUSHTS, 0, 0, 0), setx(0, 1), op(Op::PUSHTV, 0, 0, 1),
                       scalar(Op::LDGAA, first_global + 1, 1), ret(1)},
                      {1});
    difjit_var v = variable(first_global + 1, DIFJIT_SCOPE_GLOBAL);
    v.kind = DIFJIT_VAR_KIND_ARRAY;
    array.vars.push_back(v);
    Clause(program, on("a")).trace(array);
    b.enable(program);
    EXPECT_TRUE(b.session->globals().empty());
    b.go();
    b.fire(p);
    const auto globals = b.session->globals();
    ASSERT_EQ(globals.size(), 3u);
    EXPECT_EQ(globals[0].id, first_global);
    EXPECT_FALSE(globals[0].byref);
    EXPECT_EQ(word64(globals[0].bytes->data()), 1u);
    EXPECT_TRUE(globals[1].byref);
    ASSERT_EQ(globals[1].bytes->size(), 16u);
    EXPECT_STREQ(reinterpret_cast<const char*>(globals[1].bytes->data()), "hello");
    EXPECT_EQ(globals[2].id, first_global + 3);
    EXPECT_FALSE(globals[2].bytes) << "NULL";
}

TEST_P(Sessions, RandIsWhatTheSeedSays) {
    const auto numbers = [&](std::uint64_t seed) {
        SessionOptions o = options();
        o.rand_seed = seed;
        Bench b(o);
        auto* const p = b.probe("a");
        Program program;
        Clause(program, on("a"))
            .trace(difo({op(Op::FLUSHTS, 0, 0, 0), call(Subr::RAND, 1), ret(1)}, {}));
        b.enable(program);
        b.go();
        for (int i = 0; i < 3; ++i)
            b.fire(p);
        std::vector<std::uint64_t> out;
        for (const auto& r : b.read())
            out.push_back(r.value(16));
        return out;
    };
    EXPECT_EQ(numbers(1), numbers(1));
    EXPECT_NE(numbers(1), numbers(2));
    EXPECT_NE(numbers(0), numbers(0));
}

TEST_P(Sessions, ReferenceRulesAcceptMore) {
    // A register that no path has written: the reference accepts it, and it is 0 (decision 1).
    Program program;
    Clause(program, on("a")).trace(difo({ret(3)}, {}));
    {
        Bench strict(options());
        EXPECT_NE(error(strict.session->enable(program)), "");
    }
    SessionOptions o = options();
    o.reference_rules = true;
    Bench b(o);
    auto* const p = b.probe("a");
    b.enable(program);
    b.go();
    b.fire(p);
    const auto r = b.read();
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].value(16), 0u);
}

TEST(Creation, RefusesImpossibleSettings) {
    SessionOptions o;
    o.ncpus = 0;
    EXPECT_FALSE(Session::create(o));
    o.ncpus = 1 << 20;
    EXPECT_FALSE(Session::create(o));
    o.ncpus = 1;
    difjit_host host = host::process_host();
    host.abi = 99;
    o.host = &host;
    EXPECT_FALSE(Session::create(o));
}

TEST(Creation, ThePseudoProbesAreThereFromTheStart) {
    auto session = Session::create({});
    ASSERT_TRUE(session);
    ASSERT_EQ((*session)->probes().size(), 3u);
    EXPECT_EQ((*session)->probes()[0].name, "BEGIN");
    EXPECT_EQ((*session)->create_probe({0, "dtrace", "", "", "END"}), &(*session)->end_probe());
    EXPECT_EQ((*session)->create_probe({0, "p", "", "", "n"})->id, 4u);
}

TEST(GuardedMemory, EndsAtItsGuard) {
    const auto m = engine::Mapping::guarded(8192);
    ASSERT_TRUE(m);
    m.data()[0] = 1;
    m.data()[8191] = 1;
    EXPECT_EQ(reinterpret_cast<std::uint64_t>(m.data() + 8192) % 4096, 0u);
    EXPECT_DEATH(*const_cast<volatile std::uint8_t*>(m.data() + 8192) = 1, "");
    EXPECT_DEATH(*const_cast<volatile std::uint8_t*>(m.data() - 1) = 1, "");
    EXPECT_DEATH(*const_cast<volatile std::uint8_t*>(m.data() + 8192 + 65535) = 1, "");
    const auto odd = engine::Mapping::guarded(100);
    EXPECT_EQ(reinterpret_cast<std::uint64_t>(odd.data()) % 8, 0u);
    EXPECT_EQ(odd.data()[99], 0u);
    EXPECT_FALSE(engine::Mapping::guarded(0));
    EXPECT_FALSE(engine::Mapping::plain(UINT64_MAX));
}

} // namespace
} // namespace difjit::test
