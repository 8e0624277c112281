// SPDX-License-Identifier: BSD-2-Clause
// perf's map file and gdb's JIT compilation interface (gdb manual, "JIT Compilation Interface").
//
// perf reads lines of "address size name" in /tmp/perf-PID.map. gdb stops at
// __jit_debug_register_code and reads an ELF object from the list in __jit_debug_descriptor; ours
// has one symbol, in a .text without bytes at the code's address, and the unwind table. Test:
// tests/jit/arena_test.cpp.
#include "jit/symbols.hpp"

#include <atomic>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

#include <fmt/format.h>

#include <difjit/jit.hpp>

extern "C" {
struct jit_code_entry {
    jit_code_entry* next_entry;
    jit_code_entry* prev_entry;
    const char* symfile_addr;
    std::uint64_t symfile_size;
};

struct jit_descriptor {
    std::uint32_t version;
    std::uint32_t action_flag;
    jit_code_entry* relevant_entry;
    jit_code_entry* first_entry;
};

// Weak: a program may hold another compiler that has them too.
__attribute__((weak, used, visibility("default"))) jit_descriptor __jit_debug_descriptor = {
    1, 0, nullptr, nullptr};
__attribute__((weak, used, noinline, visibility("default"))) void __jit_debug_register_code() {
    asm volatile("" ::: "memory");
}
}

namespace difjit::jit {

struct Publication::Entry {
    std::vector<std::uint8_t> object;
    jit_code_entry gdb{};
};

namespace {

std::atomic<bool> want_perf{false}, want_gdb{false};
std::mutex gdb_mutex, perf_mutex;

enum : std::uint32_t { jit_noaction = 0, jit_register = 1, jit_unregister = 2 };

void tell_gdb(std::uint32_t action, jit_code_entry& entry) {
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_descriptor.relevant_entry = &entry;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = jit_noaction;
    __jit_debug_descriptor.relevant_entry = nullptr;
}

void add_to_gdb(jit_code_entry& entry) {
    const std::lock_guard lock(gdb_mutex);
    entry.next_entry = __jit_debug_descriptor.first_entry;
    if (entry.next_entry != nullptr)
        entry.next_entry->prev_entry = &entry;
    __jit_debug_descriptor.first_entry = &entry;
    tell_gdb(jit_register, entry);
}

void remove_from_gdb(jit_code_entry& entry) {
    const std::lock_guard lock(gdb_mutex);
    if (entry.prev_entry != nullptr)
        entry.prev_entry->next_entry = entry.next_entry;
    else
        __jit_debug_descriptor.first_entry = entry.next_entry;
    if (entry.next_entry != nullptr)
        entry.next_entry->prev_entry = entry.prev_entry;
    tell_gdb(jit_unregister, entry);
}

/// One write, so that lines of several threads do not mix. A map that cannot be written is no
/// error.
void add_to_perf_map(std::span<const std::byte> code, std::string symbol) {
    for (char& c : symbol)
        if (c == '\n' || c == '\0')
            c = '_';
    const std::string text = fmt::format(
        "{:x} {:x} {}\n", reinterpret_cast<std::uint64_t>(code.data()), code.size(), symbol);
    const std::lock_guard lock(perf_mutex);
    const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return;
    [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
    close(fd);
}

class ObjectWriter {
  public:
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(sizeof(Elf64_Ehdr));
    std::vector<Elf64_Shdr> sections = std::vector<Elf64_Shdr>(1);
    std::string names = std::string(1, '\0');

    Elf64_Shdr& section(const char* name, std::uint32_t type) {
        Elf64_Shdr& s = sections.emplace_back();
        s.sh_name = static_cast<Elf64_Word>(names.size());
        s.sh_type = type;
        s.sh_addralign = 1;
        names.append(name).push_back('\0');
        return s;
    }

    void content(Elf64_Shdr& s, const void* data, std::size_t size) {
        while (bytes.size() % 8 != 0)
            bytes.push_back(0);
        s.sh_offset = bytes.size();
        s.sh_size = size;
        s.sh_addralign = 8;
        const auto* p = static_cast<const std::uint8_t*>(data);
        bytes.insert(bytes.end(), p, p + size);
    }

    std::vector<std::uint8_t> finish() {
        content(section(".shstrtab", SHT_STRTAB), names.data(), names.size());
        Elf64_Ehdr h{};
        std::memcpy(h.e_ident, ELFMAG, SELFMAG);
        h.e_ident[EI_CLASS] = ELFCLASS64;
        h.e_ident[EI_DATA] = ELFDATA2LSB;
        h.e_ident[EI_VERSION] = EV_CURRENT;
        h.e_type = ET_REL;
        h.e_machine = EM_X86_64;
        h.e_version = EV_CURRENT;
        h.e_ehsize = sizeof h;
        h.e_shentsize = sizeof(Elf64_Shdr);
        h.e_shnum = static_cast<Elf64_Half>(sections.size());
        h.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);
        Elf64_Shdr table{};
        content(table, sections.data(), sections.size() * sizeof(Elf64_Shdr));
        h.e_shoff = table.sh_offset;
        std::memcpy(bytes.data(), &h, sizeof h);
        return std::move(bytes);
    }
};

} // namespace

void publish(const PublishOptions& options) {
    want_perf.store(options.perf_map);
    want_gdb.store(options.gdb);
}

std::vector<std::uint8_t> symbol_object(std::span<const std::byte> code,
                                        std::span<const std::uint8_t> eh_frame,
                                        const std::string& symbol) {
    ObjectWriter w;
    Elf64_Shdr& text = w.section(".text", SHT_NOBITS); // section 1
    text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    text.sh_addr = reinterpret_cast<Elf64_Addr>(code.data());
    text.sh_size = code.size();
    text.sh_addralign = 16;

    std::string names(1, '\0');
    names.append(symbol).push_back('\0');
    Elf64_Sym symbols[2] = {};
    symbols[1].st_name = 1;
    symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbols[1].st_shndx = 1;
    symbols[1].st_size = code.size();

    Elf64_Shdr& symtab = w.section(".symtab", SHT_SYMTAB); // section 2
    w.content(symtab, symbols, sizeof symbols);
    symtab.sh_link = 3;
    symtab.sh_info = 1;
    symtab.sh_entsize = sizeof(Elf64_Sym);
    w.content(w.section(".strtab", SHT_STRTAB), names.data(), names.size()); // section 3
    if (!eh_frame.empty()) {
        Elf64_Shdr& frames = w.section(".eh_frame", SHT_PROGBITS);
        frames.sh_flags = SHF_ALLOC;
        frames.sh_addr = reinterpret_cast<Elf64_Addr>(eh_frame.data());
        w.content(frames, eh_frame.data(), eh_frame.size());
    }
    return w.finish();
}

Publication publish_code(std::span<const std::byte> code, std::span<const std::uint8_t> eh_frame,
                         const std::string& symbol) {
    Publication result;
    if (want_perf.load())
        add_to_perf_map(code, symbol);
    if (want_gdb.load()) {
        result.entry_ = std::make_unique<Publication::Entry>();
        result.entry_->object = symbol_object(code, eh_frame, symbol);
        result.entry_->gdb.symfile_addr =
            reinterpret_cast<const char*>(result.entry_->object.data());
        result.entry_->gdb.symfile_size = result.entry_->object.size();
        add_to_gdb(result.entry_->gdb);
    }
    return result;
}

Publication::Publication() = default;
Publication::Publication(Publication&&) noexcept = default;

Publication& Publication::operator=(Publication&& other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
}

Publication::~Publication() {
    if (entry_ != nullptr)
        remove_from_gdb(entry_->gdb);
}

} // namespace difjit::jit
