// SPDX-License-Identifier: BSD-2-Clause
// The abstract 64-bit number: what is known of a register that holds an integer.
//
// Three views of one set of 64-bit words, each sound by itself, each sharpened by the others
// (`tightened`): a signed interval, an unsigned interval, and known bits. The set is their
// intersection; it is never empty in a Number that is handed around. The bit rules are those of
// tristate numbers (Vishwanathan et al., CGO 2022: "Sound, Precise, and Fast Abstract
// Interpretation with Tristate Numbers"). Freestanding, no division beyond 64 bits. Tested in
// tests/verifier/number_test.cpp: exhaustively over small sets, against concrete words.
#ifndef DIFJIT_VERIFIER_NUMBER_HPP
#define DIFJIT_VERIFIER_NUMBER_HPP

#include <cstdint>

namespace difjit::verifier {

struct Number {
    std::int64_t smin = INT64_MIN, smax = INT64_MAX;
    std::uint64_t umin = 0, umax = UINT64_MAX;
    std::uint64_t ones = 0;             ///< bits known to be 1
    std::uint64_t unknown = UINT64_MAX; ///< bits of which nothing is known; never also in `ones`

    /// Every word.
    static constexpr Number any() { return {}; }
    /// Exactly this word.
    static constexpr Number constant(std::uint64_t value) {
        return {static_cast<std::int64_t>(value),
                static_cast<std::int64_t>(value),
                value,
                value,
                value,
                0};
    }
    /// Words from lo to hi, as unsigned; lo <= hi.
    static Number between(std::uint64_t lo, std::uint64_t hi);
    /// Words from lo to hi, as signed; lo <= hi.
    static Number between_signed(std::int64_t lo, std::int64_t hi);

    [[nodiscard]] constexpr bool is_constant() const { return umin == umax; }
    [[nodiscard]] constexpr bool contains(std::uint64_t word) const {
        const auto s = static_cast<std::int64_t>(word);
        return s >= smin && s <= smax && word >= umin && word <= umax && (word & ~unknown) == ones;
    }
    [[nodiscard]] constexpr bool may_be_zero() const { return umin == 0; }
    /// The number of low bits that are known to be 0.
    [[nodiscard]] unsigned trailing_zeros() const;
    constexpr bool operator==(const Number&) const = default;
};

/// The smallest Number that holds both.
Number join(const Number& a, const Number& b);
/// The words in both; false: there are none, and `out` is not written.
bool meet(const Number& a, const Number& b, Number& out);

// DIF's arithmetic, each result a superset of what dtrace_dif_emulate can give (semantics.md,
// decisions 2 and 3). Division assumes a divisor that is not 0: the other path has faulted.
Number add(const Number& a, const Number& b);
Number subtract(const Number& a, const Number& b);
Number multiply(const Number& a, const Number& b);
Number divide_unsigned(const Number& a, const Number& b);
Number divide_signed(const Number& a, const Number& b);
Number remainder_unsigned(const Number& a, const Number& b);
Number remainder_signed(const Number& a, const Number& b);
Number bit_and(const Number& a, const Number& b);
Number bit_or(const Number& a, const Number& b);
Number bit_xor(const Number& a, const Number& b);
Number bit_not(const Number& a);
Number shift_left(const Number& a, const Number& count);
Number shift_right(const Number& a, const Number& count);
Number shift_right_signed(const Number& a, const Number& count);

/// What a load of `bytes` gives, extended with zeros or the sign.
Number loaded(unsigned bytes, bool is_signed);

/// Narrows a and b by what a relation between them says; false: no two words are so related.
bool assume_equal(Number& a, Number& b);
bool assume_not_equal(Number& a, Number& b);
bool assume_below(Number& a, Number& b);       ///< a <u b
bool assume_not_above(Number& a, Number& b);   ///< a <=u b
bool assume_less(Number& a, Number& b);        ///< a < b, signed
bool assume_not_greater(Number& a, Number& b); ///< a <= b, signed

/// Can a - b leave the signed range? Where it can, DIF's N is not the sign of the true difference.
bool difference_overflows(const Number& a, const Number& b);

} // namespace difjit::verifier

#endif
