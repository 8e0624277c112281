// SPDX-License-Identifier: BSD-2-Clause
// The consumer: turns a session's buffers into what dtrace(1) prints, or into JSON.
//
// Follows libdtrace's dt_consume.c, dt_printf.c, dt_aggregate.c and, for JSON, the libxo output of
// FreeBSD's dtrace(1). Runs on the controlling thread only.
#ifndef DIFJIT_CONSUMER_HPP
#define DIFJIT_CONSUMER_HPP

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <difjit/session.hpp>

namespace difjit {

enum class OutputFormat { text, json, jsonl };

struct ConsumerOptions {
    OutputFormat format = OutputFormat::text;
    bool quiet = false; ///< -q; also set by the quiet option
    /// Where output goes. Called with whole pieces, in order.
    std::function<void(std::string_view)> write;
    /// Drop and error messages of text output (dtrace prints them to stderr).
    std::function<void(std::string_view)> report;
    /// system(): runs a command; nullptr: it is printed only.
    std::function<int(const std::string&)> run_command;
    /// Symbol names for sym(), stack(); empty result: the address is printed as hex.
    std::function<std::string(std::uint64_t)> symbol;
    /// The same for user addresses of a process.
    std::function<std::string(std::uint64_t pid, std::uint64_t address)> user_symbol;
};

class Consumer {
  public:
    static std::unique_ptr<Consumer> create(Session& session, ConsumerOptions options);
    virtual ~Consumer() = default;

    /// The column header of default output, or the start of the JSON document.
    virtual void begin() = 0;
    /// Reads all principal buffers and aggregation buffers and prints records and drops.
    virtual Result<void> work() = 0;
    /// After stop(): last records, all aggregations not printed by printa(), end of the document.
    virtual Result<void> end() = 0;

    struct Totals {
        std::uint64_t records = 0, errors = 0, drops = 0;
    };
    virtual Totals totals() const = 0;
};

} // namespace difjit

#endif
