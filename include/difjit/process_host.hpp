// SPDX-License-Identifier: BSD-2-Clause
// The process host: difjit_host for probes that fire in a process, live or replayed from a file.
//
// Each firing brings its own identity (who, when, where); user memory is a list of windows so that
// a replay can hold it apart from "kernel" memory, or the process's own memory when there are none.
#ifndef DIFJIT_PROCESS_HOST_HPP
#define DIFJIT_PROCESS_HOST_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include <difjit/host.h>

namespace difjit::host {

/// Memory that copyin and uld* see at `address` while it lies at `data` here.
struct UserWindow {
    std::uint64_t address = 0;
    std::size_t size = 0;
    std::byte* data = nullptr;
};

/// What difjit_frame.firing points to with this host. Filled by whoever fires; owned by them.
struct Firing {
    std::uint64_t pid = 0, tid = 0, ppid = 0, uid = 0, gid = 0, errno_value = 0;
    std::uint64_t timestamp = 0;     ///< 0: the monotonic clock is read when asked
    std::uint64_t vtimestamp = 0;    ///< 0: this thread's CPU clock
    std::uint64_t walltimestamp = 0; ///< 0: the real-time clock
    bool recorded = false;           ///< the three times are as given, 0 too
    const char* execname = "";       ///< NUL-terminated, in memory that stays readable
    const char* execargs = "";
    const char* zonename = "global";
    const char* jailname = "0";
    std::uint64_t jid = 0;
    std::uint32_t cpu = 0;
    std::uint32_t reported_id = 0; ///< id variable; 0: the engine's probe id
    /// arg10 and beyond: args[n].
    std::span<const std::uint64_t> more_args;
    std::span<const UserWindow> user;             ///< empty: the process's own memory
    std::span<const std::uint64_t> stack, ustack; ///< given program counters; empty: unwound live
    std::uint64_t chill_until = 0;
};

/// What difjit_frame.probe points to begins like this: the names of probeprov and the like. The
/// engine's Probe does; nullptr names nothing.
struct ProbeNames {
    std::uint32_t id;
    const char *provider, *module, *function, *name;
};

/// The host table. One const object for the whole process.
const difjit_host& process_host();

} // namespace difjit::host

#endif
