// SPDX-License-Identifier: BSD-2-Clause
// speculation(): dtrace_speculation.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using runtime::SpeculationState;

class Speculations : public testing::Test {
  protected:
    World world;
    difjit_frame f = world.frame();
    std::vector<runtime::Speculation> all{4};

    Speculations() {
        world.state().speculations = all.data();
        world.state().nspeculations = 4;
    }
    void set(std::size_t i, SpeculationState s) { all[i].state = static_cast<std::uint32_t>(s); }
};

TEST_F(Speculations, TheFirstInactiveOneIsTaken) {
    set(0, SpeculationState::active_many);
    EXPECT_EQ(call(f, Subr::SPECULATION, {}), 2u);
    EXPECT_EQ(all[1].state, static_cast<std::uint32_t>(SpeculationState::active));
    EXPECT_EQ(call(f, Subr::SPECULATION, {}), 3u);
}

TEST_F(Speculations, NoneIsLeft) {
    for (std::size_t i = 0; i < 4; i++)
        set(i, SpeculationState::active);
    EXPECT_EQ(call(f, Subr::SPECULATION, {}), 0u);
    EXPECT_EQ(world.state().speculation_unavailable, 1u);
    EXPECT_EQ(world.state().speculation_busy, 0u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Speculations, OneBusyOneMakesItBusy) {
    for (std::size_t i = 0; i < 4; i++)
        set(i, SpeculationState::active);
    set(1, SpeculationState::discarding);
    EXPECT_EQ(call(f, Subr::SPECULATION, {}), 0u);
    EXPECT_EQ(world.state().speculation_busy, 1u);
    EXPECT_EQ(world.state().speculation_unavailable, 0u);
}

TEST_F(Speculations, TwoThreadsNeverGetTheSameOne) {
    std::vector<runtime::Speculation> many(4000);
    world.state().speculations = many.data();
    world.state().nspeculations = 4000;
    std::atomic<std::uint64_t> sum{0};
    const auto take = [&](std::uint32_t cpu) {
        difjit_frame g = f;
        g.cpu = cpu;
        for (int i = 0; i < 2000; i++)
            sum += call(g, Subr::SPECULATION, {});
    };
    std::thread other(take, 1);
    take(0);
    other.join();
    EXPECT_EQ(sum, 4000u * 4001 / 2);
}

} // namespace
} // namespace difjit::test
