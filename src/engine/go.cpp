// SPDX-License-Identifier: BSD-2-Clause
// From programs to a running session and back: dtrace_state_go and dtrace_state_stop.

#include "engine/session_impl.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace difjit::engine {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t dynvarsize_default = 1 << 20; // dtrace_dstate_defsize

/// All buffers of one kind together may take half of the machine's memory. FreeBSD has such a limit
/// too, for here as there an allocation does not fail in time.
std::uint64_t memory_limit() {
    return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 2;
}

Error too_small(const OptionRow& row) {
    return Error{
        fmt::format("option {}: the programs need a buffer and this one is too small", row.name)};
}

const OptionRow& row_of(OptionId id) {
    return option_rows[static_cast<std::size_t>(id)];
}

} // namespace

std::uint64_t SessionImpl::now() const {
    return settings_.host->now(&control_frame_);
}

bool SessionImpl::traced(std::uint32_t cpu) const {
    const OptionValue only = options_[OptionId::CPU];
    return only == option_unset || only == ~OptionValue{0} || only == cpu;
}

Result<void> SessionImpl::check_destructive() const {
    if (options_.is_set(OptionId::DESTRUCTIVE))
        return {};
    for (const LoadedProgram& program : programs_)
        for (const Enabling& enabling : program.enablings)
            if (enabling.destructive())
                return fail(
                    fmt::format("{}ECB {}: destructive actions not allowed (-x destructive)",
                                program.name.empty() ? "" : program.name + ": ", enabling.index()));
    return {};
}

Result<void> SessionImpl::lay_out_all() {
    std::uint32_t aggregations = 1;
    needed_ = 0;
    aggregates_ = speculates_ = false;
    for (LoadedProgram& program : programs_)
        for (Enabling& enabling : program.enablings) {
            if (auto ok = enabling.lay_out(layout_options(), aggregations); !ok)
                return ok;
            needed_ = std::max<std::uint64_t>(needed_, enabling.prototype().needed);
            aggregates_ = aggregates_ || enabling.aggregates();
            speculates_ = speculates_ || enabling.speculates();
        }
    return {};
}

/// Sizes that the programs do not need become 0, the principal buffer becomes large enough to build
/// keys in, and what is needed must be there.
Result<void> SessionImpl::settle_sizes() {
    constexpr std::uint64_t least = 8;
    if (!aggregates_)
        options_.put(OptionId::AGGSIZE, 0);
    else if (options_.count(OptionId::AGGSIZE) != 0 && options_.count(OptionId::BUFSIZE) < needed_)
        options_.put(OptionId::BUFSIZE, needed_);
    if (!speculates_)
        options_.put(OptionId::SPECSIZE, 0);
    if (needed_ != 0 && options_.count(OptionId::BUFSIZE) < least)
        return std::unexpected(too_small(row_of(OptionId::BUFSIZE)));
    if (speculates_ && options_.count(OptionId::SPECSIZE) < least)
        return std::unexpected(too_small(row_of(OptionId::SPECSIZE)));
    if (aggregates_ && options_.count(OptionId::AGGSIZE) < least)
        return std::unexpected(too_small(row_of(OptionId::AGGSIZE)));

    const OptionValue cpu = options_[OptionId::CPU];
    if (cpu != option_unset && cpu != ~OptionValue{0} && cpu >= settings_.ncpus)
        return fail(fmt::format("option cpu: there are only {} CPUs", settings_.ncpus));

    const OptionValue cleanrate = options_.count(OptionId::CLEANRATE);
    options_.put(OptionId::CLEANRATE,
                 cleanrate == 0 ? 60 * second
                                : std::clamp<OptionValue>(cleanrate, 200'000, 60 * second));
    if (options_.is_set(OptionId::STATUSRATE))
        options_.put(OptionId::STATUSRATE,
                     std::min<OptionValue>(options_[OptionId::STATUSRATE], 10 * second));
    return {};
}

// -- memory ---------------------------------------------------------------------------------------

/// Tries a size, then half of it and so on (bufresize=auto): the largest for which `allocate` gives
/// memory.
template <class Allocate>
Result<std::uint64_t> SessionImpl::fit(OptionId option, std::uint64_t size, Allocate allocate) {
    constexpr std::uint64_t least = 8;
    for (; size >= least; size /= 2) {
        size &= ~std::uint64_t{7};
        if (allocate(size))
            return size;
        if (options_[OptionId::BUFRESIZE] == bufresize_manual)
            break;
    }
    return fail(fmt::format("option {}: there is not enough memory", row_of(option).name));
}

Result<void> SessionImpl::make_variables() {
    std::vector<const difjit_difo*> difos;
    for (LoadedProgram& program : programs_)
        for (difjit_difo& difo : program.views)
            difos.push_back(&difo);
    const std::uint64_t wanted =
        options_.is_set(OptionId::DYNVARSIZE) ? options_[OptionId::DYNVARSIZE] : dynvarsize_default;
    const auto allocate = [&](std::uint64_t size) {
        if (size > memory_limit())
            return false;
        const auto layout = runtime::vstate_measure(difos, settings_.ncpus, size);
        variables_ = Mapping::plain(layout.bytes);
        if (!variables_)
            return false;
        vstate_ = runtime::vstate_init(variables_.data(), layout, difos);
        return vstate_ != nullptr;
    };
    const auto size = fit(OptionId::DYNVARSIZE, std::max<std::uint64_t>(wanted, 8), allocate);
    if (!size)
        return std::unexpected(size.error());
    options_.put(OptionId::DYNVARSIZE, *size);
    return {};
}

Result<void> SessionImpl::link_code() {
    if (settings_.engine != Engine::jit)
        return {};
    code_bytes_ = 0;
    if (arena_ == nullptr)
        arena_ = jit::CodeArena::create();
    if (arena_ == nullptr)
        return fail("there is no executable memory to be had");
    for (LoadedProgram& program : programs_) {
        program.code.clear();
        for (std::size_t i = 0; i < program.images.size(); ++i) {
            program.views[i].native = nullptr;
            if (program.images[i].empty())
                continue;
            auto code = arena_->load(program.images[i], program.views[i], vstate_,
                                     fmt::format("difjit:{}:difo{}", program.name, i));
            if (!code)
                return std::unexpected(code.error().in(fmt::format("DIFO {}", i)));
            program.views[i].native = code->entry();
            code_bytes_ += code->code().size();
            program.code.push_back(std::move(*code));
        }
    }
    return {};
}

bool SessionImpl::allocate_halves(std::uint64_t size, std::uint32_t halves, std::uint64_t buffers,
                                  std::vector<Mapping>& out) const {
    out.clear();
    if (size > memory_limit() / halves / buffers)
        return false;
    for (std::uint64_t i = 0; i < buffers * halves; ++i)
        if (!out.emplace_back(Mapping::plain(size)))
            return false;
    return true;
}

Result<void> SessionImpl::make_buffers(Buffer CpuSlot::* which, OptionId option,
                                       std::uint32_t flags, std::uint64_t at_least,
                                       std::vector<Mapping>& memory) {
    memory.clear();
    const std::uint64_t wanted = std::max<std::uint64_t>(options_.count(option), at_least);
    if (wanted == 0)
        return {};
    const bool switches = (flags & (BUFFER_RING | BUFFER_FILL | BUFFER_ENDLESS)) == 0;
    const std::uint32_t halves = switches ? 2 : 1;
    std::uint64_t cpus = 0;
    for (std::uint32_t cpu = 0; cpu < settings_.ncpus; ++cpu)
        cpus += traced(cpu) ? 1 : 0;
    const auto size = fit(option, wanted, [&](std::uint64_t bytes) {
        return allocate_halves(bytes, halves, cpus, memory);
    });
    if (!size)
        return std::unexpected(size.error());
    if (*size < consumer_.rules.kept_free && which == &CpuSlot::principal)
        return std::unexpected(too_small(row_of(option)));
    options_.put(option, *size);
    std::size_t next = 0;
    for (std::uint32_t cpu = 0; cpu < settings_.ncpus; ++cpu) {
        Buffer& buffer = slots_[cpu].*which;
        buffer = Buffer{};
        if (!traced(cpu))
            continue;
        buffer.size = *size;
        buffer.flags = flags;
        buffer.tomax = memory[next++].data();
        if (switches)
            buffer.xamot = memory[next++].data();
        if (which == &CpuSlot::aggregation)
            aggregation_buffer_prepare(buffer);
    }
    return {};
}

Result<void> SessionImpl::make_all_buffers() {
    slots_ = std::vector<CpuSlot>(settings_.ncpus);
    consumer_.cpus = slots_.data();
    std::uint32_t endless = 0;
    std::uint32_t policy = 0;
    std::uint64_t least = 0;
    if (settings_.endless_buffers) {
        endless = BUFFER_ENDLESS;
        least = std::max(needed_, options_.count(OptionId::SPECSIZE));
    } else if (options_[OptionId::BUFPOLICY] == bufpolicy_ring) {
        policy = BUFFER_RING;
    } else if (options_[OptionId::BUFPOLICY] == bufpolicy_fill) {
        policy = BUFFER_FILL;
    }
    if (auto ok = make_buffers(&CpuSlot::principal, OptionId::BUFSIZE, policy | endless, least,
                               principal_memory_);
        !ok)
        return ok;
    return make_buffers(&CpuSlot::aggregation, OptionId::AGGSIZE, endless, 0, aggregation_memory_);
}

Result<void> SessionImpl::make_speculations() {
    constexpr std::uint64_t most = 1 << 20;
    const std::uint64_t n = options_.count(OptionId::NSPEC);
    if (n > most)
        return fail("option nspec: there is not enough memory");
    speculations_.assign(n, runtime::Speculation{});
    speculation_buffers_ = std::vector<Buffer>(n * settings_.ncpus);
    consumer_.state.speculations = speculations_.data();
    consumer_.state.nspeculations = static_cast<std::uint32_t>(n);
    consumer_.speculation_buffers = speculation_buffers_.data();
    speculation_memory_.clear();
    std::uint64_t size = options_.count(OptionId::SPECSIZE);
    if (n == 0 || size == 0)
        return {};
    if (settings_.endless_buffers)
        size = std::max(size, needed_);
    const auto fitted = fit(OptionId::SPECSIZE, size, [&](std::uint64_t bytes) {
        return allocate_halves(bytes, 1, speculation_buffers_.size(), speculation_memory_);
    });
    if (!fitted)
        return std::unexpected(fitted.error());
    options_.put(OptionId::SPECSIZE, *fitted);
    for (std::size_t i = 0; i < speculation_buffers_.size(); ++i) {
        speculation_buffers_[i].tomax = speculation_memory_[i].data();
        speculation_buffers_[i].size = *fitted;
        speculation_buffers_[i].flags =
            settings_.endless_buffers ? std::uint32_t{BUFFER_ENDLESS} : 0;
    }
    return {};
}

/// The reference lets scratch be what is left of the principal buffer. Here it is memory of its
/// own, between guards; pages that no program uses cost nothing.
Result<void> SessionImpl::make_scratch() {
    constexpr std::uint64_t least = 256 * 1024;
    constexpr std::uint64_t most = 64 * 1024 * 1024;
    const std::uint64_t strsize = options_.count(OptionId::STRSIZE);
    std::uint64_t size = settings_.scratch_size;
    if (size == 0)
        size = std::max(std::clamp(64 * strsize, least, most), 8 * strsize);
    scratch_.clear();
    for (std::uint32_t cpu = 0; cpu < settings_.ncpus; ++cpu) {
        const Mapping& scratch = scratch_.emplace_back(Mapping::guarded(size));
        if (!scratch)
            return fail(fmt::format("there is no memory for {} bytes of scratch", size));
        prepare_frames(consumer_, cpu, vstate_, scratch.data(), size, strsize);
    }
    control_frame_.vstate = vstate_;
    control_frame_.state = &consumer_.state;
    return {};
}

// -- going ----------------------------------------------------------------------------------------

void SessionImpl::reserve_for_end() {
    consumer_.rules = BufferRules{};
    if (options_[OptionId::BUFPOLICY] != bufpolicy_fill)
        return;
    for (const LoadedProgram& program : programs_)
        for (const Enabling& enabling : program.enablings)
            if (matches(enabling, probes_[1]))
                consumer_.rules.kept_free +=
                    std::uint64_t{enabling.prototype().needed} + enabling.prototype().alignment;
}

void SessionImpl::seed() {
    std::uint64_t seeds[2] = {settings_.rand_seed, ~settings_.rand_seed};
    if (settings_.rand_seed == 0 && getrandom(seeds, sizeof seeds, 0) != sizeof seeds)
        seeds[0] = now() | 1;
    rand_.assign(std::size_t{settings_.ncpus} * 2, 0);
    consumer_.state.ncpus = settings_.ncpus;
    consumer_.state.destructive = options_.is_set(OptionId::DESTRUCTIVE) ? 1 : 0;
    consumer_.state.rand_state = reinterpret_cast<std::uint64_t(*)[2]>(rand_.data());
    runtime::rand_seed(consumer_.state, seeds[0], seeds[1]);
}

void SessionImpl::match_all() {
    for (LoadedProgram& program : programs_)
        for (Enabling& enabling : program.enablings)
            for (OwnedProbe& probe : probes_)
                match(enabling, probe);
    publish_ecbs();
}

void SessionImpl::fire_own(Probe& probe) {
    own_name_ = program_invocation_short_name;
    own_firing_ = host::Firing{};
    own_firing_.pid = static_cast<std::uint64_t>(getpid());
    own_firing_.tid = static_cast<std::uint64_t>(syscall(SYS_gettid));
    own_firing_.ppid = static_cast<std::uint64_t>(getppid());
    own_firing_.uid = getuid();
    own_firing_.gid = getgid();
    own_firing_.execname = own_name_.c_str();
    own_firing_.execargs = own_name_.c_str();
    own_predcache_ = 0;
    const bool process = settings_.host == &host::process_host();
    engine::fire(probe, Event{nullptr, 0, 0, process ? &own_firing_ : nullptr, &own_predcache_});
}

Result<void> SessionImpl::prepare() {
    if (settings_.fire_error && !has_error_program_) {
        auto loaded = load(error_program());
        if (!loaded)
            return std::unexpected(loaded.error());
        loaded->own = true;
        ++next_index_;
        programs_.push_back(std::move(*loaded));
        has_error_program_ = true;
    }
    if (auto ok = check_destructive(); !ok)
        return ok;
    if (auto ok = lay_out_all(); !ok)
        return ok;
    if (auto ok = settle_sizes(); !ok)
        return ok;
    reserve_for_end();
    if (auto ok = make_variables(); !ok)
        return ok;
    if (auto ok = link_code(); !ok)
        return ok;
    if (auto ok = make_all_buffers(); !ok)
        return ok;
    if (auto ok = make_speculations(); !ok)
        return ok;
    return make_scratch();
}

Result<void> SessionImpl::go(bool fire_begin) {
    if (gone_)
        return fail("the session has begun already");
    const Options before = options_;
    if (auto ok = prepare(); !ok) {
        options_ = before; // nothing is matched yet: go() may be called again
        return ok;
    }
    gone_ = true;
    match_all();
    seed();
    consumer_.error_probe = settings_.fire_error ? &error_probe() : nullptr;
    alive();
    set_activity(consumer_, Activity::warmup);
    if (fire_begin)
        fire_own(begin_probe());
    change_activity(consumer_, Activity::warmup, Activity::active); // unless BEGIN called exit()
    return {};
}

void SessionImpl::stop(bool fire_end) {
    const Activity current = activity_of(consumer_);
    if (current != Activity::active && current != Activity::draining)
        return;
    set_activity(consumer_, Activity::draining);
    synchronise(consumer_); // now no CPU fires an ordinary probe
    consumer_.rules.cooldown = true;
    set_activity(consumer_, Activity::cooldown);
    if (fire_end)
        fire_own(end_probe());
    set_activity(consumer_, Activity::stopped);
    synchronise(consumer_);
}

void SessionImpl::fire(Probe& probe, const Event& event) {
    engine::fire(probe, event);
}

void SessionImpl::fire(Probe& probe, const Event& event, Observer& observer) {
    engine::fire(probe, event, observer);
}

} // namespace difjit::engine
