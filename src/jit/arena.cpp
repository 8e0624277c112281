// SPDX-License-Identifier: BSD-2-Clause
// The process loader: a checked image becomes code at an address, with everything that knows about
// it (fault table, unwind table, symbols), and goes again with its handle.
//
// Nothing is written before the image, the DIFO it belongs to and every relocation have been
// checked: the relocated bytes are made aside and then copied. A helper that a rel32 cannot reach
// is called through a veneer behind the code. Tests: tests/jit/arena_test.cpp,
// tests/jit/image_test.cpp.
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include <difjit/jit.hpp>

#include "host/recover.hpp"
#include "jit/image.hpp"
#include "jit/memory_pool.hpp"
#include "jit/symbols.hpp"
#include "jit/unwind.hpp"
#include "runtime/runtime.hpp"

extern "C" void __register_frame(void* begin);
extern "C" void __deregister_frame(void* begin);

namespace difjit::jit {
namespace {

constexpr std::size_t first_chunk = 64u << 10; // each further one is twice as big
constexpr std::size_t largest_chunk = 4u << 20;
constexpr std::size_t veneer_size = 16;
constexpr std::uint8_t trap = 0xcc;

std::uint64_t helper_address(std::uint32_t number) {
    return reinterpret_cast<std::uint64_t>(runtime::helper(number));
}

/// Lowest and highest address of a helper.
struct Extent {
    std::uint64_t low = ~0ull, high = 0;
};

Extent helper_extent() {
    Extent e;
    for (std::uint32_t n = 0; n < DIFJIT_NHELPERS; n++)
        if (const std::uint64_t at = helper_address(n); at != 0) {
            e.low = std::min(e.low, at);
            e.high = std::max(e.high, at);
        }
    return e;
}

/// The DIFO's declaration of a user variable, or nullptr.
const difjit_var* find_variable(const difjit_difo& difo, std::uint32_t id, std::uint8_t scope) {
    const auto* end = difo.vars + difo.var_len;
    const auto* v = std::find_if(difo.vars, end, [id, scope](const difjit_var& candidate) {
        return candidate.id == id && candidate.scope == scope;
    });
    return v == end ? nullptr : v;
}

/// Turns an image's code into bytes for one address.
class Relocator {
  public:
    Relocator(const ImageView& image, const difjit_difo& difo, const difjit_vstate* vstate)
        : image_(image), difo_(difo), vstate_(vstate) {}

    /// veneers: make them for every helper, since the code will be far away.
    Result<std::vector<std::uint8_t>> run(std::uint64_t address, bool veneers) {
        bytes_.assign(reinterpret_cast<const std::uint8_t*>(image_.code.data()),
                      reinterpret_cast<const std::uint8_t*>(image_.code.data()) +
                          image_.code.size());
        bytes_.resize(round_up(bytes_.size()), trap);
        for (std::size_t i = 0; i < image_.relocs.size(); i++)
            if (auto ok = apply(image_.relocs[i], address, veneers); !ok)
                return std::unexpected(ok.error().in(fmt::format("relocation {}", i)));
        return std::move(bytes_);
    }

    /// Bytes with a veneer for each helper.
    std::size_t largest() const {
        std::map<std::uint32_t, bool> helpers;
        for (const difjit_reloc& r : image_.relocs)
            if (r.kind == DIFJIT_RELOC_HELPER_REL32)
                helpers[r.symbol] = true;
        return round_up(image_.code.size()) + helpers.size() * veneer_size;
    }

    static std::size_t round_up(std::size_t n) { return (n + 15) & ~std::size_t{15}; }

  private:
    Result<void> apply(const difjit_reloc& r, std::uint64_t address, bool veneers) {
        if (r.kind == DIFJIT_RELOC_HELPER_REL32)
            return call(r, address, veneers);
        if (r.kind == DIFJIT_RELOC_LOCAL_DISP32)
            return local(r);
        const Result<std::uint64_t> value = absolute(r);
        if (!value)
            return std::unexpected(value.error());
        const std::uint64_t sum = *value + static_cast<std::uint64_t>(std::int64_t{r.addend});
        std::memcpy(bytes_.data() + r.offset, &sum, 8);
        return {};
    }

    Result<void> call(const difjit_reloc& r, std::uint64_t address, bool veneers) {
        std::uint64_t target = helper_address(r.symbol);
        if (target == 0)
            return fail(fmt::format("no helper {}", r.symbol));
        if (veneers)
            target = address + veneer(r.symbol, target);
        const std::uint64_t distance =
            target + static_cast<std::uint64_t>(std::int64_t{r.addend}) - (address + r.offset);
        const auto rel32 = static_cast<std::int32_t>(distance);
        if (static_cast<std::uint64_t>(std::int64_t{rel32}) != distance)
            return fail(fmt::format("helper {} is out of reach", r.symbol));
        std::memcpy(bytes_.data() + r.offset, &rel32, 4);
        return {};
    }

    /// Offset of `jmp [rip]` and the address behind it; leaves every register alone.
    std::size_t veneer(std::uint32_t symbol, std::uint64_t target) {
        const auto [place, fresh] = veneers_.try_emplace(symbol, bytes_.size());
        if (fresh) {
            std::uint8_t code[veneer_size] = {0xff, 0x25, 0, 0, 0, 0};
            std::memcpy(code + 6, &target, 8);
            code[14] = code[15] = trap;
            bytes_.insert(bytes_.end(), code, code + sizeof code);
        }
        return place->second;
    }

    /// The state's variable that a relocation names, if the DIFO declares it in the same way.
    Result<const runtime::StaticVariable*> variable(std::uint32_t id, std::uint8_t scope) const {
        const bool global = scope == DIFJIT_SCOPE_GLOBAL;
        const char* kind = global ? "global" : "clause-local";
        const difjit_var* declaration = find_variable(difo_, id, scope);
        if (declaration == nullptr)
            return fail(fmt::format("the DIFO declares no {} {}", kind, id));
        if (vstate_ == nullptr)
            return fail(fmt::format("{} {}, but there is no variable state", kind, id));
        const std::uint32_t n = global ? vstate_->layout.nglobals : vstate_->layout.nlocals;
        const runtime::StaticVariable* table = global ? vstate_->globals : vstate_->locals;
        const std::uint32_t index = id - DIFJIT_USER_VARIABLE_BASE;
        if (index >= n || !table[index].declared || table[index].data == nullptr)
            return fail(fmt::format("the variable state has no {} {}", kind, id));
        if (table[index].byref != ((declaration->type.flags & DIFJIT_TF_BYREF) != 0))
            return fail(
                fmt::format("{} {} is by-ref in one place and by-value in the other", kind, id));
        return &table[index];
    }

    Result<void> local(const difjit_reloc& r) {
        const auto v = variable(r.symbol, DIFJIT_SCOPE_LOCAL);
        if (!v)
            return std::unexpected(v.error());
        const std::int64_t offset = std::int64_t{(*v)->offset} + r.addend;
        if (offset < 0 || offset > INT32_MAX)
            return fail(fmt::format("clause-local {} is out of reach", r.symbol));
        const auto disp32 = static_cast<std::int32_t>(offset);
        std::memcpy(bytes_.data() + r.offset, &disp32, 4);
        return {};
    }

    Result<std::uint64_t> absolute(const difjit_reloc& r) const {
        switch (r.kind) {
        case DIFJIT_RELOC_HELPER_ABS64:
            if (const std::uint64_t at = helper_address(r.symbol); at != 0)
                return at;
            return fail(fmt::format("no helper {}", r.symbol));
        case DIFJIT_RELOC_GLOBAL_ABS64: {
            const auto v = variable(r.symbol, DIFJIT_SCOPE_GLOBAL);
            if (!v)
                return std::unexpected(v.error());
            return reinterpret_cast<std::uint64_t>((*v)->data);
        }
        case DIFJIT_RELOC_STRTAB_ABS64:
            if (r.addend < 0 || static_cast<std::uint32_t>(r.addend) >= difo_.str_len)
                return fail(fmt::format("offset {} is not in the string table", r.addend));
            return reinterpret_cast<std::uint64_t>(difo_.strtab);
        default:
            if (r.symbol >= difo_.int_len)
                return fail(fmt::format("no integer {}", r.symbol));
            return difo_.ints[r.symbol];
        }
    }

    const ImageView& image_;
    const difjit_difo& difo_;
    const difjit_vstate* vstate_;
    std::vector<std::uint8_t> bytes_;
    std::map<std::uint32_t, std::size_t> veneers_;
};

/// All that belongs to one loaded image.
struct Record {
    CodeBlock block;
    CodeChunk* chunk = nullptr;
    std::vector<difjit_fault_entry> faults;
    std::uint64_t handle = 0;
    std::vector<std::uint8_t> eh_frame;
    Publication publication;
};

class Arena final : public CodeArena {
  public:
    Result<LoadedCode> load(std::span<const std::byte> bytes, const difjit_difo& difo,
                            difjit_vstate* vstate, const std::string& symbol) override {
        const Result<ImageView> image = parse_image(bytes);
        if (!image)
            return std::unexpected(image.error());
        if (auto ok = check(*image, difo); !ok)
            return std::unexpected(ok.error());
        const std::lock_guard lock(mutex_);
        Relocator relocator(*image, difo, vstate);
        Record record;
        if (auto ok = place(record, relocator.largest()); !ok)
            return std::unexpected(ok.error());
        const Extent helpers = helper_extent();
        const auto address = reinterpret_cast<std::uint64_t>(record.block.run);
        const auto code = relocator.run(address, !record.chunk->reaches(helpers.low, helpers.high));
        if (!code) {
            record.chunk->release(record.block);
            return std::unexpected(code.error().in("image"));
        }
        std::memcpy(record.block.write, code->data(), code->size());
        return finish(std::move(record), *image, code->size(), symbol);
    }

  protected:
    void release(LoadedCode& code) noexcept override {
        const std::lock_guard lock(mutex_);
        const auto it = records_.find(code.code().data());
        if (it == records_.end())
            return;
        Record& record = it->second;
        host::unregister_code(record.handle);
        if (!record.eh_frame.empty())
            __deregister_frame(record.eh_frame.data());
        record.publication = Publication();
        record.chunk->release(record.block);
        records_.erase(it);
    }

  private:
    static Result<void> check(const ImageView& image, const difjit_difo& difo) {
        if (image.header->machine != DIFJIT_MACHINE_AMD64)
            return fail("image: made for another machine");
        if (!image_matches(image, difo))
            return fail("image: made from another DIFO");
        const Hash facts = no_facts_hash();
        if (std::memcmp(image.header->fact_hash, facts.data(), facts.size()) != 0)
            return fail("image: relies on facts that nobody has proved here");
        for (const difjit_fault_entry& f : image.faults)
            if (f.pc >= difo.text_len)
                return fail(fmt::format("image: a fault of instruction {}, but the DIFO has {}",
                                        f.pc, difo.text_len));
        return {};
    }

    Result<void> place(Record& record, std::size_t size) {
        for (const auto& chunk : chunks_) {
            record.block = chunk->allocate(size);
            record.chunk = chunk.get();
            if (record.block.size != 0)
                return {};
        }
        const std::size_t wanted =
            std::min(first_chunk << std::min<std::size_t>(chunks_.size(), 8), largest_chunk);
        auto chunk = CodeChunk::create(std::max(size + 64, wanted), helper_extent().low);
        if (!chunk)
            return std::unexpected(chunk.error());
        chunks_.push_back(std::move(*chunk));
        record.chunk = chunks_.back().get();
        record.block = record.chunk->allocate(size);
        return {};
    }

    Result<LoadedCode> finish(Record record, const ImageView& image, std::size_t size,
                              const std::string& symbol) {
        const std::span<const std::byte> code(record.block.run, size);
        const auto address = reinterpret_cast<std::uint64_t>(code.data());
        record.faults.assign(image.faults.begin(), image.faults.end());
        record.eh_frame = make_eh_frame(image, address, size);
        host::install_fault_handler();
        record.handle = host::register_code(
            {address, address + size, record.faults, address + image.header->fault_exit});
        if (!record.eh_frame.empty())
            __register_frame(record.eh_frame.data());
        record.publication = publish_code(code, record.eh_frame, symbol);
        records_.emplace(code.data(), std::move(record));
        return make(shared_from_this(),
                    reinterpret_cast<difjit_entry>(address + image.header->entry), code);
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<CodeChunk>> chunks_;
    std::map<const std::byte*, Record> records_;
};

} // namespace

std::shared_ptr<CodeArena> CodeArena::create() {
    return std::make_shared<Arena>();
}

LoadedCode CodeArena::make(std::shared_ptr<CodeArena> arena, difjit_entry entry,
                           std::span<const std::byte> code) {
    LoadedCode loaded;
    loaded.entry_ = entry;
    loaded.code_ = code;
    loaded.arena_ = std::move(arena);
    return loaded;
}

LoadedCode::LoadedCode(LoadedCode&& other) noexcept {
    *this = std::move(other);
}

LoadedCode& LoadedCode::operator=(LoadedCode&& other) noexcept {
    std::swap(entry_, other.entry_);
    std::swap(code_, other.code_);
    std::swap(arena_, other.arena_);
    return *this;
}

LoadedCode::~LoadedCode() {
    if (arena_ != nullptr)
        arena_->release(*this);
}

} // namespace difjit::jit
