// SPDX-License-Identifier: BSD-2-Clause
// Finding, making and freeing dynamic variables, and the cleaner.
//
// dynvar.hpp says what the lists are and what is followed. Different from the reference: a key that
// no chunk can hold is a drop before a byte of it is read (decision 5), a new variable's data is
// zeroed (decision 6), and the number of buckets is a power of two; none of it is visible but in
// what is dropped. Tested in tests/runtime/dynvar_test.cpp.
#include "runtime/dynvar.hpp"

#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

template <class T>
T load_acquire(T* p) {
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
template <class T>
void store_release(T* p, T v) {
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
template <class T>
bool swap_if(T* p, T expected, T desired) {
    return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

void count(std::uint64_t& counter) {
    __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

/// Jenkins' one-at-a-time step.
void mix(std::uint64_t& hash, std::uint64_t piece) {
    hash += piece;
    hash += hash << 10;
    hash ^= hash >> 6;
}

void mix_value(std::uint64_t& hash, std::uint64_t value) {
    mix(hash, value >> 48 & 0xffff);
    mix(hash, value >> 32 & 0xffff);
    mix(hash, value >> 16 & 0xffff);
    mix(hash, value & 0xffff);
}

/// Bytes of the keys' by-ref data in a chunk; UINT64_MAX where the sum overflows.
std::uint64_t key_bytes(const difjit_key* keys, std::uint32_t nkeys) {
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < nkeys; i++) {
        const std::uint64_t size = round_up(keys[i].size, 8);
        if (size < keys[i].size || total + size < total)
            return UINT64_MAX;
        total += size;
    }
    return total;
}

bool fits_chunk(const DynamicState& state, std::uint32_t nkeys, std::uint64_t bytes,
                std::uint64_t data_size) {
    const std::uint64_t header = sizeof(DynamicChunk) + sizeof(difjit_key) * (nkeys - 1);
    return header <= state.chunk_size && bytes <= state.chunk_size - header &&
           data_size <= state.chunk_size - header - bytes;
}

/// False: a key can't be read. As in the reference, a byte that is not there does not end the walk,
/// so illval is the last such byte of all keys.
bool hash_keys(difjit_frame* f, const difjit_key* keys, std::uint32_t nkeys, std::uint64_t& hash) {
    hash = hash_valid;
    for (std::uint32_t i = 0; i < nkeys; i++) {
        if (keys[i].size == 0) {
            mix_value(hash, keys[i].value);
            continue;
        }
        if (!canload(f, keys[i].value, keys[i].size))
            return false;
        Reader reader(f, keys[i].value, keys[i].size);
        for (std::uint64_t j = 0; j < keys[i].size; j++)
            mix(hash, reader.next());
    }
    if (has_fault(f))
        return false;
    hash += hash << 3;
    hash ^= hash >> 11;
    hash += hash << 15;
    if (hash == hash_free || hash == hash_sink)
        hash = hash_valid;
    return true;
}

bool same_bytes(difjit_frame* f, const difjit_key& key, const std::uint8_t* stored) {
    if (key.value == address_of(stored))
        return true;
    Reader reader(f, key.value, key.size);
    for (std::uint64_t i = 0; i < key.size; i++)
        if (reader.next() != stored[i] || has_fault(f))
            return false;
    return true;
}

bool same_keys(difjit_frame* f, const DynamicChunk* var, const difjit_key* keys,
               std::uint32_t nkeys) {
    if (var->nkeys != nkeys)
        return false;
    for (std::uint32_t i = 0; i < nkeys; i++) {
        const difjit_key& mine = var->keys[i];
        if (mine.size != keys[i].size)
            return false;
        if (mine.size == 0 ? mine.value != keys[i].value
                           : !same_bytes(f, keys[i], pointer_to(mine.value)))
            return false;
    }
    return true;
}

/// One walk of a chain. `end` tells that the sink was reached: the snapshot is whole.
struct Walk {
    DynamicChunk* start;
    DynamicChunk* previous;
    DynamicChunk* found;
    bool end;
};

Walk walk(difjit_frame* f, DynamicBucket& bucket, std::uint64_t hash, const difjit_key* keys,
          std::uint32_t nkeys) {
    Walk w{load_acquire(&bucket.chain), nullptr, nullptr, false};
    for (DynamicChunk* var = w.start; var != nullptr; var = load_acquire(&var->next)) {
        const std::uint64_t its = load_acquire(&var->hash);
        if (its == hash_sink) {
            w.end = true;
            return w;
        }
        if (its == hash_free)
            return w; // it was deleted under us: off the chain
        if (its == hash && same_keys(f, var, keys, nkeys)) {
            w.found = var;
            return w;
        }
        w.previous = var;
    }
    return w;
}

void to_dirty(DynamicCpu& cpu, DynamicChunk* var) {
    store_release(&var->hash, hash_free);
    DynamicChunk* next = load_acquire(&cpu.dirty);
    do
        __atomic_store_n(&var->next, next, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&cpu.dirty, &next, var, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE));
}

/// Deletes under the bucket's lock, which keeps other deletions out; readers see its odd version.
void delete_key(difjit_frame* f, DynamicState& state, DynamicBucket& bucket, std::uint64_t hash,
                const difjit_key* keys, std::uint32_t nkeys) {
    std::uint64_t version = 0;
    do
        version = load_acquire(&bucket.lock) & ~std::uint64_t{1};
    while (!swap_if(&bucket.lock, version, version + 1));
    for (;;) {
        const Walk w = walk(f, bucket, hash, keys, nkeys);
        if (w.found == nullptr)
            break;
        DynamicChunk* next = load_acquire(&w.found->next);
        if (w.previous != nullptr)
            store_release(&w.previous->next, next);
        else if (!swap_if(&bucket.chain, w.start, next))
            continue; // an allocation came between
        to_dirty(state.cpus[f->cpu], w.found);
        break;
    }
    store_release(&bucket.lock, version + 2);
}

/// What this lap over the CPUs has seen so far of why there is nothing.
DynamicSpace worse(DynamicSpace seen, const DynamicCpu& cpu) {
    if (load_acquire(const_cast<DynamicChunk**>(&cpu.rinsing)) != nullptr)
        return DynamicSpace::rinsing;
    if (load_acquire(const_cast<DynamicChunk**>(&cpu.dirty)) != nullptr &&
        seen == DynamicSpace::empty)
        return DynamicSpace::dirty;
    return seen;
}

void count_drop(DynamicCpu& cpu, DynamicSpace condition) {
    switch (condition) {
    case DynamicSpace::dirty: count(cpu.dirty_drops); break;
    case DynamicSpace::rinsing: count(cpu.rinsing_drops); break;
    case DynamicSpace::clean:
    case DynamicSpace::empty: count(cpu.drops); break;
    }
}

/// Moves this CPU's clean list, if there is one, to the free list of `me`. False: there is none.
bool refill(DynamicCpu& from, DynamicCpu& me) {
    DynamicChunk* clean = load_acquire(&from.clean);
    if (clean == nullptr)
        return false;
    if (swap_if(&from.clean, clean, static_cast<DynamicChunk*>(nullptr))) {
        // Only the owner of a clean list fills a free list, and ours is empty.
        DynamicChunk* none = nullptr;
        __atomic_compare_exchange_n(&me.free, &none, clean, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
    return true;
}

DynamicChunk* pop_free(DynamicCpu& cpu) {
    DynamicChunk* free = load_acquire(&cpu.free);
    while (free != nullptr &&
           !__atomic_compare_exchange_n(&cpu.free, &free, load_acquire(&free->next), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    return free;
}

/// A free chunk: this CPU's, else anybody's. nullptr: a drop, counted by its kind.
DynamicChunk* take_chunk(difjit_frame* f, DynamicState& state) {
    const std::uint32_t me = f->cpu;
    DynamicSpace seen = DynamicSpace::empty;
    std::uint32_t cpu = me;
    for (;;) {
        DynamicCpu& from = state.cpus[cpu];
        if (DynamicChunk* chunk = pop_free(from))
            return chunk;
        if (refill(from, state.cpus[me])) {
            cpu = me;
            continue;
        }
        const auto condition = static_cast<DynamicSpace>(load_acquire(&state.space));
        if (condition != DynamicSpace::clean) {
            count_drop(from, condition);
            set_flag(f, DIFJIT_FLAG_DROP);
            return nullptr;
        }
        seen = worse(seen, from);
        cpu = cpu + 1 == state.ncpus ? 0 : cpu + 1;
        if (cpu == me) // a whole lap: say why, and take another to count it
            swap_if(&state.space, static_cast<std::uint32_t>(DynamicSpace::clean),
                    static_cast<std::uint32_t>(seen));
    }
}

void fill_keys(difjit_frame* f, DynamicChunk* var, const difjit_key* keys, std::uint32_t nkeys) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(&var->keys[nkeys]);
    var->nkeys = nkeys;
    for (std::uint32_t i = 0; i < nkeys; i++) {
        var->keys[i] = keys[i];
        if (keys[i].size == 0)
            continue;
        copy_in(f, bytes, keys[i].value, keys[i].size);
        var->keys[i].value = address_of(bytes);
        bytes += round_up(keys[i].size, 8);
    }
    var->data = bytes;
}

} // namespace

DynamicChunk* dynvar(difjit_frame* f, const difjit_key* keys, std::uint32_t nkeys,
                     std::uint64_t data_size, DynvarOp op) {
    DynamicState& state = f->vstate->dynamic;
    const std::uint64_t bytes = key_bytes(keys, nkeys);
    const bool no_space = state.base == nullptr; // nothing is ever stored: then nothing is found
    if (!no_space && !fits_chunk(state, nkeys, bytes, 0)) {
        // Decision 5: no chunk can hold it, and hashing it has no bound.
        count(state.cpus[f->cpu].drops);
        return nullptr;
    }
    std::uint64_t hash = 0;
    if (!hash_keys(f, keys, nkeys, hash) || no_space)
        return nullptr;
    DynamicBucket& bucket = state.buckets[hash & (state.nbuckets - 1)];
    if (op == DynvarOp::free) {
        delete_key(f, state, bucket, hash, keys, nkeys);
        return nullptr;
    }
    for (;;) {
        const std::uint64_t version = load_acquire(&bucket.lock);
        const Walk w = walk(f, bucket, hash, keys, nkeys);
        if (w.found != nullptr || has_fault(f))
            return w.found;
        if (!w.end)
            continue; // off the rails: again
        if (op == DynvarOp::find) {
            if (load_acquire(&bucket.lock) != version)
                continue; // a deletion ran meanwhile: what we saw may be torn
            return nullptr;
        }
        if (!fits_chunk(state, nkeys, bytes, data_size)) {
            count(state.cpus[f->cpu].drops); // without a flag: the store is lost (point 30)
            return nullptr;
        }
        DynamicChunk* var = take_chunk(f, state);
        if (var == nullptr)
            return nullptr;
        fill_keys(f, var, keys, nkeys);
        __builtin_memset(var->data, 0, data_size); // decision 6
        __atomic_store_n(&var->next, w.start, __ATOMIC_RELAXED);
        store_release(&var->hash, hash);
        if (swap_if(&bucket.chain, w.start, var))
            return var;
        to_dirty(state.cpus[f->cpu], var); // not to free: others may be looking at it
    }
}

bool dynvar_holds(const DynamicState& state, std::uint64_t addr, std::uint64_t size,
                  std::uint64_t* remain) {
    const std::uint64_t base = address_of(state.base);
    if (state.size == 0 || !in_range(addr, size, base, state.size))
        return false;
    const std::uint64_t chunks = address_of(state.chunks);
    if (addr < chunks)
        return false;
    const std::uint64_t offset = (addr - chunks) % state.chunk_size;
    if (offset < sizeof(DynamicChunk) || offset + size > state.chunk_size)
        return false;
    const auto* var = reinterpret_cast<const DynamicChunk*>(addr - offset);
    if (__atomic_load_n(&var->hash, __ATOMIC_ACQUIRE) == hash_free)
        return false;
    if (offset < sizeof(DynamicChunk) + (var->nkeys - std::uint64_t{1}) * sizeof(difjit_key))
        return false;
    if (remain != nullptr)
        *remain = state.chunk_size - offset;
    return true;
}

namespace {

/// Links n > 0 chunks into a free list.
DynamicChunk* link_chunks(std::uint8_t* start, std::uint64_t n, std::uint64_t chunk_size) {
    for (std::uint64_t i = 0; i + 1 < n; i++)
        reinterpret_cast<DynamicChunk*>(start + i * chunk_size)->next =
            reinterpret_cast<DynamicChunk*>(start + (i + 1) * chunk_size);
    return reinterpret_cast<DynamicChunk*>(start);
}

/// A CPU with nothing on any of the three lists can rinse for another one.
DynamicCpu* idle_rinser(DynamicState& state) {
    for (std::uint32_t i = 0; i < state.ncpus; i++) {
        DynamicCpu& cpu = state.cpus[i];
        if (load_acquire(&cpu.rinsing) == nullptr && load_acquire(&cpu.dirty) == nullptr &&
            load_acquire(&cpu.clean) == nullptr)
            return &cpu;
    }
    return nullptr;
}

} // namespace

void dynamic_init(DynamicState& state, std::uint8_t* base, std::uint64_t size,
                  std::uint64_t chunk_size, DynamicCpu* cpus, std::uint32_t ncpus) {
    // About a bucket a chunk, as the reference has it, but a power of two: no division in a probe.
    std::uint64_t buckets = 1;
    while (2 * buckets * (chunk_size + sizeof(DynamicBucket)) <= size)
        buckets *= 2;
    state.base = base;
    state.size = size;
    state.chunk_size = chunk_size;
    state.nbuckets = buckets;
    state.buckets = reinterpret_cast<DynamicBucket*>(base);
    state.chunks = base + buckets * sizeof(DynamicBucket);
    state.nchunks = (size - buckets * sizeof(DynamicBucket)) / chunk_size;
    state.cpus = cpus;
    state.ncpus = ncpus;
    state.sink.hash = hash_sink;
    for (std::uint64_t i = 0; i < buckets; i++)
        state.buckets[i].chain = &state.sink;

    std::uint64_t share = state.nchunks / ncpus;
    if (share == 0) // too few to go round: the first CPU has them all
        share = state.nchunks;
    std::uint64_t left = state.nchunks;
    std::uint8_t* start = state.chunks;
    for (std::uint32_t i = 0; i < ncpus && left != 0; i++) {
        const std::uint64_t n = i + 1 == ncpus ? left : share;
        cpus[i].free = link_chunks(start, n, chunk_size);
        start += n * chunk_size;
        left -= n;
    }
}

namespace {

/// Is there a chunk to take although a lap over the CPUs found none? It raced with the cleaner; the
/// reference keeps that out by a second dtrace_sync.
bool has_chunks(DynamicState& state) {
    for (std::uint32_t i = 0; i < state.ncpus; i++)
        if (load_acquire(&state.cpus[i].free) != nullptr ||
            load_acquire(&state.cpus[i].clean) != nullptr)
            return true;
    return false;
}

/// Moves a CPU's dirty list to a rinsing list, its own if it can.
bool begin_rinsing(DynamicState& state, DynamicCpu& cpu) {
    if (load_acquire(&cpu.dirty) == nullptr || load_acquire(&cpu.rinsing) != nullptr)
        return false; // nothing, or this CPU still rinses another's
    DynamicCpu* rinser = &cpu;
    if (load_acquire(&cpu.clean) != nullptr && (rinser = idle_rinser(state)) == nullptr) {
        state.failed_cleans++;
        return false;
    }
    // Rinsing is set before dirty is taken, so that a chunk is always on a list that shows.
    DynamicChunk* dirty = load_acquire(&cpu.dirty);
    do
        store_release(&rinser->rinsing, dirty);
    while (!__atomic_compare_exchange_n(&cpu.dirty, &dirty, static_cast<DynamicChunk*>(nullptr),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return true;
}

} // namespace

bool dynvar_clean_begin(difjit_vstate* v) {
    DynamicState& state = v->dynamic;
    bool work = false;
    for (std::uint32_t i = 0; i < state.ncpus; i++)
        work |= begin_rinsing(state, state.cpus[i]);
    if (!work && has_chunks(state))
        store_release(&state.space, static_cast<std::uint32_t>(DynamicSpace::clean));
    return work;
}

void dynvar_clean_end(difjit_vstate* v) {
    DynamicState& state = v->dynamic;
    for (std::uint32_t i = 0; i < state.ncpus; i++) {
        DynamicChunk* rinsed = load_acquire(&state.cpus[i].rinsing);
        if (rinsed == nullptr)
            continue;
        store_release(&state.cpus[i].clean, rinsed);
        store_release(&state.cpus[i].rinsing, static_cast<DynamicChunk*>(nullptr));
    }
    store_release(&state.space, static_cast<std::uint32_t>(DynamicSpace::clean));
}

void dynvar_clean(difjit_vstate* v) {
    if (dynvar_clean_begin(v))
        dynvar_clean_end(v);
}

DynvarDrops dynvar_drops(const difjit_vstate* v, std::uint32_t cpu) {
    if (v->dynamic.base == nullptr || cpu >= v->dynamic.ncpus)
        return {0, 0, 0};
    const DynamicCpu& c = v->dynamic.cpus[cpu];
    return {__atomic_load_n(&c.drops, __ATOMIC_RELAXED),
            __atomic_load_n(&c.dirty_drops, __ATOMIC_RELAXED),
            __atomic_load_n(&c.rinsing_drops, __ATOMIC_RELAXED)};
}

} // namespace difjit::runtime
