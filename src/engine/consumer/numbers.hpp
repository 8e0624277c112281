// SPDX-License-Identifier: BSD-2-Clause
// The arithmetic of printed numbers: normalized values, means, standard deviations.
//
// Follows dt_consume.c (dt_stddev, dt_print_average, dt_ndigits) and dt_printf.c, their signs and
// roundings included. Covered by tests/engine/consumer/test_numbers.cpp.
#ifndef DIFJIT_ENGINE_CONSUMER_NUMBERS_HPP
#define DIFJIT_ENGINE_CONSUMER_NUMBERS_HPP

#include <cstdint>

#include "engine/consumer/bytes.hpp"

namespace difjit::consumer {

/// Signed division that no operands can make undefined: x / 0 is x, INT64_MIN / -1 is INT64_MIN.
std::int64_t divide(std::int64_t dividend, std::int64_t divisor);

/// A value divided by an aggregation's normal: unsigned, as in libdtrace, so that a negative value
/// that is normalized prints as a large positive one.
std::int64_t normalized(std::int64_t value, std::uint64_t normal);

/// avg(), from [count, sum]: as the default format prints it (signed) ...
std::int64_t average(Bytes value, std::uint64_t normal);
/// ... and as a printa() conversion does (unsigned).
std::uint64_t average_unsigned(Bytes value, std::uint64_t normal);

/// stddev(), from [count, sum, sum of squares low, high].
std::uint64_t standard_deviation(Bytes value, std::uint64_t normal);

/// How many columns the packed format gives a number: at least 4.
int digits(std::int64_t value);

} // namespace difjit::consumer

#endif
