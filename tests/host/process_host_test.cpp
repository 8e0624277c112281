// SPDX-License-Identifier: BSD-2-Clause
// What the process host answers, case by case.
#include <difjit/process_host.hpp>

#include <cstring>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "dif/actions.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace {

using namespace difjit;

class ProcessHost : public testing::Test {
  protected:
    ProcessHost() {
        difo.dialect = DIFJIT_DIALECT_FREEBSD;
        frame.firing = &firing;
        frame.difo = &difo;
        firing.pid = 100, firing.tid = 7, firing.ppid = 42, firing.uid = 1001, firing.gid = 1002;
        firing.errno_value = 2, firing.cpu = 3, firing.jid = 5;
        firing.execname = "nginx";
    }
    std::uint64_t variable(Var var, std::uint64_t index = 0) {
        return host.variable(&frame, static_cast<std::uint32_t>(var), index);
    }
    std::uint64_t object(Subr subr, std::uint64_t argument) {
        frame.tuple[0] = {argument, 0};
        return host.object(&frame, static_cast<std::uint32_t>(subr));
    }
    std::string string(Var var) {
        const difjit_host_string s = host.string_variable(&frame, static_cast<std::uint32_t>(var));
        return s.data == nullptr ? "(none)" : std::string(s.data, s.max);
    }

    const difjit_host& host = host::process_host();
    difjit_difo difo{};
    host::Firing firing;
    difjit_frame frame{};
};

TEST_F(ProcessHost, DescribesTheFiring) {
    EXPECT_EQ(variable(Var::PID), 100u);
    EXPECT_EQ(variable(Var::TID), 7u);
    EXPECT_EQ(variable(Var::PPID), 42u);
    EXPECT_EQ(variable(Var::UID), 1001u);
    EXPECT_EQ(variable(Var::GID), 1002u);
    EXPECT_EQ(variable(Var::ERRNO), 2u);
    EXPECT_EQ(variable(Var::CPU), 3u);
    EXPECT_EQ(variable(Var::JID), 5u);
    EXPECT_EQ(host.thread_id(&frame), 7u);
    EXPECT_EQ(host.interrupt_level(&frame), 0u);
    EXPECT_EQ(frame.flags, 0u);
}

TEST_F(ProcessHost, ReadsClocksWhereNoTimeIsGiven) {
    const std::uint64_t before = host.now(&frame);
    const std::uint64_t t = variable(Var::TIMESTAMP);
    EXPECT_GE(t, before);
    EXPECT_LE(t, host.now(&frame));
    EXPECT_NEAR(static_cast<double>(variable(Var::WALLTIMESTAMP)) / 1e9,
                static_cast<double>(time(nullptr)), 2.0);
    EXPECT_GT(variable(Var::VTIMESTAMP), 0u);
    firing.timestamp = 1, firing.vtimestamp = 2, firing.walltimestamp = 3;
    EXPECT_EQ(variable(Var::TIMESTAMP), 1u);
    EXPECT_EQ(variable(Var::VTIMESTAMP), 2u);
    EXPECT_EQ(variable(Var::WALLTIMESTAMP), 3u);
}

TEST_F(ProcessHost, ARecordedTimeOf0Is0) {
    firing.recorded = true;
    EXPECT_EQ(variable(Var::TIMESTAMP), 0u);
    EXPECT_EQ(variable(Var::VTIMESTAMP), 0u);
    EXPECT_EQ(variable(Var::WALLTIMESTAMP), 0u);
}

TEST_F(ProcessHost, ArgumentsBeyondTheProvidersRead0) {
    const std::uint64_t more[] = {11, 12};
    frame.args[9] = 9;
    firing.more_args = more;
    EXPECT_EQ(variable(Var::ARGS, 9), 9u);
    EXPECT_EQ(variable(Var::ARGS, 10), 11u);
    EXPECT_EQ(variable(Var::ARGS, 11), 12u);
    EXPECT_EQ(variable(Var::ARGS, 12), 0u);
    EXPECT_EQ(variable(Var::ARGS, ~0ull), 0u);
    EXPECT_EQ(variable(Var::ARGS, 1ull << 32), 0u); // decision 9: compared as 64 bits
    EXPECT_EQ(frame.flags, 0u);
}

TEST_F(ProcessHost, FaultsWhereTheReferenceDoes) {
    EXPECT_EQ(variable(Var::IPL), 0u);
    EXPECT_EQ(frame.flags, DIFJIT_FAULT_ILLOP);
    frame.flags = 0;
    difo.dialect = DIFJIT_DIALECT_ILLUMOS;
    EXPECT_EQ(variable(Var::IPL), 0u);
    EXPECT_EQ(frame.flags, 0u);
    frame.illval = 99;
    EXPECT_EQ(variable(Var::UREGS, 1), 0u);
    EXPECT_EQ(frame.flags, DIFJIT_FAULT_BADADDR);
    EXPECT_EQ(frame.illval, 0u);
    frame.flags = 0;
    EXPECT_EQ(variable(static_cast<Var>(0x4ee)), 0u);
    EXPECT_EQ(frame.flags, DIFJIT_FAULT_ILLOP);
}

TEST_F(ProcessHost, NamesOfProcessAndProbe) {
    EXPECT_EQ(string(Var::EXECNAME), std::string("nginx", 6));
    EXPECT_EQ(string(Var::PROBENAME), "(none)");
    const host::ProbeNames names{1, "syscall", "kernel", "write", "entry"};
    frame.probe = &names;
    EXPECT_EQ(string(Var::PROBEPROV), std::string("syscall", 8));
    EXPECT_EQ(string(Var::PROBEMOD), std::string("kernel", 7));
    EXPECT_EQ(string(Var::PROBEFUNC), std::string("write", 6));
    EXPECT_EQ(string(Var::PROBENAME), std::string("entry", 6));
    firing.jailname = "j", firing.zonename = "z";
    EXPECT_EQ(string(Var::ZONENAME), std::string("j", 2));
    difo.dialect = DIFJIT_DIALECT_ILLUMOS;
    EXPECT_EQ(string(Var::ZONENAME), std::string("z", 2));
}

TEST_F(ProcessHost, ObjectsOfAKernelAreBadAddresses) {
    EXPECT_EQ(object(Subr::MUTEX_OWNED, 0x1234), 0u);
    EXPECT_EQ(frame.flags, DIFJIT_FAULT_BADADDR);
    EXPECT_EQ(frame.illval, 0x1234u);
    frame.flags = 0;
    EXPECT_EQ(object(Subr::GETF, 1), 0u);
    EXPECT_EQ(object(Subr::PROGENYOF, 100), 1u);
    EXPECT_EQ(object(Subr::PROGENYOF, 42), 1u);
    EXPECT_EQ(object(Subr::PROGENYOF, 43), 0u);
    EXPECT_EQ(object(Subr::PROGENYOF, 0x100000000 + 42), 1u); // a pid is an int
    EXPECT_EQ(frame.flags, 0u);
}

TEST_F(ProcessHost, UserWindowsHoldUserMemory) {
    std::byte low[4] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    std::byte high[4] = {std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
    const host::UserWindow windows[] = {{0x1004, 4, high}, {0x1000, 4, low}};
    firing.user = windows;
    std::byte out[8] = {};
    EXPECT_EQ(host.read_user(&frame, out, 0x1002, 8), 6u); // across the seam, then to the end
    EXPECT_EQ(out[0], std::byte{3});
    EXPECT_EQ(out[5], std::byte{8});
    EXPECT_EQ(host.read_user(&frame, out, 0xfff, 1), 0u);
    EXPECT_EQ(host.read_user(&frame, out, ~0ull, 8), 0u);
    EXPECT_EQ(host.write_user(&frame, 0x1003, "ab", 2), 2u);
    EXPECT_EQ(low[3], std::byte{'a'});
    EXPECT_EQ(high[0], std::byte{'b'});
}

TEST_F(ProcessHost, WithoutWindowsUserMemoryIsTheProcess) {
    std::uint64_t word = 0x1122334455667788, copy = 0;
    const auto at = reinterpret_cast<std::uint64_t>(&word);
    EXPECT_EQ(host.read_user(&frame, &copy, at, 8), 8u);
    EXPECT_EQ(copy, word);
    copy = 9;
    EXPECT_EQ(host.write_user(&frame, at, &copy, 8), 8u);
    EXPECT_EQ(word, 9u);
    EXPECT_EQ(host.read_user(&frame, &copy, 16, 8), 0u);
    EXPECT_EQ(host.write_user(&frame, 16, &copy, 8), 0u);
    EXPECT_EQ(host.read(&frame, &copy, 16, 8), 0u);
}

TEST_F(ProcessHost, GivenStacks) {
    const std::uint64_t kernel[] = {0x10, 0x20, 0x30}, user[] = {0x1, 0x2};
    firing.stack = kernel, firing.ustack = user;
    std::uint64_t pcs[5];
    host.stack(&frame, pcs, 5);
    EXPECT_EQ(std::vector(pcs, pcs + 5), (std::vector<std::uint64_t>{0x10, 0x20, 0x30, 0, 0}));
    host.stack(&frame, pcs, 2);
    EXPECT_EQ(pcs[1], 0x20u);
    host.ustack(&frame, pcs, 5);
    EXPECT_EQ(std::vector(pcs, pcs + 5), (std::vector<std::uint64_t>{100, 1, 2, 0, 0}));
    host.ustack(&frame, pcs, 0);
    EXPECT_EQ(variable(Var::STACKDEPTH), 3u);
    EXPECT_EQ(variable(Var::USTACKDEPTH), 2u);
    EXPECT_EQ(variable(Var::CALLER), 0x20u);
    EXPECT_EQ(variable(Var::UCALLER), 2u);
}

TEST_F(ProcessHost, LiveStackHasThisProgramInIt) {
    std::uint64_t pcs[64] = {};
    host.stack(&frame, pcs, 64);
    EXPECT_NE(pcs[0], 0u);
    EXPECT_NE(pcs[2], 0u);
    EXPECT_GT(variable(Var::STACKDEPTH), 3u);
}

TEST_F(ProcessHost, CurthreadIsThisThreadOnlyWhereItIs) {
    EXPECT_EQ(variable(Var::CURTHREAD), 7u);
    firing.tid = static_cast<std::uint64_t>(gettid());
    EXPECT_EQ(variable(Var::CURTHREAD), static_cast<std::uint64_t>(pthread_self()));
}

TEST_F(ProcessHost, DestructiveActionsOfAReplayChangeNothing) {
    for (const ActionKind kind : {ActionKind::STOP, ActionKind::RAISE, ActionKind::BREAKPOINT,
                                  ActionKind::PANIC, ActionKind::CHILL})
        host.act(&frame, static_cast<std::uint32_t>(kind), 1'000'000'000'000);
    SUCCEED(); // this process is still there, and at once
    EXPECT_GT(firing.chill_until, host.now(&frame));
}

TEST_F(ProcessHost, RaiseReachesThisProcess) {
    firing.pid = static_cast<std::uint64_t>(getpid());
    EXPECT_EXIT(
        {
            signal(SIGUSR1, [](int) { _exit(5); });
            firing.pid = static_cast<std::uint64_t>(getpid());
            host.act(&frame, static_cast<std::uint32_t>(ActionKind::RAISE), SIGUSR1);
            _exit(6);
        },
        testing::ExitedWithCode(5), "");
}

TEST_F(ProcessHost, TheToxicRangeIsEverythingNoProcessHas) {
    ASSERT_EQ(host.ntoxic, 1u);
    EXPECT_EQ(host.toxic[0].base, 0x800000000000u);
    EXPECT_EQ(host.toxic[0].limit, 0u);
    EXPECT_EQ(host.user_limit, 0x800000000000u);
    EXPECT_EQ(host.abi, DIFJIT_ABI_VERSION);
}

} // namespace
