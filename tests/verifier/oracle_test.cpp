// SPDX-License-Identifier: BSD-2-Clause
// The containment oracle: what the interpreter computes lies in what the analysis says.
//
// A DIFO is cut before each instruction, and goes on, instead, with code that pushes all registers:
// the tuple slots of the frame then hold them. Ways that do not come to the cut end in a division
// by 0. Whatever the run before left in variables is a state like any other. All facts are checked
// as well, with a cut behind their instruction.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dif/instruction.hpp"
#include "interp/interpreter.hpp"
#include "runtime/world.hpp"
#include "verifier/analysis.hpp"
#include "verifier/core.hpp"
#include "verifier/objects.hpp"

using namespace difjit;
using namespace difjit::verifier;
using nlohmann::json;

namespace {

constexpr auto ret0 = Instruction::make(Op::RET, 0, 0, 0);
constexpr auto divide_by_0 = Instruction::make(Op::UDIV, 0, 0, 1);
constexpr auto flush = Instruction::make(Op::FLUSHTS, 0, 0, 0);

Instruction push_of(std::uint32_t r) {
    return Instruction::make(Op::PUSHTV, 0, 0, r);
}

std::vector<test::Region> regions(const json& list) {
    std::vector<test::Region> all;
    for (const json& region : list) {
        std::string bytes;
        const std::string hex = region.at("hex");
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
            bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        bytes.resize((bytes.size() + 4095) / 4096 * 4096);
        all.push_back({test::number(region.at("addr")), std::move(bytes)});
    }
    return all;
}

/// The states before each instruction.
struct Recorder final : Watcher {
    std::vector<std::vector<State>> states;
    explicit Recorder(std::size_t n) : states(n) {}
    void before(std::uint32_t pc, const Paths& paths) override {
        for (std::uint32_t i = 0; i < paths.count; i++)
            states[pc].emplace_back().assign(*paths.states[i]);
    }
};

class Oracle {
  public:
    Oracle(const json& setting, const json& vector)
        : kernel_(vector.at("kernel").get<bool>()), proc_(vector.value("proc", true)),
          cpu_(static_cast<std::uint32_t>(test::number(setting.at("cpu")))),
          world_(object_of(vector), {cpu_ + 1, test::number(setting.at("scratchsize")), 16 << 10}) {
        test::Firing& f = world_.firing;
        f.memory = regions(setting.at("memory"));
        f.user = regions(setting.at("user"));
        assumptions_.strsize = test::number(setting.at("strsize"));
        f.variables = {{Var::PID, 7}, {Var::TID, 8}, {Var::UID, 0}, {Var::ERRNO, 2}};
        std::string& execname = f.strings[Var::EXECNAME];
        execname = setting.at("execname");
        f.real.emplace_back(reinterpret_cast<std::uint64_t>(execname.c_str()), execname.size() + 1);
    }

    void run(const std::vector<std::uint64_t>& args) {
        args_ = args;
        const difjit_difo& difo = world_.difo();
        Recorder recorder(difo.text_len);
        std::vector<std::uint64_t> workspace(analysis_workspace(difo) / 8 + 1);
        std::vector<Fact> facts(fact_capacity(difo));
        facts.resize(analyse(difo, assumptions_, std::as_writable_bytes(std::span(workspace)),
                             facts, &recorder));
        for (std::uint32_t pc = 0; pc < difo.text_len; pc++) {
            check_registers(pc, recorder.states[pc]);
            check_tuple(pc, recorder.states[pc]);
            for (const Fact& fact : facts_of(facts, pc))
                check_fact(fact);
        }
    }

    std::size_t registers = 0, slots = 0, facts = 0;
    std::vector<std::string> wrong;

  private:
    static test::Object object_of(const json& vector) {
        Difo difo = test::object(vector);
        test::Object object{difo.text, difo.ints, difo.strtab, difo.vars, difo.rtype};
        for (difjit_var& var : object.vars)
            if (var.type.kind == DIFJIT_TYPE_STRING && var.type.size == 0)
                var.type.size = DIFJIT_STRSIZE_DEFAULT; // dtrace_dof_difo
        if (!vector.at("kernel").get<bool>())
            for (std::uint32_t& word : object.text)
                word = core::restricted(word);
        return object;
    }

    /// The text up to pc, which goes on with `rest`; what would jump or return before pc is
    /// reached goes to a division by 0 behind it.
    std::vector<std::uint32_t> cut(std::uint32_t pc, const std::vector<Instruction>& rest) const {
        const auto trap = static_cast<std::uint32_t>(pc + rest.size());
        std::vector<std::uint32_t> text(world_.difo().text, world_.difo().text + pc);
        for (std::uint32_t& word : text) {
            const Instruction in{word};
            if (in.op() == Op::RET)
                word = Instruction::branch(Op::BA, trap).word;
            else if (is_branch(in.op()) && in.label() > pc)
                word = Instruction::branch(in.op(), trap).word;
        }
        for (const Instruction in : rest)
            text.push_back(in.word);
        text.push_back(divide_by_0.word);
        text.push_back(ret0.word);
        return text;
    }

    bool execute(const std::vector<std::uint32_t>& text, difjit_frame& f) {
        difjit_difo difo = world_.difo();
        difo.text = text.data();
        difo.text_len = static_cast<std::uint32_t>(text.size());
        f = world_.frame(cpu_);
        std::copy_n(args_.begin(), std::min<std::size_t>(args_.size(), DIFJIT_NARGS), f.args);
        f.strsize = assumptions_.strsize;
        f.access = 0;
        if (kernel_)
            f.access |= DIFJIT_ACCESS_KERNEL;
        if (proc_)
            f.access |= DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL;
        interp::execute(&f, &difo);
        f.difo = &world_.difo();
        return (f.flags & DIFJIT_FLAG_FAULT) == 0;
    }

    static std::vector<Instruction> dump() {
        std::vector<Instruction> code{flush};
        for (std::uint32_t r = 1; r < DIFJIT_NREGS; r++)
            code.push_back(push_of(r));
        code.push_back(ret0);
        return code;
    }

    /// Where a region begins, if it can be told; 0: no.
    [[nodiscard]] std::uint64_t start_of(const Value& v, const difjit_frame& f) {
        const auto& vstate = world_.vstate();
        const std::uint32_t index = v.id - std::uint32_t{DIFJIT_USER_VARIABLE_BASE};
        switch (v.region) {
        case verifier::Region::string_table: return world_.strtab();
        case verifier::Region::global:
            return reinterpret_cast<std::uint64_t>(vstate.globals[index].data) + 8;
        case verifier::Region::local:
            return reinterpret_cast<std::uint64_t>(f.locals + vstate.locals[index].offset) + 8;
        default: return 0;
        }
    }

    bool contains(const Value& v, std::uint64_t word, const difjit_frame& f) {
        if (!v.is_pointer())
            return v.number.contains(word);
        if (word == 0 && v.may_be_null)
            return true;
        if (const std::uint64_t start = start_of(v, f); start != 0)
            return v.number.contains(word - start);
        const bool ours =
            v.region == verifier::Region::scratch || v.region == verifier::Region::string;
        if (ours && v.number.umax <= v.size)
            return word - f.scratch_base >= v.number.umin &&
                   word - f.scratch_base <= f.scratch_size;
        return word != 0 || v.may_be_zero();
    }

    void complain(std::uint32_t pc, const std::string& what) {
        if (wrong.size() < 20)
            wrong.push_back(fmt::format("pc {} ({:08x}): {}", pc, world_.difo().text[pc], what));
    }

    void check_registers(std::uint32_t pc, const std::vector<State>& states) {
        difjit_frame f;
        if (!execute(cut(pc, dump()), f))
            return;
        // One of the paths holds all registers together.
        registers += DIFJIT_NREGS - 1;
        const bool held = std::ranges::any_of(states, [&](const State& s) {
            for (unsigned r = 1; r < DIFJIT_NREGS; r++)
                if (!contains(s.at(r), f.tuple[r - 1].value, f))
                    return false;
            return true;
        });
        if (!held)
            complain(pc, fmt::format("registers {:x} {:x} {:x} {:x} {:x} {:x} {:x} in no state",
                                     f.tuple[0].value, f.tuple[1].value, f.tuple[2].value,
                                     f.tuple[3].value, f.tuple[4].value, f.tuple[5].value,
                                     f.tuple[6].value));
    }

    void check_tuple(std::uint32_t pc, const std::vector<State>& states) {
        difjit_frame f;
        if (!execute(cut(pc, {ret0}), f))
            return;
        slots += f.tuple_top;
        const bool held = std::ranges::any_of(states, [&](const State& s) {
            bool all = f.tuple_top >= s.depth_min && f.tuple_top <= s.depth_max;
            for (unsigned i = 0; i < DIFJIT_NTUPLE; i++)
                all = all && contains(s.slot(i), f.tuple[i].value, f);
            return all;
        });
        if (!held)
            complain(pc, "the tuple stack is in no state");
    }

    void check_fact(const Fact& fact) {
        const Instruction in{world_.difo().text[fact.pc]};
        difjit_frame f;
        facts++;
        bool holds = true;
        switch (fact.kind) {
        case FactKind::UNREACHABLE: holds = !execute(cut(fact.pc, {ret0}), f); break;
        case FactKind::TUPLE_DEPTH:
            holds = !execute(cut(fact.pc, {ret0}), f) || f.tuple_top == fact.a;
            break;
        case FactKind::BRANCH_NEVER:
        case FactKind::BRANCH_ALWAYS: {
            const std::vector<Instruction> rest{
                Instruction::branch(in.op(), fact.pc + 3), flush, ret0, flush, push_of(0), ret0};
            if (execute(cut(fact.pc, rest), f))
                holds = f.tuple_top == (fact.kind == FactKind::BRANCH_ALWAYS ? 1u : 0u);
            break;
        }
        default: holds = holds_of_access(fact, in) && holds_behind(fact, in); break;
        }
        if (!holds)
            complain(fact.pc, fmt::format("fact {} {:x} {:x} does not hold",
                                          static_cast<unsigned>(fact.kind), fact.a, fact.b));
    }

    /// Facts that need the operands: a cut before the instruction shows them.
    bool holds_of_access(const Fact& fact, Instruction in) {
        difjit_frame f;
        if (!execute(cut(fact.pc, dump()), f))
            return true;
        const auto reg = [&](std::uint32_t r) { return r == 0 ? 0 : f.tuple[r - 1].value; };
        switch (fact.kind) {
        case FactKind::DIVISOR_NOT_0: return reg(in.r2()) != 0;
        case FactKind::DIVIDE_NO_WRAP:
            return reg(in.r1()) != std::uint64_t{1} << 63 || reg(in.r2()) != UINT64_MAX;
        case FactKind::SHIFT_BELOW_64: return reg(in.r2()) < 64;
        case FactKind::LOAD_INSIDE: return is_inside(fact, reg(in.r1()), in, f);
        case FactKind::STORE_INSIDE:
            return is_inside(fact, reg(in.rd()), in, f) &&
                   reg(in.rd()) % opcode_row(in.op()).width == 0;
        default: return true;
        }
    }

    bool is_inside(const Fact& fact, std::uint64_t addr, Instruction in, difjit_frame& f) {
        const std::uint64_t width = opcode_row(in.op()).width;
        if (fact.region == verifier::Region::string_table)
            return addr - world_.strtab() >= fact.a && addr - world_.strtab() + width <= fact.b &&
                   fact.b <= world_.object().strtab.size();
        if (fact.region == verifier::Region::scratch || fact.region == verifier::Region::string)
            return addr >= f.scratch_base && addr + width <= f.scratch_ptr;
        return runtime::canstore(&f, addr, width);
    }

    /// Facts about the result, and that the instruction does not fault.
    bool holds_behind(const Fact& fact, Instruction in) {
        std::vector<Instruction> rest = dump();
        rest.insert(rest.begin(), in);
        difjit_frame f;
        if (!execute(cut(fact.pc, rest), f)) {
            const bool here = f.fault_offset == fact.pc * 4;
            return !here ||
                   (fact.kind != FactKind::LOAD_INSIDE && fact.kind != FactKind::STORE_INSIDE &&
                    fact.kind != FactKind::DIVISOR_NOT_0);
        }
        if (fact.reg == 0)
            return true;
        const std::uint64_t word = f.tuple[fact.reg - 1].value;
        const auto is_between = [](auto low, auto x, auto high) { return low <= x && x <= high; };
        switch (fact.kind) {
        case FactKind::RESULT_IS: return word == fact.a;
        case FactKind::RESULT_SIGNED:
            return is_between(static_cast<std::int64_t>(fact.a), static_cast<std::int64_t>(word),
                              static_cast<std::int64_t>(fact.b));
        case FactKind::RESULT_UNSIGNED: return is_between(fact.a, word, fact.b);
        case FactKind::NOT_NULL: return word != 0;
        case FactKind::STRING_AT_MOST:
            return strnlen(reinterpret_cast<const char*>(word), fact.a + 1) <= fact.a;
        default: return true;
        }
    }

    bool kernel_, proc_;
    std::uint32_t cpu_;
    test::World world_;
    Assumptions assumptions_;
    std::vector<std::uint64_t> args_;
};

} // namespace

TEST(Oracle, EveryConcreteStateLiesInTheAbstractOne) {
    const auto lines = test::read_lines(DIFJIT_SOURCE_DIR "/tests/corpus/difo/vectors.jsonl");
    std::size_t registers = 0, slots = 0, facts = 0;
    std::vector<std::string> wrong;
    for (std::size_t i = 1; i < lines.size(); i++) {
        Oracle oracle(lines[0], lines[i]);
        for (const json& run : lines[i].at("runs")) {
            std::vector<std::uint64_t> args;
            for (const json& arg : run.at("args"))
                args.push_back(test::number(arg));
            oracle.run(args);
        }
        registers += oracle.registers;
        slots += oracle.slots;
        facts += oracle.facts;
        for (const std::string& what : oracle.wrong)
            wrong.push_back(fmt::format("line {}: {}", i + 1, what));
    }
    fmt::print("checked {} registers, {} tuple slots, {} facts\n", registers, slots, facts);
    EXPECT_GT(registers, 300'000u);
    EXPECT_GT(slots, 10'000u);
    EXPECT_GT(facts, 20'000u);
    EXPECT_EQ(wrong.size(), 0u);
    for (std::size_t i = 0; i < std::min<std::size_t>(wrong.size(), 20); i++)
        ADD_FAILURE() << wrong[i];
}
