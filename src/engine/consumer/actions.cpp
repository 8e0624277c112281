// SPDX-License-Identifier: BSD-2-Clause
// One firing's records, action by action; see actions.hpp.
#include "engine/consumer/actions.hpp"

#include <fmt/format.h>

#include "engine/consumer/drops.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

static ActionKind kind_of(const RecordInfo& record) {
    return static_cast<ActionKind>(record.kind);
}

const RecordInfo& Actions::record(std::size_t index) const {
    return firing_->ecb->records[index];
}

Result<Bytes> Actions::data(std::size_t index) const {
    const RecordInfo& r = record(index);
    auto bytes = slice(firing_->data, r.offset, r.size);
    if (!bytes)
        return fail(fmt::format("enabled probe ID {}, record {}: Data record offset exceeds buffer "
                                "boundary",
                                firing_->ecb->epid, index));
    return *bytes;
}

Result<std::uint64_t> Actions::number(std::size_t index) const {
    auto bytes = data(index);
    if (!bytes)
        return std::unexpected(bytes.error());
    auto value = signed_integer(*bytes);
    if (!value)
        return fail(fmt::format("enabled probe ID {}, record {}: {} bytes are no integer",
                                firing_->ecb->epid, index, bytes->size()));
    return static_cast<std::uint64_t>(*value);
}

Result<std::size_t> Actions::partner(std::size_t index, const char* error) const {
    const auto& records = firing_->ecb->records;
    if (index + 1 >= records.size() || records[index + 1].kind != records[index].kind ||
        records[index + 1].arg != records[index].arg)
        return fail(
            fmt::format("enabled probe ID {}, record {}: {}", firing_->ecb->epid, index, error));
    return index + 1;
}

void Actions::library_error(const std::string& what) {
    errors_++;
    shared_.output.report("dtrace: " + consumer::library_error(*firing_->ecb, what) + "\n");
}

Result<const Format*> Actions::format(const RecordInfo& record) {
    if (!record.format || (!is_printf_like(kind_of(record))))
        return nullptr;
    auto known = formats_.find(*record.format);
    if (known == formats_.end()) {
        auto parsed = parse_format(*record.format);
        if (!parsed)
            return std::unexpected(
                parsed.error().in(fmt::format("enabled probe ID {}", firing_->ecb->epid)));
        known = formats_.emplace(*record.format, std::move(*parsed)).first;
    }
    return &known->second;
}

Result<void> Actions::run(const Firing& firing) {
    firing_ = &firing;
    for (std::size_t index = 0; index < firing.ecb->records.size(); index++)
        if (auto done = one(index); !done)
            return done;
    return {};
}

/// The action at `index`; leaves it on the last record that the action took.
Result<void> Actions::one(std::size_t& index) {
    const RecordInfo& r = record(index);
    ActionKind kind = kind_of(r);
    if (kind == ActionKind::LIBACT)
        return library(index);
    if (kind == ActionKind::EXIT)
        return {};
    auto bytes = data(index);
    if (!bytes)
        return std::unexpected(bytes.error());
    Datum datum{r, *bytes};
    if (kind == ActionKind::TRACEMEM_DYNSIZE && bytes->size() == sizeof tracemem_size_) {
        tracemem_size_ = load<std::uint64_t>(*bytes);
        return {};
    }
    auto parsed = format(r);
    if (!parsed)
        return std::unexpected(parsed.error());
    if (kind == ActionKind::PRINTA)
        return printa(index, *parsed);
    if (*parsed != nullptr)
        return formatted(index, **parsed);
    if (is_stack(kind))
        return printer_.stack(datum);
    if (is_symbol(kind))
        return printer_.symbol(datum);
    if (kind == ActionKind::PRINTM)
        return printm(datum);
    if (kind == ActionKind::TRACEMEM)
        return tracemem(datum);
    // trace(), and print(): without the program's types its value is printed as trace() does.
    return printer_.trace(datum);
}

Result<void> Actions::tracemem(const Datum& datum) {
    std::uint64_t size = tracemem_size_;
    tracemem_size_ = 0;
    if (size == 0 || size > datum.data.size())
        size = datum.data.size();
    return printer_.tracemem(datum.data.first(size));
}

Result<void> Actions::printm(const Datum& datum) {
    auto bytes = slice(datum.data, sizeof(std::uint64_t), load<std::uint64_t>(datum.data));
    if (!bytes)
        return fail(fmt::format("enabled probe ID {}: printm() of more bytes than its record has",
                                firing_->ecb->epid));
    return printer_.printm(*bytes);
}

Result<void> Actions::formatted(std::size_t& index, const Format& format) {
    Arguments arguments{std::span(firing_->ecb->records).subspan(index), firing_->data};
    auto printed = print_format(shared_.print, format, arguments);
    if (!printed)
        return std::unexpected(
            printed.error().in(fmt::format("enabled probe ID {}", firing_->ecb->epid)));
    ActionKind kind = kind_of(record(index));
    if (printed->used > 0)
        index += printed->used - 1;
    if (kind == ActionKind::SYSTEM)
        run_command(std::move(printed->text));
    else if (kind == ActionKind::FREOPEN)
        reopen(format, std::move(printed->text));
    else
        return printer_.printf(printed->text,
                               {arguments.records.first(printed->used), arguments.data});
    return {};
}

/// What dtrace_sprintf leaves of a text: up to a NUL, in strsize bytes with one at the end.
static std::string cut(const std::string& text, std::uint64_t strsize) {
    std::string_view view(text.c_str()); // up to the first NUL
    return std::string(view.substr(0, strsize > 0 ? strsize - 1 : 0));
}

void Actions::run_command(std::string text) {
    text = cut(text, settings_.strsize);
    if (options_.run_command)
        options_.run_command(text);
    else
        printer_.command(text);
}

void Actions::reopen(const Format& format, std::string text) {
    if (options_.format != OutputFormat::text)
        return;                         // a JSON document stays in one place
    if (format.front().prefix == ".") { // freopen(""): the first output again
        shared_.output.restore();
        return;
    }
    text = cut(text, settings_.strsize);
    if (auto opened = shared_.output.redirect(text); !opened)
        library_error(fmt::format("couldn't freopen() \"{}\": {}", text, opened.error().message));
}

Result<void> Actions::printa(std::size_t& index, const Format* format) {
    const auto& records = firing_->ecb->records;
    std::vector<std::uint32_t> varids;
    std::size_t next = index;
    // printa() of several aggregations has a record for each; they have the statement in common.
    for (; next < records.size() && records[next].uarg == records[index].uarg; next++) {
        if (records[next].kind != records[index].kind)
            return fail(fmt::format("enabled probe ID {}, record {}: Unknown aggregating action",
                                    firing_->ecb->epid, next));
        auto varid = number(next);
        if (!varid)
            return std::unexpected(varid.error());
        varids.push_back(static_cast<std::uint32_t>(*varid));
        if (records[index].uarg == 0) { // a program that no D compiler wrote: each for itself
            next++;
            break;
        }
    }
    index = next - 1;
    return printer_.printa(format, varids);
}

Result<void> Actions::library(std::size_t& index) {
    LibAction action = libact_from_argument(options_.dialect, record(index).arg);
    switch (action) {
    case LibAction::FTRUNCATE: shared_.output.truncate(); return {};
    case LibAction::SETOPT: return set_option(index);
    case LibAction::CLEAR:
    case LibAction::DENORMALIZE:
    case LibAction::NORMALIZE:
    case LibAction::TRUNC: break;
    default: return {};
    }
    auto varid = number(index);
    if (!varid)
        return std::unexpected(varid.error());
    auto id = static_cast<std::uint32_t>(*varid);
    Aggregates& aggregates = shared_.aggregates;
    if (action == LibAction::CLEAR || action == LibAction::DENORMALIZE) {
        if (action == LibAction::CLEAR)
            aggregates.clear(id);
        else
            aggregates.normalize(id, 1);
        return {};
    }
    bool trunc = action == LibAction::TRUNC;
    auto second = partner(index, trunc ? "Invalid truncation" : "Invalid normalization");
    if (!second)
        return std::unexpected(second.error());
    auto value = number(*second);
    if (!value)
        return std::unexpected(value.error());
    index = *second;
    if (trunc) {
        aggregates.truncate(id, static_cast<std::int64_t>(*value));
        return {};
    }
    // A normal has no sign, however few bytes it has.
    std::uint64_t normal = *unsigned_integer(*data(index));
    aggregates.normalize(id, normal == 0 ? 1 : normal);
    return {};
}

Result<void> Actions::set_option(std::size_t& index) {
    auto second = partner(index, "Invalid setopt() library action");
    if (!second)
        return std::unexpected(second.error());
    auto name = data(index), value = data(*second);
    if (!name || !value)
        return std::unexpected(name ? value.error() : name.error());
    index = *second;
    std::string option(text(*name));
    std::string setting(value->size() > sizeof(std::uint64_t) ? text(*value) : "1");
    auto done = shared_.session.set_option(option, setting);
    if (!done)
        library_error(fmt::format("couldn't set option \"{}\" to \"{}\": {}\n", option, setting,
                                  done.error().message));
    settings_ = Settings::read(shared_.session, options_);
    return {};
}

} // namespace difjit::consumer
