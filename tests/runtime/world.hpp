// SPDX-License-Identifier: BSD-2-Clause
// A small world for tests of runtime and interpreter: a host whose memory is a list of regions, and
// a frame, variables, scratch memory and a consumer made by hand.
//
// Addresses of traced memory need not exist in this process: whatever the runtime reads it must
// read through the host, and the host lets it read nothing but its regions and the real memory that
// a test names.
#ifndef DIFJIT_TESTS_RUNTIME_WORLD_HPP
#define DIFJIT_TESTS_RUNTIME_WORLD_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <difjit/host.h>

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "runtime/runtime.hpp"

namespace difjit::test {

struct Region {
    std::uint64_t addr;
    std::string bytes;
};

/// What difjit_frame.firing points to.
struct Firing {
    std::vector<Region> memory, user;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> real; ///< readable real memory: base, size
    std::map<Var, std::uint64_t> variables;
    std::map<Var, std::string> strings;
    std::map<Subr, std::uint64_t> objects;
    std::uint64_t thread = 100123;
    std::uint32_t interrupts = 0;
    unsigned calls = 0; ///< of `variable`
};

inline Firing& firing_of(difjit_frame* f) {
    return *static_cast<Firing*>(f->firing);
}

inline char* find_byte(std::vector<Region>& regions, std::uint64_t addr) {
    for (Region& r : regions)
        if (addr - r.addr < r.bytes.size())
            return &r.bytes[addr - r.addr];
    return nullptr;
}

inline const char* readable_byte(Firing& firing, std::uint64_t addr) {
    for (const auto& [base, size] : firing.real)
        if (addr - base < size)
            return reinterpret_cast<const char*>(addr);
    return find_byte(firing.memory, addr);
}

inline std::size_t read(difjit_frame* f, void* dst, std::uint64_t addr, std::size_t len) {
    for (std::size_t i = 0; i < len; i++) {
        const char* byte = readable_byte(firing_of(f), addr + i);
        if (byte == nullptr)
            return i;
        static_cast<char*>(dst)[i] = *byte;
    }
    return len;
}

inline std::size_t read_user(difjit_frame* f, void* dst, std::uint64_t addr, std::size_t len) {
    for (std::size_t i = 0; i < len; i++) {
        const char* byte = find_byte(firing_of(f).user, addr + i);
        if (byte == nullptr)
            return i;
        static_cast<char*>(dst)[i] = *byte;
    }
    return len;
}

inline std::size_t write_user(difjit_frame* f, std::uint64_t addr, const void* src,
                              std::size_t len) {
    for (std::size_t i = 0; i < len; i++) {
        char* byte = find_byte(firing_of(f).user, addr + i);
        if (byte == nullptr)
            return i;
        *byte = static_cast<const char*>(src)[i];
    }
    return len;
}

inline std::uint64_t variable(difjit_frame* f, std::uint32_t var, std::uint64_t) {
    Firing& firing = firing_of(f);
    firing.calls++;
    const auto found = firing.variables.find(static_cast<Var>(var));
    if (found != firing.variables.end())
        return found->second;
    f->flags |= DIFJIT_FAULT_ILLOP;
    return 0;
}

inline difjit_host_string string_variable(difjit_frame* f, std::uint32_t var) {
    Firing& firing = firing_of(f);
    const auto found = firing.strings.find(static_cast<Var>(var));
    if (found == firing.strings.end())
        return {nullptr, 0};
    return {found->second.c_str(), found->second.size() + 1};
}

inline std::uint64_t object(difjit_frame* f, std::uint32_t subr) {
    if (static_cast<Subr>(subr) == Subr::PROGENYOF) { // a process and its parent; pids are ints
        const auto pid = static_cast<std::int32_t>(f->tuple[0].value);
        auto& known = firing_of(f).variables;
        return pid == static_cast<std::int32_t>(known[Var::PID]) ||
               pid == static_cast<std::int32_t>(known[Var::PPID]);
    }
    return firing_of(f).objects[static_cast<Subr>(subr)];
}

inline const difjit_range toxic{0x800000000000, 0};

inline const difjit_host& host() {
    static const difjit_host table = [] {
        difjit_host h{};
        h.abi = DIFJIT_ABI_VERSION;
        h.ntoxic = 1;
        h.toxic = &toxic;
        h.user_limit = 0x800000000000;
        h.read = read;
        h.read_user = read_user;
        h.write_user = write_user;
        h.variable = variable;
        h.string_variable = string_variable;
        h.object = object;
        h.thread_id = [](difjit_frame* f) { return firing_of(f).thread; };
        h.interrupt_level = [](difjit_frame* f) { return firing_of(f).interrupts; };
        h.now = [](difjit_frame*) { return std::uint64_t{0}; };
        return h;
    }();
    return table;
}

/// A DIFO that owns its tables.
struct Object {
    std::vector<std::uint32_t> text;
    std::vector<std::uint64_t> ints;
    std::string strtab;
    std::vector<difjit_var> vars;
    difjit_type rtype{};
    std::uint32_t dialect = DIFJIT_DIALECT_FREEBSD;

    [[nodiscard]] difjit_difo view() const {
        return {text.data(),
                ints.data(),
                strtab.data(),
                vars.data(),
                static_cast<std::uint32_t>(text.size()),
                static_cast<std::uint32_t>(ints.size()),
                static_cast<std::uint32_t>(strtab.size()),
                static_cast<std::uint32_t>(vars.size()),
                rtype,
                dialect,
                0,
                nullptr};
    }
};

constexpr difjit_type by_value{DIFJIT_TYPE_CTF, 0, 0, 0, 8};
constexpr difjit_type string_type(std::uint32_t size = 256) {
    return {DIFJIT_TYPE_STRING, 0, DIFJIT_TF_BYREF, 0, size};
}
constexpr difjit_type struct_type(std::uint32_t size) {
    return {DIFJIT_TYPE_CTF, 6, DIFJIT_TF_BYREF, 0, size};
}
constexpr difjit_var declare(std::uint32_t id, std::uint8_t scope, difjit_type type,
                             std::uint8_t kind = DIFJIT_VAR_KIND_SCALAR) {
    return {0, id, kind, scope, DIFJIT_VAR_REF | DIFJIT_VAR_MOD, type};
}

/// Everything that one DIFO needs to run, on any of `ncpus` CPUs.
class World {
  public:
    struct Setting {
        std::uint32_t ncpus = 2;
        std::uint64_t scratch_size = 4096;
        std::uint64_t dynvar_size = 64 << 10;
    };

    explicit World(Object object = {}) : World(std::move(object), Setting{}) {}
    World(Object object, Setting setting) : object_(std::move(object)), setting_(setting) {
        difo_ = object_.view();
        const difjit_difo* difos[] = {&difo_};
        const auto layout = runtime::vstate_measure(difos, setting.ncpus, setting.dynvar_size);
        memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(64, layout.bytes)));
        std::memset(memory_.get(), 0, layout.bytes);
        vstate_ = runtime::vstate_init(memory_.get(), layout, difos);
        scratch_.resize(setting.scratch_size / 8 + 1);
        rand_.resize(setting.ncpus);
        state_.ncpus = setting.ncpus;
        state_.destructive = 1;
        state_.rand_state = reinterpret_cast<std::uint64_t(*)[2]>(rand_.data());
        state_.speculations = &speculation_;
        state_.nspeculations = 1;
        runtime::rand_seed(state_, 1, 2);
        firing.real.emplace_back(reinterpret_cast<std::uint64_t>(memory_.get()), layout.bytes);
        firing.real.emplace_back(scratch(), setting.scratch_size);
        firing.real.emplace_back(reinterpret_cast<std::uint64_t>(object_.strtab.data()),
                                 object_.strtab.size());
    }

    /// A frame for a new ECB on this CPU, with all privileges. Scratch memory holds old bytes.
    difjit_frame frame(std::uint32_t cpu = 0) {
        std::memset(scratch_.data(), 0x11, setting_.scratch_size);
        difjit_frame f{};
        f.fault_offset = UINT32_MAX;
        f.cpu = cpu;
        f.locals = vstate_->local_area + cpu * vstate_->layout.local_stride;
        f.scratch_base = f.scratch_ptr = scratch();
        f.scratch_size = setting_.scratch_size;
        f.difo = &difo_;
        f.vstate = vstate_;
        f.state = &state_;
        f.host = &host();
        f.firing = &firing;
        f.predcache = &predcache;
        f.strsize = 256;
        f.access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
        f.epid = 1;
        f.probe_id = 1;
        return f;
    }

    [[nodiscard]] std::uint64_t scratch() const {
        return reinterpret_cast<std::uint64_t>(scratch_.data());
    }
    [[nodiscard]] std::uint64_t strtab() const {
        return reinterpret_cast<std::uint64_t>(object_.strtab.data());
    }
    [[nodiscard]] difjit_vstate& vstate() { return *vstate_; }
    [[nodiscard]] difjit_state& state() { return state_; }
    [[nodiscard]] const Object& object() const { return object_; }
    [[nodiscard]] const difjit_difo& difo() const { return difo_; }

    Firing firing;
    std::uint64_t predcache = 1;

  private:
    struct Free {
        void operator()(void* p) const { std::free(p); }
    };
    Object object_;
    Setting setting_;
    difjit_difo difo_{};
    std::unique_ptr<std::uint8_t, Free> memory_;
    difjit_vstate* vstate_ = nullptr;
    std::vector<std::uint64_t> scratch_;
    struct Seed {
        std::uint64_t words[2];
    };
    std::vector<Seed> rand_;
    runtime::Speculation speculation_{};
    difjit_state state_{};
};

/// Calls a subroutine as a `call` instruction does, with by-value arguments.
inline std::uint64_t call(difjit_frame& f, Subr subr, const std::vector<std::uint64_t>& arguments,
                          std::uint64_t rd = 0) {
    f.tuple_top = 0;
    for (const std::uint64_t value : arguments)
        f.tuple[f.tuple_top++] = {value, 0};
    return runtime::helper(DIFJIT_HELPER_SUBR_BASE + static_cast<std::uint32_t>(subr))(&f, rd, 0,
                                                                                       0);
}

/// A terminated string in real memory: scratch memory or a variable.
inline std::string text_at(std::uint64_t addr) {
    return addr == 0 ? "(null)" : reinterpret_cast<const char*>(addr);
}

/// Where most tests put traced memory. A string with its NUL; everything behind it is not there.
inline constexpr std::uint64_t place = 0x20000000;
inline std::uint64_t traced(World& world, std::string bytes, std::uint64_t at = place) {
    bytes.push_back('\0');
    std::erase_if(world.firing.memory, [at](const Region& r) { return r.addr == at; });
    world.firing.memory.push_back({at, std::move(bytes)});
    return at;
}

/// The name of the first fault that is set, in the reference's order; "" for none.
inline std::string fault_name(std::uint32_t flags) {
#define DIFJIT_FAULT(name, bit, code, meaning)                                                     \
    if ((flags & (bit)) != 0)                                                                      \
        return #name;
#include <difjit/faults.def>
    return "";
}

} // namespace difjit::test

#endif
