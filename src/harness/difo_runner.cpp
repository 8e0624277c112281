// SPDX-License-Identifier: BSD-2-Clause
// Runs one DIFO by itself, without a session: frame, variables and scratch made by hand.
#include "harness/difo_runner.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include <difjit/jit.hpp>
#include <difjit/verifier.hpp>
#include <fmt/format.h>

#include "dif/instruction.hpp"
#include "engine/engine.hpp"
#include "harness/json_text.hpp"
#include "harness/replay.hpp"
#include "interp/interpreter.hpp"
#include "runtime/runtime.hpp"

namespace difjit::harness {

namespace {

constexpr std::uint64_t dynvar_bytes_per_cpu = std::uint64_t{128} << 10;
constexpr std::uint64_t scratch_reach = std::uint64_t{64} << 10; // "at most 64 KiB past its start"

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uint64_t>(pointer);
}

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

class Runner final : public DifoRunner {
  public:
    Runner(const VectorSetting& setting, const Vector& object, ScratchArea& scratch)
        : setting_(setting), object_(object), scratch_(scratch), user_(setting.user),
          difo_(object.difo) {
        if (!object.kernel)
            verifier::restrict_loads(difo_);
        view_ = difo_.view();
    }

    Result<void> prepare(Engine engine) {
        const difjit_difo* difos[] = {&view_};
        std::uint32_t ncpus = setting_.firing.cpu + 1;
        auto layout = runtime::vstate_measure(difos, ncpus, dynvar_bytes_per_cpu * ncpus);
        std::size_t bytes = (layout.bytes + 63) / 64 * 64;
        memory_.reset(std::aligned_alloc(64, bytes == 0 ? 64 : bytes));
        if (memory_ == nullptr)
            return fail("out of memory");
        std::memset(memory_.get(), 0, bytes);
        vstate_bytes_ = bytes;
        vstate_ = runtime::vstate_init(memory_.get(), layout, difos);
        rand_.resize(ncpus);
        state_.ncpus = ncpus;
        state_.destructive = 1;
        state_.rand_state = reinterpret_cast<std::uint64_t(*)[2]>(rand_.data());
        runtime::rand_seed(state_, 1, 2);
        state_.speculations = &speculation_;
        state_.nspeculations = 1; // the nspec option's default
        return engine == Engine::jit ? compile() : Result<void>{};
    }

    DifoResult run(const std::vector<std::uint64_t>& args) override {
        host::Firing firing = host_firing(setting_.firing, user_);
        difjit_frame frame = fresh_frame(args, firing);
        DifoResult result;
        result.value = interp::execute(&frame, &view_);
        bool byref = (difo_.rtype.flags & DIFJIT_TF_BYREF) != 0;
        if (byref && (frame.flags & DIFJIT_FLAG_ERROR) == 0)
            result.record = record(frame, result.value);
        result.flags = frame.flags;
        result.scratch = frame.scratch_ptr - frame.scratch_base;
        if ((frame.flags & DIFJIT_FLAG_FAULT) != 0) {
            if (frame.fault_offset != 0xffffffff) // else the record's store is at fault
                result.pc = frame.fault_offset / sizeof(std::uint32_t);
            result.illval = illval(frame, result.pc);
        }
        result.globals = globals();
        return result;
    }

  private:
    Result<void> compile() {
        auto image = jit::compile(view_);
        if (!image)
            return std::unexpected(image.error());
        static const std::shared_ptr<jit::CodeArena> arena = jit::CodeArena::create();
        auto code = arena->load(*image, view_, vstate_, "difjit:vector");
        if (!code)
            return std::unexpected(code.error());
        code_ = std::move(*code);
        view_.native = code_.entry();
        return {};
    }

    difjit_frame fresh_frame(const std::vector<std::uint64_t>& args, host::Firing& firing) {
        difjit_frame frame{};
        for (std::size_t i = 0; i < args.size() && i < DIFJIT_NARGS; ++i)
            frame.args[i] = args[i];
        std::memset(reinterpret_cast<void*>(scratch_.base()), 0, scratch_.size());
        frame.fault_offset = 0xffffffff;
        frame.cpu = setting_.firing.cpu;
        frame.locals = vstate_->local_area + frame.cpu * vstate_->layout.local_stride;
        frame.scratch_base = frame.scratch_ptr = scratch_.base();
        frame.scratch_size = scratch_.size();
        frame.difo = &view_;
        frame.vstate = vstate_;
        frame.state = &state_;
        frame.host = &harmless_host();
        frame.firing = &firing;
        frame.predcache = &predcache_;
        frame.strsize = setting_.strsize;
        frame.access = object_.access();
        frame.epid = 1;
        frame.probe_id = 1;
        frame.probe = &probe_;
        return frame;
    }

    /// What a DIFEXPR action stores of a by-ref result: dtrace_probe's vcanload and store.
    std::optional<std::vector<std::byte>> record(difjit_frame& frame, std::uint64_t address) {
        std::vector<std::byte> bytes(difo_.rtype.size);
        frame.fault_offset = 0xffffffff;
        if (runtime::vcanload(&frame, address, difo_.rtype, nullptr))
            runtime::store_by_ref(&frame, difo_.rtype,
                                  reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(),
                                  address, false);
        if ((frame.flags & DIFJIT_FLAG_ERROR) != 0)
            return std::nullopt;
        return bytes;
    }

    /// Is the address one that only this engine has?
    [[nodiscard]] bool is_ours(std::uint64_t address) const {
        auto inside = [&](std::uint64_t start, std::uint64_t size) {
            return address - start < size;
        };
        return inside(address_of(difo_.strtab.data()), difo_.strtab.size()) ||
               inside(address_of(memory_.get()), vstate_bytes_) ||
               inside(address_of(setting_.firing.execname.c_str()),
                      setting_.firing.execname.size() + 1) ||
               inside(scratch_.base(), scratch_reach + 1);
    }

    /// Does the instruction read a built-in variable? Its KPRIV writes no illval.
    [[nodiscard]] bool reads_builtin(std::int64_t pc) const {
        if (pc < 0 || static_cast<std::size_t>(pc) >= difo_.text.size())
            return false;
        Op op = Instruction{difo_.text[static_cast<std::size_t>(pc)]}.op();
        return op == Op::LDGS || op == Op::LDGA;
    }

    [[nodiscard]] std::optional<std::uint64_t> illval(const difjit_frame& frame,
                                                      std::int64_t pc) const {
        std::string_view kind = fault_name(frame.flags);
        bool written =
            kind == "BADADDR" || kind == "BADALIGN" || (kind == "KPRIV" && !reads_builtin(pc));
        if (!written || is_ours(frame.illval))
            return std::nullopt;
        return frame.illval;
    }

    [[nodiscard]] std::vector<DifoResult::Global> globals() const {
        std::map<std::uint32_t, DifoResult::Global> by_id;
        for (const auto& variable : difo_.vars) {
            bool scalar = variable.scope == DIFJIT_SCOPE_GLOBAL &&
                          variable.kind == DIFJIT_VAR_KIND_SCALAR &&
                          variable.id >= DIFJIT_USER_VARIABLE_BASE;
            if (scalar)
                by_id[variable.id] = global(variable.id);
        }
        std::vector<DifoResult::Global> all;
        for (auto& [id, one] : by_id)
            all.push_back(std::move(one));
        return all;
    }

    [[nodiscard]] DifoResult::Global global(std::uint32_t id) const {
        constexpr std::size_t header = 8;
        const auto& storage = vstate_->globals[id - DIFJIT_USER_VARIABLE_BASE];
        DifoResult::Global one{id, storage.byref, std::vector<std::byte>{}};
        const auto* data = reinterpret_cast<const std::byte*>(storage.data);
        if (!storage.byref)
            one.bytes->assign(data, data + sizeof(std::uint64_t));
        else if (data[0] == std::byte{0xff})
            one.bytes.reset();
        else
            one.bytes->assign(data + header, data + header + storage.type.size);
        return one;
    }

    const VectorSetting& setting_;
    const Vector& object_;
    ScratchArea& scratch_;
    UserMemory user_;
    Difo difo_;
    difjit_difo view_{};
    std::unique_ptr<void, Free> memory_;
    std::size_t vstate_bytes_ = 0;
    difjit_vstate* vstate_ = nullptr;
    std::vector<std::array<std::uint64_t, 2>> rand_;
    difjit_state state_{};
    runtime::Speculation speculation_{};
    std::uint64_t predcache_ = 0;
    engine::Probe probe_;
    jit::LoadedCode code_; // before the view goes
};

void append_result(std::string& out, const std::vector<std::uint64_t>& args,
                   const DifoResult& result, bool byref) {
    auto to = std::back_inserter(out);
    out += "{\"args\":[";
    for (std::size_t i = 0; i < args.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_integer(out, args[i]);
    }
    out += ']';
    if (!byref) {
        out += ",\"value\":";
        append_integer(out, result.value);
    } else if (result.record) {
        out += ",\"record\":";
        append_bytes(out, *result.record);
    }
    if (std::string_view kind = fault_name(result.flags); kind.empty()) {
        out += ",\"fault\":null";
    } else {
        fmt::format_to(to, ",\"fault\":{{\"kind\":\"{}\"", kind);
        if (result.illval)
            fmt::format_to(to, ",\"illval\":\"{:#x}\"", *result.illval);
        fmt::format_to(to, ",\"pc\":{}}}", result.pc);
    }
    fmt::format_to(to, ",\"drop\":{},\"scratch\":{},\"globals\":{{",
                   (result.flags & DIFJIT_FLAG_DROP) != 0, result.scratch);
    for (std::size_t i = 0; i < result.globals.size(); ++i) {
        const auto& global = result.globals[i];
        fmt::format_to(to, "{}\"{}\":", i == 0 ? "" : ",", global.id);
        std::uint64_t value = 0;
        if (!global.bytes) {
            out += "null";
        } else if (global.byref) {
            append_bytes(out, *global.bytes);
        } else {
            std::memcpy(&value, global.bytes->data(), sizeof value);
            append_integer(out, value);
        }
    }
    out += "}}";
}

/// The line of an object that is not run, so that the lines still stand beside the file's.
std::string refusal(const Error& error) {
    std::string out = "{\"error\":";
    append_string(out, error.message);
    return out + "}";
}

/// What the executors need to be safe: the reference's rules at least.
Result<void> check(const Vector& object) {
    verifier::Options options;
    options.kernel = object.kernel;
    options.reference_rules = object.reference_rules;
    auto violations = verifier::verify(object.difo, options);
    if (violations.empty())
        return {};
    return fail(
        fmt::format("instruction {}: {}", violations.front().pc, violations.front().message));
}

} // namespace

Result<std::unique_ptr<DifoRunner>> DifoRunner::create(const VectorSetting& setting,
                                                       const Vector& object, Engine engine,
                                                       ScratchArea& scratch) {
    if (auto checked = check(object); !checked)
        return std::unexpected(checked.error());
    auto runner = std::make_unique<Runner>(setting, object, scratch);
    if (auto ready = runner->prepare(engine); !ready)
        return std::unexpected(ready.error());
    return runner;
}

Result<std::string> replay_object(const VectorSetting& setting, const Vector& object, Engine engine,
                                  ScratchArea& scratch) {
    auto runner = DifoRunner::create(setting, object, engine, scratch);
    if (!runner)
        return std::unexpected(runner.error());
    bool byref = (object.difo.rtype.flags & DIFJIT_TF_BYREF) != 0;
    std::string out = "{\"runs\":[";
    for (std::size_t i = 0; i < object.run_args.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_result(out, object.run_args[i], (*runner)->run(object.run_args[i]), byref);
    }
    out += "]}";
    return out;
}

Result<void> replay_vectors(const Vectors& vectors, Engine engine,
                            const std::function<bool(std::string_view)>& sink) {
    auto memory = MappedMemory::map(vectors.setting.memory);
    if (!memory)
        return std::unexpected(memory.error().in(vectors.name + ":1"));
    auto scratch = ScratchArea::map(vectors.setting.scratch_size);
    if (!scratch)
        return std::unexpected(scratch.error());
    Result<void> result;
    for (const auto& object : vectors.objects) {
        auto line = replay_object(vectors.setting, object, engine, *scratch);
        if (!line && result)
            result =
                std::unexpected(line.error().in(fmt::format("{}:{}", vectors.name, object.line)));
        if (!sink(line ? *line : refusal(line.error())))
            break;
    }
    return result;
}

} // namespace difjit::harness
