// SPDX-License-Identifier: BSD-2-Clause
// The fault handler and the copy routines that it knows.
//
// The copy routines are assembly with two fault points each, so that the handler can tell a fault
// in them by its program counter alone: a word loop, and a byte loop that ends it. A fault in the
// word loop goes to the byte loop, whose fault is the exact byte. x86 reports a non-canonical
// address as #GP with no address; because only the program counter and the routine's own registers
// count, that is the same case.
//
// Compiled DIF: each load of a registered region has a difjit_fault_entry. The handler writes
// BADADDR, illval and fault_offset into the frame, as dtrace_trap and the DTRACE_LOADFUNC functions
// of dtrace.c do, and goes on at the image's fault exit. Tests: tests/host/recover_test.cpp.
#include "host/recover.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <ucontext.h>

#if defined(__SANITIZE_THREAD__)
#define DIFJIT_NO_SANITIZE __attribute__((no_sanitize("thread", "address", "undefined")))
#else
#define DIFJIT_NO_SANITIZE __attribute__((no_sanitize("address", "undefined")))
#endif

#if !defined(__x86_64__)
#error "the process host knows x86-64 only; another machine needs its copy routine and registers"
#endif

// size_t difjit_copy(void* dst, const void* src, size_t len): bytes that could be copied.
// rdi, rsi walk; rdx counts down; rax counts up.
asm(R"(
    .text
    .p2align 4
    .globl difjit_copy
    .hidden difjit_copy
    .type difjit_copy, @function
difjit_copy:
    .cfi_startproc
    endbr64
    xorl    %eax, %eax
    subq    $8, %rdx
    jb      2f
1:
    .globl difjit_copy_word_load
    .hidden difjit_copy_word_load
difjit_copy_word_load:
    movq    (%rsi,%rax), %rcx
    .globl difjit_copy_word_store
    .hidden difjit_copy_word_store
difjit_copy_word_store:
    movq    %rcx, (%rdi,%rax)
    addq    $8, %rax
    subq    $8, %rdx
    jae     1b
2:
    .globl difjit_copy_tail
    .hidden difjit_copy_tail
difjit_copy_tail:
    addq    $8, %rdx
    jz      4f
3:
    .globl difjit_copy_byte_load
    .hidden difjit_copy_byte_load
difjit_copy_byte_load:
    movzbl  (%rsi,%rax), %ecx
    .globl difjit_copy_byte_store
    .hidden difjit_copy_byte_store
difjit_copy_byte_store:
    movb    %cl, (%rdi,%rax)
    incq    %rax
    decq    %rdx
    jnz     3b
4:
    .globl difjit_copy_out
    .hidden difjit_copy_out
difjit_copy_out:
    ret
    .cfi_endproc
    .size difjit_copy, . - difjit_copy
)");

extern "C" {
std::size_t difjit_copy(void* dst, const void* src, std::size_t len);
extern const char difjit_copy_word_load[], difjit_copy_word_store[], difjit_copy_tail[],
    difjit_copy_byte_load[], difjit_copy_byte_store[], difjit_copy_out[];
}

namespace difjit::host {
namespace {

constexpr std::uint64_t toxic_base = 0x800000000000;

// The registry: blocks of slots that are never freed, each slot with a sequence number that is odd
// while it changes. A thread that faults in a region runs its code, so the region's slot is stable;
// a slot that changes under the handler's eyes is somebody else's.
struct Slot {
    std::atomic<std::uint32_t> sequence{0};
    std::atomic<std::uint64_t> start{0}, end{0}, fault_exit{0};
    std::atomic<const difjit_fault_entry*> faults{nullptr};
    std::atomic<std::size_t> nfaults{0};
};

struct Block {
    static constexpr std::size_t size = 128;
    Slot slots[size];
    std::atomic<Block*> next{nullptr};
};

Block first_block;
std::mutex registry_mutex; // writers only

struct sigaction previous_segv, previous_bus;
std::atomic<bool> installed{false};

/// The machine registers by hardware number, as difjit_fault_entry has them.
constexpr int gregs[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

DIFJIT_NO_SANITIZE bool recover_copy(greg_t* regs) {
    const auto pc = static_cast<std::uint64_t>(regs[REG_RIP]);
    auto at = [pc](const char* label) { return pc == reinterpret_cast<std::uint64_t>(label); };
    const char* resume = nullptr;
    if (at(difjit_copy_word_load) || at(difjit_copy_word_store))
        resume = difjit_copy_tail;
    else if (at(difjit_copy_byte_load) || at(difjit_copy_byte_store))
        resume = difjit_copy_out;
    else
        return false;
    regs[REG_RIP] = reinterpret_cast<greg_t>(resume);
    return true;
}

/// First byte of the load that is not there: the load's own address in the toxic range, else what
/// the processor says.
DIFJIT_NO_SANITIZE std::uint64_t illegal_address(std::uint64_t address, std::uint64_t size,
                                                 const siginfo_t* info) {
    const std::uint64_t end = address + size;
    if (address >= toxic_base || end > toxic_base || end < address)
        return address;
    const auto reported = reinterpret_cast<std::uint64_t>(info->si_addr);
    return reported >= address && reported < end ? reported : address;
}

DIFJIT_NO_SANITIZE const difjit_fault_entry* find_entry(const difjit_fault_entry* entries,
                                                        std::size_t n, std::uint64_t offset) {
    std::size_t low = 0;
    while (low < n) {
        const std::size_t middle = low + (n - low) / 2;
        if (entries[middle].offset < offset)
            low = middle + 1;
        else
            n = middle;
    }
    return &entries[low];
}

DIFJIT_NO_SANITIZE bool recover_slot(const Slot& slot, greg_t* regs, const siginfo_t* info) {
    const auto pc = static_cast<std::uint64_t>(regs[REG_RIP]);
    // Acquire all along, so that a field of a later write shows that write's sequence number too.
    const std::uint32_t before = slot.sequence.load(std::memory_order_acquire);
    const std::uint64_t start = slot.start.load(std::memory_order_acquire);
    const std::uint64_t end = slot.end.load(std::memory_order_acquire);
    const difjit_fault_entry* faults = slot.faults.load(std::memory_order_acquire);
    const std::size_t n = slot.nfaults.load(std::memory_order_acquire);
    const std::uint64_t exit = slot.fault_exit.load(std::memory_order_acquire);
    if ((before & 1) != 0 || slot.sequence.load(std::memory_order_acquire) != before ||
        pc < start || pc >= end)
        return false;
    const difjit_fault_entry* entry = find_entry(faults, n, pc - start);
    if (entry == faults + n || entry->offset != pc - start)
        return false;
    auto* frame = reinterpret_cast<difjit_frame*>(regs[gregs[entry->frame_reg & 15]]);
    const auto base = static_cast<std::uint64_t>(regs[gregs[entry->base_reg & 15]]);
    const std::uint64_t address =
        base + static_cast<std::uint64_t>(static_cast<std::int64_t>(entry->disp));
    frame->flags |= DIFJIT_FAULT_BADADDR;
    frame->illval = illegal_address(address, entry->size, info);
    frame->fault_offset = entry->pc * 4;
    regs[REG_RIP] = static_cast<greg_t>(exit);
    return true;
}

DIFJIT_NO_SANITIZE bool recover_code(greg_t* regs, const siginfo_t* info) {
    for (const Block* block = &first_block; block != nullptr;
         block = block->next.load(std::memory_order_acquire))
        for (const Slot& slot : block->slots)
            if (recover_slot(slot, regs, info))
                return true;
    return false;
}

/// Hands the signal to whoever had it before; by default that ends the process at the same place.
DIFJIT_NO_SANITIZE void chain(int signal, siginfo_t* info, void* context) {
    const struct sigaction& previous = signal == SIGBUS ? previous_bus : previous_segv;
    if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
        previous.sa_sigaction(signal, info, context);
        return;
    }
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal);
        return;
    }
    // A fault cannot be ignored: the kernel would end the process too. A signal that somebody sent
    // does not come again by itself, so it is raised again.
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    if (info->si_code <= 0)
        raise(signal);
}

DIFJIT_NO_SANITIZE void on_fault(int signal, siginfo_t* info, void* context) {
    greg_t* regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    // si_code <= 0: kill(2) and the like, whatever the program counter is.
    if (info->si_code > 0 && (recover_copy(regs) || recover_code(regs, info)))
        return;
    chain(signal, info, context);
}

Slot& free_slot(std::uint64_t& handle) {
    std::uint64_t number = 0;
    for (Block* block = &first_block;; number += Block::size) {
        for (std::size_t i = 0; i < Block::size; i++)
            if (block->slots[i].start.load(std::memory_order_relaxed) == 0) {
                handle = number + i + 1;
                return block->slots[i];
            }
        Block* next = block->next.load(std::memory_order_relaxed);
        if (next == nullptr) {
            next = new Block;
            block->next.store(next, std::memory_order_release);
        }
        block = next;
    }
}

void write_slot(Slot& slot, const CodeRegion& region) {
    slot.sequence.fetch_add(1, std::memory_order_relaxed);
    slot.start.store(region.start, std::memory_order_release);
    slot.end.store(region.end, std::memory_order_release);
    slot.faults.store(region.faults.data(), std::memory_order_release);
    slot.nfaults.store(region.faults.size(), std::memory_order_release);
    slot.fault_exit.store(region.fault_exit, std::memory_order_release);
    slot.sequence.fetch_add(1, std::memory_order_release);
}

} // namespace

void install_fault_handler() {
    const std::lock_guard lock(registry_mutex);
    if (installed.load())
        return;
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, nullptr, &previous_segv);
    sigaction(SIGBUS, nullptr, &previous_bus);
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
    installed.store(true);
}

std::size_t safe_copy(void* dst, std::uint64_t src, std::size_t len) noexcept {
    return difjit_copy(dst, reinterpret_cast<const void*>(src), len);
}

std::size_t safe_copy_to(std::uint64_t dst, const void* src, std::size_t len) noexcept {
    return difjit_copy(reinterpret_cast<void*>(dst), src, len);
}

std::uint64_t register_code(const CodeRegion& region) {
    const std::lock_guard lock(registry_mutex);
    std::uint64_t handle = 0;
    write_slot(free_slot(handle), region);
    return handle;
}

void unregister_code(std::uint64_t handle) noexcept {
    if (handle == 0)
        return;
    const std::lock_guard lock(registry_mutex);
    Block* block = &first_block;
    std::uint64_t number = handle - 1;
    for (; number >= Block::size && block != nullptr; number -= Block::size)
        block = block->next.load(std::memory_order_relaxed);
    if (block != nullptr)
        write_slot(block->slots[number], CodeRegion{});
}

} // namespace difjit::host
