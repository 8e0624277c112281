// SPDX-License-Identifier: BSD-2-Clause
// See machine.hpp.
#include "jit/machine.hpp"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include <fmt/format.h>

#include <difjit/text.hpp>

#include "host/recover.hpp"
#include "interp/interpreter.hpp"

namespace difjit::tests {
namespace {

std::byte* allocate(std::size_t bytes) {
    auto* p = static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    if (p == nullptr)
        std::abort();
    return p;
}

void release(std::byte* p) {
    std::free(p);
}

const char* name(Executor executor) {
    switch (executor) {
    case Executor::interpreter: return "interpreter";
    case Executor::compiled: return "compiled";
    default: return "unoptimised";
    }
}

} // namespace

std::string describe(const Outcome& o) {
    return fmt::format(
        "value {:#x} flags {:#x} fault_offset {} illval {:#x} scratch {} strtok {:#x}", o.value,
        o.flags, o.fault_offset, o.illval, o.scratch_used, o.strtok);
}

std::string print(const Difo& difo) {
    std::string text;
    for (std::uint32_t pc = 0; pc < difo.text.size(); pc++)
        text += fmt::format("{:02}: {}\n", pc, text::disassemble_instruction(difo, pc));
    for (std::size_t i = 0; i < difo.ints.size(); i++)
        text += fmt::format("int {}: {:#x}\n", i, difo.ints[i]);
    const difjit_difo view = difo.view();
    if (const auto image = jit::compile(view))
        text += jit::listing(*image, view).value_or("");
    return text;
}

Builder& Builder::variable(std::uint32_t id, std::uint8_t scope, bool byref, std::uint32_t size,
                           std::uint8_t kind) {
    difjit_var v{};
    v.id = id;
    v.scope = scope;
    v.kind = kind;
    v.flags = DIFJIT_VAR_REF | DIFJIT_VAR_MOD;
    v.type.kind = byref ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF;
    v.type.flags = byref ? DIFJIT_TF_BYREF : 0;
    v.type.size = size;
    difo.vars.push_back(v);
    return *this;
}

Machine::Machine(const Difo& difo, std::uint64_t dynvar_size)
    : owner_(difo), view_(difo.view()), difos_{&view_},
      layout_(runtime::vstate_measure(difos_, 2, dynvar_size)),
      memory_(allocate(layout_.bytes), release) {
    host::install_fault_handler();
    firing.pid = 4242, firing.tid = 100123, firing.ppid = 42, firing.uid = 1001, firing.gid = 1002;
    firing.errno_value = 2, firing.execname = "nginx", firing.cpu = 1;
    firing.timestamp = 0x3b9aca00, firing.vtimestamp = 0x7a120;
    firing.walltimestamp = 0x17979cfe362a0000;
    std::memset(memory_.get(), 0, layout_.bytes);
    vstate_ = runtime::vstate_init(memory_.get(), layout_, difos_);
    fresh_.assign(memory_.get(), memory_.get() + layout_.bytes);
    reset();
}

void Machine::map_kernel_memory(const std::vector<std::uint8_t>& bytes) {
    static void* const at = reinterpret_cast<void*>(0x20000000);
    static void* const mapped = mmap(at, 4096, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped != at || bytes.size() > 4096)
        std::abort();
    std::memcpy(mapped, bytes.data(), bytes.size());
}

void Machine::reset() {
    std::memcpy(memory_.get(), fresh_.data(), layout_.bytes);
    scratch_.assign(scratch_size / 8, 0);
    state_ = {};
    state_.ncpus = 2;
    state_.destructive = 1;
    state_.rand_state = rand_;
    state_.speculations = speculations_;
    state_.nspeculations = 2;
    speculations_[0] = speculations_[1] = {};
    runtime::rand_seed(state_, 1, 2);
}

std::optional<std::vector<std::uint8_t>> Machine::global(std::uint32_t id) const {
    const std::uint32_t index = id - DIFJIT_USER_VARIABLE_BASE;
    if (index >= vstate_->layout.nglobals || !vstate_->globals[index].declared)
        return std::nullopt;
    const runtime::StaticVariable& v = vstate_->globals[index];
    if (!v.byref)
        return std::vector<std::uint8_t>(v.data, v.data + 8);
    if (v.data[0] == 0xff)
        return std::nullopt;
    return std::vector<std::uint8_t>(v.data + 8, v.data + 8 + v.type.size);
}

Outcome Machine::shoot(difjit_entry entry, const Shot& shot) {
    difjit_frame f{};
    std::memset(f.tuple, 0x5a, sizeof f.tuple); // whoever relies on old slots is caught
    f.tuple_top = 7;
    std::copy(shot.args.begin(), shot.args.end(), f.args);
    f.cpu = 1;
    f.locals = vstate_->local_area + layout_.local_stride;
    f.scratch_base = f.scratch_ptr = reinterpret_cast<std::uint64_t>(scratch_.data());
    f.scratch_size = scratch_size;
    std::fill(scratch_.begin(), scratch_.end(), 0);
    f.difo = &view_;
    f.vstate = vstate_;
    f.state = &state_;
    f.host = &host::process_host();
    f.firing = &firing;
    f.predcache = &predcache_;
    f.strsize = strsize;
    f.access = shot.access;
    f.epid = 3;
    f.probe_id = 9;
    f.fault_offset = UINT32_MAX;

    Outcome o;
    o.value = entry == nullptr ? interp::run(&f) : entry(&f);
    o.flags = f.flags;
    o.fault_offset = f.fault_offset;
    o.illval = f.illval;
    o.scratch_used = f.scratch_ptr - f.scratch_base;
    o.strtok = f.strtok;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(scratch_.data());
    o.scratch.assign(bytes, bytes + scratch_size);
    o.variables.resize(layout_.bytes / 8);
    std::memcpy(o.variables.data(), memory_.get(), layout_.bytes / 8 * 8);
    if ((view_.rtype.flags & DIFJIT_TF_BYREF) != 0 && (f.flags & DIFJIT_FLAG_FAULT) == 0) {
        o.record.assign(view_.rtype.size, 0);
        runtime::store_by_ref(&f, view_.rtype, o.record.data(), o.record.size(), o.value, false);
    }
    return o;
}

/// One for all tests: making executable memory costs more than most of them.
static jit::CodeArena& arena() {
    static const std::shared_ptr<jit::CodeArena> shared = jit::CodeArena::create();
    return *shared;
}

std::vector<Outcome> Machine::run(Executor executor, const std::vector<Shot>& shots) {
    reset();
    error.clear();
    jit::LoadedCode code;
    if (executor != Executor::interpreter) {
        const auto image = jit::compile(view_, {.optimise = executor == Executor::compiled});
        if (!image) {
            error = image.error().message;
            return {};
        }
        auto loaded = arena().load(*image, view_, vstate_, "difjit:test");
        if (!loaded) {
            error = loaded.error().message;
            return {};
        }
        code = std::move(*loaded);
    }
    std::vector<Outcome> outcomes;
    for (const Shot& shot : shots)
        outcomes.push_back(shoot(code.entry(), shot));
    return outcomes;
}

std::string Machine::compare(const std::vector<Shot>& shots) {
    const std::vector<Outcome> expected = run(Executor::interpreter, shots);
    for (const Executor executor : {Executor::compiled, Executor::unoptimised}) {
        const std::vector<Outcome> got = run(executor, shots);
        if (got.size() != shots.size())
            return fmt::format("{}: {}\n{}", name(executor), error, print(owner_));
        for (std::size_t i = 0; i < shots.size(); i++)
            if (got[i] != expected[i])
                return fmt::format(
                    "shot {}\ninterpreter: {}\n{}: {}\n{}{}", i, describe(expected[i]),
                    name(executor), describe(got[i]),
                    got[i].variables != expected[i].variables ? "the variables differ\n" : "",
                    print(owner_));
    }
    return "";
}

} // namespace difjit::tests
