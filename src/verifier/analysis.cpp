// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/analysis.hpp"

#include "dif/instruction.hpp"

namespace difjit::verifier {

namespace {

/// States beside the one that each waiting target is sure of.
constexpr std::uint32_t spare_states = 32;

bool is_branch_at(const difjit_difo& difo, std::uint32_t pc) {
    const Instruction in{difo.text[pc]};
    return is_opcode(in.opcode()) && is_branch(in.op());
}

std::uint32_t count_branches(const difjit_difo& difo) {
    std::uint32_t n = 0;
    for (std::uint32_t pc = 0; pc < difo.text_len; pc++)
        n += is_branch_at(difo, pc);
    return n;
}

class Analysis {
  public:
    Analysis(const difjit_difo& difo, const Assumptions& assumptions,
             std::span<std::byte> workspace, std::span<Fact> facts, Watcher* watcher)
        : difo_(difo), assumptions_(assumptions), branches_left_(count_branches(difo)),
          facts_(facts), watcher_(watcher), pool_(workspace.data(), branches_left_ + spare_states),
          waiting_(reinterpret_cast<Paths*>(workspace.data() + states_bytes(branches_left_))),
          waits_(reinterpret_cast<std::uint32_t*>(waiting_ + branches_left_)) {}

    static std::size_t states_bytes(std::uint32_t branches) {
        return (branches + spare_states) * sizeof(State);
    }
    static std::size_t bytes(const difjit_difo& difo, std::uint32_t branches) {
        return states_bytes(branches) + branches * sizeof(Paths) +
               difo.text_len * sizeof(std::uint32_t);
    }

    std::size_t run();

  private:
    const difjit_difo& difo_;
    const Assumptions& assumptions_;
    std::uint32_t branches_left_; ///< behind this point: each may need a state that waits
    std::span<Fact> facts_;
    std::size_t fact_count_ = 0;
    Watcher* watcher_;
    StatePool pool_;
    Paths* waiting_; ///< for each target that has been branched to; as many as branches can be
    std::uint32_t waiting_count_ = 0;
    std::uint32_t* waits_; ///< for each instruction: 1 + its index in waiting_, or 0
    Paths now_;

    [[nodiscard]] std::uint32_t reserve() const { return branches_left_ + 1; }
    void arrive(std::uint32_t pc);
    void advance(std::uint32_t pc);
    void branch(std::uint32_t pc);
    Paths& waiting_at(std::uint32_t target);

    void fact(std::uint32_t pc, FactKind kind, std::uint64_t a = 0, std::uint64_t b = 0,
              std::uint8_t reg = 0, Region region = Region::number);
    void prove_depth(std::uint32_t pc);
    void prove(std::uint32_t pc, const Proof& proof);
    void prove_result(std::uint32_t pc, std::uint8_t reg);
};

Paths& Analysis::waiting_at(std::uint32_t target) {
    if (waits_[target] == 0) {
        waiting_[waiting_count_].count = 0;
        waits_[target] = ++waiting_count_;
    }
    return waiting_[waits_[target] - 1];
}

void Analysis::arrive(std::uint32_t pc) {
    if (waits_[pc] != 0)
        now_.add(waiting_[waits_[pc] - 1], pool_, reserve());
}

void Analysis::fact(std::uint32_t pc, FactKind kind, std::uint64_t a, std::uint64_t b,
                    std::uint8_t reg, Region region) {
    if (fact_count_ < facts_.size())
        facts_[fact_count_++] = Fact{pc, kind, reg, region, 0, a, b};
}

void Analysis::prove_depth(std::uint32_t pc) {
    const OpcodeRow& row = opcode_row(Instruction{difo_.text[pc]}.op());
    if ((row.effects & (column::READS_TUPLE | column::PUSHES)) == 0)
        return;
    const State& first = *now_.states[0];
    for (std::uint32_t i = 0; i < now_.count; i++)
        if (now_.states[i]->depth_min != first.depth_min ||
            now_.states[i]->depth_max != first.depth_min)
            return;
    fact(pc, FactKind::TUPLE_DEPTH, first.depth_min);
}

/// What rd holds behind the instruction, on the paths that go on.
void Analysis::prove_result(std::uint32_t pc, std::uint8_t reg) {
    const Value* v = &now_.states[0]->at(reg);
    std::uint64_t string = string_bound(*v, difo_);
    Value joined;
    if (now_.count > 1) {
        joined = *v;
        for (std::uint32_t i = 1; i < now_.count; i++) {
            const Value& other = now_.states[i]->at(reg);
            const std::uint64_t bound = string == 0 ? 0 : string_bound(other, difo_);
            string = bound == 0 || bound > string ? bound : string;
            join_into(joined, other);
        }
        v = &joined;
    }
    if (v->is_constant())
        return fact(pc, FactKind::RESULT_IS, v->number.umin, 0, reg);
    if (!v->may_be_zero())
        fact(pc, FactKind::NOT_NULL, 0, 0, reg);
    if (string != 0)
        fact(pc, FactKind::STRING_AT_MOST, string - 1, 0, reg);
    if (v->is_pointer())
        return;
    const Number& n = v->number;
    if (n.smin != INT64_MIN || n.smax != INT64_MAX)
        fact(pc, FactKind::RESULT_SIGNED, static_cast<std::uint64_t>(n.smin),
             static_cast<std::uint64_t>(n.smax), reg);
    if (n.smin < 0 && (n.umin != 0 || n.umax != UINT64_MAX)) // else the signed bounds say the same
        fact(pc, FactKind::RESULT_UNSIGNED, n.umin, n.umax, reg);
}

void Analysis::prove(std::uint32_t pc, const Proof& proof) {
    const Instruction in{difo_.text[pc]};
    const OpcodeRow& row = opcode_row(in.op());
    if (proof.flags != 0) {
        if ((proof.flags & Proof::divisor_not_zero) != 0)
            fact(pc, FactKind::DIVISOR_NOT_0);
        if ((proof.flags & Proof::divide_no_wrap) != 0)
            fact(pc, FactKind::DIVIDE_NO_WRAP);
        if ((proof.flags & Proof::shift_below_64) != 0)
            fact(pc, FactKind::SHIFT_BELOW_64);
        const Extent& e = proof.extent;
        if ((proof.flags & Proof::load_inside) != 0)
            fact(pc, FactKind::LOAD_INSIDE, e.first, e.end, 0, e.region);
        if ((proof.flags & Proof::store_inside) != 0)
            fact(pc, FactKind::STORE_INSIDE, e.first, e.end, 0, e.region);
    }
    if ((row.writes & column::RD) != 0 && (in.rd() & 7) != 0 && now_.count != 0)
        prove_result(pc, static_cast<std::uint8_t>(in.rd() & 7));
}

void Analysis::advance(std::uint32_t pc) {
    Proof all;
    std::uint32_t i = step(*now_.states[0], difo_, assumptions_, pc, all) ? 1 : 0;
    if (i == 0)
        now_.drop(0, pool_);
    while (i < now_.count) {
        Proof one;
        const bool goes_on = step(*now_.states[i], difo_, assumptions_, pc, one);
        meet_proof(all, one);
        if (goes_on)
            i++;
        else
            now_.drop(i, pool_);
    }
    prove(pc, all);
    if (now_.count > 1)
        now_.fold(pool_);
}

void Analysis::branch(std::uint32_t pc) {
    const Instruction in{difo_.text[pc]};
    branches_left_--;
    Paths& there = waiting_at(in.label());
    if (in.op() == Op::BA)
        return there.add(now_, pool_, reserve());
    const auto op = static_cast<std::uint8_t>(in.op());
    bool taken = false, falls = false;
    for (std::uint32_t i = 0; i < now_.count;) {
        // The pool always has this one: reserve() keeps it and one for each branch behind.
        State* jumping = pool_.take();
        jumping->assign(*now_.states[i]);
        if (assume_branch(*jumping, op, true)) {
            taken = true;
            there.add(jumping, pool_, reserve());
        } else {
            pool_.give(jumping);
        }
        if (assume_branch(*now_.states[i], op, false)) {
            falls = true;
            i++;
        } else {
            now_.drop(i, pool_);
        }
    }
    if (taken != falls)
        fact(pc, taken ? FactKind::BRANCH_ALWAYS : FactKind::BRANCH_NEVER);
}

std::size_t Analysis::run() {
    __builtin_memset(waits_, 0, difo_.text_len * sizeof *waits_);
    State* entry = pool_.take();
    entry->reset();
    now_.add(entry, pool_, reserve());
    for (std::uint32_t pc = 0; pc < difo_.text_len; pc++) {
        arrive(pc);
        const bool branches = is_branch_at(difo_, pc);
        if (now_.count == 0) {
            branches_left_ -= branches;
            fact(pc, FactKind::UNREACHABLE);
            continue;
        }
        if (watcher_ != nullptr)
            watcher_->before(pc, now_);
        prove_depth(pc);
        if (branches)
            branch(pc);
        else
            advance(pc);
    }
    return fact_count_;
}

} // namespace

std::span<const Fact> facts_of(std::span<const Fact> facts, std::uint32_t pc) {
    std::size_t low = 0, high = facts.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (facts[middle].pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    while (high < facts.size() && facts[high].pc == pc)
        high++;
    return facts.subspan(low, high - low);
}

std::size_t analysis_workspace(const difjit_difo& difo) {
    return Analysis::bytes(difo, count_branches(difo));
}

std::size_t analyse(const difjit_difo& difo, const Assumptions& assumptions,
                    std::span<std::byte> workspace, std::span<Fact> facts, Watcher* watcher) {
    if (workspace.size() < analysis_workspace(difo) || difo.text_len == 0)
        return 0;
    return Analysis(difo, assumptions, workspace, facts, watcher).run();
}

} // namespace difjit::verifier
