// SPDX-License-Identifier: BSD-2-Clause
// One firing's records, action by action.
//
// Follows the record loop of dt_consume_cpu, dt_trunc, dt_normalize and dt_setopt of dt_consume.c,
// and dtrace_system and dtrace_freopen of dt_printf.c. Covered by tests/engine/consumer/cases/*.
#ifndef DIFJIT_ENGINE_CONSUMER_ACTIONS_HPP
#define DIFJIT_ENGINE_CONSUMER_ACTIONS_HPP

#include <string>
#include <unordered_map>

#include "engine/consumer/printer.hpp"

namespace difjit::consumer {

class Actions {
  public:
    Actions(const Shared& shared, Printer& printer, Settings& settings,
            const ConsumerOptions& options)
        : shared_(shared), printer_(printer), settings_(settings), options_(options) {}

    /// Carries out all actions of a firing. Error: a record is not what its action needs; the
    /// firing's other records are skipped.
    Result<void> run(const Firing& firing);

    [[nodiscard]] std::uint64_t errors() const { return errors_; }

  private:
    Result<void> one(std::size_t& index);
    Result<void> library(std::size_t& index);
    Result<void> set_option(std::size_t& index);
    Result<void> formatted(std::size_t& index, const Format& format);
    Result<void> printa(std::size_t& index, const Format* format);
    Result<void> tracemem(const Datum& datum);
    Result<void> printm(const Datum& datum);
    void run_command(std::string text);
    void reopen(const Format& format, std::string text);

    [[nodiscard]] const RecordInfo& record(std::size_t index) const;
    Result<Bytes> data(std::size_t index) const;
    Result<std::uint64_t> number(std::size_t index) const;
    /// The second record of a library action that has two.
    Result<std::size_t> partner(std::size_t index, const char* error) const;
    Result<const Format*> format(const RecordInfo& record);
    void library_error(const std::string& what);

    const Shared& shared_;
    Printer& printer_;
    Settings& settings_;
    const ConsumerOptions& options_;
    const Firing* firing_ = nullptr;
    std::uint64_t tracemem_size_ = 0; ///< of TRACEMEM_DYNSIZE, for the next tracemem()
    std::uint64_t errors_ = 0;
    std::unordered_map<std::string, Format> formats_;
};

} // namespace difjit::consumer

#endif
