// SPDX-License-Identifier: BSD-2-Clause
// Aggregating functions against a straightforward model, and aggregations with keys end to end.

#include "fixture.hpp"

#include <map>
#include <random>

#include "engine/aggregation.hpp"

namespace difjit::test {
namespace {

using engine::aggregation_apply;
using engine::aggregation_initial;
using engine::aggregation_merge;
using engine::aggregation_value_size;

constexpr ActionKind functions[] = {
    ActionKind::COUNT,    ActionKind::MIN,       ActionKind::MAX,
    ActionKind::SUM,      ActionKind::AVG,       ActionKind::STDDEV,
    ActionKind::QUANTIZE, ActionKind::LQUANTIZE, ActionKind::LLQUANTIZE};

constexpr std::uint64_t lq(std::int32_t base, std::uint64_t step, std::uint64_t levels) {
    return step << 48 | levels << 32 | static_cast<std::uint32_t>(base);
}
constexpr std::uint64_t llq(std::uint64_t factor, std::uint64_t low, std::uint64_t high,
                            std::uint64_t steps) {
    return factor << 48 | low << 32 | high << 16 | steps;
}

/// What the functions mean, written as the reference's loops are.
struct Model {
    ActionKind kind;
    std::uint64_t arg;
    std::vector<std::uint64_t> v;

    Model(ActionKind k, std::uint64_t a) : kind(k), arg(a), v(aggregation_value_size(k, a) / 8) {
        if (k == ActionKind::MIN)
            v[0] = INT64_MAX;
        if (k == ActionKind::MAX)
            v[0] = static_cast<std::uint64_t>(INT64_MIN);
        if (k == ActionKind::LQUANTIZE || k == ActionKind::LLQUANTIZE)
            v[0] = a;
    }
    void apply(std::uint64_t x, std::uint64_t increment) {
        const auto n = static_cast<std::int64_t>(x);
        switch (kind) {
        case ActionKind::COUNT: v[0] += 1; break;
        case ActionKind::MIN:
            v[0] = static_cast<std::uint64_t>(std::min(n, static_cast<std::int64_t>(v[0])));
            break;
        case ActionKind::MAX:
            v[0] = static_cast<std::uint64_t>(std::max(n, static_cast<std::int64_t>(v[0])));
            break;
        case ActionKind::SUM: v[0] += x; break;
        case ActionKind::AVG: v[0] += 1, v[1] += x; break;
        case ActionKind::STDDEV: stddev(n, x); break;
        case ActionKind::QUANTIZE: quantize(n, increment); break;
        case ActionKind::LQUANTIZE: lquantize(static_cast<std::int32_t>(x), increment); break;
        default: llquantize(n, increment); break;
        }
    }
    void stddev(std::int64_t n, std::uint64_t x) {
        v[0] += 1;
        v[1] += x;
        // The square of a 64-bit magnitude by 32-bit halves.
        const std::uint64_t m = n < 0 ? 0 - x : x, hi = m >> 32, lo = m & UINT32_MAX;
        const auto add = [&](std::uint64_t word, unsigned shift) {
            const std::uint64_t low = shift == 0 ? word : shift == 64 ? 0 : word << shift;
            const std::uint64_t high = shift == 0 ? 0 : shift == 64 ? word : word >> (64 - shift);
            v[2] += low;
            v[3] += high + (v[2] < low ? 1 : 0);
        };
        add(lo * lo, 0);
        add(hi * lo, 32);
        add(hi * lo, 32);
        add(hi * hi, 64);
    }
    void quantize(std::int64_t n, std::uint64_t increment) {
        if (n < 0) {
            for (std::uint32_t i = 0; i < 63; ++i)
                if (n <= engine::quantize_bucket_value(i)) {
                    v[i] += increment;
                    return;
                }
        } else {
            for (std::uint32_t i = 64; i < 127; ++i)
                if (n < engine::quantize_bucket_value(i)) {
                    v[i - 1] += increment;
                    return;
                }
            v[126] += increment;
        }
    }
    void lquantize(std::int32_t n, std::uint64_t increment) {
        const auto base = static_cast<std::int32_t>(arg & UINT32_MAX);
        const std::int64_t step = arg >> 48, levels = arg >> 32 & 0xffff;
        for (std::int64_t i = 0; i < levels; ++i)
            if (n >= base + i * step && n < base + (i + 1) * step) {
                v[static_cast<std::size_t>(i) + 2] += increment;
                return;
            }
        v[n < base ? 1 : static_cast<std::size_t>(levels) + 2] += increment;
    }
    void llquantize(std::int64_t n, std::uint64_t increment) {
        // The buckets one by one, as dt_print_llquantize walks them.
        const std::int64_t factor = arg >> 48, low = arg >> 32 & 0xffff, high = arg >> 16 & 0xffff,
                           steps = arg & 0xffff;
        std::int64_t value = 1;
        for (std::int64_t i = 0; i < low; ++i)
            value *= factor;
        std::size_t bucket = 1;
        if (n < value) {
            v[bucket] += increment;
            return;
        }
        std::int64_t next = value * factor, order = low;
        std::int64_t step = next > steps ? next / steps : 1;
        while (order <= high) {
            ++bucket;
            if (n >= value && n < value + step) {
                v[bucket] += increment;
                return;
            }
            value += step;
            if (value != next)
                continue;
            next = value * factor;
            step = next > steps ? next / steps : 1;
            ++order;
        }
        v[bucket + 1] += increment;
    }
};

std::uint64_t some_number(std::mt19937_64& random) {
    switch (random() % 4) {
    case 0: return random() % 200 - 100;
    case 1: return random();
    case 2: return std::uint64_t{1} << random() % 64;
    default: return 0 - (std::uint64_t{1} << random() % 64);
    }
}

std::vector<std::uint64_t> arguments(ActionKind kind) {
    if (kind == ActionKind::LQUANTIZE)
        return {lq(0, 1, 10), lq(-50, 7, 20), lq(-5, 10, 1), lq(INT32_MIN, 65535, 65535),
                lq(INT32_MAX, 1, 3)};
    if (kind == ActionKind::LLQUANTIZE)
        return {llq(10, 0, 6, 20), llq(10, 2, 5, 10), llq(2, 0, 8, 4), llq(8, 1, 3, 64),
                llq(10, 0, 16, 100)};
    return {0};
}

TEST(Functions, AgreeWithTheirModel) {
    std::mt19937_64 random(11);
    for (const ActionKind kind : functions)
        for (const std::uint64_t arg : arguments(kind)) {
            Model model(kind, arg);
            std::vector<std::uint64_t> value(model.v.size());
            ASSERT_FALSE(value.empty()) << name(kind);
            value[0] = aggregation_initial(kind, arg);
            for (int i = 0; i < 20000; ++i) {
                const std::uint64_t x = some_number(random), increment = 1 + random() % 3;
                model.apply(x, increment);
                aggregation_apply(kind, value.data(), x, increment);
                ASSERT_EQ(value, model.v) << name(kind) << " " << arg << " value " << x;
                if (value.size() > 1000 && i > 200)
                    break;
            }
        }
}

TEST(Functions, EdgesOfBuckets) {
    using engine::llquantize_arg;
    using engine::llquantize_bucket;
    const auto q = [](std::int64_t x) {
        std::vector<std::uint64_t> v(127);
        aggregation_apply(ActionKind::QUANTIZE, v.data(), static_cast<std::uint64_t>(x), 1);
        return std::find(v.begin(), v.end(), 1u) - v.begin();
    };
    EXPECT_EQ(q(0), 63);
    EXPECT_EQ(q(1), 64);
    EXPECT_EQ(q(-1), 62);
    EXPECT_EQ(q(INT64_MAX), 126);
    EXPECT_EQ(q(INT64_MIN), 0);
    EXPECT_EQ(q(-3), 61);
    // Where the next magnitude passes 64 bits, the reference puts all of this one's values into its
    // last bucket.
    const auto last = llquantize_arg(llq(10, 0, 17, 100));
    EXPECT_EQ(llquantize_bucket(last, 100'000'000'000'000'000),
              llquantize_bucket(last, 999'999'999'999'999'999));
    // Past 64 bits an llquantize goes to the last bucket that there is.
    const auto huge = llquantize_arg(llq(10, 0, 40, 10));
    EXPECT_LE(llquantize_bucket(huge, INT64_MAX) + 2,
              aggregation_value_size(ActionKind::LLQUANTIZE, llq(10, 0, 40, 10)) / 8);
    const auto far = llquantize_arg(llq(65535, 60000, 65000, 65535));
    EXPECT_EQ(llquantize_bucket(far, 5), 0u);
    EXPECT_LE(llquantize_bucket(far, INT64_MAX), 2u);
}

TEST(Functions, BadArgumentsHaveNoSize) {
    EXPECT_EQ(aggregation_value_size(ActionKind::LQUANTIZE, lq(0, 0, 10)), 0u);
    EXPECT_EQ(aggregation_value_size(ActionKind::LQUANTIZE, lq(0, 1, 0)), 0u);
    EXPECT_EQ(aggregation_value_size(ActionKind::LQUANTIZE, lq(0, 1, 10)), 13u * 8);
    for (const std::uint64_t bad : {llq(1, 0, 6, 20), llq(10, 6, 6, 20), llq(10, 0, 6, 5),
                                    llq(10, 0, 6, 15), llq(10, 0, 6, 30), llq(0, 0, 0, 0)})
        EXPECT_EQ(aggregation_value_size(ActionKind::LLQUANTIZE, bad), 0u) << bad;
    EXPECT_EQ(aggregation_value_size(ActionKind::QUANTIZE, 0), 127u * 8);
    EXPECT_EQ(aggregation_value_size(ActionKind::STDDEV, 0), 32u);
    EXPECT_EQ(aggregation_value_size(ActionKind::DIFEXPR, 0), 0u);
}

TEST(Functions, MergingIsAsIfOneCpuHadSeenAll) {
    std::mt19937_64 random(12);
    for (const ActionKind kind : functions)
        for (const std::uint64_t arg : arguments(kind)) {
            const std::uint32_t size = aggregation_value_size(kind, arg);
            std::vector<std::uint64_t> one(size / 8), two(size / 8), all(size / 8);
            one[0] = two[0] = all[0] = aggregation_initial(kind, arg);
            for (int i = 0; i < 300; ++i) {
                const std::uint64_t x = some_number(random);
                aggregation_apply(kind, (i % 3 != 0 ? one : two).data(), x, 1);
                aggregation_apply(kind, all.data(), x, 1);
            }
            ASSERT_TRUE(aggregation_merge(kind, size, one.data(), two.data()));
            EXPECT_EQ(one, all) << name(kind);
        }
    std::uint64_t a[13] = {lq(0, 1, 10)}, b[13] = {lq(1, 1, 10)};
    EXPECT_FALSE(aggregation_merge(ActionKind::LQUANTIZE, sizeof a, a, b));
}

// -- end to end -----------------------------------------------------------------------------------

class Aggregations : public BothEngines {};
DIFJIT_BOTH_ENGINES(Aggregations);

/// Entries of a snapshot: key bytes (variable id first) to value. Checks the format on the way.
using Entries = std::map<std::vector<std::byte>, std::vector<std::uint64_t>>;

void read_entries(const Session& session, const BufferSnapshot& s, Entries& out) {
    for (std::size_t at = 0; at + 4 <= s.data.size();) {
        const std::uint32_t id = word32(s.data.data() + at);
        if (id == 0) {
            at += 4;
            continue;
        }
        const AggregationInfo* const info = session.aggregation(id);
        ASSERT_NE(info, nullptr);
        ASSERT_EQ(at % 8, 0u);
        ASSERT_LE(at + info->size, s.data.size());
        std::vector<std::byte> key;
        for (std::size_t i = 0; i + 1 < info->records.size(); ++i) {
            const std::byte* const p = s.data.data() + at + info->records[i].offset;
            key.insert(key.end(), p, p + info->records[i].size);
        }
        const RecordInfo& value = info->records.back();
        ASSERT_EQ(word32(key.data()), info->varid);
        std::vector<std::uint64_t> words;
        for (std::uint32_t i = 0; i < value.size; i += 8)
            words.push_back(word64(s.data.data() + at + value.offset + i));
        auto [found, fresh] = out.emplace(key, words);
        if (!fresh) {
            ASSERT_TRUE(aggregation_merge(static_cast<ActionKind>(value.kind), value.size,
                                          found->second.data(), words.data()));
        }
        at += info->size;
    }
}

std::vector<std::byte> key_of(std::uint32_t varid, std::initializer_list<std::uint64_t> words) {
    std::vector<std::byte> key(4 + words.size() * 8);
    std::memcpy(key.data(), &varid, 4);
    std::size_t at = 4;
    for (const std::uint64_t w : words) {
        std::memcpy(key.data() + at, &w, 8);
        at += 8;
    }
    return key;
}

TEST_P(Aggregations, EveryFunctionOverTwoKeysAndTwoCpus) {
    std::mt19937_64 random(13);
    for (const ActionKind kind : functions) {
        const std::uint64_t arg = arguments(kind).front();
        Bench b(options(2));
        auto* const p = b.probe("a");
        Program program;
        Clause(program, on("a"))
            .aggregate(kind, 3, {argument(0), argument(1)},
                       kind == ActionKind::COUNT ? std::optional<Difo>() : argument(2), arg);
        b.enable(program);
        b.go();
        std::map<std::vector<std::byte>, Model> model;
        Entries seen;
        const auto snap = [&] {
            for (std::uint32_t cpu = 0; cpu < 2; ++cpu) {
                const auto s = b.session->snapshot_aggregations(cpu);
                EXPECT_EQ(s.drops, 0u);
                read_entries(*b.session, s, seen);
            }
        };
        for (int i = 0; i < 2000; ++i) {
            const std::uint64_t x = random() % 7, y = random() % 5, v = some_number(random);
            b.fire(p, {x, y, v}, static_cast<std::uint32_t>(random() % 2));
            model.try_emplace(key_of(3, {x, y}), kind, arg).first->second.apply(v, 1);
            if (i == 700 || i == 701 || i == 1500)
                snap();
        }
        snap();
        ASSERT_EQ(seen.size(), model.size()) << name(kind);
        for (const auto& [key, m] : model)
            EXPECT_EQ(seen[key], m.v) << name(kind);
        EXPECT_EQ(b.session->snapshot(0).drops, 0u);
    }
}

TEST_P(Aggregations, AnIncrementCountsForTheHistograms) {
    for (const ActionKind kind :
         {ActionKind::QUANTIZE, ActionKind::LQUANTIZE, ActionKind::LLQUANTIZE}) {
        const std::uint64_t arg = arguments(kind).front();
        Bench b(options());
        auto* const p = b.probe("a");
        Program program;
        Difo increment = argument(1);
        increment.rtype.size = 0;
        Clause(program, on("a")).aggregate(kind, 1, {argument(2), increment}, argument(0), arg);
        b.enable(program);
        b.go();
        Model model(kind, arg);
        for (std::uint64_t i = 0; i < 50; ++i) {
            b.fire(p, {i * i, i, 5});
            model.apply(i * i, i);
        }
        Entries seen;
        read_entries(*b.session, b.session->snapshot_aggregations(0), seen);
        ASSERT_EQ(seen.size(), 1u);
        EXPECT_EQ(seen[key_of(1, {5})], model.v);
        EXPECT_EQ(b.session->aggregation(1)->records.size(), 3u) << "the increment has no record";
    }
}

TEST_P(Aggregations, StringsAreKeysUpToTheirNul) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Difo name = builtin(Var::EXECNAME, 32);
    name.rtype.kind = DIFJIT_TYPE_STRING;
    name.rtype.flags = DIFJIT_TF_BYREF;
    Clause(program, on("a")).aggregate(ActionKind::SUM, 1, {name, argument(1, 1)}, argument(0));
    b.enable(program);
    b.go();
    const char* const names[] = {"sh", "nginx", "a much longer name", "", "nginy", "ngin"};
    std::map<std::pair<std::string, int>, std::uint64_t> expected;
    for (std::uint64_t i = 0; i < 600; ++i) {
        b.firing.execname = names[i % 6];
        b.fire(p, {i, i % 2});
        expected[{names[i % 6], static_cast<int>(i % 2)}] += i;
    }
    const auto s = b.session->snapshot_aggregations(0);
    const AggregationInfo& info = *b.session->aggregation(1);
    ASSERT_EQ(info.records.size(), 4u);
    std::size_t n = 0;
    for (std::size_t at = 0; at < s.data.size(); at += info.size, ++n) {
        const std::byte* const entry = s.data.data() + at;
        const char* const text = reinterpret_cast<const char*>(entry + info.records[1].offset);
        for (std::size_t i = std::strlen(text); i < 32; ++i)
            EXPECT_EQ(text[i], 0) << "filled up with zeros";
        const int small = std::to_integer<int>(entry[info.records[2].offset]);
        EXPECT_EQ(word64(entry + info.records[3].offset), (expected[{text, small}]));
    }
    EXPECT_EQ(n, expected.size());
}

TEST_P(Aggregations, TheSameVariableInTwoClausesIsOne) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {argument(0)});
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {argument(0)}).trace(argument(0));
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 2, {argument(0)});
    b.enable(program);
    b.go();
    for (int i = 0; i < 5; ++i)
        b.fire(p, {7});
    Entries seen;
    read_entries(*b.session, b.session->snapshot_aggregations(0), seen);
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[key_of(1, {7})], std::vector<std::uint64_t>{10});
    EXPECT_EQ(seen[key_of(2, {7})], std::vector<std::uint64_t>{5});
}

TEST_P(Aggregations, KeysThatDoNotFitAreCountedDrops) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {argument(0)});
    b.set("aggsize", "1k");
    b.enable(program);
    b.go();
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t i = 0; i < 100; ++i)
            b.fire(p, {i});
        const auto s = b.session->snapshot_aggregations(0);
        Entries seen;
        read_entries(*b.session, s, seen);
        // 1024 bytes: 24 and 16 chains of 8 at the end; an entry takes 24 bytes and a key 24.
        EXPECT_EQ(seen.size(), (1024u - 24 - 128) / 48);
        EXPECT_EQ(s.drops, 100 - seen.size());
    }
}

TEST_P(Aggregations, ALudicrouslySmallBufferDropsEverything) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {argument(0)});
    b.set("aggsize", "16");
    b.enable(program);
    b.go();
    b.fire(p, {1});
    EXPECT_EQ(b.session->snapshot_aggregations(0).drops, 1u);
}

TEST_P(Aggregations, ThePrincipalBufferGrowsToBuildKeysIn) {
    Bench b(options());
    auto* const p = b.probe("a");
    Program program;
    Clause(program, on("a")).aggregate(ActionKind::COUNT, 1, {text("key", 256)});
    b.set("bufsize", "16");
    b.enable(program);
    b.go();
    b.fire(p);
    EXPECT_EQ(b.session->snapshot(0).drops, 0u);
    Entries seen;
    read_entries(*b.session, b.session->snapshot_aggregations(0), seen);
    EXPECT_EQ(seen.size(), 1u);
}

} // namespace
} // namespace difjit::test
