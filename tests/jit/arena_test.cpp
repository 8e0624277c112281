// SPDX-License-Identifier: BSD-2-Clause
// The process loader: what it refuses, W^X, guard pages, slack, reuse, unwinding, names for gdb and
// perf.
#include <atomic>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <unwind.h>

#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

Difo returns(std::uint64_t value) {
    Builder b;
    b.arg(0, 1).setx(value, 2).op(Op::ADD, 1, 2, 1).ret(1);
    return b.difo;
}

std::uint64_t run(const jit::LoadedCode& code, std::uint64_t arg0) {
    difjit_frame frame{};
    frame.args[0] = arg0;
    return code.entry()(&frame);
}

jit::LoadedCode load(const std::shared_ptr<jit::CodeArena>& arena, const Difo& difo,
                     difjit_vstate* vstate = nullptr, const std::string& symbol = "difjit:test") {
    const difjit_difo view = difo.view();
    auto code = arena->load(jit::compile(view).value(), view, vstate, symbol);
    EXPECT_TRUE(code) << (code ? "" : code.error().message);
    return code ? std::move(*code) : jit::LoadedCode();
}

struct Mapping {
    std::uint64_t start, end;
    std::string protection;
};

std::vector<Mapping> mappings() {
    std::vector<Mapping> all;
    std::ifstream in("/proc/self/maps");
    std::string line;
    while (std::getline(in, line)) {
        Mapping m;
        char dash = 0;
        std::istringstream text(line);
        text >> std::hex >> m.start >> dash >> m.end >> m.protection;
        all.push_back(m);
    }
    return all;
}

TEST(Arena, NoPageIsWritableAndExecutable) {
    const auto arena = jit::CodeArena::create();
    const jit::LoadedCode code = load(arena, returns(5));
    const auto at = reinterpret_cast<std::uint64_t>(code.code().data());
    bool found = false;
    for (const Mapping& m : mappings()) {
        const bool w = m.protection[1] == 'w', x = m.protection[2] == 'x';
        EXPECT_FALSE(w && x) << std::hex << m.start;
        if (at >= m.start && at < m.end) {
            found = true;
            EXPECT_EQ(m.protection.substr(0, 3), "r-x");
            for (const Mapping& guard : mappings())
                if (guard.end == m.start || guard.start == m.end) {
                    EXPECT_EQ(guard.protection.substr(0, 3), "---");
                }
        }
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(run(code, 2), 7u);
}

TEST(Arena, EntriesAreAlignedAndTheSlackTraps) {
    const auto arena = jit::CodeArena::create();
    const jit::LoadedCode code = load(arena, returns(5));
    const auto at = reinterpret_cast<std::uintptr_t>(code.code().data());
    EXPECT_EQ(at % 64, 0u);
    EXPECT_EQ(std::memcmp(code.code().data(), "\xf3\x0f\x1e\xfa", 4), 0); // endbr64
    for (const std::byte* p = code.code().data() + code.code().size();
         reinterpret_cast<std::uintptr_t>(p) % 4096 != 0; p++)
        ASSERT_EQ(*p, std::byte{0xcc});
}

TEST(Arena, ReleasedCodeTrapsAndItsPlaceIsUsedAgain) {
    const auto arena = jit::CodeArena::create();
    const jit::LoadedCode keep = load(arena, returns(1));
    const std::byte* place = nullptr;
    {
        const jit::LoadedCode gone = load(arena, returns(2));
        place = gone.code().data();
    }
    EXPECT_EQ(*place, std::byte{0xcc});
    const jit::LoadedCode next = load(arena, returns(3));
    EXPECT_EQ(next.code().data(), place);
    EXPECT_EQ(run(keep, 0), 1u);
    EXPECT_EQ(run(next, 0), 3u);
}

TEST(Arena, HandlesMoveAndOutliveTheArenasOwner) {
    auto arena = jit::CodeArena::create();
    jit::LoadedCode a = load(arena, returns(1));
    jit::LoadedCode b = load(arena, returns(2));
    arena.reset();
    EXPECT_EQ(run(a, 0), 1u);
    a = std::move(b);
    EXPECT_EQ(run(a, 0), 2u);
    const jit::LoadedCode c(std::move(a));
    EXPECT_EQ(run(c, 0), 2u);
}

TEST(Arena, LoadsAndUnloadsMany) {
    const auto arena = jit::CodeArena::create();
    std::vector<jit::LoadedCode> codes;
    for (std::uint64_t round = 0; round < 3; round++) {
        for (std::uint64_t i = 0; i < 1500; i++)
            codes.push_back(load(arena, returns(i)));
        for (std::size_t i = 0; i < codes.size(); i += 7)
            ASSERT_EQ(run(codes[i], round), i + round);
        codes.clear();
    }
}

TEST(Arena, ManyThreadsLoadRunAndUnload) {
    const auto arena = jit::CodeArena::create();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 100; i++) {
                const jit::LoadedCode code = load(arena, returns(t * 1000 + i));
                if (run(code, 1) != t * 1000 + i + 1)
                    wrong++;
            }
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(wrong, 0);
}

/// A DIFO bigger than a chunk of the arena.
TEST(Arena, TakesCodeOfAnySize) {
    Builder b;
    b.arg(0, 1).arg(1, 2);
    for (int i = 0; i < 60000; i++)
        b.setx(0x123456789abcdef0 + static_cast<std::uint64_t>(i), 3).op(Op::MUL, 1, 3, 1);
    b.difo.ints.resize(60000);
    b.op(Op::ADD, 1, 2, 1).ret(1);
    const auto arena = jit::CodeArena::create();
    const jit::LoadedCode code = load(arena, b.difo);
    EXPECT_GT(code.code().size(), 500000u);
    EXPECT_EQ(run(code, 0), 0u);
}

std::string refusal(const Difo& made_of, const Difo& loaded_for, difjit_vstate* vstate,
                    void (*spoil)(std::vector<std::byte>&) = nullptr) {
    std::vector<std::byte> image = jit::compile(made_of.view()).value();
    if (spoil != nullptr)
        spoil(image);
    const difjit_difo view = loaded_for.view();
    const auto code = jit::CodeArena::create()->load(image, view, vstate, "x");
    return code ? "" : code.error().message;
}

TEST(Arena, RefusesWhatDoesNotFit) {
    EXPECT_EQ(refusal(returns(1), returns(2), nullptr), "image: made from another DIFO");
    EXPECT_EQ(refusal(returns(1), returns(1), nullptr,
                      [](auto& image) {
                          reinterpret_cast<difjit_image_header*>(image.data())->machine =
                              DIFJIT_MACHINE_ARM64;
                      }),
              "image: made for another machine");
    EXPECT_EQ(refusal(returns(1), returns(1), nullptr,
                      [](auto& image) {
                          reinterpret_cast<difjit_image_header*>(image.data())->fact_hash[0] ^= 1;
                      }),
              "image: relies on facts that nobody has proved here");
    EXPECT_EQ(refusal(returns(1), returns(1), nullptr, [](auto& image) { image.resize(100); }),
              "image: 100 bytes, shorter than its header's 128");
}

TEST(Arena, RefusesVariablesThatAreNotThere) {
    const auto user = [](std::uint8_t scope, std::uint32_t id, bool byref) {
        Builder b;
        b.variable(id, scope, byref);
        b.indexed(scope == DIFJIT_SCOPE_GLOBAL ? Op::LDGS : Op::LDLS, id, 1).ret(1);
        return b.difo;
    };
    const Difo global = user(DIFJIT_SCOPE_GLOBAL, 1281, false);
    const Difo local = user(DIFJIT_SCOPE_LOCAL, 1281, false);
    const Difo byref = user(DIFJIT_SCOPE_GLOBAL, 1281, true);
    const Difo other = user(DIFJIT_SCOPE_GLOBAL, 1283, false);
    const Machine machine(global), strings(byref), elsewhere(other);
    EXPECT_EQ(refusal(global, global, machine.vstate()), "");
    EXPECT_EQ(refusal(global, global, nullptr),
              "image: relocation 0: global 1281, but there is no variable state");
    EXPECT_EQ(refusal(local, local, machine.vstate()),
              "image: relocation 0: the variable state has no clause-local 1281");
    EXPECT_EQ(refusal(other, other, machine.vstate()),
              "image: relocation 0: the variable state has no global 1283");
    EXPECT_EQ(refusal(global, global, elsewhere.vstate()),
              "image: relocation 0: the variable state has no global 1281");
    EXPECT_EQ(refusal(global, global, strings.vstate()),
              "image: relocation 0: global 1281 is by-ref in one place and by-value in the other");
    EXPECT_EQ(refusal(global, global, machine.vstate(),
                      [](auto& image) {
                          auto* h = reinterpret_cast<difjit_image_header*>(image.data());
                          reinterpret_cast<difjit_reloc*>(image.data() + h->relocs.offset)->symbol =
                              1280;
                      }),
              "image: relocation 0: the DIFO declares no global 1280");
}

TEST(Arena, RefusesHelpersAndStringsThatAreNotThere) {
    Builder b;
    b.sets("abc", 1).op(Op::SCMP, 1, 1, 0).ret(1);
    const auto spoil_reloc = [](std::vector<std::byte>& image, std::size_t i) -> difjit_reloc& {
        auto* h = reinterpret_cast<difjit_image_header*>(image.data());
        return reinterpret_cast<difjit_reloc*>(image.data() + h->relocs.offset)[i];
    };
    static const auto reloc = spoil_reloc;
    EXPECT_EQ(refusal(b.difo, b.difo, nullptr, [](auto& i) { reloc(i, 0).addend = 5; }),
              "image: relocation 0: offset 5 is not in the string table");
    EXPECT_EQ(refusal(b.difo, b.difo, nullptr, [](auto& i) { reloc(i, 0).addend = -1; }),
              "image: relocation 0: offset -1 is not in the string table");
    EXPECT_EQ(refusal(b.difo, b.difo, nullptr,
                      [](auto& i) { reloc(i, 0).kind = DIFJIT_RELOC_INT_ABS64; }),
              "image: relocation 0: no integer 0");
    EXPECT_EQ(refusal(b.difo, b.difo, nullptr, [](auto& i) { reloc(i, 1).symbol = 63; }),
              "image: relocation 1: no helper 63");
}

_Unwind_Reason_Code collect(_Unwind_Context* context, void* argument) {
    auto& pcs = *static_cast<std::vector<std::uint64_t>*>(argument);
    pcs.push_back(_Unwind_GetIP(context));
    return pcs.size() < 100 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::vector<std::uint64_t> seen;

std::uint64_t spying_variable(difjit_frame*, std::uint32_t, std::uint64_t) {
    seen.clear();
    _Unwind_Backtrace(collect, &seen);
    return 1;
}

[[gnu::noinline]] std::uint64_t call_it(const jit::LoadedCode& code, difjit_frame& frame) {
    const std::uint64_t value = code.entry()(&frame);
    asm volatile("" ::: "memory"); // not a tail call
    return value;
}

/// From inside a helper the unwinder finds the compiled code and everything above it.
TEST(Arena, CompiledCodeCanBeUnwound) {
    for (const bool many : {false, true}) { // one callee-saved register, and all of them with stack
        Builder b;
        for (unsigned r = 1; r < 8 && many; r++)
            b.arg(r, r);
        b.indexed(Op::LDGS, 0x117, many ? 1 : 2); // tid
        for (unsigned r = 2; r < 8 && many; r++)
            b.op(Op::ADD, 1, r, 1);
        b.ret(many ? 1 : 2);
        const auto arena = jit::CodeArena::create();
        const jit::LoadedCode code = load(arena, b.difo);
        difjit_host host = host::process_host();
        host.variable = spying_variable;
        host::Firing firing;
        const difjit_difo view = b.difo.view();
        difjit_frame frame{};
        frame.host = &host;
        frame.firing = &firing;
        frame.difo = &view;
        frame.access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC;
        EXPECT_EQ(call_it(code, frame), 1u);
        const auto start = reinterpret_cast<std::uint64_t>(code.code().data());
        std::size_t inside = 0, caller = 0;
        for (std::size_t i = 0; i < seen.size(); i++) {
            if (seen[i] >= start && seen[i] < start + code.code().size())
                inside = i;
            const auto f = reinterpret_cast<std::uint64_t>(&call_it);
            if (seen[i] >= f && seen[i] < f + 4096 && caller == 0)
                caller = i;
        }
        EXPECT_GT(inside, 0u);
        EXPECT_EQ(caller, inside + 1);
        EXPECT_GT(seen.size(), inside + 4); // up to main
    }
}

TEST(Arena, PerfMapNamesTheCode) {
    const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    jit::publish({.perf_map = true, .gdb = false});
    const auto arena = jit::CodeArena::create();
    const jit::LoadedCode code = load(arena, returns(1), nullptr, "difjit:a\nname");
    jit::publish({});
    std::ifstream in(path);
    std::uint64_t at = 0, size = 0;
    std::string name;
    in >> std::hex >> at >> size >> name;
    EXPECT_EQ(at, reinterpret_cast<std::uint64_t>(code.code().data()));
    EXPECT_EQ(size, code.code().size());
    EXPECT_EQ(name, "difjit:a_name");
    unlink(path.c_str());
}

struct GdbEntry {
    GdbEntry *next, *previous;
    const char* object;
    std::uint64_t size;
};

struct GdbDescriptor {
    std::uint32_t version, action;
    GdbEntry *relevant, *first;
};

} // namespace

extern "C" GdbDescriptor __jit_debug_descriptor;

namespace {

TEST(Arena, GdbGetsAnObjectWithTheSymbol) {
    jit::publish({.perf_map = false, .gdb = true});
    const auto arena = jit::CodeArena::create();
    {
        const jit::LoadedCode code = load(arena, returns(1), nullptr, "difjit:prog:ecb0:predicate");
        const jit::LoadedCode other = load(arena, returns(2), nullptr, "other");
        const GdbEntry* entry = __jit_debug_descriptor.first->next;
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(__jit_debug_descriptor.version, 1u);
        ASSERT_EQ(std::memcmp(entry->object, ELFMAG, SELFMAG), 0);
        Elf64_Ehdr header;
        std::memcpy(&header, entry->object, sizeof header);
        ASSERT_LE(header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr), entry->size);
        std::vector<Elf64_Shdr> sections(header.e_shnum);
        std::memcpy(sections.data(), entry->object + header.e_shoff,
                    sections.size() * sizeof(Elf64_Shdr));
        EXPECT_EQ(sections[1].sh_addr, reinterpret_cast<std::uint64_t>(code.code().data()));
        EXPECT_EQ(sections[1].sh_size, code.code().size());
        EXPECT_STREQ(entry->object + sections[3].sh_offset + 1, "difjit:prog:ecb0:predicate");
        EXPECT_EQ(sections.size(), 6u); // null, text, symtab, strtab, eh_frame, names
    }
    jit::publish({});
    EXPECT_EQ(__jit_debug_descriptor.first, nullptr);
}

} // namespace
