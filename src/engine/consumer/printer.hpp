// SPDX-License-Identifier: BSD-2-Clause
// What the consumer has to say, for whoever writes it down: text or JSON.
//
// The consumer walks the records (consumer.cpp) and calls one function for each thing that
// dtrace(1) would print. Covered by tests/engine/consumer/cases/*.
#ifndef DIFJIT_ENGINE_CONSUMER_PRINTER_HPP
#define DIFJIT_ENGINE_CONSUMER_PRINTER_HPP

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/consumer/aggregates.hpp"
#include "engine/consumer/output.hpp"

namespace difjit::consumer {

/// How -F shows a firing.
enum class Flow : std::uint8_t { none, entry, return_ };

/// One record: an ECB that ran.
struct Firing {
    const EcbInfo* ecb = nullptr;
    std::uint32_t cpu = 0;
    std::uint64_t timestamp = 0;
    Bytes data; ///< the record, header included
    Flow flow = Flow::none;
    std::string prefix; ///< " -> ", " <- ", "| " and theirs
    int indent = 0;
};

/// One action's data.
struct Datum {
    const RecordInfo& record;
    Bytes data;
};

/// Lost data: dtrace_dropdata_t.
struct Drop {
    std::uint32_t kind = 0; ///< DTRACEDROP_*
    std::int64_t cpu = -1;  ///< -1: not of one CPU
    std::uint64_t count = 0, total = 0;
    std::uint64_t timestamp = 0;
    std::string message; ///< "3 drops on CPU 0"
};

class Printer {
  public:
    virtual ~Printer() = default;

    virtual void begin() = 0;
    virtual void end() = 0;

    virtual void firing(const Firing& firing) = 0;
    virtual void firing_done() = 0;

    virtual Result<void> trace(const Datum& datum) = 0;
    virtual Result<void> tracemem(Bytes data) = 0;
    virtual Result<void> printm(Bytes data) = 0;
    virtual Result<void> stack(const Datum& datum) = 0;
    virtual Result<void> symbol(const Datum& datum) = 0;
    /// printf(): the text, and the records that went into it.
    virtual Result<void> printf(const std::string& text, Arguments used) = 0;

    /// system() where nothing may be run: the command.
    virtual void command(const std::string& text) = 0;

    /// printa() of one or several variables, with or without a format.
    virtual Result<void> printa(const Format* format, const std::vector<std::uint32_t>& varids) = 0;
    /// At the end: what no printa() has printed.
    virtual Result<void> remaining_aggregations() = 0;

    virtual void drop(const Drop& drop) = 0;
};

/// What printers share with the consumer.
struct Shared {
    Session& session;
    Print print;
    Aggregates& aggregates;
    Output& output;
};

/// printa()'s format applied to one key.
Result<std::string> formatted_row(const Shared& shared, const Format& format,
                                  const Aggregates::Joined& joined);

std::unique_ptr<Printer> make_text_printer(const Shared& shared);
std::unique_ptr<Printer> make_json_printer(const Shared& shared, bool lines);

} // namespace difjit::consumer

#endif
