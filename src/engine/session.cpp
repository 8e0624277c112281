// SPDX-License-Identifier: BSD-2-Clause
// What a session holds before it runs: programs, options, probes, and the ECBs between them.

#include "engine/session_impl.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include <difjit/verifier.hpp>

#include "engine/match.hpp"
#include "verifier/cacheable.hpp"

namespace difjit {

Result<std::unique_ptr<Session>> Session::create(const SessionOptions& options) {
    constexpr std::uint32_t most_cpus = 1024; // as far as per-CPU memory is sensible
    if (options.ncpus == 0 || options.ncpus > most_cpus)
        return fail(fmt::format("a session has 1 to {} CPUs, not {}", most_cpus, options.ncpus));
    if (options.host != nullptr && options.host->abi != DIFJIT_ABI_VERSION)
        return fail(
            fmt::format("the host speaks ABI {}, not {}", options.host->abi, DIFJIT_ABI_VERSION));
    return std::make_unique<engine::SessionImpl>(options);
}

} // namespace difjit

namespace difjit::engine {

SessionImpl::SessionImpl(const SessionOptions& options) : settings_(options) {
    if (settings_.host == nullptr)
        settings_.host = &host::process_host();
    consumer_.ncpus = settings_.ncpus;
    consumer_.host = settings_.host;
    consumer_.access = settings_.access;
    consumer_.deadman = !settings_.endless_buffers;
    control_frame_.host = settings_.host;
    create_probe({0, "dtrace", "", "", "BEGIN"}, 0);
    create_probe({0, "dtrace", "", "", "END"}, 0);
    create_probe({0, "dtrace", "", "", "ERROR"}, 6);
    probes_[0].probe.kind = Probe::Kind::begin;
    probes_[1].probe.kind = Probe::Kind::end;
    probes_[2].probe.kind = Probe::Kind::error;
}

SessionImpl::~SessionImpl() = default;

Result<void> SessionImpl::set_option(std::string_view name, std::string_view value) {
    return options_.set(name, value, gone_);
}

// -- programs -------------------------------------------------------------------------------------

namespace {

/// dtrace_dof_difo gives a string without a size the default one.
void size_strings(Program& program) {
    for (Difo& difo : program.difos)
        for (difjit_var& var : difo.vars)
            if (var.type.kind == DIFJIT_TYPE_STRING && var.type.size == 0)
                var.type.size = DIFJIT_STRSIZE_DEFAULT;
}

Result<void> check_links(const Program& program) {
    const auto bad = [&](std::int32_t difo) {
        return difo != no_difo &&
               (difo < 0 || static_cast<std::size_t>(difo) >= program.difos.size());
    };
    for (std::size_t e = 0; e < program.ecbs.size(); ++e) {
        if (bad(program.ecbs[e].predicate))
            return fail(fmt::format("ECB {}: there is no DIFO {}", e, program.ecbs[e].predicate));
        for (const ActionDescription& a : program.ecbs[e].actions)
            if (bad(a.difo))
                return fail(fmt::format("ECB {}: there is no DIFO {}", e, a.difo));
    }
    return {};
}

std::string describe(const verifier::ProgramViolation& v) {
    const std::string where = v.ecb >= 0 ? fmt::format("ECB {}: ", v.ecb) : "";
    return fmt::format("{}DIFO {}: instruction {}: {} ({})", where, v.difo, v.violation.pc,
                       v.violation.message, v.violation.rule);
}

} // namespace

Result<void> SessionImpl::verify(const Program& program) const {
    verifier::Options rules;
    rules.kernel = (settings_.access & DIFJIT_ACCESS_KERNEL) != 0;
    rules.reference_rules = settings_.reference_rules;
    if (const auto broken = verifier::verify(program, rules); !broken.empty())
        return fail(describe(broken.front()));

    // The variables of all programs are the same ones: they must agree.
    Program all;
    for (const LoadedProgram& loaded : programs_)
        all.difos.insert(all.difos.end(), loaded.difos.begin(), loaded.difos.end());
    const std::size_t before = all.difos.size();
    if (before == 0)
        return {};
    all.difos.insert(all.difos.end(), program.difos.begin(), program.difos.end());
    for (auto& v : verifier::verify(all, rules)) {
        if (v.difo < 0 || static_cast<std::size_t>(v.difo) < before)
            continue;
        v.difo -= static_cast<std::int32_t>(before);
        return fail(describe(v));
    }
    return {};
}

Result<void> SessionImpl::compile(LoadedProgram& loaded) {
    if (settings_.engine != Engine::jit)
        return {};
    const auto start = std::chrono::steady_clock::now();
    jit::CompileOptions how;
    how.optimise = settings_.optimise;
    for (std::size_t i = 0; i < loaded.views.size(); ++i) {
        if (loaded.views[i].text_len == 0) { // nothing to run, nothing to compile
            loaded.images.emplace_back();
            continue;
        }
        auto image = jit::compile(loaded.views[i], how);
        if (!image)
            return std::unexpected(image.error().in(fmt::format("DIFO {}", i)));
        loaded.images.push_back(std::move(*image));
    }
    compile_ns_ += static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
    return {};
}

LayoutOptions SessionImpl::layout_options() const {
    LayoutOptions o;
    o.strsize = options_.count(OptionId::STRSIZE);
    o.stackframes = options_.count(OptionId::STACKFRAMES);
    o.ustackframes = options_.count(OptionId::USTACKFRAMES);
    o.jstackframes = options_.count(OptionId::JSTACKFRAMES);
    o.jstackstrsize = options_.count(OptionId::JSTACKSTRSIZE);
    return o;
}

Result<LoadedProgram> SessionImpl::load(Program program) {
    size_strings(program);
    if (auto ok = check_links(program); !ok)
        return std::unexpected(ok.error());
    if (auto ok = verify(program); !ok)
        return std::unexpected(ok.error());

    LoadedProgram loaded;
    loaded.name = std::move(program.name);
    loaded.difos = std::move(program.difos);
    for (Difo& difo : loaded.difos) {
        if ((settings_.access & DIFJIT_ACCESS_KERNEL) == 0)
            verifier::restrict_loads(difo);
        loaded.views.push_back(difo.view());
    }
    std::uint32_t index = next_index_;
    std::uint32_t aggregations = 1;
    for (EcbDescription& ecb : program.ecbs) {
        Enabling& e = loaded.enablings.emplace_back(std::move(ecb), loaded.views, index++);
        if (auto ok = e.lay_out(layout_options(), aggregations); !ok)
            return std::unexpected(ok.error());
    }
    if (auto ok = compile(loaded); !ok)
        return std::unexpected(ok.error());
    return loaded;
}

Result<void> SessionImpl::enable(Program program) {
    if (gone_)
        return fail("the session has begun: no program can be added");
    const std::string name = program.name;
    const auto in_program = [&](const Error& e) {
        return std::unexpected(name.empty() ? e : e.in(name));
    };
    Options options = options_;
    for (const OptionDescription& o : program.options) {
        if (o.text)
            return in_program(Error{fmt::format("option {}: has a string", o.option)});
        if (auto ok = options.set(o.option, o.value); !ok)
            return in_program(ok.error());
    }
    const Options before = options_;
    options_ = options; // sizes depend on them
    auto loaded = load(std::move(program));
    if (!loaded) {
        options_ = before;
        return in_program(loaded.error());
    }
    next_index_ += static_cast<std::uint32_t>(loaded->enablings.size());
    programs_.push_back(std::move(*loaded));
    return {};
}

// -- probes ---------------------------------------------------------------------------------------

Probe* SessionImpl::create_probe(const ProbeInfo& info, std::uint32_t /*nargs*/) {
    for (OwnedProbe& known : probes_) { // the pseudo-probes exist from the start
        if (known.probe.kind != Probe::Kind::ordinary && info.provider == known.info.provider &&
            info.module.empty() && info.function.empty() && info.name == known.info.name)
            return &known.probe;
    }
    OwnedProbe& owned = probes_.emplace_back();
    owned.info = info;
    if (owned.info.id == 0)
        owned.info.id = next_probe_id_;
    next_probe_id_ = std::max(next_probe_id_, owned.info.id) + 1;
    owned.probe.id = owned.info.id;
    owned.probe.provider = owned.info.provider.c_str();
    owned.probe.module = owned.info.module.c_str();
    owned.probe.function = owned.info.function.c_str();
    owned.probe.name = owned.info.name.c_str();
    probe_infos_.push_back(owned.info);
    if (gone_) {
        for (LoadedProgram& program : programs_)
            for (Enabling& enabling : program.enablings)
                match(enabling, owned);
        publish_ecbs();
    }
    return &owned.probe;
}

bool SessionImpl::matches(const Enabling& enabling, const OwnedProbe& probe) {
    const ProbeDescription& d = enabling.description().probe;
    if (d.id != 0 && d.id != probe.info.id)
        return false;
    const ProbeNames names{probe.probe.provider, probe.probe.module, probe.probe.function,
                           probe.probe.name};
    const bool anything =
        d.provider.empty() && d.module.empty() && d.function.empty() && d.name.empty();
    if (anything && d.id != 0)
        return true;
    return match_probe(names,
                       {d.provider.c_str(), d.module.c_str(), d.function.c_str(), d.name.c_str()});
}

void SessionImpl::match(Enabling& enabling, OwnedProbe& probe) {
    if (!matches(enabling, probe))
        return;
    const bool first = enabling.ecbs() == 0;
    std::uint32_t epid = static_cast<std::uint32_t>(ecbs_.size()) + 1;
    if (settings_.description_epids)
        epid = enabling.index() + 1;
    Ecb& ecb = enabling.create(consumer_, probe.probe, epid);
    if (ecbs_.size() < epid)
        ecbs_.resize(epid, nullptr);
    if (ecbs_[epid - 1] == nullptr) {
        ecbs_[epid - 1] = &ecb;
        ecb_infos_.emplace(epid, enabling.ecb_info(epid, probe.info));
    }
    if (first)
        for (AggregationInfo& info : enabling.aggregation_infos(epid))
            aggregation_infos_.emplace(info.id, std::move(info));
    attach(probe.probe, ecb, enabling);
}

namespace {

/// dtrace_predcache_id: one number for each cacheable predicate of the process.
std::uint32_t next_cache_id() {
    static std::atomic<std::uint32_t> last{0};
    std::uint32_t id = last.load(std::memory_order_relaxed);
    do {
        if (id == UINT32_MAX)
            return 0; // all are used up: no more caching
    } while (!last.compare_exchange_weak(id, id + 1, std::memory_order_relaxed));
    return id + 1;
}

} // namespace

void SessionImpl::attach(Probe& probe, Ecb& ecb, Enabling& enabling) {
    if (probe.ecbs == nullptr) {
        // Only where one predicate decides alone is its answer the probe's.
        std::uint32_t cache = 0;
        if (settings_.predicate_cache && ecb.predicate != nullptr && is_cacheable(*ecb.predicate)) {
            if (enabling.cache_id == 0)
                enabling.cache_id = next_cache_id();
            cache = enabling.cache_id;
        }
        __atomic_store_n(&probe.predcache_id, cache, __ATOMIC_RELAXED);
        __atomic_store_n(&probe.ecbs, &ecb, __ATOMIC_RELEASE);
        return;
    }
    __atomic_store_n(&probe.predcache_id, 0, __ATOMIC_RELAXED);
    Ecb* last = probe.ecbs;
    while (last->next != nullptr)
        last = last->next;
    __atomic_store_n(&last->next, &ecb, __ATOMIC_RELEASE);
}

/// Gives the core a new table of ECBs. While probes fire, every CPU stands outside for a moment.
void SessionImpl::publish_ecbs() {
    const std::vector<Ecb*>& table = ecb_tables_.emplace_back(ecbs_);
    for (CpuSlot& slot : slots_)
        take(slot);
    consumer_.rules.ecbs = table.data();
    consumer_.rules.necbs = static_cast<std::uint32_t>(table.size());
    for (CpuSlot& slot : slots_)
        give_back(slot);
    if (ecb_tables_.size() > 1)
        ecb_tables_.pop_front();
}

// -- what is known of it --------------------------------------------------------------------------

const EcbInfo* SessionImpl::ecb(std::uint32_t epid) const {
    const auto found = ecb_infos_.find(epid);
    return found == ecb_infos_.end() ? nullptr : &found->second;
}

const AggregationInfo* SessionImpl::aggregation(std::uint32_t id) const {
    const auto found = aggregation_infos_.find(id);
    return found == aggregation_infos_.end() ? nullptr : &found->second;
}

Session::Summary SessionImpl::summary() const {
    Summary s;
    for (const LoadedProgram& program : programs_) {
        if (program.own)
            continue;
        ++s.programs;
        s.difos += program.difos.size();
        for (const Difo& difo : program.difos)
            s.instructions += difo.text.size();
        for (const auto& image : program.images)
            s.compiled += image.empty() ? 0 : 1;
        for (const Enabling& enabling : program.enablings) {
            ++s.ecbs;
            s.enablings += enabling.ecbs();
        }
    }
    s.code_bytes = code_bytes_;
    s.compile_ns = compile_ns_;
    return s;
}

} // namespace difjit::engine
