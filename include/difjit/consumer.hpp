// SPDX-License-Identifier: BSD-2-Clause
// The consumer: turns a session's buffers into what dtrace(1) prints, or into JSON.
//
// Follows libdtrace's dt_consume.c, dt_printf.c, dt_aggregate.c and, for JSON, the libxo output of
// FreeBSD's dtrace(1); docs/output.md says what is printed. Runs on the controlling thread only.
#ifndef DIFJIT_CONSUMER_HPP
#define DIFJIT_CONSUMER_HPP

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <difjit/dialect.h>
#include <difjit/session.hpp>

namespace difjit {

enum class OutputFormat { text, json, jsonl };

/// Which characters histograms are drawn with: dtrace(1)'s option `encoding`. Automatic: bars of
/// '@', packed histograms of block elements.
enum class Encoding { automatic, ascii, utf8 };

struct ConsumerOptions {
    OutputFormat format = OutputFormat::text;
    bool quiet = false; ///< -q; also set by the quiet option
    Encoding encoding = Encoding::automatic;
    Dialect dialect = Dialect::freebsd; ///< of the programs: how library actions are numbered
    /// Where output goes. Called with whole pieces, in order.
    std::function<void(std::string_view)> write;
    /// Messages of faults and library errors, and of drops in text output; whole lines (dtrace
    /// prints them to stderr).
    std::function<void(std::string_view)> report;
    /// system(): runs a command; nullptr: it is printed only.
    std::function<int(const std::string&)> run_command;
    /// Names for kernel addresses in sym(), stack() and %a: "module`name" or "module`name+0x1f";
    /// empty: the address is printed as hex.
    std::function<std::string(std::uint64_t)> symbol;
    /// The same for user addresses of a process; pid 0: not known.
    std::function<std::string(std::uint64_t pid, std::uint64_t address)> user_symbol;
};

class Consumer {
  public:
    /// `session` outlives the consumer.
    static std::unique_ptr<Consumer> create(Session& session, ConsumerOptions options);
    /// Closes a JSON document that end() has not closed.
    virtual ~Consumer() = default;

    /// The start of the JSON document. The column header of text is printed before the first
    /// record.
    virtual void begin() = 0;
    /// Reads all principal buffers and aggregation buffers and prints records and drops. With the
    /// buffer policies ring and fill, records wait for end(). An error is about one buffer or one
    /// record; the next call goes on behind it.
    virtual Result<void> work() = 0;
    /// After stop(): last records, all aggregations not printed by printa(), end of the document.
    virtual Result<void> end() = 0;

    struct Totals {
        /// Firings that were consumed, faults and library errors, lost records of all kinds.
        std::uint64_t records = 0, errors = 0, drops = 0;
    };
    virtual Totals totals() const = 0;
};

} // namespace difjit

#endif
