// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/value.hpp"

namespace difjit::verifier {

namespace {

bool is_null(const Value& v) {
    return v.is_constant() && v.number.umin == 0;
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

void join_into(Value& a, const Value& b) {
    if (!a.is_pointer() && !b.is_pointer()) {
        a.number = join(a.number, b.number);
        return;
    }
    if (a.is_pointer() && is_null(b)) {
        a.may_be_null = true;
        return;
    }
    if (b.is_pointer() && is_null(a)) {
        a = b;
        a.may_be_null = true;
        return;
    }
    if (!a.same_region(b)) {
        a = Value::any();
        return;
    }
    a.number = join(a.number, b.number);
    a.may_be_null = a.may_be_null || b.may_be_null;
    a.size = a.size < b.size ? a.size : b.size;
    if (a.terminated != 0 && (b.terminated == 0 || b.terminated > a.terminated))
        a.terminated = b.terminated;
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
