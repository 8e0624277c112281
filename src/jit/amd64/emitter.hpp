// SPDX-License-Identifier: BSD-2-Clause
// The amd64 back end: one unit with its flow and plan becomes code and tables.
//
// Code is made twice. The first time every jump is long and its distance is noted; the second time
// those that reach are short. Code only shrinks, so what reached then still reaches.
// emitter.cpp: frame and driver; alu.cpp, branch.cpp, memory.cpp, call.cpp: the groups of opcodes.
#ifndef DIFJIT_JIT_AMD64_EMITTER_HPP
#define DIFJIT_JIT_AMD64_EMITTER_HPP

#include <functional>
#include <optional>
#include <vector>

#include <asmjit/x86.h>

#include <difjit/error.hpp>

#include "jit/amd64/plan.hpp"
#include "jit/flow.hpp"
#include "jit/image.hpp"
#include "jit/unit.hpp"

namespace difjit::jit::amd64 {

/// Compiles for amd64.
Result<Parts> generate(const Unit& unit, bool optimise);

/// Jumps in the order in which they are made: does a short one reach?
using JumpSizes = std::vector<bool>;

class Emitter {
  public:
    Emitter(const Unit& unit, const Flow& flow, const Plan& plan, const JumpSizes& sizes);

    /// Makes everything; afterwards parts() and measured() tell.
    Result<void> run();
    Parts& parts() { return parts_; }
    [[nodiscard]] JumpSizes measured() const;

  private:
    using Gp = asmjit::x86::Gp;
    using Mem = asmjit::x86::Mem;
    using Label = asmjit::Label;
    using Cond = asmjit::x86::CondCode;

    /// An argument of a helper: a DIF register or a constant.
    struct Argument {
        unsigned reg = 0;
        Value value; ///< constant: what it is; else the register is read
    };

    // emitter.cpp
    void prologue();
    void epilogue();
    void step(std::uint32_t pc);
    void dispatch(std::uint32_t pc);
    void finish_cold();
    void line(std::uint32_t offset, std::uint32_t pc);
    [[nodiscard]] std::uint32_t offset() const;
    static Gp machine(Machine m) { return asmjit::x86::gpq(m); }
    [[nodiscard]] Gp home(unsigned r) const { return machine(plan_.home[r]); }
    [[nodiscard]] Mem in_frame(std::size_t at, std::uint32_t size = 8) const;
    [[nodiscard]] Mem on_stack(std::uint32_t at) const;
    void move(Gp to, Gp from);
    void load_constant(Gp to, std::uint64_t value);
    void load_operand(Gp to, unsigned reg, const Value& value);
    void movabs(Gp to, difjit_reloc_kind kind, std::uint32_t symbol, std::int32_t addend);
    void relocate(std::uint32_t at, difjit_reloc_kind kind, std::uint32_t symbol,
                  std::int32_t addend);
    void jump(Label to);
    void jump(Cond cond, Label to);
    Label& label_of(std::uint32_t pc) { return labels_[pc]; }
    /// Code that is rarely run: it stands behind everything else.
    void cold(Label entry, std::function<void()> body);
    void raise(std::uint32_t flag, std::uint32_t pc); ///< sets the fault and ends the DIFO
    Label raise_label(std::uint32_t flag, std::uint32_t pc);

    // alu.cpp
    void alu(std::uint32_t pc);
    void commutative(Op op, Gp d, const Argument& a, const Argument& b);
    void commutative_constant(Op op, Gp d, Gp a, std::uint64_t b);
    void and_constant(Gp d, Gp a, std::uint64_t b);
    void multiply_constant(Gp d, Gp a, std::uint64_t b);
    void subtract(Gp d, const Argument& a, const Argument& b);
    void shift(Op op, Gp d, const Argument& a, const Argument& b);
    void divide(std::uint32_t pc, Gp d, const Argument& a, const Argument& b);
    void divide_constant(Op op, Gp d, const Argument& a, std::uint64_t b);
    void divide_machine(Op op, Gp d, const Argument& a, Gp b);
    void binary(Op op, Gp to, Gp from);
    void binary(Op op, Gp to, std::int32_t constant);

    // branch.cpp
    void branch(std::uint32_t pc);
    void go_to(std::uint32_t pc, std::uint32_t target);
    void branch_saved(const Step& s);
    void branch_compare(std::uint32_t pc);
    void set_flags(std::uint32_t compare, Op op);
    void load_difference(std::uint32_t compare);
    void compare_operands(std::uint32_t compare);
    void jump_on(Op op, std::uint32_t target, bool overflow_free);
    void save_compare(std::uint32_t pc);
    void string_compare(std::uint32_t pc);
    [[nodiscard]] bool leads_to(std::uint32_t pc, std::uint32_t target) const;
    void ret(std::uint32_t pc);

    // memory.cpp
    void load(std::uint32_t pc);
    void load_global(std::uint32_t pc);
    void load_local(std::uint32_t pc);
    void load_reference(Gp d);
    void store_global(std::uint32_t pc);
    void store_local(std::uint32_t pc);
    void store_cell(const Mem& cell, const Argument& value);
    void load_field(Gp d, FrameField field);
    Mem local_cell(Gp area);
    void relocate_local(std::uint32_t id, std::uint32_t behind);

    // call.cpp
    void call(std::uint32_t pc, std::uint32_t helper, std::initializer_list<Argument> arguments,
              bool may_fault = true);
    void call_result(std::uint32_t pc);
    void call_step(std::uint32_t pc);
    void push(std::uint32_t pc);
    void push_counted(std::uint32_t pc);
    void pop();
    void flush();
    void store_depth(std::uint32_t pc);
    void store_key(std::uint32_t pc, const Mem& value, const Mem& size);
    void check_length(std::uint32_t pc);
    [[nodiscard]] Argument rd_of(std::uint32_t pc) const;
    [[nodiscard]] Argument r1_of(std::uint32_t pc) const;
    [[nodiscard]] Argument r2_of(std::uint32_t pc) const;
    static Argument constant(std::uint64_t value) { return {0, Value::known(value)}; }

    const Unit& unit_;
    const Flow& flow_;
    const Plan& plan_;
    const JumpSizes& sizes_;
    Parts parts_;
    asmjit::CodeHolder code_;
    asmjit::x86::Assembler a_;
    std::vector<Label> labels_; ///< of steps that are branch targets
    Label fault_exit_;
    struct Jump {
        std::uint32_t end;
        std::uint32_t label;
    };
    std::vector<Jump> jumps_;
    struct Cold {
        Label entry;
        std::function<void()> body;
    };
    std::vector<Cold> cold_;

    /// What the machine's flags hold: the result of a compare step, as cmp or as a test of the
    /// difference (no overflow, no carry).
    struct Flags {
        bool valid = false;
        std::uint32_t compare = 0;
        bool difference = false;    ///< a test of the difference, or of r1 where r2 is 0
        bool overflow_free = false; ///< the overflow flag says what DIF's V does
        bool carry_lost = false;    ///< the carry flag says nothing
    } flags_;
    std::optional<int> stored_depth_; ///< what frame->tuple_top is known to hold
};

} // namespace difjit::jit::amd64

#endif
