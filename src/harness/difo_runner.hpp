// SPDX-License-Identifier: BSD-2-Clause
// Runs one DIFO by itself, without a session: frame, variables and scratch made by hand.
//
// What dtrace_probe would do around it is done here for one DIFEXPR action (tests/corpus/README.md,
// "difo"). Tests: tests/harness/vectors_test.cpp compares 3,000 objects with the reference's
// answers.
#ifndef DIFJIT_HARNESS_DIFO_RUNNER_HPP
#define DIFJIT_HARNESS_DIFO_RUNNER_HPP

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <difjit/error.hpp>
#include <difjit/session.hpp>

#include "harness/vectors.hpp"

namespace difjit::harness {

/// What one run answered.
struct DifoResult {
    std::uint64_t value = 0;
    std::uint32_t flags = 0; ///< enum difjit_flag
    std::int64_t pc = -1;    ///< of the fault
    /// What the fault wrote; nothing where it writes none or the address belongs to the engine.
    std::optional<std::uint64_t> illval;
    std::optional<std::vector<std::byte>> record; ///< by-ref result, without a fault
    std::uint64_t scratch = 0;                    ///< bytes in use at the end
    struct Global {
        std::uint32_t id = 0;
        bool byref = false;
        std::optional<std::vector<std::byte>> bytes; ///< nullopt: NULL
    };
    std::vector<Global> globals;
};

/// One object with a fresh state, for its runs one after the other.
class DifoRunner {
  public:
    static Result<std::unique_ptr<DifoRunner>>
    create(const VectorSetting& setting, const Vector& object, Engine engine, ScratchArea& scratch);
    virtual ~DifoRunner() = default;
    virtual DifoResult run(const std::vector<std::uint64_t>& args) = 0;
};

/// All runs of one object as its JSON line.
Result<std::string> replay_object(const VectorSetting& setting, const Vector& object, Engine engine,
                                  ScratchArea& scratch);

/// All objects of a file, one line each; the sink may end it early. An object that the verifier
/// refuses is an {"error":…} line, and the first of them the result.
Result<void> replay_vectors(const Vectors& vectors, Engine engine,
                            const std::function<bool(std::string_view)>& sink);

} // namespace difjit::harness

#endif
