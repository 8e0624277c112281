// SPDX-License-Identifier: BSD-2-Clause
// Where output goes: the caller's functions, or the file that freopen() has opened.
//
// Follows dtrace_freopen of dt_printf.c as FreeBSD has it. Covered by
// tests/engine/consumer/test_consumer.cpp.
#ifndef DIFJIT_ENGINE_CONSUMER_OUTPUT_HPP
#define DIFJIT_ENGINE_CONSUMER_OUTPUT_HPP

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <difjit/consumer.hpp>

namespace difjit::consumer {

class Output {
  public:
    explicit Output(const ConsumerOptions& options) : options_(options) {}

    /// Of actions: follows freopen().
    void action(std::string_view text);
    /// Of dtrace(1) itself (columns, newlines): always the caller's.
    void frame(std::string_view text);
    /// Messages: dtrace(1) writes them to stderr.
    void report(std::string_view text);

    /// freopen(): further actions write to the end of this file; Error: why it can't be opened.
    Result<void> redirect(const std::string& path);
    void restore();
    /// ftruncate(): empties the file of freopen(), if there is one.
    void truncate();

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    const ConsumerOptions& options_;
    std::unique_ptr<std::FILE, Close> file_;
};

} // namespace difjit::consumer

#endif
