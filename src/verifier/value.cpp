// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/value.hpp"

namespace difjit::verifier {

namespace {

bool is_null(const Value& v) {
    return v.is_constant() && v.number.umin == 0;
}

/// A pointer that may also be 0.
Value or_null(Value pointer) {
    pointer.may_be_null = true;
    return pointer;
}

/// Region arithmetic is only right for an address: 0 plus an offset is a number.
Value moved(const Value& pointer, const Number& offset) {
    if (pointer.may_be_null)
        return Value::any();
    Value v = pointer;
    v.number = offset;
    return v;
}

} // namespace

Value join(const Value& a, const Value& b) {
    if (!a.is_pointer() && !b.is_pointer())
        return Value::of(join(a.number, b.number));
    if (a.is_pointer() && is_null(b))
        return or_null(a);
    if (b.is_pointer() && is_null(a))
        return or_null(b);
    if (!a.same_region(b))
        return Value::any();
    Value v = a;
    v.number = join(a.number, b.number);
    v.may_be_null = a.may_be_null || b.may_be_null;
    v.size = a.size < b.size ? a.size : b.size;
    v.terminated = a.terminated == 0 || b.terminated == 0 ? 0
                   : a.terminated > b.terminated          ? a.terminated
                                                          : b.terminated;
    return v;
}

Value add(const Value& a, const Value& b) {
    if (a.is_pointer() && !b.is_pointer())
        return moved(a, add(a.number, b.number));
    if (b.is_pointer() && !a.is_pointer())
        return moved(b, add(a.number, b.number));
    if (a.is_pointer() || b.is_pointer())
        return Value::any();
    return Value::of(add(a.number, b.number));
}

Value subtract(const Value& a, const Value& b) {
    if (!b.is_pointer())
        return a.is_pointer() ? moved(a, subtract(a.number, b.number))
                              : Value::of(subtract(a.number, b.number));
    // One region has one start, except that each execution of `site` is another allocation: without
    // loops an instruction runs once.
    if (a.same_region(b) && !a.may_be_null && !b.may_be_null && a.region != Region::dynamic &&
        a.region != Region::host_string)
        return Value::of(subtract(a.number, b.number));
    return Value::any();
}

} // namespace difjit::verifier
