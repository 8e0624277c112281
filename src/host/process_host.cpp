// SPDX-License-Identifier: BSD-2-Clause
// What a process answers where a kernel would look at its own structures.
//
// Each answer follows the case of dtrace_dif_variable, dtrace_dif_subr or the action code of
// dtrace_probe that asks for it; a thing that no process has gives what the reference gives where
// it is missing (NULL trap frame: BADADDR with illval 0; an unknown variable: ILLOP). Destructive
// actions reach only this very process: a replayed firing of some other pid changes nothing.
// Test: tests/host/process_host_test.cpp.
#include <difjit/process_host.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

#include "dif/actions.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "host/recover.hpp"
#include "host/unwind.hpp"

namespace difjit::host {
namespace {

constexpr std::uint64_t user_limit = 0x800000000000;
constexpr std::array<difjit_range, 1> toxic{{{user_limit, 0}}};
constexpr std::size_t max_depth = 256; // frames that stackdepth counts

Firing& firing_of(difjit_frame* frame) {
    return *static_cast<Firing*>(frame->firing);
}

std::uint64_t clock_ns(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(t.tv_nsec);
}

std::uint64_t fault(difjit_frame* frame, std::uint32_t flag) {
    frame->flags |= flag;
    return 0;
}

std::size_t read(difjit_frame*, void* dst, std::uint64_t addr, std::size_t len) {
    return safe_copy(dst, addr, len);
}

/// The window that holds `addr`, or nullptr.
const UserWindow* window_at(const Firing& firing, std::uint64_t addr) {
    for (const UserWindow& window : firing.user)
        if (addr - window.address < window.size)
            return &window;
    return nullptr;
}

/// Walks the windows from addr on; windows that follow each other read as one.
template <class Copy>
std::size_t each_window(const Firing& firing, std::uint64_t addr, std::size_t len, Copy copy) {
    std::size_t done = 0;
    while (done < len) {
        const UserWindow* window = window_at(firing, addr + done);
        if (window == nullptr)
            break;
        const std::size_t offset = addr + done - window->address;
        const std::size_t n = std::min(len - done, window->size - offset);
        copy(window->data + offset, done, n);
        done += n;
    }
    return done;
}

std::size_t read_user(difjit_frame* frame, void* dst, std::uint64_t addr, std::size_t len) {
    const Firing& firing = firing_of(frame);
    if (firing.user.empty())
        return safe_copy(dst, addr, len);
    return each_window(firing, addr, len, [dst](std::byte* data, std::size_t at, std::size_t n) {
        std::memcpy(static_cast<std::byte*>(dst) + at, data, n);
    });
}

std::size_t write_user(difjit_frame* frame, std::uint64_t addr, const void* src, std::size_t len) {
    const Firing& firing = firing_of(frame);
    if (firing.user.empty())
        return safe_copy_to(addr, src, len);
    return each_window(firing, addr, len, [src](std::byte* data, std::size_t at, std::size_t n) {
        std::memcpy(data, static_cast<const std::byte*>(src) + at, n);
    });
}

/// curthread: glibc's own thread structure; a replayed thread has none, its id stands for it.
std::uint64_t current_thread(const Firing& firing) {
    if (firing.tid == 0 || firing.tid == static_cast<std::uint64_t>(gettid()))
        return static_cast<std::uint64_t>(pthread_self());
    return firing.tid;
}

std::size_t live_or_given(std::span<const std::uint64_t> given, std::uint64_t* pcs, std::size_t n) {
    if (given.empty())
        return unwind(pcs, n);
    n = std::min(n, given.size());
    std::copy_n(given.begin(), n, pcs);
    return n;
}

std::uint64_t depth(std::span<const std::uint64_t> given) {
    std::array<std::uint64_t, max_depth> pcs{};
    return given.empty() ? unwind(pcs.data(), pcs.size()) : given.size();
}

/// The second program counter: whoever called the function that the probe is in.
std::uint64_t caller(std::span<const std::uint64_t> given) {
    std::array<std::uint64_t, 2> pcs{};
    live_or_given(given, pcs.data(), pcs.size());
    return pcs[1];
}

/// Does the firing bring this time, or is the clock to be read?
bool given(const Firing& f, std::uint64_t time) {
    return f.recorded || time != 0;
}

std::uint64_t variable(difjit_frame* frame, std::uint32_t var, std::uint64_t index) {
    const Firing& f = firing_of(frame);
    switch (static_cast<Var>(var)) {
    case Var::ARGS:
        if (index < DIFJIT_NARGS)
            return frame->args[index];
        index -= DIFJIT_NARGS;
        return index < f.more_args.size() ? f.more_args[index] : 0;
    case Var::UREGS:
        frame->illval = 0; // no trap frame: td_frame == NULL
        return fault(frame, DIFJIT_FAULT_BADADDR);
    case Var::CURTHREAD: return current_thread(f);
    case Var::TIMESTAMP: return given(f, f.timestamp) ? f.timestamp : clock_ns(CLOCK_MONOTONIC);
    case Var::VTIMESTAMP:
        return given(f, f.vtimestamp) ? f.vtimestamp : clock_ns(CLOCK_THREAD_CPUTIME_ID);
    case Var::WALLTIMESTAMP:
        return given(f, f.walltimestamp) ? f.walltimestamp : clock_ns(CLOCK_REALTIME);
    case Var::EPID: return frame->epid;
    case Var::ID: return f.reported_id != 0 ? f.reported_id : frame->probe_id;
    case Var::STACKDEPTH: return depth(f.stack);
    case Var::USTACKDEPTH: return depth(f.ustack);
    case Var::CALLER: return caller(f.stack);
    case Var::UCALLER: return caller(f.ustack);
    case Var::PID: return f.pid;
    case Var::PPID: return f.ppid;
    case Var::TID: return f.tid;
    case Var::UID: return f.uid;
    case Var::GID: return f.gid;
    case Var::ERRNO: return f.errno_value;
    case Var::CPU: return f.cpu;
    case Var::JID: return f.jid;
    case Var::IPL: // illumos alone has it; a process never runs above 0
        if (frame->difo != nullptr && frame->difo->dialect == DIFJIT_DIALECT_ILLUMOS)
            return 0;
        return fault(frame, DIFJIT_FAULT_ILLOP);
    default: return fault(frame, DIFJIT_FAULT_ILLOP);
    }
}

const char* probe_name(const ProbeNames* names, Var var) {
    if (names == nullptr)
        return nullptr;
    switch (var) {
    case Var::PROBEPROV: return names->provider;
    case Var::PROBEMOD: return names->module;
    case Var::PROBEFUNC: return names->function;
    default: return names->name;
    }
}

difjit_host_string string_variable(difjit_frame* frame, std::uint32_t number) {
    const Firing& f = firing_of(frame);
    const auto var = static_cast<Var>(number);
    const char* text = nullptr;
    switch (var) {
    case Var::EXECNAME: text = f.execname; break;
    case Var::EXECARGS: text = f.execargs; break;
    case Var::ZONENAME: // on FreeBSD another name of jailname
        text = frame->difo != nullptr && frame->difo->dialect == DIFJIT_DIALECT_ILLUMOS
                   ? f.zonename
                   : f.jailname;
        break;
    case Var::JAILNAME: text = f.jailname; break;
    case Var::PROBEPROV:
    case Var::PROBEMOD:
    case Var::PROBEFUNC:
    case Var::PROBENAME:
        text = probe_name(static_cast<const ProbeNames*>(frame->probe), var);
        break;
    default: break;
    }
    return {text, text == nullptr ? 0 : std::strlen(text) + 1};
}

/// Is `pid` this process or its parent? Further up a process cannot look without asking a kernel.
std::uint64_t progenyof(const difjit_frame* frame, const Firing& f) {
    const auto pid = static_cast<std::uint32_t>(frame->tuple[0].value); // a pid_t
    return pid == static_cast<std::uint32_t>(f.pid) || pid == static_cast<std::uint32_t>(f.ppid);
}

std::uint64_t object(difjit_frame* frame, std::uint32_t subr) {
    switch (static_cast<Subr>(subr)) {
    case Subr::PROGENYOF: return progenyof(frame, firing_of(frame));
    case Subr::GETF: return 0; // no such open file: NULL
    default:
        // No lock of a kernel lies in a process: following one runs into a bad address.
        frame->illval = frame->tuple[0].value;
        return fault(frame, DIFJIT_FAULT_BADADDR);
    }
}

void stack(difjit_frame* frame, std::uint64_t* pcs, std::uint32_t n) {
    const std::size_t used = live_or_given(firing_of(frame).stack, pcs, n);
    std::fill(pcs + used, pcs + n, 0);
}

void ustack(difjit_frame* frame, std::uint64_t* pcs, std::uint32_t n) {
    if (n == 0)
        return;
    const Firing& f = firing_of(frame);
    pcs[0] = f.pid;
    const std::size_t used = live_or_given(f.ustack, pcs + 1, n - 1);
    std::fill(pcs + 1 + used, pcs + n, 0);
}

std::uint64_t thread_id(difjit_frame* frame) {
    return firing_of(frame).tid;
}
std::uint32_t interrupt_level(difjit_frame*) {
    return 0;
}
std::uint64_t now(difjit_frame*) {
    return clock_ns(CLOCK_MONOTONIC);
}

void chill(Firing& f, std::uint64_t ns, bool live) {
    f.chill_until = clock_ns(CLOCK_MONOTONIC) + ns;
    while (live && clock_ns(CLOCK_MONOTONIC) < f.chill_until)
        __builtin_ia32_pause();
}

void act(difjit_frame* frame, std::uint32_t action, std::uint64_t value) {
    Firing& f = firing_of(frame);
    const bool live = f.pid == static_cast<std::uint64_t>(getpid());
    if (static_cast<ActionKind>(action) == ActionKind::CHILL)
        return chill(f, value, live);
    if (!live)
        return;
    switch (static_cast<ActionKind>(action)) {
    case ActionKind::STOP: ::raise(SIGSTOP); break;
    case ActionKind::RAISE: ::raise(static_cast<int>(value)); break;
    case ActionKind::BREAKPOINT: ::raise(SIGTRAP); break;
    case ActionKind::PANIC: std::abort();
    default: break;
    }
}

constexpr difjit_host host_table{
    .abi = DIFJIT_ABI_VERSION,
    .ntoxic = toxic.size(),
    .toxic = toxic.data(),
    .user_limit = user_limit,
    .read = read,
    .read_user = read_user,
    .write_user = write_user,
    .variable = variable,
    .string_variable = string_variable,
    .object = object,
    .stack = stack,
    .ustack = ustack,
    .thread_id = thread_id,
    .interrupt_level = interrupt_level,
    .now = now,
    .act = act,
};

} // namespace

const difjit_host& process_host() {
    install_fault_handler();
    return host_table;
}

} // namespace difjit::host
