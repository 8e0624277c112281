// SPDX-License-Identifier: BSD-2-Clause
// All aggregations of a session, merged and walked; see aggregates.hpp.
#include "engine/consumer/aggregates.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/aggregation.hpp"
#include "engine/consumer/numbers.hpp"
#include "engine/consumer/order.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

static bool value_fits(ActionKind kind, std::uint32_t size) {
    switch (kind) {
    case ActionKind::COUNT:
    case ActionKind::MIN:
    case ActionKind::MAX:
    case ActionKind::SUM: return size == 8;
    case ActionKind::AVG: return size == 16;
    case ActionKind::STDDEV: return size == 32;
    case ActionKind::QUANTIZE: return size == engine::quantize_buckets * 8;
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: return size >= 24 && size % 8 == 0;
    default: return false;
    }
}

static bool consistent(const AggregationInfo& info) {
    if (info.records.size() < 2 || info.size < sizeof(std::uint32_t))
        return false;
    for (const RecordInfo& record : info.records)
        if (record.offset > info.size || record.size > info.size - record.offset)
            return false;
    const RecordInfo& value = info.records.back();
    return info.records.front().size >= sizeof(std::uint32_t) &&
           value_fits(static_cast<ActionKind>(value.kind), value.size);
}

/// sym() and its kin count by function or module, not by address: the address becomes one that
/// stands for all of its function or module.
static void unify(std::span<std::byte> part, ActionKind kind, const Symbols& symbols,
                  std::unordered_map<std::string, std::uint64_t>& modules) {
    bool user = part.size() == 16;
    if (!is_symbol(kind) || kind == ActionKind::UADDR || (!user && part.size() != 8))
        return;
    Symbol symbol = symbol_of(kind, part, symbols);
    std::size_t at = user ? 8 : 0;
    auto address = load<std::uint64_t>(part, at);
    if (kind == ActionKind::MOD || kind == ActionKind::UMOD) {
        if (symbol.module.empty())
            return;
        auto pid = user ? load<std::uint64_t>(part) : 0;
        address =
            modules.try_emplace(fmt::format("{}`{}", pid, symbol.module), address).first->second;
    } else if (!symbol.name.empty() && !symbol.offset.empty()) {
        address -= std::strtoull(symbol.offset.c_str(), nullptr, 16);
    }
    std::memcpy(part.data() + at, &address, sizeof address);
}

/// Entries with the same key string are one: variable, function, keys and their sizes.
static std::string key_string(const Aggregate& aggregate) {
    const auto& records = aggregate.info->records;
    std::string key =
        fmt::format("{} {} {}", aggregate.varid, records.back().kind, records.back().size);
    for (std::size_t i = 1; i + 1 < records.size(); i++) {
        key += fmt::format(" {}:", records[i].size);
        key.append(reinterpret_cast<const char*>(aggregate.data.data()) + records[i].offset,
                   records[i].size);
    }
    return key;
}

/// Applies the function to both values: the words behind `into` become the result.
static bool combine(ActionKind kind, std::span<std::byte> into, Bytes from) {
    std::vector<std::uint64_t> left(into.size() / 8), right(into.size() / 8);
    std::memcpy(left.data(), into.data(), left.size() * 8);
    std::memcpy(right.data(), from.data(), right.size() * 8);
    bool done = engine::aggregation_merge(kind, static_cast<std::uint32_t>(into.size()),
                                          left.data(), right.data());
    std::memcpy(into.data(), left.data(), left.size() * 8);
    return done;
}

Result<void> Aggregates::add(const AggregationInfo& info, Bytes entry, const Symbols& symbols) {
    Aggregate aggregate;
    aggregate.info = &info;
    aggregate.data.assign(entry.begin(), entry.end());
    aggregate.varid =
        info.varid != 0 ? info.varid : load<std::uint32_t>(entry, info.records.front().offset);
    for (std::size_t i = 1; i + 1 < info.records.size(); i++) {
        const RecordInfo& record = info.records[i];
        unify(std::span(aggregate.data).subspan(record.offset, record.size),
              static_cast<ActionKind>(record.kind), symbols, modules_);
    }
    std::string key = key_string(aggregate);
    if (auto found = index_.find(key); found != index_.end()) {
        Aggregate& old = *found->second;
        const RecordInfo& value = old.info->records.back();
        auto into = std::span(old.data).subspan(value.offset, value.size);
        if (!combine(old.kind(), into, aggregate.value()))
            return fail(
                fmt::format("aggregation {}: its entries have different parameters", info.id));
        return {};
    }
    entries_.push_front(std::move(aggregate));
    index_.emplace(std::move(key), entries_.begin());
    return {};
}

Result<void> Aggregates::merge(const Session& session, Bytes snapshot, const Symbols& symbols) {
    for (std::size_t offset = 0; snapshot.size() - offset >= sizeof(std::uint32_t);) {
        auto id = load<std::uint32_t>(snapshot, offset);
        if (id == 0) { // padding
            offset += sizeof id;
            continue;
        }
        const AggregationInfo* info = session.aggregation(id);
        if (info == nullptr)
            return fail(
                fmt::format("aggregation buffer, offset {}: no aggregation {}", offset, id));
        if (!consistent(*info))
            return fail(fmt::format("aggregation {}: its records do not fit its size", id));
        auto entry = slice(snapshot, offset, info->size);
        if (!entry)
            return fail(
                fmt::format("aggregation buffer, offset {}: an entry of aggregation {} needs "
                            "{} bytes, but {} are left",
                            offset, id, info->size, snapshot.size() - offset));
        if (auto added = add(*info, *entry, symbols); !added)
            return added;
        offset += info->size;
    }
    return {};
}

/// agghist: what the bars of a variable are relative to. Only count() and sum() have bars.
static bool has_bar(const Aggregate& aggregate) {
    return aggregate.kind() == ActionKind::COUNT || aggregate.kind() == ActionKind::SUM;
}

static void scale_variables(std::list<Aggregate>& entries, const PictureStyle& style) {
    std::unordered_map<std::uint32_t, Scale> scales;
    for (const Aggregate& entry : entries) {
        if (!has_bar(entry))
            continue;
        Scale& scale = scales[entry.varid];
        auto value = load<std::int64_t>(entry.value());
        scale.positives |= value > 0;
        scale.negatives |= value < 0;
        long double height = std::fabs(static_cast<long double>(value));
        if (style.zoom) // cut to an integer here, unlike in a histogram
            scale.total = std::max(scale.total, std::trunc(height * (1 / 0.95)));
        else
            scale.total += height;
    }
    for (Aggregate& entry : entries)
        entry.scale = scales[entry.varid];
}

/// aggpack: the rows that all keys of a variable show.
static void pack_variables(std::list<Aggregate>& entries) {
    std::unordered_map<std::uint32_t, PackedRange> ranges;
    for (const Aggregate& entry : entries) {
        if (!has_buckets(entry.kind()))
            continue;
        PackedRange range = packed_range(entry.kind(), entry.value());
        auto [known, fresh] = ranges.try_emplace(entry.varid, range);
        known->second.first = std::min(known->second.first, range.first);
        known->second.last = std::max(known->second.last, range.last);
    }
    for (Aggregate& entry : entries)
        entry.packed = ranges[entry.varid];
}

namespace {
struct Weighed {
    Aggregate* entry;
    Weight weight;
};
} // namespace

static std::vector<Weighed> weighed(std::list<Aggregate>& entries) {
    std::vector<Weighed> result;
    for (Aggregate& entry : entries)
        result.push_back({&entry, weight(entry)});
    return result;
}

/// By variable, value and key; `by_key`: by variable and key.
static int compare_entries(const Weighed& left, const Weighed& right, bool by_key,
                           std::uint64_t keypos) {
    if (int order = compare_variables(*left.entry, *right.entry); order != 0)
        return order;
    if (int order = by_key ? 0 : compare_values(left.weight, right.weight); order != 0)
        return order;
    return compare_keys(*left.entry, *right.entry, keypos);
}

std::vector<Aggregate*> Aggregates::sorted(const Settings& settings) {
    if (settings.agghist)
        scale_variables(entries_, settings.picture);
    if (settings.aggpack)
        pack_variables(entries_);
    auto order = weighed(entries_);
    int sign = settings.aggsortrev ? -1 : 1;
    std::stable_sort(order.begin(), order.end(), [&](const Weighed& left, const Weighed& right) {
        return sign * compare_entries(left, right, settings.aggsortkey, settings.aggsortkeypos) < 0;
    });
    std::vector<Aggregate*> result;
    for (const Weighed& entry : order)
        result.push_back(entry.entry);
    return result;
}

const Aggregate* Aggregates::zero(const Session& session, std::uint32_t varid) {
    const AggregationInfo* info = nullptr;
    for (const Aggregate& entry : entries_)
        if (entry.varid == varid)
            info = entry.info;
    for (std::uint32_t id = 1; info == nullptr; id++) {
        const AggregationInfo* candidate = session.aggregation(id);
        if (candidate == nullptr)
            break;
        if (candidate->varid == varid && consistent(*candidate))
            info = candidate;
    }
    if (info == nullptr) // never heard of: as the first one that there is
        info = entries_.back().info;
    Aggregate& made = zeros_.emplace_back();
    made.info = info;
    made.varid = varid;
    made.data.resize(info->size);
    const RecordInfo& value = info->records.back();
    if (made.kind() == ActionKind::LQUANTIZE || made.kind() == ActionKind::LLQUANTIZE)
        std::memcpy(made.data.data() + value.offset, &value.arg, sizeof value.arg);
    return &made;
}

namespace {
/// A key with what its values weigh.
struct Bundle {
    Aggregates::Joined joined;
    std::vector<Weight> weights;
};
} // namespace

/// By the values, the one at aggsortpos first, and then by the key; aggsortkey: by the key first.
static int compare_bundles(const Bundle& left, const Bundle& right, const Settings& settings) {
    std::size_t count = left.weights.size();
    std::size_t first = settings.aggsortpos < count ? settings.aggsortpos : 0;
    auto keys = [&] {
        return compare_keys(*left.joined.key, *right.joined.key, settings.aggsortkeypos);
    };
    if (int order = settings.aggsortkey ? keys() : 0; order != 0)
        return order;
    for (std::size_t i = 0; i < count; i++) {
        std::size_t at = (first + i) % count;
        if (int order = compare_values(left.weights[at], right.weights[at]); order != 0)
            return order;
    }
    return settings.aggsortkey ? 0 : keys();
}

using Entries = std::span<const Aggregate* const>;

/// The variable's entry among those of one key, or nothing.
static const Aggregate* find_variable(Entries key, std::uint32_t varid) {
    auto found = std::ranges::find(key, varid, &Aggregate::varid);
    return found == key.end() ? nullptr : *found;
}

/// All entries of these variables, those of one key side by side.
static std::vector<const Aggregate*> by_key(const std::list<Aggregate>& entries,
                                            const std::vector<std::uint32_t>& varids) {
    std::vector<const Aggregate*> result;
    for (const Aggregate& entry : entries)
        if (std::ranges::find(varids, entry.varid) != varids.end())
            result.push_back(&entry);
    std::stable_sort(result.begin(), result.end(), [](const Aggregate* l, const Aggregate* r) {
        int order = compare_keys(*l, *r, 0);
        return (order != 0 ? order : compare_variables(*l, *r)) < 0;
    });
    return result;
}

std::vector<Aggregates::Joined> Aggregates::joined(const Session& session,
                                                   const std::vector<std::uint32_t>& varids,
                                                   const Settings& settings) {
    zeros_.clear();
    std::unordered_map<std::uint32_t, const Aggregate*> zeros;
    auto value = [&](Entries key, std::uint32_t varid) {
        if (const Aggregate* entry = find_variable(key, varid))
            return entry;
        auto [known, fresh] = zeros.try_emplace(varid, nullptr);
        if (fresh)
            known->second = zero(session, varid);
        return known->second;
    };
    auto entries = by_key(entries_, varids);
    std::vector<Bundle> bundles;
    for (std::size_t start = 0, end; start < entries.size(); start = end) {
        for (end = start + 1; end < entries.size(); end++)
            if (compare_keys(*entries[start], *entries[end], 0) != 0)
                break;
        Bundle& bundle = bundles.emplace_back();
        bundle.joined.key = entries[start];
        for (std::uint32_t varid : varids) {
            const Aggregate* entry = value(Entries(entries).subspan(start, end - start), varid);
            bundle.joined.values.push_back(entry);
            bundle.weights.push_back(weight(*entry));
        }
    }
    int sign = settings.aggsortrev ? -1 : 1;
    std::stable_sort(bundles.begin(), bundles.end(), [&](const Bundle& left, const Bundle& right) {
        return sign * compare_bundles(left, right, settings) < 0;
    });
    std::vector<Joined> result;
    for (Bundle& bundle : bundles)
        result.push_back(std::move(bundle.joined));
    return result;
}

void Aggregates::clear(std::uint32_t varid) {
    for (Aggregate& entry : entries_) {
        if (entry.varid != varid)
            continue;
        const RecordInfo& value = entry.info->records.back();
        // The parameters of lquantize() and llquantize() stay.
        std::size_t keep =
            entry.kind() == ActionKind::LQUANTIZE || entry.kind() == ActionKind::LLQUANTIZE
                ? sizeof(std::uint64_t)
                : 0;
        std::memset(entry.data.data() + value.offset + keep, 0, value.size - keep);
    }
}

void Aggregates::normalize(std::uint32_t varid, std::uint64_t normal) {
    for (Aggregate& entry : entries_)
        if (entry.varid == varid)
            entry.normal = normal;
}

void Aggregates::truncate(std::uint32_t varid, std::int64_t count) {
    auto order = weighed(entries_);
    std::erase_if(order, [&](const Weighed& weighed) { return weighed.entry->varid != varid; });
    int sign = count < 0 ? 1 : -1;
    std::stable_sort(order.begin(), order.end(), [&](const Weighed& left, const Weighed& right) {
        return sign * compare_entries(left, right, false, 0) < 0;
    });
    std::uint64_t kept =
        count < 0 ? -static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    for (std::size_t i = kept; i < order.size(); i++) {
        auto found = index_.find(key_string(*order[i].entry));
        entries_.erase(found->second);
        index_.erase(found);
    }
}

} // namespace difjit::consumer
