// SPDX-License-Identifier: BSD-2-Clause
// Decoding and the structure rules that generated code depends on (dtrace_difo_validate,
// semantics.md points 45-48 and decision 8). The verifier's own check is complete and has the
// messages; this one is what keeps a caller who skipped it from getting code for nonsense. Test:
// tests/jit/compile_test.cpp.
#include "jit/unit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dif/instruction.hpp"

namespace difjit::jit {
namespace {

bool writes_rd(Op op) {
    return (opcode_row(op).writes & column::RD) != 0;
}

std::uint8_t scope_of(Op op) {
    switch (op) {
    case Op::LDTS:
    case Op::STTS:
    case Op::LDTAA:
    case Op::STTAA: return DIFJIT_SCOPE_THREAD;
    case Op::LDLS:
    case Op::STLS: return DIFJIT_SCOPE_LOCAL;
    default: return DIFJIT_SCOPE_GLOBAL;
    }
}

class Decoder {
  public:
    explicit Decoder(const difjit_difo& difo) : difo_(difo) {}

    Result<Unit> run() {
        if (difo_.text_len == 0)
            return fail("DIFO: empty text");
        if (difo_.text_len > max_text)
            return fail(
                fmt::format("DIFO: {} instructions, more than {}", difo_.text_len, max_text));
        if (difo_.dialect >= DIFJIT_NDIALECTS)
            return fail(fmt::format("DIFO: unknown dialect {}", difo_.dialect));
        Unit unit{&difo_, {}};
        unit.steps.reserve(difo_.text_len);
        for (pc_ = 0; pc_ < difo_.text_len; pc_++) {
            Result<Step> step = decode_one();
            if (!step)
                return std::unexpected(step.error());
            unit.steps.push_back(*step);
        }
        if (unit.steps.back().op != Op::RET)
            return fail("DIFO: the last instruction is not ret");
        return unit;
    }

  private:
    static constexpr std::uint32_t max_text = 1u << 24; // labels have 24 bits

    template <class... A>
    [[nodiscard]] std::unexpected<Error> bad(fmt::format_string<A...> text, A&&... args) const {
        return fail(
            fmt::format("instruction {}: {}", pc_, fmt::format(text, std::forward<A>(args)...)));
    }

    Result<Step> decode_one() {
        const Instruction in{difo_.text[pc_]};
        if (!is_opcode(in.opcode()) || !is_executable(in.op()))
            return bad("invalid opcode {}", in.opcode());
        const OpcodeRow& row = opcode_row(in.op());
        Step step;
        step.op = in.op();
        auto field = [&row](unsigned bit, std::uint32_t value) {
            return ((row.reads | row.writes) & bit) != 0 ? value : 0;
        };
        const std::uint32_t r1 = field(column::R1, in.r1());
        const std::uint32_t r2 = field(column::R2, in.r2());
        const std::uint32_t rd = field(column::RD, in.rd());
        if (std::max({r1, r2, rd}) >= DIFJIT_NREGS)
            return bad("invalid register {}", std::max({r1, r2, rd}));
        if (rd == 0 && (writes_rd(step.op) || row.memory == Memory::STORE || step.op == Op::COPYS))
            return bad("cannot write to %r0");
        step.r1 = static_cast<std::uint8_t>(r1);
        step.r2 = static_cast<std::uint8_t>(r2);
        step.rd = static_cast<std::uint8_t>(rd);
        if (Result<void> ok = operand(in, row.format, step); !ok)
            return std::unexpected(ok.error());
        return step;
    }

    Result<void> operand(Instruction in, Format format, Step& step) const {
        const auto dialect = static_cast<Dialect>(difo_.dialect);
        switch (format) {
        case Format::LABEL: return label(in, step);
        case Format::INTEGER: return integer(in, step);
        case Format::STRING: return string(in, step);
        case Format::ARRAY: step.var = var_from_id(dialect, in.array()); return {};
        case Format::LOAD_VAR:
        case Format::STORE_VAR: return variable(in, step);
        case Format::CALL: step.subr = subr_from_number(dialect, in.subr_number()); return {};
        case Format::PUSH_REF:
        case Format::PUSH_VALUE: return push(in, step);
        default: return {};
        }
    }

    Result<void> label(Instruction in, Step& step) const {
        step.target = in.label();
        if (step.target >= difo_.text_len)
            return bad("invalid branch target {}", step.target);
        if (step.target <= pc_)
            return bad("backward branch to {}", step.target);
        return {};
    }

    Result<void> integer(Instruction in, Step& step) const {
        if (in.integer_index() >= difo_.int_len)
            return bad("invalid integer ref {}", in.integer_index());
        step.value = difo_.ints[in.integer_index()];
        return {};
    }

    Result<void> string(Instruction in, Step& step) const {
        step.value = in.string_offset();
        if (step.value >= difo_.str_len)
            return bad("invalid string ref {}", step.value);
        return {};
    }

    Result<void> push(Instruction in, Step& step) const {
        step.id = in.type();
        const bool string = step.op == Op::PUSHTR && step.id == DIFJIT_TYPE_STRING;
        if (step.id != DIFJIT_TYPE_CTF && !string)
            return bad("invalid type {}", step.id);
        return {};
    }

    Result<void> variable(Instruction in, Step& step) const {
        step.id = in.var();
        if (step.id >= DIFJIT_USER_VARIABLE_BASE)
            return declared(step);
        if (step.op == Op::LDGS)
            step.var = var_from_id(static_cast<Dialect>(difo_.dialect), step.id);
        else if (step.op != Op::LDTS && step.op != Op::LDLS) // those two read 0: point 22
            return bad("invalid variable {}", step.id);
        return {};
    }

    Result<void> declared(Step& step) const {
        for (std::uint32_t i = 0; i < difo_.var_len; i++) {
            const difjit_var& v = difo_.vars[i];
            if (v.id == step.id && v.scope == scope_of(step.op)) {
                step.byref = (v.type.flags & DIFJIT_TF_BYREF) != 0;
                return {};
            }
        }
        return bad("undeclared variable {}", step.id);
    }

    const difjit_difo& difo_;
    std::uint32_t pc_ = 0;
};

} // namespace

Result<Unit> decode(const difjit_difo& difo) {
    return Decoder(difo).run();
}

std::uint8_t written_register(const Step& step) {
    return writes_rd(step.op) ? step.rd : 0;
}

std::uint8_t read_registers(const Step& step) {
    const std::uint8_t reads = opcode_row(step.op).reads;
    unsigned bits = 0;
    if ((reads & column::R1) != 0)
        bits |= 1u << step.r1;
    if ((reads & column::R2) != 0)
        bits |= 1u << step.r2;
    if ((reads & column::RD) != 0)
        bits |= 1u << step.rd;
    return static_cast<std::uint8_t>(bits & ~1u); // %r0 is a constant
}

} // namespace difjit::jit
