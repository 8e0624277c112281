// SPDX-License-Identifier: BSD-2-Clause
// Aggregations without a format: keys in columns, then the values.
//
// Follows dt_print_aggs and dt_print_datum of dt_consume.c, agghist and aggpack included. Covered
// by tests/engine/consumer/cases/agg*.
#ifndef DIFJIT_ENGINE_CONSUMER_AGGREGATE_TEXT_HPP
#define DIFJIT_ENGINE_CONSUMER_AGGREGATE_TEXT_HPP

#include <cstdint>
#include <span>
#include <string>

#include "engine/consumer/aggregates.hpp"

namespace difjit::consumer {

/// Prints the entries of one walk; remembers which variable has its header.
class AggregateText {
  public:
    explicit AggregateText(const Print& print) : print_(print) {}

    /// One entry by itself: a histogram of the walk where options ask for it.
    Result<std::string> entry(const Aggregate& aggregate);
    /// A key with the values of several variables.
    Result<std::string> row(const Aggregates::Joined& joined);

  private:
    enum class Layout : std::uint8_t { plain, histogram, packed };
    [[nodiscard]] Layout layout(const Aggregate& aggregate) const;
    std::string header(const Aggregate& aggregate, Layout layout);
    Result<std::string> keys(const Aggregate& aggregate, bool packed);
    Result<std::string> value(const Aggregate& aggregate, Layout layout);

    const Print& print_;
    std::uint32_t header_of_ = 0;
};

} // namespace difjit::consumer

#endif
