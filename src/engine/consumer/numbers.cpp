// SPDX-License-Identifier: BSD-2-Clause
// The arithmetic of printed numbers; see numbers.hpp.
#include "engine/consumer/numbers.hpp"

#include <limits>

namespace difjit::consumer {

using Wide = unsigned __int128;

std::int64_t divide(std::int64_t dividend, std::int64_t divisor) {
    if (divisor == 0 || (divisor == -1 && dividend == std::numeric_limits<std::int64_t>::min()))
        return dividend;
    return dividend / divisor;
}

std::int64_t normalized(std::int64_t value, std::uint64_t normal) {
    if (normal == 0)
        return value;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) / normal);
}

std::int64_t average(Bytes value, std::uint64_t normal) {
    auto count = load<std::int64_t>(value, 0);
    if (count == 0)
        return 0;
    return divide(divide(load<std::int64_t>(value, 8), static_cast<std::int64_t>(normal)), count);
}

std::uint64_t average_unsigned(Bytes value, std::uint64_t normal) {
    auto count = load<std::uint64_t>(value, 0);
    return count == 0 ? 0 : load<std::uint64_t>(value, 8) / (normal == 0 ? 1 : normal) / count;
}

/// The largest root with root² <= square.
static std::uint64_t square_root(Wide square) {
    std::uint64_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        Wide candidate = root | std::uint64_t{1} << bit;
        if (candidate * candidate <= square)
            root = static_cast<std::uint64_t>(candidate);
    }
    return root;
}

std::uint64_t standard_deviation(Bytes value, std::uint64_t normal) {
    auto count = load<std::uint64_t>(value, 0);
    if (count == 0)
        return 0;
    if (normal == 0)
        normal = 1;
    Wide squares = Wide{load<std::uint64_t>(value, 24)} << 64 | load<std::uint64_t>(value, 16);
    std::int64_t mean = average(value, normal);
    Wide magnitude =
        mean < 0 ? -static_cast<std::uint64_t>(mean) : static_cast<std::uint64_t>(mean);
    return square_root(squares / normal / normal / count - magnitude * magnitude);
}

int digits(std::int64_t value) {
    int columns = 1;
    std::uint64_t magnitude = static_cast<std::uint64_t>(value);
    if (value < 0) {
        magnitude = -magnitude;
        columns++;
    }
    // A power of ten counts one digit less than it has: "val > cmp" in the reference.
    for (Wide power = 10; magnitude > power; power *= 10)
        columns++;
    return columns < 4 ? 4 : columns;
}

} // namespace difjit::consumer
