// SPDX-License-Identifier: BSD-2-Clause
// What DOF can't hold is an error of the writer, not a loss.
#include <gtest/gtest.h>

#include "dof/dofs.hpp"

using namespace difjit;
using namespace difjit::test;

namespace {

std::string refusal(const Program& program) {
    const auto bytes = dof::write(program);
    return bytes ? "written" : bytes.error().message;
}

/// The enabling with one change.
template <class F>
std::string with(F change) {
    Program p = enabling();
    change(p);
    return refusal(p);
}

} // namespace

TEST(Writer, RefusesWhatDofCannotHold) {
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].predicate = 3; }),
              "an ECB uses DIFO 3, but the program has 3");
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].actions[1].difo = -2; }),
              "an ECB uses DIFO -2, but the program has 3");
    EXPECT_EQ(with([](Program& p) { p.difos[1].dialect = Dialect::illumos; }),
              "DIFO 1: its dialect is not that of DIFO 0");
    EXPECT_EQ(with([](Program& p) { p.difos[0].strtab = "abc"; }),
              "DIFO 0: its string table does not end in a NUL");
    EXPECT_EQ(with([](Program& p) { p.options[0].text = "x"; }),
              "option 0: has a string, which no kernel takes");
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].probe.name = std::string("a\0b", 3); }),
              "DOF can't hold this program: ECB 0 would be read back changed");
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].probe.provider = std::string(64, 'a'); }),
              "DOF can't hold this program: ECB 0 would be read back changed");
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].actions[2].format = "count has none"; }),
              "DOF can't hold this program: ECB 0 would be read back changed");
    EXPECT_EQ(with([](Program& p) { p.difos[0].vars[0].type = {DIFJIT_TYPE_STRING, 0, 1, 0, 0}; }),
              "DOF can't hold this program: DIFO 0 would be read back changed");
    EXPECT_EQ(with([](Program& p) { p.difos[1].user_relocations = {{"x", 0, 0, 0}}; }),
              "DOF can't hold this program: section 10 (URELHDR): target is missing");
    EXPECT_EQ(with([](Program& p) { p.integer_registers = 9; }),
              "DOF can't hold this program: header: uses 9 integer registers, there are 8");
    EXPECT_EQ(
        with([](Program& p) { p.difos[0].ints.resize(40000); }),
        "DOF can't hold this program: section 6 (DIFOHDR): its sections have 320016 bytes up to "
        "link 1, the limit is 262144");
}

TEST(Writer, RefusesWhatActionsMayNotHave) {
    EXPECT_EQ(
        with([](Program& p) { p.ecbs[0].actions[0].format.reset(); }),
        "DOF can't hold this program: section 18 (ACTDESC): action 0: string table is missing");
    EXPECT_EQ(with([](Program& p) { p.ecbs[0].actions[0].format = ""; }),
              "DOF can't hold this program: section 18 (ACTDESC): action 0: string is empty");
    // printa() may have one or not, and so may print().
    EXPECT_EQ(with([](Program& p) {
                  p.ecbs[0].actions[0].kind = static_cast<std::uint32_t>(ActionKind::PRINTA);
                  p.ecbs[0].actions[0].format.reset();
                  p.ecbs[0].actions[1].format = "kernel`struct proc";
                  p.ecbs[0].actions[1].arg = 0;
              }),
              "written");
}

TEST(Writer, RefusesWhatProvidersMayNotHave) {
    Program p = helper();
    p.dof_version = 1;
    EXPECT_EQ(refusal(p), "provider shop: has is-enabled offsets, which version 1 can't hold");
    p = helper();
    p.providers[0].probes[0].argument_map.clear();
    EXPECT_EQ(refusal(p), "provider shop: probe sale: 1 translated arguments, but 0 in their map");
    p = helper();
    p.providers[0].probes[0].native_arguments.resize(256);
    EXPECT_EQ(refusal(p), "provider shop: probe sale: too many arguments or offsets");
}

TEST(Writer, PrintfsActionsShareTheirFormat) {
    Program p;
    p.difos = {ret_difo()};
    EcbDescription ecb;
    ecb.actions.assign(3,
                       {static_cast<std::uint32_t>(ActionKind::PRINTF), 0, 0, 0, "%d %d %d\n", 0});
    p.ecbs = {ecb};
    const Knife knife(p);
    EXPECT_EQ(knife.section(0).size, 1u + 10u);
}
