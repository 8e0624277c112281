// SPDX-License-Identifier: BSD-2-Clause
// Dynamic variables: thread-local variables and associative arrays, in chunks of equal size.
//
// A chunk lies on exactly one of: a hash chain, or a CPU's free, dirty, rinsing or clean list.
// Probes take chunks from free lists and put deallocated ones on dirty lists; the cleaner moves
// dirty to rinsing, waits until no CPU can still be walking a chain through them, and makes them
// clean; a CPU whose free list is empty takes its clean list over. Nothing is locked but a bucket
// while one of its chunks is unlinked; readers never wait. Follows dtrace_dynvar,
// dtrace_dynvar_clean and dtrace_dstate_init, and the long comment about them in dtrace_impl.h.
// Tested in tests/runtime/dynvar_test.cpp.
#ifndef DIFJIT_RUNTIME_DYNVAR_HPP
#define DIFJIT_RUNTIME_DYNVAR_HPP

#include <cstddef>
#include <cstdint>

#include <difjit/abi.h>

namespace difjit::runtime {

/// The header of a chunk: dtrace_dynvar_t. By-ref key bytes (each rounded up to 8) follow the keys,
/// the variable's data follows them.
struct DynamicChunk {
    std::uint64_t hash; ///< hash_free, hash_sink, or the hash of its keys
    DynamicChunk* next; ///< on its chain or list
    std::uint8_t* data;
    std::uint32_t nkeys;
    std::uint32_t pad;
    difjit_key keys[1]; ///< nkeys of them
};
static_assert(sizeof(DynamicChunk) == 48, "dtrace_dynvar_t: chunk sizes are the reference's");

/// A hash bucket: dtrace_dynhash_t.
struct DynamicBucket {
    DynamicChunk* chain;
    std::uint64_t lock; ///< odd: a chunk is being unlinked; else a generation number
};

/// One CPU's lists and drop counts: dtrace_dstate_percpu_t.
struct alignas(64) DynamicCpu {
    DynamicChunk* free;
    DynamicChunk* dirty;
    DynamicChunk* rinsing;
    DynamicChunk* clean;
    std::uint64_t drops;         ///< no chunk anywhere, or a variable that no chunk can hold
    std::uint64_t dirty_drops;   ///< none was free, some were dirty
    std::uint64_t rinsing_drops; ///< none was free, some were rinsing
};

/// Where the next chunk may be had: dtrace_dstate_state_t.
enum class DynamicSpace : std::uint32_t { clean, empty, dirty, rinsing };

/// The dynamic-variable space of one consumer: dtrace_dstate_t.
struct DynamicState {
    std::uint8_t* base; ///< buckets, then chunks; nullptr: there is no space
    std::uint64_t size;
    DynamicBucket* buckets;
    std::uint64_t nbuckets; ///< a power of two
    std::uint8_t* chunks;
    std::uint64_t nchunks;
    std::uint64_t chunk_size;
    DynamicCpu* cpus;
    std::uint32_t ncpus;
    std::uint32_t space;         ///< DynamicSpace, changed atomically
    std::uint64_t failed_cleans; ///< dtrace_dynvar_failclean
    DynamicChunk sink;           ///< the end of every hash chain
};

inline constexpr std::uint64_t hash_free = 0, hash_sink = 1, hash_valid = 2;

enum class DynvarOp : std::uint8_t { find, allocate, free };

/// Finds, makes or frees the variable of this key. nullptr: there is none, or a fault, or a drop.
DynamicChunk* dynvar(difjit_frame* f, const difjit_key* keys, std::uint32_t nkeys,
                     std::uint64_t data_size, DynvarOp op);

/// May bytes [addr, addr + size) be stored to: do they lie in the data of a variable in use?
bool dynvar_holds(const DynamicState& state, std::uint64_t addr, std::uint64_t size,
                  std::uint64_t* remain);

/// Divides `size` bytes at base (zeroed) into buckets and free lists. Not for probe context.
void dynamic_init(DynamicState& state, std::uint8_t* base, std::uint64_t size,
                  std::uint64_t chunk_size, DynamicCpu* cpus, std::uint32_t ncpus);

} // namespace difjit::runtime

#endif
