// SPDX-License-Identifier: BSD-2-Clause
// From ECB descriptions to ECBs.

#include "engine/enabling.hpp"

#include <fmt/format.h>

#include "dif/actions.hpp"
#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"

namespace difjit::engine {
namespace {

const difjit_difo* difo_at(std::span<const difjit_difo> difos, std::int32_t index) {
    return index == no_difo ? nullptr : &difos[static_cast<std::size_t>(index)];
}

/// dtdo_destructive: does the text call copyout or copyoutstr?
bool is_destructive_difo(const difjit_difo& difo) {
    for (std::uint32_t pc = 0; pc < difo.text_len; ++pc) {
        const Instruction i{difo.text[pc]};
        if (i.opcode() != static_cast<std::uint32_t>(Op::CALL))
            continue;
        const Subr subr = subr_from_number(static_cast<Dialect>(difo.dialect), i.subr_number());
        if (subr == Subr::COPYOUT || subr == Subr::COPYOUTSTR)
            return true;
    }
    return false;
}

} // namespace

Enabling::Enabling(EcbDescription description, std::span<const difjit_difo> difos,
                   std::uint32_t index)
    : description_(std::move(description)), index_(index), actions_(description_.actions.size()),
      segments_(description_.actions.size()) {
    std::size_t aggregations = 0;
    for (std::size_t i = 0; i < actions_.size(); ++i) {
        const ActionDescription& from = description_.actions[i];
        Action& a = actions_[i];
        a.kind = from.kind;
        a.arg = from.arg;
        a.difo = difo_at(difos, from.difo);
        a.ntuple = from.ntuple;
        a.has_format = from.format.has_value();
        args_.push_back(from.arg);
        if (is_aggregation(static_cast<ActionKind>(a.kind)))
            ++aggregations;
    }
    aggregations_.resize(aggregations);
    aggregations = 0;
    for (Action& a : actions_)
        if (is_aggregation(static_cast<ActionKind>(a.kind)))
            a.aggregation = &aggregations_[aggregations++];
    prototype_.predicate = difo_at(difos, description_.predicate);
    prototype_.actions = actions_.data();
    prototype_.nactions = static_cast<std::uint32_t>(actions_.size());
    prototype_.index = index;
    prototype_.uarg = description_.uarg;
}

Result<void> Enabling::lay_out(const LayoutOptions& options, std::uint32_t& next_aggregation) {
    for (std::size_t i = 0; i < actions_.size(); ++i)
        actions_[i].arg = args_[i];
    std::uint32_t bad = 0;
    if (const char* wrong = layout_ecb(prototype_, options, segments_.data(), bad)) {
        const char* const kind = name(static_cast<ActionKind>(actions_[bad].kind));
        return fail(fmt::format("ECB {}: action {} ({}): {}", index_, bad,
                                kind != nullptr ? kind : "unknown kind", wrong));
    }
    for (Aggregation& agg : aggregations_)
        agg.id = next_aggregation++;
    return {};
}

Ecb& Enabling::create(Consumer& consumer, Probe& probe, std::uint32_t epid) {
    Ecb& ecb = ecbs_.emplace_back(prototype_);
    ecb.epid = epid;
    ecb.probe = &probe;
    ecb.consumer = &consumer;
    return ecb;
}

bool Enabling::speculates() const {
    for (const Action& a : actions_)
        if (a.kind == static_cast<std::uint32_t>(ActionKind::SPECULATE))
            return true;
    return false;
}

bool Enabling::destructive() const {
    for (const Action& a : actions_) {
        const auto kind = static_cast<ActionKind>(a.kind);
        if (is_destructive(kind))
            return true;
        if (kind == ActionKind::DIFEXPR && a.difo != nullptr && is_destructive_difo(*a.difo))
            return true;
    }
    return false;
}

RecordInfo Enabling::record_info(std::uint32_t action, std::uint32_t base) const {
    const Action& a = actions_[action];
    const ActionDescription& from = description_.actions[action];
    RecordInfo info;
    info.kind = a.kind;
    info.size = a.record.size;
    info.offset = a.record.offset - base;
    info.alignment = a.record.alignment;
    info.arg = a.arg;
    info.uarg = from.uarg;
    info.format = from.format;
    if (a.difo != nullptr)
        info.type = a.difo->rtype;
    info.in_tuple = a.in_tuple;
    return info;
}

EcbInfo Enabling::ecb_info(std::uint32_t epid, const ProbeInfo& probe) const {
    EcbInfo info;
    info.epid = epid;
    info.probe = probe;
    info.size = prototype_.size;
    info.uarg = prototype_.uarg;
    for (std::uint32_t i = 0; i < actions_.size(); ++i)
        if (actions_[i].store != Store::aggregation && !actions_[i].in_tuple)
            info.records.push_back(record_info(i, 0));
    return info;
}

std::vector<AggregationInfo> Enabling::aggregation_infos(std::uint32_t epid) const {
    std::vector<AggregationInfo> infos;
    for (const Aggregation& agg : aggregations_) {
        AggregationInfo info;
        info.id = agg.id;
        info.epid = epid;
        info.size = agg.key_size + agg.value_size;
        for (std::uint32_t i = agg.first; i <= agg.index; ++i)
            if (actions_[i].record.size != 0) // an increment has no record
                info.records.push_back(record_info(i, agg.base));
        // The first key is the variable's id, a constant: setx 1, %r1; ret %r1.
        const difjit_difo* const id = actions_[agg.first].difo;
        if (id != nullptr && id->text_len != 0) {
            const Instruction first{id->text[0]};
            if (first.opcode() == static_cast<std::uint32_t>(Op::SETX) &&
                first.integer_index() < id->int_len)
                info.varid = static_cast<std::uint32_t>(id->ints[first.integer_index()]);
        }
        infos.push_back(std::move(info));
    }
    return infos;
}

Program error_program() {
    Program program;
    program.name = "dtrace:::ERROR";
    EcbDescription ecb;
    ecb.probe = {"dtrace", "", "", "ERROR", 0};
    ecb.uarg = error_program_uarg;
    for (std::uint32_t n = 1; n <= 5; ++n) {
        Difo difo; // setx n, %r1; ldga args, %r1, %r1; ret %r1
        difo.ints = {n};
        difo.text = {Instruction::indexed(Op::SETX, 0, 1).word,
                     Instruction::make(Op::LDGA, 0, 1, 1).word,
                     Instruction::make(Op::RET, 0, 0, 1).word};
        difo.rtype.ckind = 1;
        difo.rtype.size = 8;
        ActionDescription action;
        action.kind = static_cast<std::uint32_t>(ActionKind::DIFEXPR);
        action.difo = static_cast<std::int32_t>(program.difos.size());
        program.difos.push_back(std::move(difo));
        ecb.actions.push_back(std::move(action));
    }
    program.ecbs.push_back(std::move(ecb));
    return program;
}

} // namespace difjit::engine
