// SPDX-License-Identifier: BSD-2-Clause
// The built command as a process: what it prints and how it ends.
#ifndef DIFJIT_TESTS_TOOLS_PROCESS_HPP
#define DIFJIT_TESTS_TOOLS_PROCESS_HPP

#include <string>
#include <vector>

namespace difjit::tests {

struct Ran {
    int status = -1; ///< exit status; 128 + signal where one killed it
    std::string out, err;
};

struct RunOptions {
    std::string input = {};          ///< standard input
    std::string stdout_path = {};    ///< "": captured
    bool close_stdout_early = false; ///< a pipe that nobody reads
};

/// Runs build/difjit; it is killed after a minute.
Ran difjit(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// A file in a folder of this test run's own, removed at exit.
std::string temporary(const std::string& name, const std::string& content);
std::string temporary_path(const std::string& name);

} // namespace difjit::tests

#endif
