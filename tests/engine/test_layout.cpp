// SPDX-License-Identifier: BSD-2-Clause
// Record layout by the rules of dtrace_ecb_action_add and dtrace_ecb_resize.

#include "fixture.hpp"

#include "engine/enabling.hpp"

namespace difjit::test {
namespace {

using engine::Enabling;
using engine::LayoutOptions;

/// Lays out a program's only ECB.
struct Laid {
    explicit Laid(const Program& program, const LayoutOptions& options = {}) : program_(program) {
        for (const Difo& d : program_.difos)
            views_.push_back(d.view());
        enabling = std::make_unique<Enabling>(program_.ecbs.front(), views_, 0);
        std::uint32_t ids = 1;
        const auto ok = enabling->lay_out(options, ids);
        error = ok ? "" : ok.error().message;
    }
    const engine::Action& action(std::size_t i) const { return enabling->prototype().actions[i]; }
    const engine::Ecb& ecb() const { return enabling->prototype(); }
    std::string error;
    std::unique_ptr<Enabling> enabling;

  private:
    Program program_;
    std::vector<difjit_difo> views_;
};

TEST(Layout, EachRecordIsAlignedToItsSize) {
    Program p;
    Clause(p, on("a"))
        .trace(constant(1, 1))
        .trace(constant(1, 2))
        .trace(constant(1, 8))
        .trace(nothing())
        .trace(text("x", 13))
        .trace(constant(1, 4));
    const Laid l(p);
    ASSERT_EQ(l.error, "");
    EXPECT_EQ(l.action(0).record.offset, 12u);
    EXPECT_EQ(l.action(1).record.offset, 14u);
    EXPECT_EQ(l.action(2).record.offset, 16u);
    EXPECT_EQ(l.action(3).record.offset, 24u);
    EXPECT_EQ(l.action(3).record.size, 0u);
    EXPECT_EQ(l.action(4).record.offset, 24u);
    EXPECT_EQ(l.action(4).record.alignment, 1u);
    EXPECT_EQ(l.action(5).record.offset, 40u);
    EXPECT_EQ(l.ecb().size, 44u);
    EXPECT_EQ(l.ecb().needed, 44u);
    EXPECT_EQ(l.ecb().alignment, 8u);
}

TEST(Layout, ATupleBeginsFourAboveAMultipleOfEight) {
    Program p;
    Clause(p, on("a"))
        .trace(constant(1, 8))
        .aggregate(ActionKind::AVG, 1, {constant(1, 1), constant(2, 8)}, constant(3));
    const Laid l(p);
    ASSERT_EQ(l.error, "");
    EXPECT_EQ(l.action(0).record.offset, 16u);
    EXPECT_EQ(l.action(1).record.offset, 28u); // the variable's id
    EXPECT_EQ(l.action(2).record.offset, 32u);
    EXPECT_EQ(l.action(3).record.offset, 40u);
    EXPECT_EQ(l.action(4).record.offset, 48u);
    EXPECT_EQ(l.action(4).record.size, 16u);
    EXPECT_EQ(l.ecb().size, 24u) << "the tuple is no part of the record";
    EXPECT_EQ(l.ecb().needed, 64u);
    const engine::Aggregation& agg = *l.action(4).aggregation;
    EXPECT_EQ(agg.base, 24u);
    EXPECT_EQ(agg.key_size, 24u);
    EXPECT_EQ(agg.nsegments, 2u) << "id and byte are neighbours, the 8 bytes are not";
    EXPECT_FALSE(agg.has_increment);

    const auto infos = l.enabling->aggregation_infos(1);
    ASSERT_EQ(infos.size(), 1u);
    EXPECT_EQ(infos[0].size, 40u);
    EXPECT_EQ(infos[0].varid, 1u);
    ASSERT_EQ(infos[0].records.size(), 4u);
    EXPECT_EQ(infos[0].records[0].offset, 4u);
    EXPECT_EQ(infos[0].records[3].offset, 24u);
    EXPECT_EQ(l.enabling->ecb_info(1, {}).records.size(), 1u);
}

TEST(Layout, ARecordMayUseATuplesSpaceAgain) {
    Program p;
    Clause(p, on("a")).aggregate(ActionKind::COUNT, 1, {text("k", 256)}).trace(constant(1, 8));
    const Laid l(p);
    ASSERT_EQ(l.error, "");
    EXPECT_EQ(l.action(3).record.offset, 16u);
    EXPECT_EQ(l.ecb().size, 24u);
    EXPECT_EQ(l.ecb().needed, 280u); // base 8, id 12, string 16, count 272
}

TEST(Layout, AggregationsAloneRecordNothing) {
    Program p;
    Clause(p, on("a")).aggregate(ActionKind::COUNT, 1, {});
    const Laid l(p);
    EXPECT_EQ(l.ecb().size, 0u);
    EXPECT_EQ(l.ecb().needed, 24u);
}

TEST(Layout, StacksTakeTheirDefaultsFromTheOptions) {
    Program p;
    Clause(p, on("a"))
        .action(ActionKind::STACK)
        .action(ActionKind::USTACK)
        .action(ActionKind::JSTACK)
        .action(ActionKind::USTACK, std::uint64_t{5} << 32 | 2);
    LayoutOptions o;
    o.stackframes = 3;
    o.ustackframes = 4;
    o.jstackframes = 5;
    o.jstackstrsize = 100;
    const Laid l(p, o);
    ASSERT_EQ(l.error, "");
    EXPECT_EQ(l.action(0).record.size, 24u);
    EXPECT_EQ(l.action(1).record.size, 40u);
    EXPECT_EQ(l.action(2).record.size, 48u + 104);
    EXPECT_EQ(l.action(2).arg, std::uint64_t{100} << 32 | 5);
    EXPECT_EQ(l.action(3).record.size, 24u + 8);
}

TEST(Layout, AStringWithoutASizeHasTheOptions) {
    Program p;
    Clause(p, on("a")).trace(text("x", 0));
    LayoutOptions o;
    o.strsize = 80;
    const Laid l(p, o);
    EXPECT_EQ(l.action(0).record.size, 80u);
}

TEST(Layout, LayingOutAgainStartsAfresh) {
    Program p;
    Clause(p, on("a")).action(ActionKind::STACK).aggregate(ActionKind::COUNT, 1, {});
    std::vector<difjit_difo> views;
    for (const Difo& d : p.difos)
        views.push_back(d.view());
    Enabling e(p.ecbs.front(), views, 0);
    LayoutOptions o;
    std::uint32_t ids = 1;
    ASSERT_TRUE(e.lay_out(o, ids));
    EXPECT_EQ(e.prototype().actions[0].record.size, 160u);
    o.stackframes = 2;
    ASSERT_TRUE(e.lay_out(o, ids));
    EXPECT_EQ(e.prototype().actions[0].record.size, 16u);
    EXPECT_EQ(e.prototype().actions[2].aggregation->id, 2u);
}

TEST(Layout, RefusesWhatTheReferenceRefuses) {
    const auto error = [](auto build) {
        Program p;
        Clause c(p, on("a"));
        build(c);
        return Laid(p).error;
    };
    const auto refused = [&](const char* what, auto build) {
        EXPECT_NE(error(build).find(what), std::string::npos) << what << ": " << error(build);
    };
    refused("no DIFO", [](Clause& c) { c.action(ActionKind::DIFEXPR); });
    refused("no DIFO", [](Clause& c) { c.action(ActionKind::COMMIT); });
    refused("no DIFO", [](Clause& c) { c.action(ActionKind::PRINTM); });
    refused("no action of this kind", [](Clause& c) { c.action(ActionKind::NONE); });
    refused("no action of this kind", [](Clause& c) { c.action(static_cast<ActionKind>(0x999)); });
    refused("4 bytes", [](Clause& c) { c.action(ActionKind::EXIT, constant(1, 8)); });
    refused("8 bytes", [](Clause& c) { c.action(ActionKind::SYM, constant(1, 4)); });
    refused("8 bytes", [](Clause& c) { c.action(ActionKind::USYM, text("x", 8)); });
    refused("by-value", [](Clause& c) { c.trace(constant(1, 3)); });
    refused("argument", [](Clause& c) { c.aggregate(ActionKind::LQUANTIZE, 1, {}, constant(1)); });
    refused("longer", [](Clause& c) { c.action(ActionKind::COUNT); });
    refused("after commit()",
            [](Clause& c) { c.action(ActionKind::COMMIT, constant(1)).trace(constant(1)); });
    refused("after commit()", [](Clause& c) {
        c.action(ActionKind::COMMIT, constant(1)).action(ActionKind::COMMIT, constant(1));
    });
    refused("after commit()", [](Clause& c) {
        c.action(ActionKind::COMMIT, constant(1)).action(ActionKind::SPECULATE, constant(1));
    });
    refused("aggregation comes after", [](Clause& c) {
        c.action(ActionKind::SPECULATE, constant(1)).aggregate(ActionKind::COUNT, 1, {});
    });
    refused("after data",
            [](Clause& c) { c.trace(constant(1)).action(ActionKind::SPECULATE, constant(1)); });
    refused("too large", [](Clause& c) { c.action(ActionKind::STACK, std::uint64_t{1} << 40); });
    refused("too large",
            [](Clause& c) { c.trace(text("x", 0x7fffffff)).trace(text("x", 0x7fffffff)); });
    EXPECT_EQ(
        error([](Clause& c) {
            c.action(ActionKind::COMMIT, constant(1)).action(ActionKind::DISCARD, constant(1));
        }),
        "");
}

TEST(Layout, AKeyMustNotReachIntoAnotherAggregation) {
    Program p;
    Clause(p, on("a")).aggregate(ActionKind::COUNT, 1, {}).action(ActionKind::COUNT);
    p.ecbs[0].actions.back().ntuple = 2;
    EXPECT_NE(Laid(p).error.find("another aggregation"), std::string::npos);
}

} // namespace
} // namespace difjit::test
