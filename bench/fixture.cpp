// SPDX-License-Identifier: BSD-2-Clause
#include "fixture.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <difjit/dof.hpp>

#include "interp/interpreter.hpp"

namespace difjit::bench {

namespace {

constexpr std::size_t scratch_size = 65536;
constexpr std::uint64_t dynvar_size = 1 << 20;

[[noreturn]] void die(const std::string& message) {
    std::fprintf(stderr, "difjit-bench: %s\n", message.c_str());
    std::exit(1);
}

std::size_t ecb_instructions(const Program& program, const EcbDescription& ecb) {
    std::size_t n = ecb.predicate == no_difo ? 0 : program.difos[ecb.predicate].text.size();
    for (const ActionDescription& action : ecb.actions)
        n += action.difo == no_difo ? 0 : program.difos[action.difo].text.size();
    return n;
}

const EcbDescription& largest_ecb(const Program& program) {
    const EcbDescription* largest = &program.ecbs.at(0);
    for (const EcbDescription& ecb : program.ecbs)
        if (ecb_instructions(program, ecb) > ecb_instructions(program, *largest))
            largest = &ecb;
    return *largest;
}

} // namespace

Program read_corpus(const std::string& name) {
    const std::string path = std::string(DIFJIT_CORPUS "/dof/") + name + ".dof";
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto program = dof::read(std::as_bytes(std::span(bytes)));
    if (!program)
        die(program.error().in(path).message);
    program->name = name;
    return std::move(*program);
}

host::Firing plausible_firing() {
    host::Firing firing;
    firing.pid = 100;
    firing.tid = 1000;
    firing.ppid = 1;
    firing.uid = firing.gid = 1001;
    firing.execname = "nginx";
    firing.timestamp = 1'000'000'000;
    firing.vtimestamp = 500'000'000;
    firing.walltimestamp = 1'700'000'000'000'000'000;
    return firing;
}

const std::uint64_t* plausible_args() {
    static std::uint64_t memory[512];
    static std::uint64_t args[DIFJIT_NARGS];
    if (args[0] == 0) {
        for (std::uint64_t& word : memory)
            word = 0x40;
        std::memcpy(memory, "/var/log/httpd", sizeof "/var/log/httpd");
        args[0] = args[1] = reinterpret_cast<std::uint64_t>(memory);
        for (unsigned i = 2; i < DIFJIT_NARGS; i++)
            args[i] = 0x200 + i;
    }
    return args;
}

DifoFixture::DifoFixture(const std::string& name, Engine engine) : program_(read_corpus(name)) {
    const EcbDescription& ecb = largest_ecb(program_);
    instructions_ = ecb_instructions(program_, ecb);
    if (ecb.predicate != no_difo)
        difos_.push_back(program_.difos[ecb.predicate].view());
    for (const ActionDescription& action : ecb.actions)
        if (action.difo != no_difo)
            difos_.push_back(program_.difos[action.difo].view());

    std::vector<const difjit_difo*> pointers;
    for (const difjit_difo& difo : difos_)
        pointers.push_back(&difo);
    const auto layout = runtime::vstate_measure(pointers, 1, dynvar_size);
    vstate_memory_ = std::make_unique<std::byte[]>(layout.bytes + 64);
    auto* aligned = reinterpret_cast<std::byte*>(
        (reinterpret_cast<std::uintptr_t>(vstate_memory_.get()) + 63) & ~std::uintptr_t{63});
    difjit_vstate* vstate = runtime::vstate_init(aligned, layout, pointers);

    if (engine == Engine::jit) {
        arena_ = jit::CodeArena::create();
        for (difjit_difo& difo : difos_) {
            auto image = jit::compile(difo);
            if (!image)
                die(image.error().in(name).message);
            auto code = arena_->load(*image, difo, vstate, "bench:" + name);
            if (!code)
                die(code.error().in(name).message);
            difo.native = code->entry();
            code_.push_back(std::move(*code));
        }
    }

    scratch_ = std::make_unique<std::byte[]>(scratch_size + 8);
    state_.ncpus = 1;
    state_.rand_state = rand_state_;
    std::memcpy(frame_.args, plausible_args(), sizeof frame_.args);
    frame_.scratch_base = (reinterpret_cast<std::uint64_t>(scratch_.get()) + 7) & ~std::uint64_t{7};
    frame_.scratch_size = scratch_size;
    frame_.locals = vstate->local_area;
    frame_.vstate = vstate;
    frame_.state = &state_;
    frame_.host = &host::process_host();
    frame_.firing = &firing_;
    frame_.predcache = &predcache_;
    frame_.strsize = DIFJIT_STRSIZE_DEFAULT;
    frame_.access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC;
    frame_.epid = 1;
    frame_.probe_id = 1;
}

DifoFixture::~DifoFixture() = default;

std::uint64_t DifoFixture::run() {
    frame_.flags = 0;
    frame_.scratch_ptr = frame_.scratch_base;
    frame_.present = 0;
    std::uint64_t value = 0;
    for (const difjit_difo& difo : difos_)
        value = interp::execute(&frame_, &difo);
    return value;
}

} // namespace difjit::bench
