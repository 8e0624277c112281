// SPDX-License-Identifier: BSD-2-Clause
// A machine that runs one DIFO in either executor from the same state in the same memory, so that
// everything it leaves behind can be compared byte for byte, addresses included.
#ifndef DIFJIT_TESTS_JIT_MACHINE_HPP
#define DIFJIT_TESTS_JIT_MACHINE_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <difjit/jit.hpp>
#include <difjit/program.hpp>

#include "dif/instruction.hpp"
#include "runtime/runtime.hpp"
#include <difjit/process_host.hpp>

namespace difjit::tests {

enum class Executor { interpreter, compiled, unoptimised };

/// What one firing gives.
struct Shot {
    std::array<std::uint64_t, DIFJIT_NARGS> args{};
    std::uint32_t access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
};

/// What one run leaves behind.
struct Outcome {
    std::uint64_t value = 0;
    std::uint32_t flags = 0, fault_offset = 0;
    std::uint64_t illval = 0;
    std::uint64_t scratch_used = 0;
    std::uint64_t strtok = 0;
    std::vector<std::uint8_t> scratch;    ///< all of it
    std::vector<std::uint64_t> variables; ///< the whole variable state, dynamic ones too
    std::vector<std::uint8_t> record;     ///< by-ref result as a record stores it

    bool operator==(const Outcome&) const = default;
};
std::string describe(const Outcome& outcome);

class Machine {
  public:
    explicit Machine(const Difo& difo, std::uint64_t dynvar_size = 1 << 16);

    /// Fresh state, then the shots one after the other. Empty with `error` set: it did not compile.
    std::vector<Outcome> run(Executor executor, const std::vector<Shot>& shots);
    /// All executors; a message where they differ, else "".
    std::string compare(const std::vector<Shot>& shots);

    [[nodiscard]] const difjit_difo& difo() const { return view_; }
    [[nodiscard]] difjit_vstate* vstate() const { return vstate_; }
    /// By-value: 8 bytes; by-ref: its storage; nullopt: NULL or not declared.
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> global(std::uint32_t id) const;
    void reset();

    host::Firing firing;
    std::string error;
    std::size_t scratch_size = 4096;
    std::uint64_t strsize = 256;

    /// Memory that no test writes: 4,096 bytes at 0x20000000 (corpus README), then nothing.
    static void map_kernel_memory(const std::vector<std::uint8_t>& bytes);

  private:
    Outcome shoot(difjit_entry entry, const Shot& shot);

    const Difo& owner_;
    difjit_difo view_;
    const difjit_difo* difos_[1];
    runtime::VstateLayout layout_;
    std::unique_ptr<std::byte[], void (*)(std::byte*)> memory_;
    std::vector<std::byte> fresh_; ///< the state as it was initialised, padding included
    difjit_vstate* vstate_ = nullptr;
    std::vector<std::uint64_t> scratch_;
    difjit_state state_{};
    std::uint64_t rand_[2][2] = {};
    runtime::Speculation speculations_[2] = {};
    std::uint64_t predcache_ = 0;
};

/// A DIFO from instructions; constants are numbered as they come.
class Builder {
  public:
    Builder& op(Op op, unsigned r1, unsigned r2, unsigned rd) {
        difo.text.push_back(Instruction::make(op, r1, r2, rd).word);
        return *this;
    }
    Builder& setx(std::uint64_t value, unsigned rd) {
        difo.text.push_back(
            Instruction::indexed(Op::SETX, static_cast<unsigned>(difo.ints.size()), rd).word);
        difo.ints.push_back(value);
        return *this;
    }
    Builder& sets(const std::string& text, unsigned rd) {
        difo.text.push_back(
            Instruction::indexed(Op::SETS, static_cast<unsigned>(difo.strtab.size()), rd).word);
        difo.strtab += text + '\0';
        return *this;
    }
    /// Scalar or associative variables, call.
    Builder& indexed(Op op, std::uint32_t index, unsigned rd) {
        difo.text.push_back(Instruction::indexed(op, index, rd).word);
        return *this;
    }
    Builder& arg(unsigned n, unsigned rd) { return indexed(Op::LDGS, 0x106 + n, rd); }
    Builder& branch(Op op, std::size_t target) {
        difo.text.push_back(Instruction::branch(op, static_cast<std::uint32_t>(target)).word);
        return *this;
    }
    Builder& cmp(unsigned r1, unsigned r2) { return op(Op::CMP, r1, r2, 0); }
    Builder& ret(unsigned rd) { return op(Op::RET, 0, 0, rd); }
    Builder& variable(std::uint32_t id, std::uint8_t scope, bool byref = false,
                      std::uint32_t size = 8, std::uint8_t kind = DIFJIT_VAR_KIND_SCALAR);
    [[nodiscard]] std::size_t here() const { return difo.text.size(); }

    Difo difo = fresh();

  private:
    static Difo fresh() {
        Difo d;
        d.strtab.assign(1, '\0');
        d.rtype.size = 8;
        return d;
    }
};

/// A DIFO, as text for a failure message.
std::string print(const Difo& difo);

} // namespace difjit::tests

#endif
