// SPDX-License-Identifier: BSD-2-Clause
// Dynamic variables: keys, the life cycle of chunks, drops, and many CPUs at once.
#include "runtime/dynvar.hpp"

#include <atomic>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/variables.hpp"
#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

constexpr std::uint32_t x = DIFJIT_USER_VARIABLE_BASE;

Object array_of(difjit_type type, std::uint64_t largest_key = 8) {
    Object o;
    o.ints = {largest_key};
    o.vars = {declare(x, DIFJIT_SCOPE_GLOBAL, type, DIFJIT_VAR_KIND_ARRAY),
              declare(x, DIFJIT_SCOPE_THREAD, by_value)};
    o.text = {Instruction::indexed(Op::SETX, 0, 1).word,
              Instruction::make(Op::PUSHTR, DIFJIT_TYPE_CTF, 1, 2).word,
              Instruction::indexed(Op::STGAA, x, 0).word};
    return o;
}

class Dynvar : public testing::Test {
  protected:
    World world{array_of(by_value, 64), {2, 64, 4096}};
    difjit_frame f = world.frame();

    void set(std::uint64_t key, std::uint64_t value) {
        f.tuple[0] = {key, 0};
        f.tuple_top = 1;
        store_array(&f, x, value, false);
    }
    std::uint64_t get(std::uint64_t key) {
        f.tuple[0] = {key, 0};
        f.tuple_top = 1;
        return load_array(&f, x, false);
    }
    std::uint64_t capacity() { return world.vstate().dynamic.nchunks; }
    DynvarDrops drops(std::uint32_t cpu = 0) { return dynvar_drops(&world.vstate(), cpu); }
};

TEST_F(Dynvar, KeysAreEqualByCountSizeAndContent) { // point 37
    const std::uint64_t a = traced(world, "abcdefg"), b = traced(world, "abcdefg", place + 0x1000);
    f.tuple[0] = {a, 8};
    f.tuple_top = 1;
    store_array(&f, x, 42, false);
    f.tuple[0] = {b, 8};
    EXPECT_EQ(load_array(&f, x, false), 42u) << "by content, wherever it lies";
    f.tuple[0] = {a, 7};
    EXPECT_EQ(load_array(&f, x, false), 0u) << "another size";
    f.tuple[0] = {a, 0};
    EXPECT_EQ(load_array(&f, x, false), 0u) << "the address itself";
    f.tuple[0] = {a, 8};
    f.tuple[1] = {0, 0};
    f.tuple_top = 2;
    EXPECT_EQ(load_array(&f, x, false), 0u) << "one key more";
    world.firing.memory[0].bytes[0] = 'X'; // keys are copied
    f.tuple[0] = {b, 8};
    f.tuple_top = 1;
    EXPECT_EQ(load_array(&f, x, false), 42u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Dynvar, ManyKeysInFewBuckets) {
    const std::uint64_t n = capacity();
    ASSERT_GT(n, 10u);
    for (std::uint64_t i = 0; i < n; i++)
        set(i * 0x10001, i + 1);
    for (std::uint64_t i = 0; i < n; i++)
        EXPECT_EQ(get(i * 0x10001), i + 1);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Dynvar, WhenAllChunksAreUsedTheRecordIsDropped) {
    const std::uint64_t n = capacity();
    for (std::uint64_t i = 0; i < n; i++)
        set(i, 1);
    EXPECT_EQ(f.flags, 0u) << "the other CPU's chunks too";
    set(n, 1);
    EXPECT_EQ(f.flags, unsigned{DIFJIT_FLAG_DROP});
    EXPECT_EQ(drops().capacity + drops(1).capacity, 1u);
    EXPECT_EQ(get(n), 0u);
    EXPECT_EQ(get(n - 1), 1u);
    set(n - 1, 2);
    EXPECT_EQ(get(n - 1), 2u) << "one that exists needs no chunk";
}

TEST_F(Dynvar, DeallocatedChunksAreDirtyUntilTheyAreCleaned) {
    const std::uint64_t n = capacity();
    for (std::uint64_t i = 0; i < n; i++)
        set(i, 1);
    set(0, 0);
    set(n, 1);
    EXPECT_EQ(drops().dirty + drops(1).dirty, 1u);
    f.flags = 0;
    ASSERT_TRUE(dynvar_clean_begin(&world.vstate()));
    set(n, 1);
    EXPECT_EQ(f.flags, unsigned{DIFJIT_FLAG_DROP}) << "still not to be had";
    EXPECT_EQ(drops().dirty + drops(1).dirty + drops().rinsing + drops(1).rinsing, 2u);
    f.flags = 0;
    dynvar_clean_end(&world.vstate());
    set(n, 1);
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(get(n), 1u);
    EXPECT_FALSE(dynvar_clean_begin(&world.vstate())) << "nothing is dirty";
}

TEST_F(Dynvar, RinsingDropsAreTold) {
    const std::uint64_t n = capacity();
    for (std::uint64_t i = 0; i < n; i++)
        set(i, 1);
    set(0, 0);
    ASSERT_TRUE(dynvar_clean_begin(&world.vstate()));
    set(n, 1);
    EXPECT_EQ(drops().rinsing + drops(1).rinsing, 1u);
}

TEST_F(Dynvar, ChurnNeverRunsOutWithACleaner) {
    for (std::uint64_t i = 0; i < 20000; i++) {
        set(i, 1);
        ASSERT_EQ(get(i), 1u) << i;
        set(i, 0);
        if (i % 7 == 0)
            dynvar_clean(&world.vstate());
    }
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Dynvar, DeallocatingWhatIsNotThere) {
    set(5, 0);
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(world.vstate().dynamic.cpus[0].dirty, nullptr);
}

TEST_F(Dynvar, AVariableThatNoChunkCanHoldIsLostWithoutAFlag) { // point 30
    World small(array_of(struct_type(100), 8), {1, 64, 4096});
    small.vstate().dynamic.chunk_size = 128; // as a program's other objects might have it
    difjit_frame g = small.frame();
    traced(small, std::string(100, 'x'));
    g.tuple[0] = {1, 0};
    g.tuple_top = 1;
    store_array(&g, x, place, false);
    EXPECT_EQ(g.flags, 0u);
    EXPECT_EQ(dynvar_drops(&small.vstate(), 0).capacity, 1u);
    EXPECT_EQ(load_array(&g, x, false), 0u);
}

TEST_F(Dynvar, AHugeKeyIsADropAtOnce) { // decision 5
    f.tuple[0] = {place, INT64_MAX};    // nothing is there: reading it would fault
    f.tuple_top = 1;
    store_array(&f, x, 1, false);
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(drops().capacity, 1u);
    for (difjit_key& key : f.tuple)
        key = {place, UINT64_MAX - 7};
    f.tuple_top = 8;
    store_array(&f, x, 1, false); // the sum wraps around
    EXPECT_EQ(drops().capacity, 2u);
}

TEST_F(Dynvar, AKeyThatCannotBeReadIsAFault) {
    f.tuple[0] = {place, 16};
    f.tuple_top = 1;
    EXPECT_EQ(load_array(&f, x, false), 0u);
    EXPECT_EQ(fault_name(f.flags), "BADADDR");
    EXPECT_EQ(f.illval, place + 15) << "the last byte that is not there, as in the reference";
    f = world.frame();
    f.access = 0;
    f.tuple[0] = {place, 16};
    f.tuple_top = 1;
    store_array(&f, x, 1, false);
    EXPECT_EQ(fault_name(f.flags), "KPRIV");
    EXPECT_EQ(f.illval, place);
}

TEST_F(Dynvar, WithoutSpaceNothingIsFoundAndKeysStillFault) {
    Object o = array_of(by_value, 64);
    o.text.pop_back(); // no store: no space
    o.text.push_back(Instruction::indexed(Op::LDGAA, x, 1).word);
    World none(o, {1, 64, 4096});
    ASSERT_EQ(none.vstate().dynamic.base, nullptr);
    difjit_frame g = none.frame();
    g.tuple[0] = {1, 0};
    g.tuple_top = 1;
    EXPECT_EQ(load_array(&g, x, false), 0u);
    EXPECT_EQ(load_thread(&g, x), 0u);
    EXPECT_EQ(g.flags, 0u);
    store_array(&g, x, 1, false);
    store_array(&g, x, 0, false);
    EXPECT_EQ(load_array(&g, x, false), 0u);
    g.tuple[0] = {place, 8};
    load_array(&g, x, false);
    EXPECT_EQ(fault_name(g.flags), "BADADDR");
    EXPECT_FALSE(dynvar_clean_begin(&none.vstate()));
    dynvar_clean_end(&none.vstate());
    EXPECT_EQ(dynvar_drops(&none.vstate(), 0).capacity, 0u);
}

TEST_F(Dynvar, ACpuThatOnlyDeallocatesBorrowsARinser) {
    difjit_frame g = world.frame(1);
    const auto set_on = [&](difjit_frame& frame, std::uint64_t key, std::uint64_t value) {
        frame.tuple[0] = {key, 0};
        frame.tuple_top = 1;
        store_array(&frame, x, value, false);
    };
    set_on(f, 1, 1);
    set_on(f, 2, 1);
    set_on(g, 1, 0);
    dynvar_clean(&world.vstate()); // CPU 1 has a clean list now, and does not need it
    set_on(g, 2, 0);
    dynvar_clean(&world.vstate());
    const DynamicState& d = world.vstate().dynamic;
    EXPECT_EQ(d.cpus[1].dirty, nullptr);
    EXPECT_NE(d.cpus[0].clean, nullptr) << "CPU 0 rinsed for it";
    EXPECT_EQ(d.failed_cleans, 0u);
}

/// CPUs allocate, find and deallocate on the same few keys while a cleaner runs; the world is
/// stopped between its two halves as Session::clean() does it: every CPU is out of probe context
/// once.
TEST(DynvarThreads, SharedKeysUnderChurn) {
    constexpr std::uint32_t ncpus = 4;
    constexpr std::uint64_t keys = 16, rounds = 50000;
    World world{array_of(by_value, 8), {ncpus, 64, 64 << 10}};
    std::atomic<std::uint64_t> epochs[ncpus] = {};
    std::atomic<std::uint32_t> running{ncpus};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<difjit_frame> frames;
    for (std::uint32_t cpu = 0; cpu < ncpus; cpu++)
        frames.push_back(world.frame(cpu));

    const auto probe = [&](std::uint32_t cpu) {
        difjit_frame& f = frames[cpu];
        std::uint64_t seed = cpu + 1;
        for (std::uint64_t i = 0; i < rounds; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const std::uint64_t key = seed >> 33 & (keys - 1);
            f.flags = 0;
            f.tuple[0] = {key, 0};
            f.tuple_top = 1;
            if ((seed >> 40 & 1) != 0) {
                store_array(&f, x, (seed >> 41 & 1) != 0 ? key + 1 : 0, false);
            } else {
                // 0: not there, or just allocated and not yet written.
                const std::uint64_t value = load_array(&f, x, false);
                if (value != 0 && value != key + 1)
                    wrong++;
            }
            epochs[cpu]++;
        }
        epochs[cpu] = UINT64_MAX;
        running--;
    };
    std::vector<std::thread> threads;
    for (std::uint32_t cpu = 0; cpu < ncpus; cpu++)
        threads.emplace_back(probe, cpu);
    while (running != 0) {
        if (!dynvar_clean_begin(&world.vstate())) {
            std::this_thread::yield();
            continue;
        }
        for (auto& epoch : epochs) // dtrace_sync
            for (const std::uint64_t seen = epoch; seen != UINT64_MAX && epoch == seen;)
                std::this_thread::yield();
        dynvar_clean_end(&world.vstate());
    }
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(wrong, 0u);

    // Every chunk lies on exactly one list or chain.
    const DynamicState& d = world.vstate().dynamic;
    std::set<const DynamicChunk*> seen;
    const auto count = [&](const DynamicChunk* c) {
        for (; c != nullptr && c != &d.sink; c = c->next)
            EXPECT_TRUE(seen.insert(c).second);
    };
    for (std::uint64_t i = 0; i < d.nbuckets; i++)
        count(d.buckets[i].chain);
    EXPECT_LE(seen.size(), keys) << "two allocations of one key";
    for (std::uint32_t cpu = 0; cpu < ncpus; cpu++)
        for (const DynamicChunk* list :
             {d.cpus[cpu].free, d.cpus[cpu].dirty, d.cpus[cpu].rinsing, d.cpus[cpu].clean})
            count(list);
    EXPECT_EQ(seen.size(), d.nchunks);
}

} // namespace
} // namespace difjit::test
