// SPDX-License-Identifier: BSD-2-Clause
// The runtime's interface to the layers above it: what a DIFO can touch, in one place.
//
// Freestanding. Everything that a DIFO does beyond arithmetic goes through these functions, from
// the interpreter directly and from compiled code by helper number, so that there is one
// implementation of the semantics. All memory is the caller's: measured first, then handed over.
// All functions are probe-safe unless they say otherwise. Follows dtrace.c; each file names its
// functions.
#ifndef DIFJIT_RUNTIME_RUNTIME_HPP
#define DIFJIT_RUNTIME_RUNTIME_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include <difjit/abi.h>
#include <difjit/host.h>

#include "runtime/dynvar.hpp" // DynamicState: dtrace_dstate_t

namespace difjit::runtime {

/// A scalar variable with static storage: dtrace_statvar_t.
struct StaticVariable {
    difjit_type type;
    bool declared; ///< some DIFO has an entry for it
    bool byref;    ///< 8-byte header (first byte 0xff: NULL), then type.size bytes
    /// Global: its cell or header. Clause-local: CPU 0's; CPU n's is n * local_stride behind it.
    std::uint8_t* data;
    std::uint32_t offset;   ///< clause-local: offset in difjit_frame.locals
    std::uint32_t storable; ///< bytes a store instruction may touch: 0 for a by-value global
};

/// A thread-local or associative variable's declared type (by-value: size 0 in type.flags' sense).
struct DynamicVariable {
    difjit_type type;
    bool declared;
};

/// Sizes of one variable state, asked before memory is handed over.
struct VstateLayout {
    std::uint32_t nglobals, nlocals, nthreads; ///< per scope: highest id - 0x500 + 1
    std::uint32_t ncpus;
    std::uint64_t local_stride; ///< bytes of one CPU's clause-local area, a multiple of 64
    std::uint64_t chunk_size;   ///< of dynamic variables: max of dtrace_difo_chunksize
    std::uint64_t dynvar_size;  ///< bytes of dynamic-variable space, 0: none is needed
    std::uint64_t bytes;        ///< all of it, 64-byte aligned
};

} // namespace difjit::runtime

/// All variables of one consumer: dtrace_vstate_t. Ids are indices from 0x500 on.
struct difjit_vstate {
    difjit::runtime::StaticVariable* globals;
    difjit::runtime::StaticVariable* locals;
    difjit::runtime::DynamicVariable* threads;       ///< self->x
    difjit::runtime::DynamicVariable* thread_arrays; ///< self->x[...], same ids
    difjit::runtime::DynamicVariable* arrays;        ///< global associative arrays, ids of globals
    std::uint8_t* local_area;                        ///< CPU 0's clause-local area
    difjit::runtime::VstateLayout layout;
    difjit::runtime::DynamicState dynamic;
};

namespace difjit::runtime {

/// Collects all variables of these DIFOs. Not for probe context.
VstateLayout vstate_measure(std::span<const difjit_difo* const> difos, std::uint32_t ncpus,
                            std::uint64_t dynvar_size);

/// Builds the state in `memory` (layout.bytes, 64-byte aligned, zeroed). Not for probe context.
difjit_vstate* vstate_init(void* memory, const VstateLayout& layout,
                           std::span<const difjit_difo* const> difos);

/// States of a speculation buffer: dtrace_speculation_state_t.
enum class SpeculationState : std::uint32_t {
    inactive,
    active,
    active_one,
    active_many,
    committing,
    committing_many,
    discarding
};

/// One speculation. Its per-CPU buffers belong to the engine.
struct Speculation {
    std::uint32_t state; ///< SpeculationState, changed atomically
    std::uint32_t cleaning;
};

/// A consumer's part that the runtime needs: dtrace_state_t.
struct ConsumerState {
    std::uint32_t ncpus;
    std::uint32_t destructive;      ///< the destructive option is on
    std::uint64_t (*rand_state)[2]; ///< [cpu]: xoroshiro128+
    Speculation* speculations;
    std::uint32_t nspeculations;
    std::uint64_t speculation_drops; ///< discarded records
    std::uint64_t speculation_busy;  ///< dts_speculations_busy
    std::uint64_t speculation_unavailable;
};

/// Seeds rand(): CPU 0 from `seed`, each further CPU 2^64 steps on (point 44). Not for probes.
void rand_seed(ConsumerState& state, std::uint64_t seed0, std::uint64_t seed1);

// Memory access rules (access.cpp). They set BADADDR/KPRIV with illval and return false.
bool canload(difjit_frame* f, std::uint64_t addr, std::uint64_t size);
bool canstore(difjit_frame* f, std::uint64_t addr, std::uint64_t size);
/// dtrace_strcanload: false without a flag where the NUL is not inside the region (point 40).
bool strcanload(difjit_frame* f, std::uint64_t addr, std::uint64_t limit, std::uint64_t* remain);
/// dtrace_vcanload for a value of `type`.
bool vcanload(difjit_frame* f, std::uint64_t addr, const difjit_type& type, std::uint64_t* remain);

// Loads (memory.cpp). `width`: bytes, | sign_extend. A bad address sets BADADDR and illval.
inline constexpr std::uint64_t sign_extend = 0x10;
std::uint64_t load(difjit_frame* f, std::uint64_t addr, std::uint64_t width);
std::uint64_t load_user(difjit_frame* f, std::uint64_t addr, std::uint64_t width);
std::uint64_t load_restricted(difjit_frame* f, std::uint64_t addr, std::uint64_t width);
std::uint64_t store(difjit_frame* f, std::uint64_t addr, std::uint64_t value, std::uint64_t bytes);

/// The engine's by-ref record store: dtrace_store_by_ref. Copies from `addr` into dst[0, size),
/// byte by byte by the reference's rules (strings end at the NUL; in a tuple the rest is zeroed).
void store_by_ref(difjit_frame* f, const difjit_type& type, std::uint8_t* dst, std::uint64_t size,
                  std::uint64_t addr, bool in_tuple);

/// Cleaners: dynamic variables from dirty to clean (dtrace_dynvar_clean). Not for probe context.
void dynvar_clean(difjit_vstate* v);
/// The same around the moment when every CPU has left probe context once: dirty to rinsing (false:
/// there is nothing to do), then rinsing to clean.
bool dynvar_clean_begin(difjit_vstate* v);
void dynvar_clean_end(difjit_vstate* v);
/// All three kinds of drops of one CPU.
struct DynvarDrops {
    std::uint64_t capacity, dirty, rinsing;
};
DynvarDrops dynvar_drops(const difjit_vstate* v, std::uint32_t cpu);

/// Address of helper n (enum difjit_helper, DIFJIT_HELPER_SUBR_BASE + Subr), or nullptr.
using Helper = std::uint64_t (*)(difjit_frame*, std::uint64_t, std::uint64_t, std::uint64_t);
Helper helper(std::uint32_t number);

} // namespace difjit::runtime

struct difjit_state : difjit::runtime::ConsumerState {};

#endif
