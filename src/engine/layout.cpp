// SPDX-License-Identifier: BSD-2-Clause
// Record layout: sizes and rules of single actions first, then their places.

#include "engine/layout.hpp"

#include "dif/actions.hpp"

namespace difjit::engine {
namespace {

constexpr std::uint64_t greatest_size = INT32_MAX; // of one record; the reference wraps at 32 bits
constexpr std::uint32_t id_size = 4;               // an EPID, an aggregation id

ActionKind kind_of(const Action& a) {
    return static_cast<ActionKind>(a.kind);
}

bool by_reference(const difjit_difo& difo) {
    return (difo.rtype.flags & (DIFJIT_TF_BYREF | DIFJIT_TF_BYUREF)) != 0;
}

/// Bytes and rules of an action whose record is its DIFO's value.
const char* size_value(const Action& a, const LayoutOptions& options, std::uint64_t& size) {
    if (a.difo == nullptr)
        return "the action has no DIFO";
    const difjit_type& type = a.difo->rtype;
    size = type.size;
    if (size == 0 && type.kind == DIFJIT_TYPE_STRING) {
        if ((type.flags & DIFJIT_TF_BYREF) == 0)
            return "a string that is not by reference";
        size = options.strsize;
    }
    if (!by_reference(*a.difo) && size != 0 && size != 1 && size != 2 && size != 4 && size != 8)
        return "a by-value result that is not 0, 1, 2, 4 or 8 bytes";
    return nullptr;
}

/// An action that wants a DIFO with a plain value of `bytes`.
const char* want_scalar(const Action& a, std::uint32_t bytes) {
    if (a.difo == nullptr)
        return "the action has no DIFO";
    if (a.difo->rtype.size != bytes || by_reference(*a.difo))
        return bytes == 8 ? "the DIFO's result must be 8 bytes by value"
                          : "the DIFO's result must be 4 bytes by value";
    return nullptr;
}

std::uint64_t stack_size(Action& a, const LayoutOptions& options) {
    if (a.arg == 0)
        a.arg = options.stackframes;
    return a.arg > greatest_size ? a.arg : a.arg * 8;
}

/// arg: strsize << 32 | frames; 0 stands for the options' values.
std::uint64_t ustack_size(Action& a, const LayoutOptions& options) {
    std::uint64_t frames = a.arg & UINT32_MAX;
    std::uint64_t strings = a.arg >> 32;
    if (kind_of(a) == ActionKind::JSTACK) {
        if (strings == 0)
            strings = options.jstackstrsize & UINT32_MAX;
        if (frames == 0)
            frames = options.jstackframes & UINT32_MAX;
    } else if (frames == 0) {
        frames = options.ustackframes & UINT32_MAX;
    }
    a.arg = strings << 32 | frames;
    return ((frames + 1) * 8 + strings + 7) & ~std::uint64_t{7}; // a slot for the pid
}

const char* size_action(Action& a, const LayoutOptions& options, std::uint64_t& size) {
    size = 0;
    switch (kind_of(a)) {
    case ActionKind::PRINTF:
    case ActionKind::SYSTEM:
    case ActionKind::FREOPEN:
        if (!a.has_format)
            return "the action has no format";
        return size_value(a, options, size);
    case ActionKind::PRINTA:
    case ActionKind::DIFEXPR:
    case ActionKind::LIBACT:
    case ActionKind::TRACEMEM:
    case ActionKind::TRACEMEM_DYNSIZE: return size_value(a, options, size);
    case ActionKind::PRINTM:
        if (a.difo == nullptr)
            return "the action has no DIFO";
        size = a.difo->rtype.size;
        return nullptr;
    case ActionKind::STACK: size = stack_size(a, options); return nullptr;
    case ActionKind::USTACK:
    case ActionKind::JSTACK: size = ustack_size(a, options); return nullptr;
    case ActionKind::SYM:
    case ActionKind::MOD: size = 8; return want_scalar(a, 8);
    case ActionKind::USYM:
    case ActionKind::UMOD:
    case ActionKind::UADDR: size = 16; return want_scalar(a, 8);
    case ActionKind::EXIT: size = 4; return want_scalar(a, 4);
    case ActionKind::STOP:
    case ActionKind::BREAKPOINT:
    case ActionKind::PANIC: return nullptr;
    case ActionKind::CHILL:
    case ActionKind::RAISE:
    case ActionKind::SPECULATE:
    case ActionKind::COMMIT:
    case ActionKind::DISCARD: return a.difo == nullptr ? "the action has no DIFO" : nullptr;
    default: return "no action of this kind can be enabled";
    }
}

std::uint16_t alignment_of(std::uint64_t size) {
    if (size == 0)
        return 1;
    for (std::uint16_t align = 8; align > 1; align /= 2)
        if (size % align == 0)
            return align;
    return 1;
}

Store store_of(const Action& a) {
    switch (kind_of(a)) {
    case ActionKind::DIFEXPR:
    case ActionKind::LIBACT:
    case ActionKind::PRINTF:
    case ActionKind::PRINTA:
    case ActionKind::SYSTEM:
    case ActionKind::FREOPEN:
    case ActionKind::TRACEMEM: return by_reference(*a.difo) ? Store::reference : Store::value;
    default: return Store::special;
    }
}

bool is_commit(const Action& a) {
    return kind_of(a) == ActionKind::COMMIT;
}

/// What may stand before action i: after a commit nothing is recorded, a speculation is not
/// aggregated, and speculate() comes before the data.
const char* check_order(const Action* actions, std::uint32_t i, bool aggregates) {
    const Action& a = actions[i];
    const bool speculates = kind_of(a) == ActionKind::SPECULATE;
    for (std::uint32_t j = 0; j < i; ++j) {
        const Action& before = actions[j];
        if (is_commit(before) && (aggregates || is_commit(a) || speculates || a.record.size != 0))
            return "an action that records or commits comes after commit()";
        if (aggregates && kind_of(before) == ActionKind::SPECULATE)
            return "an aggregation comes after speculate()";
        if (speculates && before.record.size != 0)
            return "speculate() comes after data";
    }
    return nullptr;
}

/// Finds the key: the `ntuple` actions before it, none of them another aggregation's.
const char* find_key(Action* actions, std::uint32_t i, Aggregation& agg) {
    const std::uint32_t n = actions[i].ntuple;
    if (n == 0 || n > i)
        return "the aggregation's key is longer than the actions before it";
    for (std::uint32_t j = i - n; j < i; ++j)
        if (is_aggregation(kind_of(actions[j])))
            return "the aggregation's key holds another aggregation";
    agg.first = i - n;
    agg.index = i;
    const Action& last = actions[i - 1];
    agg.has_increment = kind_of(last) == ActionKind::DIFEXPR && last.difo->rtype.size == 0;
    if (actions[agg.first].record.alignment < id_size)
        actions[agg.first].record.alignment = id_size;
    for (std::uint32_t j = agg.first; j < i; ++j)
        actions[j].in_tuple = true;
    return nullptr;
}

const char* add_aggregation(Action* actions, std::uint32_t i) {
    Action& a = actions[i];
    const std::uint32_t size = aggregation_value_size(kind_of(a), a.arg);
    if (size == 0)
        return "the aggregation's argument is not valid";
    Aggregation& agg = *a.aggregation;
    agg.function = kind_of(a);
    agg.value_size = size;
    agg.initial = aggregation_initial(kind_of(a), a.arg);
    a.record.size = size;
    a.record.alignment = 8;
    a.store = Store::aggregation;
    return find_key(actions, i, agg);
}

const char* add_action(Action* actions, std::uint32_t i, const LayoutOptions& options) {
    Action& a = actions[i];
    a.record = RecordLayout{};
    a.in_tuple = false;
    const bool aggregates = is_aggregation(kind_of(a));
    if (!aggregates) {
        std::uint64_t size = 0;
        if (const char* wrong = size_action(a, options, size))
            return wrong;
        if (size > greatest_size)
            return "the record is too large";
        a.record.size = static_cast<std::uint32_t>(size);
        a.record.alignment = alignment_of(size);
        a.store = store_of(a);
    }
    if (const char* wrong = check_order(actions, i, aggregates))
        return wrong;
    return aggregates ? add_aggregation(actions, i) : nullptr;
}

/// Neighbouring records without a gap become one segment, strings stay alone.
std::uint32_t make_segments(const Action* actions, const Aggregation& agg, KeySegment* out) {
    std::uint32_t n = 0;
    for (std::uint32_t i = agg.first; i < agg.index; ++i) {
        const Action& a = actions[i];
        if (a.record.size == 0)
            continue;
        const bool string =
            kind_of(a) == ActionKind::DIFEXPR && a.difo->rtype.kind == DIFJIT_TYPE_STRING;
        const std::uint32_t offset = a.record.offset - agg.base;
        if (n != 0 && !string && !out[n - 1].string &&
            out[n - 1].offset + out[n - 1].size == offset)
            out[n - 1].size += a.record.size;
        else
            out[n++] = {offset, a.record.size, string};
    }
    return n;
}

/// The next place for a record at or behind `at`.
std::uint64_t place(RecordLayout& record, std::uint64_t at) {
    at = (at + record.alignment - 1) & ~static_cast<std::uint64_t>(record.alignment - 1);
    record.offset = static_cast<std::uint32_t>(at);
    return at + record.size;
}

/// dtrace_ecb_resize. Tuples lie behind what is recorded so far, in space that the record's further
/// data may use again: they are needed only until they are aggregated.
const char* place_actions(Ecb& ecb, KeySegment* segments, std::uint32_t& bad) {
    std::uint64_t size = sizeof(RecordHeader);
    std::uint64_t needed = size;
    std::uint64_t tuple = 0; // end of the tuple so far, 0: none is open
    std::uint32_t base = 0;
    ecb.alignment = id_size;
    for (std::uint32_t i = 0; i < ecb.nactions; ++i) {
        Action& a = ecb.actions[i];
        bad = i;
        if (a.record.alignment > ecb.alignment)
            ecb.alignment = a.record.alignment;
        if (a.store == Store::aggregation) {
            Aggregation& agg = *a.aggregation;
            tuple = place(a.record, tuple);
            agg.base = base;
            agg.key_size = a.record.offset - base;
            agg.segments = segments;
            agg.nsegments = make_segments(ecb.actions, agg, segments);
            segments += agg.nsegments;
            needed = tuple > needed ? tuple : needed;
            tuple = 0;
        } else if (a.in_tuple) {
            if (tuple == 0) {
                tuple = ((size + 3) & ~std::uint64_t{7}) + id_size; // 4 above a multiple of 8
                base = static_cast<std::uint32_t>(tuple) - id_size;
            }
            tuple = place(a.record, tuple);
        } else {
            size = place(a.record, size);
            needed = size > needed ? size : needed;
        }
        if (size > greatest_size || needed > greatest_size || tuple > greatest_size)
            return "the record is too large";
    }
    const bool only_speculates =
        ecb.nactions == 1 && kind_of(ecb.actions[0]) == ActionKind::SPECULATE;
    if (ecb.nactions != 0 && !only_speculates && size == sizeof(RecordHeader))
        size = 0; // no action stores anything
    ecb.size = static_cast<std::uint32_t>((size + 3) & ~std::uint64_t{3});
    ecb.needed = static_cast<std::uint32_t>((needed + 3) & ~std::uint64_t{3});
    return nullptr;
}

} // namespace

const char* layout_ecb(Ecb& ecb, const LayoutOptions& options, KeySegment* segments,
                       std::uint32_t& bad) {
    for (bad = 0; bad < ecb.nactions; ++bad)
        if (const char* wrong = add_action(ecb.actions, bad, options))
            return wrong;
    return place_actions(ecb, segments, bad);
}

} // namespace difjit::engine
