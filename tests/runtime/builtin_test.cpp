// SPDX-License-Identifier: BSD-2-Clause
// Built-in variables: privileges, caches, strings (semantics.md points 22, 33, 34, decision 9).
#include "runtime/builtin.hpp"

#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

class Builtin : public testing::Test {
  protected:
    World world{{}, {3, 64, 0}};
    difjit_frame f = world.frame(2);

    std::uint64_t read(Var var, std::uint64_t index = 0) {
        return builtin_variable(&f, static_cast<std::uint64_t>(var), index);
    }
    void expect_fault(Var var, const char* name) {
        f.flags = 0;
        f.illval = 77;
        EXPECT_EQ(read(var), 0u);
        EXPECT_EQ(fault_name(f.flags), name);
        EXPECT_EQ(f.illval, 77u) << "illval stays as it was";
    }
};

TEST_F(Builtin, ArgumentsAreReadByBothNames) {
    for (std::uint64_t i = 0; i < DIFJIT_NARGS; i++)
        f.args[i] = 100 + i;
    EXPECT_EQ(read(Var::ARG0), 100u);
    EXPECT_EQ(read(Var::ARG9), 109u);
    EXPECT_EQ(read(Var::ARGS, 4), 104u);
    world.firing.variables[Var::ARGS] = 0;
    EXPECT_EQ(read(Var::ARGS, 10), 0u) << "the host has no more";
    EXPECT_EQ(read(Var::ARGS, std::uint64_t{1} << 32), 0u)
        << "decision 9: compared before it is narrowed";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Builtin, ClocksAreReadOnceAnEcb) {
    world.firing.variables = {{Var::TIMESTAMP, 5}, {Var::WALLTIMESTAMP, 6}, {Var::VTIMESTAMP, 7}};
    EXPECT_EQ(read(Var::TIMESTAMP), 5u);
    EXPECT_EQ(read(Var::WALLTIMESTAMP), 6u);
    world.firing.variables = {
        {Var::TIMESTAMP, 50}, {Var::WALLTIMESTAMP, 60}, {Var::VTIMESTAMP, 70}};
    EXPECT_EQ(read(Var::TIMESTAMP), 5u);
    EXPECT_EQ(read(Var::WALLTIMESTAMP), 6u);
    EXPECT_EQ(read(Var::VTIMESTAMP), 70u) << "this one is not cached";
}

TEST_F(Builtin, TheFramesOwn) {
    f.epid = 3;
    f.probe_id = 4;
    EXPECT_EQ(read(Var::EPID), 3u);
    EXPECT_EQ(read(Var::ID), 4u);
    EXPECT_EQ(read(Var::CPU), 2u);
}

TEST_F(Builtin, PrivilegesAreAskedFirst) {
    world.firing.variables = {{Var::PID, 1}, {Var::TID, 2}, {Var::CALLER, 3}, {Var::ERRNO, 4}};
    EXPECT_EQ(read(Var::PID), 1u);
    EXPECT_EQ(read(Var::CALLER), 3u);
    f.access = 0;
    for (const Var var : {Var::PID, Var::PPID, Var::UID, Var::GID, Var::CURTHREAD, Var::UCALLER,
                          Var::USTACKDEPTH, Var::UREGS})
        expect_fault(var, "UPRIV");
    for (const Var var : {Var::CALLER, Var::STACKDEPTH, Var::JID, Var::JAILNAME, Var::ZONENAME})
        expect_fault(var, "KPRIV");
    f.flags = 0;
    EXPECT_EQ(read(Var::TID), 2u);
    EXPECT_EQ(read(Var::ERRNO), 4u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Builtin, UnknownOnesAreIllegal) {
    expect_fault(Var::INVALID, "ILLOP");
    expect_fault(Var::IPL, "ILLOP");
    expect_fault(Var::REGS, "ILLOP");
    expect_fault(static_cast<Var>(0x17f), "ILLOP");
    expect_fault(static_cast<Var>(0x4ff), "ILLOP");
    expect_fault(Var::THREADNAME, "ILLOP"); // illumos alone has it
    f.flags = 0;
    EXPECT_EQ(builtin_variable(&f, UINT64_MAX, 0), 0u);
    EXPECT_EQ(fault_name(f.flags), "ILLOP");
}

TEST_F(Builtin, StringsAreTheHostsOwnWithTheKernelPrivilege) {
    world.firing.strings[Var::EXECNAME] = "nginx";
    const std::uint64_t addr = read(Var::EXECNAME);
    EXPECT_EQ(addr, reinterpret_cast<std::uint64_t>(world.firing.strings[Var::EXECNAME].c_str()));
    EXPECT_EQ(f.scratch_ptr, f.scratch_base);
}

TEST_F(Builtin, StringsAreCopiedWithoutIt) {
    world.firing.strings[Var::EXECNAME] = "nginx";
    f.access = DIFJIT_ACCESS_PROC;
    f.scratch_ptr += 1;
    EXPECT_EQ(read(Var::EXECNAME), world.scratch() + 1) << "nothing aligns it";
    EXPECT_EQ(text_at(world.scratch() + 1), "nginx");
    EXPECT_EQ(f.scratch_ptr, world.scratch() + 7);
    f.strsize = 3;
    read(Var::EXECNAME);
    EXPECT_EQ(f.scratch_ptr, world.scratch() + 11) << "strsize and one more, without a NUL";
    f.scratch_ptr = f.scratch_base + f.scratch_size - 3;
    EXPECT_EQ(read(Var::EXECNAME), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
}

TEST_F(Builtin, ExecargsIsAlwaysACopyJoinedByBlanks) {
    world.firing.strings[Var::EXECARGS] = std::string("ls\0-l\0/", 7);
    EXPECT_EQ(text_at(read(Var::EXECARGS)), "ls -l /");
    EXPECT_EQ(f.scratch_ptr, world.scratch() + 8);
}

TEST_F(Builtin, AHostWithoutTheStringGivesNull) {
    EXPECT_EQ(read(Var::EXECNAME), 0u);
    EXPECT_EQ(f.flags, 0u);
}

} // namespace
} // namespace difjit::test
