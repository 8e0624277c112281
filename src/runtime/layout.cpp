// SPDX-License-Identifier: BSD-2-Clause
// The layout of a consumer's variables, and its construction. Not for probe context.
//
// Follows dtrace_difo_init (which storage a declaration gets), dtrace_difo_chunksize and
// dtrace_dstate_init. Two differences, both so that less is lost: the chunk is as large as the
// largest key that a path can build, with strings at the size that their pushtr allows (the
// reference understands only a size that is set by the instruction just before, point 31), and a
// clause-local's place is 8-aligned on every CPU (decision 15). Freestanding. Tested in
// tests/runtime/layout_test.cpp.
#include "dif/instruction.hpp"
#include "runtime/dynvar.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

constexpr std::uint64_t line = 64;
constexpr std::uint64_t header = 8;
constexpr std::uint64_t chunk_default = 256; ///< DTRACE_DYNVAR_CHUNKSIZE
constexpr std::uint32_t id_max = 0xffff;     ///< DIF_VARIABLE_MAX

using Difos = std::span<const difjit_difo* const>;

/// A user variable that some scope can have; the verifier lets no other through.
bool is_user_variable(const difjit_var& var) {
    return var.id >= DIFJIT_USER_VARIABLE_BASE && var.id <= id_max &&
           var.scope <= DIFJIT_SCOPE_LOCAL;
}

template <class F>
void each_variable(Difos difos, F&& f) {
    for (const difjit_difo* difo : difos)
        for (std::uint32_t i = 0; i < difo->var_len; i++)
            if (is_user_variable(difo->vars[i]))
                f(difo->vars[i]);
}

bool is_byref(const difjit_var& var) {
    return (var.type.flags & DIFJIT_TF_BYREF) != 0;
}

void raise(std::uint32_t& count, const difjit_var& var) {
    const std::uint32_t n = var.id - DIFJIT_USER_VARIABLE_BASE + 1;
    count = n > count ? n : count;
}

std::uint64_t static_bytes(const difjit_type& type) {
    return (type.flags & DIFJIT_TF_BYREF) != 0 ? header + round_up(type.size, 8) : 8;
}

/// The greatest size that some DIFO gives this variable: one may leave it at 0 (point 50).
void widen(difjit_type& type, const difjit_type& other) {
    const std::uint32_t size = type.size > other.size ? type.size : other.size;
    type = other;
    type.size = size;
}

/// Bytes that one pushtr can add to a key: what its size register holds, if it is known.
struct KnownSizes {
    std::uint64_t value[DIFJIT_NREGS] = {};
    std::uint32_t known = 1; ///< registers as bits; %r0 is 0

    void forget(std::uint32_t r) { known &= ~(1u << (r & 7)); }
    void learn(std::uint32_t r, std::uint64_t v) {
        value[r & 7] = v;
        known |= 1u << (r & 7);
    }
    [[nodiscard]] bool knows(std::uint32_t r) const { return (known >> (r & 7) & 1) != 0; }
};

/// Walks one DIFO as dtrace_difo_chunksize does, but remembers every register's constant.
class ChunkSize {
  public:
    explicit ChunkSize(const difjit_difo& difo) : difo_(difo) {}

    std::uint64_t greatest() {
        for (std::uint32_t pc = 0; pc < difo_.text_len; pc++)
            visit(Instruction{difo_.text[pc]});
        return greatest_;
    }

  private:
    const difjit_difo& difo_;
    KnownSizes sizes_;
    std::uint64_t bytes_[DIFJIT_NTUPLE] = {};
    std::uint32_t top_ = 0;
    std::uint64_t greatest_ = 0;

    void push(std::uint64_t bytes) {
        if (top_ < DIFJIT_NTUPLE)
            bytes_[top_++] = bytes;
    }

    void push_reference(Instruction in) {
        const bool known = sizes_.knows(in.r2());
        std::uint64_t size = known ? sizes_.value[in.r2() & 7] : chunk_default;
        if (in.type() == DIFJIT_TYPE_STRING) // one byte more where the bound cuts it off (point 36)
            size = (size == 0 ? DIFJIT_STRSIZE_DEFAULT : size) + 1;
        push(size <= UINT32_MAX ? round_up(size, 8) : 0); // larger ones are dropped (decision 5)
    }

    void allocate(Instruction in, std::uint8_t scope, std::uint32_t tuple, std::uint32_t extra) {
        std::uint64_t size = sizeof(DynamicChunk) + sizeof(difjit_key) * (tuple + extra - 1);
        for (std::uint32_t i = 0; i < tuple; i++)
            size += bytes_[i];
        std::uint64_t data = 8;
        for (std::uint32_t i = 0; i < difo_.var_len; i++)
            if (difo_.vars[i].id == in.var() && difo_.vars[i].scope == scope &&
                difo_.vars[i].type.size > data)
                data = difo_.vars[i].type.size;
        size += round_up(data, 8);
        greatest_ = size > greatest_ ? size : greatest_;
    }

    void visit(Instruction in) {
        if (!is_opcode(in.opcode()))
            return;
        switch (in.op()) {
        case Op::SETX:
            if (in.integer_index() < difo_.int_len)
                return sizes_.learn(in.rd(), difo_.ints[in.integer_index()]);
            return sizes_.forget(in.rd());
        case Op::STTS: return allocate(in, DIFJIT_SCOPE_THREAD, 0, 2);
        case Op::LDGAA: // what can't be stored is not looked for either: a drop (decision 5)
        case Op::STGAA: return allocate(in, DIFJIT_SCOPE_GLOBAL, top_, 1);
        case Op::LDTAA:
        case Op::STTAA: return allocate(in, DIFJIT_SCOPE_THREAD, top_, 2);
        case Op::PUSHTR: return push_reference(in);
        case Op::PUSHTV: return push(0);
        case Op::FLUSHTS: top_ = 0; return;
        case Op::POPTS: top_ -= top_ != 0; return;
        default:
            if ((opcode_row(in.op()).writes & column::RD) != 0 && in.rd() != 0)
                sizes_.forget(in.rd());
            return;
        }
    }
};

std::uint64_t chunk_size(Difos difos) {
    std::uint64_t size = 0;
    for (const difjit_difo* difo : difos) {
        const std::uint64_t one = ChunkSize(*difo).greatest();
        size = one > size ? one : size;
    }
    return size == 0 ? chunk_default : size;
}

/// Hands out the caller's memory piece by piece.
class Carver {
  public:
    explicit Carver(void* memory) : at_(static_cast<std::uint8_t*>(memory)) {}
    template <class T>
    T* take(std::uint64_t n, std::uint64_t align = alignof(T)) {
        at_ = pointer_to(round_up(address_of(at_), align));
        auto* p = reinterpret_cast<T*>(at_);
        at_ += n * sizeof(T);
        return p;
    }

  private:
    std::uint8_t* at_;
};

/// Calls f with the first declaration of each variable of a scope. Ids are looked at window by
/// window, so that the set of those seen fits a kernel stack.
template <class F>
void each_static(Difos difos, std::uint8_t scope, std::uint32_t count, F&& f) {
    constexpr std::uint32_t window = 4096;
    for (std::uint32_t from = 0; from < count; from += window) {
        std::uint64_t seen[window / 64] = {};
        each_variable(difos, [&](const difjit_var& var) {
            const std::uint32_t i = var.id - DIFJIT_USER_VARIABLE_BASE - from;
            if (var.scope != scope || i >= window || (seen[i / 64] >> (i % 64) & 1) != 0)
                return;
            seen[i / 64] |= std::uint64_t{1} << (i % 64);
            f(var);
        });
    }
}

/// Storage of a scope's statics: cells and by-ref data.
std::uint64_t storage(Difos difos, std::uint8_t scope, std::uint32_t count) {
    std::uint64_t bytes = 0;
    each_static(difos, scope, count,
                [&](const difjit_var& var) { bytes += static_bytes(var.type); });
    return bytes;
}

void declare_dynamic(DynamicVariable& to, const difjit_var& var) {
    widen(to.type, var.type);
    to.declared = true;
}

/// Scalars and arrays share their ids, and the reference never compares an instruction with the
/// kind that its variable was declared as (point 50): a declaration is good for both.
void declare(difjit_vstate& v, Difos difos) {
    each_variable(difos, [&](const difjit_var& var) {
        const std::uint32_t i = var.id - DIFJIT_USER_VARIABLE_BASE;
        if (var.scope == DIFJIT_SCOPE_THREAD) {
            declare_dynamic(v.threads[i], var);
            declare_dynamic(v.thread_arrays[i], var);
            return;
        }
        if (var.scope == DIFJIT_SCOPE_GLOBAL)
            declare_dynamic(v.arrays[i], var);
        StaticVariable& s = (var.scope == DIFJIT_SCOPE_GLOBAL ? v.globals : v.locals)[i];
        if (!s.declared) // the first one counts: verified programs agree (point 50)
            s = {var.type, true, is_byref(var), nullptr, 0, 0};
    });
}

void place_globals(difjit_vstate& v, std::uint8_t* at) {
    for (std::uint32_t i = 0; i < v.layout.nglobals; i++) {
        StaticVariable& s = v.globals[i];
        if (!s.declared)
            continue;
        s.data = at;
        s.storable = s.byref ? static_cast<std::uint32_t>(header + s.type.size) : 0;
        at += static_bytes(s.type);
    }
}

void place_locals(difjit_vstate& v) {
    std::uint32_t offset = 0;
    for (std::uint32_t i = 0; i < v.layout.nlocals; i++) {
        StaticVariable& s = v.locals[i];
        if (!s.declared)
            continue;
        s.offset = offset;
        s.data = v.local_area + offset;
        // Up to the next variable: the reference's range is that of all CPUs' copies, whose strides
        // are rounded up (decision 15), so a string may end in the bytes behind its variable.
        s.storable = static_cast<std::uint32_t>(static_bytes(s.type));
        offset += static_cast<std::uint32_t>(static_bytes(s.type));
    }
}

/// Can any dynamic variable ever exist?
bool stores_dynamic(const difjit_difo& difo) {
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
        const Instruction in{difo.text[pc]};
        const bool is_store = in.op() == Op::STTS || in.op() == Op::STGAA || in.op() == Op::STTAA;
        if (is_opcode(in.opcode()) && is_store)
            return true;
    }
    return false;
}

/// The space of dynamic variables: none where none is ever stored. No chunk is larger than what the
/// option gives: a key of megabytes is a drop, not a reason to ask for gigabytes.
void measure_dynamic(VstateLayout& layout, Difos difos, std::uint64_t dynvar_size) {
    bool any = false;
    for (const difjit_difo* difo : difos)
        any = any || stores_dynamic(*difo);
    const std::uint64_t most =
        round_up(dynvar_size > chunk_default ? dynvar_size : chunk_default, 8);
    layout.chunk_size = least(chunk_size(difos), most);
    const std::uint64_t least_size = layout.chunk_size + sizeof(DynamicBucket);
    layout.dynvar_size = !any ? 0 : dynvar_size < least_size ? least_size : dynvar_size;
}

} // namespace

VstateLayout vstate_measure(Difos difos, std::uint32_t ncpus, std::uint64_t dynvar_size) {
    VstateLayout layout{};
    layout.ncpus = ncpus;
    each_variable(difos, [&](const difjit_var& var) {
        raise(var.scope == DIFJIT_SCOPE_GLOBAL   ? layout.nglobals
              : var.scope == DIFJIT_SCOPE_THREAD ? layout.nthreads
                                                 : layout.nlocals,
              var);
    });
    layout.local_stride = round_up(storage(difos, DIFJIT_SCOPE_LOCAL, layout.nlocals), line);
    measure_dynamic(layout, difos, dynvar_size);
    layout.bytes =
        sizeof(difjit_vstate) + layout.nglobals * sizeof(StaticVariable) +
        layout.nlocals * sizeof(StaticVariable) +
        (layout.nglobals + 2 * std::uint64_t{layout.nthreads}) * sizeof(DynamicVariable) +
        ncpus * (sizeof(DynamicCpu) + layout.local_stride) +
        storage(difos, DIFJIT_SCOPE_GLOBAL, layout.nglobals) + layout.dynvar_size + 16 * line;
    layout.bytes = round_up(layout.bytes, line);
    return layout;
}

difjit_vstate* vstate_init(void* memory, const VstateLayout& layout, Difos difos) {
    Carver carve(memory);
    auto* v = carve.take<difjit_vstate>(1, line);
    v->layout = layout;
    v->globals = carve.take<StaticVariable>(layout.nglobals);
    v->locals = carve.take<StaticVariable>(layout.nlocals);
    v->threads = carve.take<DynamicVariable>(layout.nthreads);
    v->thread_arrays = carve.take<DynamicVariable>(layout.nthreads);
    v->arrays = carve.take<DynamicVariable>(layout.nglobals);
    v->local_area = carve.take<std::uint8_t>(layout.local_stride * layout.ncpus, line);
    declare(*v, difos);
    place_locals(*v);
    place_globals(
        *v, carve.take<std::uint8_t>(storage(difos, DIFJIT_SCOPE_GLOBAL, layout.nglobals), line));
    auto* cpus = carve.take<DynamicCpu>(layout.ncpus, line);
    if (layout.dynvar_size != 0)
        dynamic_init(v->dynamic, carve.take<std::uint8_t>(layout.dynvar_size, line),
                     layout.dynvar_size, layout.chunk_size, cpus, layout.ncpus);
    return v;
}

} // namespace difjit::runtime
