// SPDX-License-Identifier: BSD-2-Clause
// What the benchmarks run: DIFOs of a corpus program on a frame of their own, and whole probes.
#ifndef DIFJIT_BENCH_FIXTURE_HPP
#define DIFJIT_BENCH_FIXTURE_HPP

#include <memory>
#include <string>
#include <vector>

#include <difjit/jit.hpp>
#include <difjit/program.hpp>
#include <difjit/session.hpp>

#include "runtime/runtime.hpp"
#include <difjit/process_host.hpp>

namespace difjit::bench {

/// The corpus program of this name; ends the process with a message where it can't be read.
Program read_corpus(const std::string& name);

/// Who fires: the same plausible thread in every benchmark.
host::Firing plausible_firing();

/// arg0 … arg9 of every firing: arg0 and arg1 point to memory that holds a string, then small
/// positive numbers, so that programs find a path, a structure or a buffer there.
const std::uint64_t* plausible_args();

/// The ECB of a program with the most instructions, its DIFOs in order of execution, ready to run
/// on one frame: in the interpreter or compiled.
class DifoFixture {
  public:
    DifoFixture(const std::string& name, Engine engine);
    ~DifoFixture();
    DifoFixture(const DifoFixture&) = delete;
    DifoFixture& operator=(const DifoFixture&) = delete;

    /// One pass over all DIFOs, each as dtrace_probe would call it. Returns the last value.
    std::uint64_t run();
    [[nodiscard]] std::size_t instructions() const { return instructions_; }

  private:
    Program program_;
    std::vector<difjit_difo> difos_;
    std::size_t instructions_ = 0;
    std::shared_ptr<jit::CodeArena> arena_;
    std::vector<jit::LoadedCode> code_;
    std::unique_ptr<std::byte[]> vstate_memory_, scratch_;
    host::Firing firing_ = plausible_firing();
    std::uint64_t predcache_ = 0;
    std::uint64_t rand_state_[1][2] = {{1, 2}};
    difjit_state state_{};
    difjit_frame frame_{};
};

} // namespace difjit::bench

#endif
