// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/number.hpp"

#include <bit>

namespace difjit::verifier {

namespace {

constexpr std::uint64_t all_ones = UINT64_MAX;

std::int64_t to_signed(std::uint64_t word) {
    return static_cast<std::int64_t>(word);
}
std::uint64_t to_unsigned(std::int64_t word) {
    return static_cast<std::uint64_t>(word);
}
template <class T>
T least(T a, T b) {
    return a < b ? a : b;
}
template <class T>
T greatest(T a, T b) {
    return a > b ? a : b;
}

/// All bits up to and including the highest one of `word`.
std::uint64_t fill_down(std::uint64_t word) {
    return word == 0 ? 0 : all_ones >> std::countl_zero(word);
}

bool is_empty(const Number& n) {
    return n.smin > n.smax || n.umin > n.umax || (n.ones & n.unknown) != 0;
}

/// Bits bound the unsigned interval, and its common high bits are known. False: empty.
bool tighten_bits(Number& n) {
    n.umin = greatest(n.umin, n.ones);
    n.umax = least(n.umax, n.ones | n.unknown);
    if (n.umin > n.umax)
        return false;
    const std::uint64_t undecided = fill_down(n.umin ^ n.umax);
    // Bits above the first difference of umin and umax are theirs.
    const std::uint64_t decided = ~undecided;
    if (((n.umin ^ n.ones) & decided & ~n.unknown) != 0)
        return false;
    n.ones |= n.umin & decided & n.unknown;
    n.unknown &= undecided;
    return true;
}

/// Where an interval does not cross the other view's wrap, both views bound each other.
bool tighten_signs(Number& n) {
    if (to_signed(n.umin) <= to_signed(n.umax)) { // does not cross INT64_MAX, INT64_MIN
        n.smin = greatest(n.smin, to_signed(n.umin));
        n.smax = least(n.smax, to_signed(n.umax));
    }
    if (n.smin > n.smax)
        return false;
    if (to_unsigned(n.smin) <= to_unsigned(n.smax)) { // does not cross -1, 0
        n.umin = greatest(n.umin, to_unsigned(n.smin));
        n.umax = least(n.umax, to_unsigned(n.smax));
    } else { // crosses 0: an unsigned interval wholly in one half still says which
        if (to_signed(n.umin) < 0)
            n.umin = greatest(n.umin, to_unsigned(n.smin));
        if (to_signed(n.umax) >= 0)
            n.umax = least(n.umax, to_unsigned(n.smax));
    }
    return n.umin <= n.umax;
}

/// Sharpens each view by the others, at most twice round, which is where nearly all of it settles.
bool tighten(Number& n) {
    if (is_empty(n))
        return false;
    for (int round = 0; round < 2; round++) {
        if (!tighten_bits(n))
            return false;
        const std::uint64_t low = n.umin, high = n.umax;
        if (!tighten_signs(n))
            return false;
        if (n.umin == low && n.umax == high) // nothing new for the bits
            return n.smin <= n.smax;
    }
    return tighten_bits(n) && n.smin <= n.smax;
}

/// For results, which are never empty: a transfer function is applied to words that exist.
Number tightened(Number n) {
    return tighten(n) ? n : Number::any();
}

Number from_bits(std::uint64_t ones, std::uint64_t unknown) {
    Number n;
    n.ones = ones & ~unknown;
    n.unknown = unknown;
    return tightened(n);
}

bool add_overflows(std::int64_t a, std::int64_t b, std::int64_t& sum) {
    return __builtin_add_overflow(a, b, &sum);
}

/// The bits of a + b: carries are certain only where all below is known (tnum_add).
void add_bits(const Number& a, const Number& b, Number& out) {
    const std::uint64_t mask_sum = a.unknown + b.unknown;
    const std::uint64_t one_sum = a.ones + b.ones;
    const std::uint64_t carries = (mask_sum + one_sum) ^ one_sum;
    out.unknown = carries | a.unknown | b.unknown;
    out.ones = one_sum & ~out.unknown;
}

void subtract_bits(const Number& a, const Number& b, Number& out) {
    const std::uint64_t difference = a.ones - b.ones;
    const std::uint64_t borrows = (difference + a.unknown) ^ (difference - b.unknown);
    out.unknown = borrows | a.unknown | b.unknown;
    out.ones = difference & ~out.unknown;
}

} // namespace

unsigned Number::trailing_zeros() const {
    return static_cast<unsigned>(std::countr_zero(ones | unknown));
}

Number Number::between(std::uint64_t lo, std::uint64_t hi) {
    Number n;
    n.umin = lo;
    n.umax = hi;
    return tightened(n);
}

Number Number::between_signed(std::int64_t lo, std::int64_t hi) {
    Number n;
    n.smin = lo;
    n.smax = hi;
    return tightened(n);
}

Number join(const Number& a, const Number& b) {
    const std::uint64_t unknown = a.unknown | b.unknown | (a.ones ^ b.ones);
    return {least(a.smin, b.smin),    greatest(a.smax, b.smax),   least(a.umin, b.umin),
            greatest(a.umax, b.umax), a.ones & b.ones & ~unknown, unknown};
}

bool meet(const Number& a, const Number& b, Number& out) {
    if (((a.ones ^ b.ones) & ~a.unknown & ~b.unknown) != 0)
        return false;
    const std::uint64_t unknown = a.unknown & b.unknown;
    Number n{greatest(a.smin, b.smin), least(a.smax, b.smax),        greatest(a.umin, b.umin),
             least(a.umax, b.umax),    (a.ones | b.ones) & ~unknown, unknown};
    if (!tighten(n))
        return false;
    out = n;
    return true;
}

Number add(const Number& a, const Number& b) {
    Number n;
    std::int64_t lo = 0, hi = 0;
    if (!add_overflows(a.smin, b.smin, lo) && !add_overflows(a.smax, b.smax, hi)) {
        n.smin = lo;
        n.smax = hi;
    }
    if (a.umax + b.umax >= a.umax) { // the greatest sum does not wrap
        n.umin = a.umin + b.umin;
        n.umax = a.umax + b.umax;
    }
    add_bits(a, b, n);
    return tightened(n);
}

Number subtract(const Number& a, const Number& b) {
    Number n;
    std::int64_t lo = 0, hi = 0;
    if (!__builtin_sub_overflow(a.smin, b.smax, &lo) &&
        !__builtin_sub_overflow(a.smax, b.smin, &hi)) {
        n.smin = lo;
        n.smax = hi;
    }
    if (a.umin >= b.umax) { // never wraps
        n.umin = a.umin - b.umax;
        n.umax = a.umax - b.umin;
    }
    subtract_bits(a, b, n);
    return tightened(n);
}

Number multiply(const Number& a, const Number& b) {
    if (a.is_constant() && b.is_constant())
        return Number::constant(a.umin * b.umin);
    Number n;
    std::uint64_t high = 0;
    if (!__builtin_mul_overflow(a.umax, b.umax, &high)) {
        n.umin = a.umin * b.umin;
        n.umax = high;
    }
    std::int64_t p[4];
    if (!__builtin_mul_overflow(a.smin, b.smin, &p[0]) &&
        !__builtin_mul_overflow(a.smin, b.smax, &p[1]) &&
        !__builtin_mul_overflow(a.smax, b.smin, &p[2]) &&
        !__builtin_mul_overflow(a.smax, b.smax, &p[3])) {
        n.smin = least(least(p[0], p[1]), least(p[2], p[3]));
        n.smax = greatest(greatest(p[0], p[1]), greatest(p[2], p[3]));
    }
    // The zeros at the low end add up; the rest of the bits comes from the intervals.
    const unsigned zeros = a.trailing_zeros() + b.trailing_zeros();
    n.unknown = zeros >= 64 ? 0 : all_ones << zeros;
    return tightened(n);
}

Number divide_unsigned(const Number& a, const Number& b) {
    const std::uint64_t least_divisor = b.umin == 0 ? 1 : b.umin;
    const std::uint64_t greatest_divisor = b.umax == 0 ? 1 : b.umax;
    return Number::between(a.umin / greatest_divisor, a.umax / least_divisor);
}

Number remainder_unsigned(const Number& a, const Number& b) {
    if (a.is_constant() && b.is_constant() && b.umin != 0)
        return Number::constant(a.umin % b.umin);
    if (a.umax < b.umin)
        return a; // smaller than any divisor
    const std::uint64_t divisor_limit = b.umax == 0 ? 0 : b.umax - 1;
    Number n = Number::between(0, least(a.umax, divisor_limit));
    if (b.is_constant() && (b.umin & (b.umin - 1)) == 0) // x % 2^k keeps the low bits
        return bit_and(a, Number::constant(b.umin - 1));
    return n;
}

Number divide_signed(const Number& a, const Number& b) {
    if (a.smin >= 0 && b.smin >= 0)
        return divide_unsigned(a, b);
    // |a / b| <= |a|, but for INT64_MIN, which has no magnitude.
    if (a.smin == INT64_MIN)
        return Number::any();
    const std::int64_t magnitude =
        greatest(a.smax < 0 ? -a.smax : a.smax, a.smin < 0 ? -a.smin : a.smin);
    return Number::between_signed(-magnitude, magnitude);
}

Number remainder_signed(const Number& a, const Number& b) {
    if (a.smin >= 0 && b.smin >= 0)
        return remainder_unsigned(a, b);
    // The remainder has the dividend's sign and is smaller than the divisor, and no larger than a.
    std::int64_t limit = INT64_MAX;
    if (b.smin != INT64_MIN) {
        const std::int64_t divisor =
            greatest(b.smin < 0 ? -b.smin : b.smin, b.smax < 0 ? -b.smax : b.smax);
        limit = divisor == 0 ? 0 : divisor - 1;
    }
    const std::int64_t low = a.smin >= 0 ? 0 : greatest(a.smin, -limit);
    const std::int64_t high = a.smax <= 0 ? 0 : least(a.smax, limit);
    return Number::between_signed(low, high);
}

Number bit_and(const Number& a, const Number& b) {
    const std::uint64_t maybe_a = a.ones | a.unknown, maybe_b = b.ones | b.unknown;
    const std::uint64_t ones = a.ones & b.ones;
    Number n;
    n.ones = ones;
    n.unknown = maybe_a & maybe_b & ~ones;
    n.umax = least(a.umax, b.umax);
    return tightened(n);
}

Number bit_or(const Number& a, const Number& b) {
    Number n;
    n.ones = a.ones | b.ones;
    n.unknown = (a.unknown | b.unknown) & ~n.ones;
    n.umin = greatest(a.umin, b.umin);
    return tightened(n);
}

Number bit_xor(const Number& a, const Number& b) {
    const std::uint64_t unknown = a.unknown | b.unknown;
    return from_bits(a.ones ^ b.ones, unknown);
}

Number bit_not(const Number& a) {
    return {~a.smax, ~a.smin, ~a.umax, ~a.umin, ~a.ones & ~a.unknown, a.unknown};
}

namespace {

Number shift_left_by(const Number& a, unsigned count) {
    Number n;
    n.ones = a.ones << count;
    n.unknown = a.unknown << count;
    if (a.umax <= all_ones >> count) {
        n.umin = a.umin << count;
        n.umax = a.umax << count;
    }
    const std::int64_t lo = to_signed(to_unsigned(a.smin) << count);
    const std::int64_t hi = to_signed(to_unsigned(a.smax) << count);
    if (lo >> count == a.smin && hi >> count == a.smax) {
        n.smin = lo;
        n.smax = hi;
    }
    return tightened(n);
}

Number shift_right_by(const Number& a, unsigned count) {
    Number n;
    n.ones = a.ones >> count;
    n.unknown = a.unknown >> count;
    n.umin = a.umin >> count;
    n.umax = a.umax >> count;
    return tightened(n);
}

Number shift_right_signed_by(const Number& a, unsigned count) {
    Number n;
    // An unknown sign bit spreads as unknown bits, a known one as itself.
    n.ones = to_unsigned(to_signed(a.ones) >> count);
    n.unknown = to_unsigned(to_signed(a.unknown) >> count);
    n.ones &= ~n.unknown;
    n.smin = a.smin >> count;
    n.smax = a.smax >> count;
    return tightened(n);
}

/// Joins over the counts that are possible, modulo 64.
template <class By>
Number shift(const Number& a, const Number& count, By by) {
    if (count.is_constant())
        return by(a, static_cast<unsigned>(count.umin & 63));
    const bool small = count.umax < 64;
    const auto first = static_cast<unsigned>(small ? count.umin : 0);
    const auto last = static_cast<unsigned>(small ? count.umax : 63);
    Number n = by(a, first);
    if (last - first > 8)
        n = join(n, Number::any()); // not worth 64 joins: the caller adds the bounds that hold
    else
        for (unsigned c = first + 1; c <= last; c++)
            n = join(n, by(a, c));
    return n;
}

} // namespace

Number shift_left(const Number& a, const Number& count) {
    return shift(a, count, shift_left_by);
}

Number shift_right(const Number& a, const Number& count) {
    Number n = shift(a, count, shift_right_by);
    Number bound = Number::between(0, a.umax), narrowed;
    return meet(n, bound, narrowed) ? narrowed : n;
}

Number shift_right_signed(const Number& a, const Number& count) {
    Number n = shift(a, count, shift_right_signed_by);
    // Towards 0, or towards -1.
    Number bound = Number::between_signed(a.smin < 0 ? a.smin : 0, a.smax < 0 ? -1 : a.smax),
           narrowed;
    return meet(n, bound, narrowed) ? narrowed : n;
}

Number loaded(unsigned bytes, bool is_signed) {
    if (bytes >= 8)
        return Number::any();
    const unsigned bits = bytes * 8;
    if (!is_signed)
        return Number::between(0, (std::uint64_t{1} << bits) - 1);
    const auto limit = static_cast<std::int64_t>(std::uint64_t{1} << (bits - 1));
    return Number::between_signed(-limit, limit - 1);
}

bool assume_equal(Number& a, Number& b) {
    Number both;
    if (!meet(a, b, both))
        return false;
    a = b = both;
    return true;
}

namespace {

/// a without the one word `word`, where it is at an end of an interval.
bool exclude(Number& a, std::uint64_t word) {
    if (!a.contains(word))
        return true;
    if (a.is_constant())
        return false;
    if (a.umin == word)
        a.umin++;
    if (a.umax == word)
        a.umax--;
    if (a.smin == to_signed(word))
        a.smin++;
    if (a.smax == to_signed(word))
        a.smax--;
    return tighten(a);
}

} // namespace

bool assume_not_equal(Number& a, Number& b) {
    if (b.is_constant())
        return exclude(a, b.umin);
    return a.is_constant() ? exclude(b, a.umin) : true;
}

bool assume_below(Number& a, Number& b) {
    if (b.umax == 0 || a.umin == all_ones)
        return false;
    a.umax = least(a.umax, b.umax - 1);
    b.umin = greatest(b.umin, a.umin + 1);
    return tighten(a) && tighten(b);
}

bool assume_not_above(Number& a, Number& b) {
    a.umax = least(a.umax, b.umax);
    b.umin = greatest(b.umin, a.umin);
    return tighten(a) && tighten(b);
}

bool assume_less(Number& a, Number& b) {
    if (b.smax == INT64_MIN || a.smin == INT64_MAX)
        return false;
    a.smax = least(a.smax, b.smax - 1);
    b.smin = greatest(b.smin, a.smin + 1);
    return tighten(a) && tighten(b);
}

bool assume_not_greater(Number& a, Number& b) {
    a.smax = least(a.smax, b.smax);
    b.smin = greatest(b.smin, a.smin);
    return tighten(a) && tighten(b);
}

bool difference_overflows(const Number& a, const Number& b) {
    std::int64_t difference = 0;
    return __builtin_sub_overflow(a.smin, b.smax, &difference) ||
           __builtin_sub_overflow(a.smax, b.smin, &difference);
}

} // namespace difjit::verifier
