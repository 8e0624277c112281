// SPDX-License-Identifier: BSD-2-Clause
// Replay: a program over recorded firings, every answer written down (tests/corpus/README.md,
// "expected").
//
// The engine runs under an observer, so that what is compared is what probes really do; the rules
// of a replay (matching by equality, fresh zero scratch, cleaners after each firing, no predicate
// cache, nothing fired that is not listed) are set here. Tests: tests/harness/corpus_test.cpp,
// which compares each line with the reference's, and tests/negative/, where it must find a
// difference.
#ifndef DIFJIT_HARNESS_REPLAY_HPP
#define DIFJIT_HARNESS_REPLAY_HPP

#include <functional>
#include <string>
#include <string_view>

#include <difjit/error.hpp>
#include <difjit/session.hpp>

#include "harness/firings.hpp"

namespace difjit::harness {

struct ReplayOptions {
    Engine engine = Engine::interp;
    bool optimise = true; ///< of the JIT
};

/// Gets each line without its newline; false ends the replay early.
using LineSink = std::function<bool(std::string_view)>;

/// One line for each firing and ECB that is run, then the final state.
Result<void> replay(const Program& program, const Firings& firings, const ReplayOptions& options,
                    const LineSink& sink);

/// The same as one text with newlines.
Result<std::string> replay_text(const Program& program, const Firings& firings,
                                const ReplayOptions& options);

/// The process host, but nothing that a recorded program asks for happens to a real process.
const difjit_host& harmless_host();

} // namespace difjit::harness

#endif
