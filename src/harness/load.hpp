// SPDX-License-Identifier: BSD-2-Clause
// The load generator: fires a program's own probes with plausible values, the same for one seed.
//
// Each probe description becomes a concrete probe or a few (empty parts and globs are filled with
// names of their kind). A few processes with a few threads each take turns; a thread that entered a
// function returns from it next. An argument that the program dereferences or hands to a string
// subroutine is a pointer to something readable; others are small numbers of the usual kinds.
// Tests: tests/harness/load_test.cpp.
#ifndef DIFJIT_HARNESS_LOAD_HPP
#define DIFJIT_HARNESS_LOAD_HPP

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/trace.hpp"

namespace difjit::harness {

/// What the programs do with one argument.
enum class ArgumentUse : std::uint8_t { number, memory, string };
using ArgumentUses = std::array<ArgumentUse, DIFJIT_NARGS>;

/// Which argument a clause-local holds, by the variable's id; other values are absent.
using LocalArguments = std::map<std::uint32_t, std::uint64_t>;

/// A straight walk over the DIFO: which arguments go into loads and string subroutines. `locals`
/// goes from DIFO to DIFO of one clause.
void note_uses(const Difo& difo, ArgumentUses& uses, LocalArguments& locals);

/// A name that a glob matches, made of the glob and, where it says nothing, of `filler`.
std::string fill_glob(const std::string& glob, const std::string& filler);

/// One pseudo-random sequence: splitmix64.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

  private:
    std::uint64_t state_;
};

struct LoadOptions {
    std::uint64_t firings = 100;
    std::uint64_t seed = 1;
    std::uint32_t ncpus = 4;
};

class Load final : public FiringSource {
  public:
    Load(std::span<const Program> programs, const LoadOptions& options);

    [[nodiscard]] const FiringSetting& setting() const override { return setting_; }
    [[nodiscard]] const std::vector<ProbeInfo>& probes() const override { return names_; }
    [[nodiscard]] std::uint32_t ncpus() const override { return options_.ncpus; }
    [[nodiscard]] std::uint64_t total() const override {
        return names_.empty() ? 0 : options_.firings;
    }
    const FiringLine* next() override;

    /// All of it at once, as a firings file would hold it.
    static Firings record(std::span<const Program> programs, const LoadOptions& options);

  private:
    struct LoadProbe {
        ArgumentUses uses{};
        std::optional<std::uint32_t> partner; ///< entry: its return
        bool is_return = false;               ///< fires only after its entry
    };
    struct Thread {
        std::uint32_t process = 0;
        std::uint64_t tid = 0, vtimestamp = 0;
        std::optional<std::uint32_t> pending; ///< the return that comes next
    };

    void add_probes(const Program& program, const EcbDescription& ecb);
    void add_probe(ProbeInfo name, const ArgumentUses& uses);
    void pair_probes();
    void make_memory();
    std::uint32_t choose_probe(Thread& thread);
    std::uint64_t argument(ArgumentUse use, std::size_t i, bool is_return);

    LoadOptions options_;
    Random random_;
    FiringSetting setting_;
    std::vector<ProbeInfo> names_;
    std::vector<LoadProbe> probes_;
    std::vector<std::uint32_t> starters_; ///< probes that need no entry before them
    std::vector<Thread> threads_;
    std::uint64_t fired_ = 0, now_ = 0;
    FiringLine line_;
};

} // namespace difjit::harness

#endif
