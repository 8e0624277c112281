// SPDX-License-Identifier: BSD-2-Clause
// Finding a key's entry in an aggregation buffer and applying the function to it: dtrace_aggregate.
//
// Entries grow up from the start of the buffer (they are the snapshot, aggregation.hpp), the table
// of chains lies at the end with the keys growing down from it. The sizes of table and keys are the
// reference's, so that a buffer holds as many entries as a kernel's. The hash is not: nothing
// outside of this file can see it, and the reference's takes one byte at a time.
//
// Covered by tests/engine/test_aggregation.cpp.

#include "engine/state.hpp"

namespace difjit::engine {
namespace {

/// dtrace_aggkey_t.
struct Key {
    std::uint32_t hash;
    std::uint32_t key_size;
    std::uint64_t data : 48; ///< offset of the entry
    std::uint64_t function : 16;
    std::uint64_t next; ///< offset of the next key of the chain, 0: none
};
static_assert(sizeof(Key) == 24);

constexpr std::uint64_t meta_size = 24; // dtrace_aggbuffer_t
constexpr std::uint64_t hash_slew = 17; // DTRACE_AGGHASHSIZE_SLEW

std::uint64_t load_word(const std::uint8_t* p) {
    std::uint64_t word;
    __builtin_memcpy(&word, p, 8);
    return word;
}

/// The last n < 8 bytes of a key, zeros above them.
std::uint64_t load_tail(const std::uint8_t* p, std::uint32_t n) {
    if (n >= 4) { // two words that overlap
        std::uint32_t low, high;
        __builtin_memcpy(&low, p, 4);
        __builtin_memcpy(&high, p + n - 4, 4);
        return low | std::uint64_t{high} << (n - 4) * 8;
    }
    std::uint64_t word = 0;
    for (std::uint32_t i = 0; i < n; ++i)
        word |= std::uint64_t{p[i]} << (i * 8);
    return word;
}

/// The word without what follows its first zero byte; `ends`: it has one.
std::uint64_t until_nul(std::uint64_t word, bool& ends) {
    const std::uint64_t zeros = (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
    ends = zeros != 0;
    if (!ends)
        return word;
    const auto bits = static_cast<std::uint32_t>(__builtin_ctzll(zeros)) & ~7u;
    return bits == 0 ? 0 : word & (~std::uint64_t{0} >> (64 - bits));
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

std::uint64_t hash_bytes(std::uint64_t hash, const std::uint8_t* p, std::uint32_t left) {
    for (; left >= 8; left -= 8, p += 8)
        hash = mix(hash, load_word(p));
    return left == 0 ? hash : mix(hash, load_tail(p, left));
}

/// Up to the NUL. Bytes behind it do not count, as if they were zero.
std::uint64_t hash_string(std::uint64_t hash, const std::uint8_t* p, std::uint32_t left) {
    bool ends = false;
    for (; left >= 8; left -= 8, p += 8) {
        hash = mix(hash, until_nul(load_word(p), ends));
        if (ends)
            return hash;
    }
    return left == 0 ? hash : mix(hash, until_nul(load_tail(p, left), ends));
}

bool equal_bytes(const std::uint8_t* a, const std::uint8_t* b, std::uint32_t left) {
    for (; left >= 8; left -= 8, a += 8, b += 8)
        if (load_word(a) != load_word(b))
            return false;
    return load_tail(a, left) == load_tail(b, left);
}

bool equal_strings(const std::uint8_t* a, const std::uint8_t* b, std::uint32_t left) {
    bool ends = false;
    bool other_ends = false;
    for (; left >= 8; left -= 8, a += 8, b += 8) {
        if (until_nul(load_word(a), ends) != until_nul(load_word(b), other_ends))
            return false;
        if (ends || other_ends)
            return ends == other_ends;
    }
    return until_nul(load_tail(a, left), ends) == until_nul(load_tail(b, left), other_ends);
}

std::uint32_t hash_key(const Aggregation& agg, const std::uint8_t* key) {
    std::uint64_t hash = agg.key_size;
    for (std::uint32_t i = 0; i < agg.nsegments; ++i) {
        const KeySegment& s = agg.segments[i];
        hash = s.string ? hash_string(hash, key + s.offset, s.size)
                        : hash_bytes(hash, key + s.offset, s.size);
    }
    return static_cast<std::uint32_t>(hash >> 32);
}

bool equal_key(const Aggregation& agg, const std::uint8_t* a, const std::uint8_t* b) {
    for (std::uint32_t i = 0; i < agg.nsegments; ++i) {
        const KeySegment& s = agg.segments[i];
        if (!(s.string ? equal_strings(a + s.offset, b + s.offset, s.size)
                       : equal_bytes(a + s.offset, b + s.offset, s.size)))
            return false;
    }
    return true;
}

std::uint64_t* value_of(const Aggregation& agg, std::uint8_t* entry) {
    return reinterpret_cast<std::uint64_t*>(entry + agg.key_size);
}

/// The key's bytes as they stand in a snapshot: its id, its records, strings filled up with zeros,
/// nothing of what lies between records.
void copy_key(const Aggregation& agg, const std::uint8_t* key, std::uint8_t* entry) {
    __builtin_memset(entry, 0, agg.key_size + agg.value_size);
    __builtin_memcpy(entry, &agg.id, sizeof agg.id);
    for (std::uint32_t i = 0; i < agg.nsegments; ++i) {
        const KeySegment& segment = agg.segments[i];
        std::uint32_t n = segment.size;
        if (segment.string)
            for (n = 0; n < segment.size && key[segment.offset + n] != 0;)
                ++n;
        __builtin_memcpy(entry + segment.offset, key + segment.offset, n);
    }
}

/// A new entry with its key, or nullptr: the buffer is full.
std::uint8_t* create(const Aggregation& agg, const std::uint8_t* key, Buffer& buffer,
                     std::uint32_t hash, std::uint64_t* chain) {
    const std::uint64_t offset = (buffer.offset + 7) & ~std::uint64_t{7};
    const std::uint64_t size = std::uint64_t{agg.key_size} + agg.value_size;
    if (buffer.keys_free < sizeof(Key) || offset > buffer.keys_free - sizeof(Key) ||
        size > buffer.keys_free - sizeof(Key) - offset)
        return nullptr;

    buffer.keys_free -= sizeof(Key);
    buffer.offset = offset + size;
    std::uint8_t* const entry = buffer.tomax + offset;
    copy_key(agg, key, entry);
    value_of(agg, entry)[0] = agg.initial;

    const Key record{hash, agg.key_size, offset, static_cast<std::uint16_t>(agg.function), *chain};
    __builtin_memcpy(buffer.tomax + buffer.keys_free, &record, sizeof record);
    *chain = buffer.keys_free;
    return entry;
}

/// Where the table of chains begins.
std::uint64_t table_of(const Buffer& buffer) {
    return buffer.size - meta_size - buffer.hash_size * 8;
}

std::uint64_t* chain_of(Buffer& buffer, std::uint32_t hash) {
    const std::uint64_t index = (hash * buffer.hash_size) >> 32;
    return reinterpret_cast<std::uint64_t*>(buffer.tomax + table_of(buffer)) + index;
}

} // namespace

void aggregation_buffer_prepare(Buffer& buffer) {
    std::uint64_t words = (buffer.size >> 3) / 8;
    if (buffer.size < meta_size || words == 0 || words * 8 > buffer.size - meta_size)
        words = 0; // ludicrously small: everything is dropped
    else if (words > hash_slew << 3)
        words -= hash_slew;
    buffer.hash_size = words;
    aggregation_buffer_restart(buffer);
}

void aggregation_buffer_restart(Buffer& buffer) {
    buffer.offset = 0;
    buffer.keys_free = buffer.hash_size == 0 ? 0 : table_of(buffer);
}

void aggregation_buffer_clear_chains(const Buffer& buffer, std::uint8_t* half) {
    if (buffer.hash_size != 0)
        __builtin_memset(half + table_of(buffer), 0, buffer.hash_size * 8);
}

bool aggregate(const Aggregation& agg, const std::uint8_t* record, Buffer& buffer,
               std::uint64_t expression, std::uint64_t increment) {
    if (buffer.tomax == nullptr || buffer.hash_size == 0) {
        count_one(buffer.drops);
        return true;
    }
    if (!agg.has_increment)
        increment = 1;
    const std::uint8_t* const key = record + agg.base;
    const std::uint32_t hash = hash_key(agg, key);
    std::uint64_t* chain = chain_of(buffer, hash);

    for (std::uint64_t at = *chain; at != 0;) {
        Key found;
        __builtin_memcpy(&found, buffer.tomax + at, sizeof found);
        at = found.next;
        if (found.hash != hash || found.key_size != agg.key_size)
            continue;
        std::uint8_t* const entry = buffer.tomax + found.data;
        if (!equal_key(agg, key, entry))
            continue;
        if (found.function != static_cast<std::uint32_t>(agg.function))
            return false;
        aggregation_apply(agg.function, value_of(agg, entry), expression, increment);
        return true;
    }

    std::uint8_t* entry = create(agg, key, buffer, hash, chain);
    if (entry == nullptr && (buffer.flags & BUFFER_ENDLESS) != 0) {
        aggregation_buffer_clear_chains(buffer, buffer.tomax);
        aggregation_buffer_restart(buffer);
        entry = create(agg, key, buffer, hash, chain_of(buffer, hash));
    }
    if (entry == nullptr) {
        count_one(buffer.drops);
        return true;
    }
    aggregation_apply(agg.function, value_of(agg, entry), expression, increment);
    return true;
}

} // namespace difjit::engine
