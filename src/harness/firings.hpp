// SPDX-License-Identifier: BSD-2-Clause
// A firings file: the setting, then one probe firing a line (tests/corpus/README.md, "firings").
//
// Any bytes may come in. Tests: tests/harness/firings_test.cpp.
#ifndef DIFJIT_HARNESS_FIRINGS_HPP
#define DIFJIT_HARNESS_FIRINGS_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/session.hpp>

#include "harness/memory.hpp"

namespace difjit::harness {

/// CPU slots that a firing may name: a kernel's MAXCPU.
inline constexpr std::uint64_t max_cpus = 256;

/// enum difjit_access: who may see a process may change it.
constexpr std::uint32_t access_bits(bool kernel, bool proc) {
    std::uint32_t bits = 0;
    if (kernel)
        bits |= DIFJIT_ACCESS_KERNEL;
    if (proc)
        bits |= DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
    return bits;
}

/// The first line.
struct FiringSetting {
    std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT;
    std::uint64_t scratch = 0;
    bool kernel = true; ///< privilege to read kernel memory
    std::vector<MemoryRegion> memory, user;

    [[nodiscard]] std::uint32_t access() const { return access_bits(kernel, true); }
};

/// One firing.
struct FiringLine {
    std::uint32_t probe = 0;       ///< index in Firings::probes
    std::uint32_t reported_id = 1; ///< what the `id` variable answers; 0: the engine's own id
    std::vector<std::uint64_t> args;
    std::uint32_t cpu = 0;
    std::uint64_t pid = 0, tid = 0, ppid = 0, uid = 0, gid = 0, errno_value = 0;
    std::uint64_t timestamp = 0, vtimestamp = 0, walltimestamp = 0;
    std::string execname;
};

struct Firings {
    std::string name; ///< of the file, for messages
    FiringSetting setting;
    std::vector<ProbeInfo> probes; ///< each once, in the order of their first firing
    std::vector<FiringLine> lines;

    /// CPU slots that a session for them needs.
    [[nodiscard]] std::uint32_t ncpus() const;
};

Result<Firings> parse_firings(std::string_view text, const std::string& name);
Result<Firings> read_firings(const std::string& path);

/// "provider:module:function:name"; parts that are not there are empty, from the left.
ProbeInfo split_probe(std::string_view probe);

/// What the process host reads of this firing: views into `line`, `user` and static tables. Its
/// stacks hold one 0, so that nothing is unwound.
host::Firing host_firing(const FiringLine& line, const UserMemory& user);

} // namespace difjit::harness

#endif
