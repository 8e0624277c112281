// SPDX-License-Identifier: BSD-2-Clause
// The abstract value of a register or tuple slot: an integer, or a pointer with its provenance.
//
// A Value stands for a set of words. Region::number: the words of `number`. Any other region: the
// region's start plus an offset from `number`, and 0 as well where `may_be_null`. Regions are what
// a DIFO can get a pointer into without making one up; everything else is a number. Freestanding.
// docs/verifier.md defines each as a set of concrete states; tested in
// tests/verifier/analysis_test.cpp by the containment oracle.
#ifndef DIFJIT_VERIFIER_VALUE_HPP
#define DIFJIT_VERIFIER_VALUE_HPP

#include <cstdint>

#include "verifier/number.hpp"

namespace difjit::verifier {

/// What a pointer points into.
enum class Region : std::uint8_t {
    number,       ///< not a pointer, or one of which nothing is known
    string_table, ///< the DIFO's string table
    global,       ///< data of by-ref global `id`
    local,        ///< data of by-ref clause-local `id`, this CPU's
    dynamic,    ///< data of a by-ref thread-local or associative variable: may be freed at any time
    scratch,    ///< memory that instruction `site` allocated; starts 8-aligned
    string,     ///< a string that the subroutine at `site` made in scratch memory
    host_string ///< execname and the like, where the host keeps it
};

struct Value {
    Number number;
    Region region = Region::number;
    bool may_be_null = false;
    std::uint16_t id = 0;
    std::uint32_t site = 0;
    std::uint32_t size = 0; ///< bytes that are certainly there, from the region's start
    /// Region::string and ::scratch: 1 + the last index where the first NUL can be; 0: not known.
    std::uint32_t terminated = 0;

    static constexpr Value any() { return {}; }
    static constexpr Value of(const Number& number) {
        Value v;
        v.number = number;
        return v;
    }
    static constexpr Value constant(std::uint64_t word) { return of(Number::constant(word)); }
    /// The start of a region.
    static constexpr Value pointer(Region region, std::uint32_t size, bool may_be_null) {
        Value v = constant(0);
        v.region = region;
        v.size = size;
        v.may_be_null = may_be_null;
        return v;
    }

    [[nodiscard]] bool is_pointer() const { return region != Region::number; }
    [[nodiscard]] bool is_constant() const { return !is_pointer() && number.is_constant(); }
    /// No region holds address 0 or wraps around it; beyond its region a pointer may be anything.
    [[nodiscard]] bool may_be_zero() const {
        return is_pointer() ? may_be_null || number.umax > size : number.contains(0);
    }
    /// Do both point into the same region?
    [[nodiscard]] bool same_region(const Value& other) const {
        return region == other.region && id == other.id && site == other.site;
    }
    /// Are bytes [offset, offset + width) certainly inside the region, whatever the offset is?
    [[nodiscard]] bool holds(std::uint64_t width) const {
        return is_pointer() && !may_be_null && size >= width && number.umax <= size - width;
    }
    bool operator==(const Value&) const = default;
};

inline constexpr Value zero_value = Value::constant(0);

/// Makes a stand for all words of both.
void join_into(Value& a, const Value& b);
inline Value join(const Value& a, const Value& b) {
    Value v = a;
    join_into(v, b);
    return v;
}

/// r1 + r2 and r1 - r2: a pointer keeps its region, two pointers into one region give a number.
Value add(const Value& a, const Value& b);
Value subtract(const Value& a, const Value& b);

} // namespace difjit::verifier

#endif
