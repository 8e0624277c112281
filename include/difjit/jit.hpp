// SPDX-License-Identifier: BSD-2-Clause
// The compiler: DIFO in, image out; and the loader that makes an image run in this process.
#ifndef DIFJIT_JIT_HPP
#define DIFJIT_JIT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <difjit/abi.h>
#include <difjit/error.hpp>

struct difjit_vstate;

namespace difjit::jit {

struct CompileOptions {
    difjit_machine machine = DIFJIT_MACHINE_AMD64;
    bool optimise = true; ///< off: one instruction at a time, nothing fused
};

/// Machine code of one DIFO that the verifier accepted, as relocatable bytes (abi.h, "Image").
/// Every opcode compiles. Thread-safe. Errors: a DIFO that does not pass the verifier's structure
/// rules, a machine that is not built in.
Result<std::vector<std::byte>> compile(const difjit_difo& difo, const CompileOptions& options = {});

/// A checked view of an image's header and tables; nothing is copied.
struct ImageView {
    const difjit_image_header* header;
    std::span<const std::byte> code;
    std::span<const difjit_reloc> relocs;
    std::span<const difjit_fault_entry> faults;
    std::span<const difjit_line> lines;
};

/// Checks magic, ABI, bounds, order and kinds. Any bytes may come in.
Result<ImageView> parse_image(std::span<const std::byte> bytes);

/// Does the image belong to this DIFO (SHA-256)?
bool image_matches(const ImageView& image, const difjit_difo& difo);

/// Executable memory of this process: W^X at every moment (two mappings of one memfd), guard pages
/// around it, trap-filled slack. Code stays until its Loaded handle is destroyed; the caller sees
/// to it that nobody runs it then. Thread-safe.
class CodeArena;

/// Loaded code. Movable, releases its memory on destruction.
class LoadedCode {
  public:
    LoadedCode() = default;
    LoadedCode(LoadedCode&&) noexcept;
    LoadedCode& operator=(LoadedCode&&) noexcept;
    ~LoadedCode();

    [[nodiscard]] difjit_entry entry() const noexcept { return entry_; }
    [[nodiscard]] std::span<const std::byte> code() const noexcept { return code_; }

  private:
    friend class CodeArena;
    difjit_entry entry_ = nullptr;
    std::span<const std::byte> code_;
    std::shared_ptr<CodeArena> arena_;
};

class CodeArena : public std::enable_shared_from_this<CodeArena> {
  public:
    /// One arena can hold many images; it grows as needed.
    static std::shared_ptr<CodeArena> create();
    virtual ~CodeArena() = default;

    /// Checks the image, copies, relocates against `difo` and `vstate`, seals, registers its fault
    /// table and its unwind and symbol information. `symbol` names it for perf and gdb:
    /// "difjit:monitor-writes:ecb0:predicate".
    virtual Result<LoadedCode> load(std::span<const std::byte> image, const difjit_difo& difo,
                                    difjit_vstate* vstate, const std::string& symbol) = 0;

  protected:
    friend class LoadedCode;
    virtual void release(LoadedCode& code) noexcept = 0;
    static LoadedCode make(std::shared_ptr<CodeArena> arena, difjit_entry entry,
                           std::span<const std::byte> code);
};

/// Symbol publication, off by default: /tmp/perf-PID.map for perf, __jit_debug_register_code for
/// gdb.
struct PublishOptions {
    bool perf_map = false;
    bool gdb = false;
};
void publish(const PublishOptions& options);

/// The machine code of an image beside the DIF it came from, relocations named (Zydis).
Result<std::string> listing(std::span<const std::byte> image, const difjit_difo& difo);

} // namespace difjit::jit

#endif
