// SPDX-License-Identifier: BSD-2-Clause
// JSON in the shape of FreeBSD's `dtrace --libxo json`.
//
// Follows the section "STRUCTURED OUTPUT" of FreeBSD 15's dtrace(1) and dt_print.c's use of libxo:
// the names of fields are libxo's. A firing is written when it is complete, so the document is
// valid up to a closing "]}}" at every moment. docs/output.md is the reference for users. Covered
// by tests/engine/consumer/cases/*.json and *.jsonl.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "engine/consumer/dump.hpp"
#include "engine/consumer/numbers.hpp"
#include "engine/consumer/printer.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

using Json = nlohmann::ordered_json;

namespace {

/// The data of trace() and of keys: a number, or a string, or bytes as "0x...".
Json scalar(const RecordInfo& record, Bytes data) {
    switch (data.size()) {
    case 0: return 0; // printf() without arguments has an empty record: libdtrace shows it as 0
    case 1: return load<std::uint8_t>(data);
    case 2: return load<std::uint16_t>(data);
    case 4: return load<std::int32_t>(data);
    case 8: return load<std::int64_t>(data);
    default: break;
    }
    if (record.type.kind == DIFJIT_TYPE_STRING)
        return std::string(text(data));
    if (auto looks = looks_like_text(data))
        return std::string(looks->text);
    return hex(data);
}

void add_symbol(Json& object, const Symbol& symbol, const char* module_field) {
    if (!symbol.module.empty())
        object[module_field] = symbol.module;
    if (!symbol.name.empty())
        object["name"] = symbol.name;
}

Result<Json> stack_object(const RecordInfo& record, Bytes data, const Symbols& symbols) {
    auto frames = stack_frames(record, data, symbols);
    if (!frames)
        return std::unexpected(frames.error());
    Json list = Json::array();
    for (const StackFrame& frame : *frames) {
        Json object{{"symbol", frame.symbol.text}};
        add_symbol(object, frame.symbol, "module");
        if (!frame.symbol.offset.empty())
            object["offset"] = frame.symbol.offset;
        if (!frame.annotation.empty())
            object["annotation"] = frame.annotation;
        list.push_back(std::move(object));
    }
    bool user = is_user_stack(static_cast<ActionKind>(record.kind));
    return Json{{user ? "ustack-frames" : "stack-frames", std::move(list)}};
}

Json symbol_object(ActionKind kind, Bytes data, const Symbols& symbols) {
    Json object{{name(kind), symbol_text(kind, data, symbols)}};
    if (kind != ActionKind::SYM)
        return object;
    Symbol symbol = symbol_of(kind, data, symbols);
    add_symbol(object, symbol, "object");
    if (symbol.name.empty())
        object["offset"] = symbol.offset;
    return object;
}

/// One part of a key, as its own action would show it.
Result<Json> key_object(const RecordInfo& record, Bytes data, const Symbols& symbols) {
    auto kind = static_cast<ActionKind>(record.kind);
    if (is_stack(kind))
        return stack_object(record, data, symbols);
    if (is_symbol(kind))
        return symbol_object(kind, data, symbols);
    return Json{{"value", scalar(record, data)}};
}

Result<Json> buckets(const Aggregate& aggregate) {
    auto rows = shown_buckets(aggregate.kind(), aggregate.value());
    if (!rows)
        return std::unexpected(rows.error());
    Json list = Json::array();
    for (const Bucket& row : *rows) {
        Json object{{"value", row.value}};
        if (row.bound != Bound::at)
            object["operator"] = row.bound == Bound::below ? "<" : ">=";
        object["count"] = normalized(row.count, aggregate.normal);
        list.push_back(std::move(object));
    }
    return list;
}

Result<void> add_value(Json& object, const Aggregate& aggregate) {
    Bytes value = aggregate.value();
    switch (aggregate.kind()) {
    case ActionKind::QUANTIZE:
    case ActionKind::LQUANTIZE:
    case ActionKind::LLQUANTIZE: {
        auto list = buckets(aggregate);
        if (!list)
            return std::unexpected(list.error());
        object["buckets"] = std::move(*list);
        break;
    }
    case ActionKind::AVG: object["avg"] = average(value, aggregate.normal); break;
    case ActionKind::STDDEV: object["stddev"] = standard_deviation(value, aggregate.normal); break;
    default:
        object[name(aggregate.kind())] = normalized(load<std::int64_t>(value), aggregate.normal);
        break;
    }
    return {};
}

class JsonPrinter final : public Printer {
  public:
    JsonPrinter(const Shared& shared, bool lines) : shared_(shared), lines_(lines) {}

    void begin() override {
        if (!lines_)
            shared_.output.frame("{\"dtrace\":{\"probes\":[");
    }

    void end() override {
        if (!lines_)
            shared_.output.frame("\n]}}\n");
    }

    void firing(const Firing& firing) override {
        const ProbeInfo& probe = firing.ecb->probe;
        open_ = Json{{"timestamp", firing.timestamp},
                     {"cpu", firing.cpu},
                     {"id", probe.id},
                     {"provider", probe.provider},
                     {"module", probe.module},
                     {"function", probe.function},
                     {"name", probe.name},
                     {"output", Json::array()}};
        last_timestamp_ = firing.timestamp;
    }

    void firing_done() override {
        write(open_);
        open_ = Json();
    }

    Result<void> trace(const Datum& datum) override {
        if (!datum.data.empty())
            add({{"value", scalar(datum.record, datum.data)}});
        return {};
    }

    Result<void> tracemem(Bytes data) override {
        add({{"tracemem", hex(data)}});
        return {};
    }

    Result<void> printm(Bytes data) override {
        add({{"printm", hex(data)}});
        return {};
    }

    Result<void> stack(const Datum& datum) override {
        return add_result(stack_object(datum.record, datum.data, shared_.print.symbols));
    }

    Result<void> symbol(const Datum& datum) override {
        add(symbol_object(static_cast<ActionKind>(datum.record.kind), datum.data,
                          shared_.print.symbols));
        return {};
    }

    Result<void> printf(const std::string& text, Arguments used) override {
        add({{"message", text}});
        for (const RecordInfo& record : used.records) {
            auto data = slice(used.data, record.offset, record.size).value_or(Bytes{});
            if (auto done = add_result(key_object(record, data, shared_.print.symbols)); !done)
                return done;
        }
        return {};
    }

    void command(const std::string& text) override { add({{"system", text}}); }

    Result<void> printa(const Format* format, const std::vector<std::uint32_t>& varids) override {
        auto rows = rows_of(varids);
        if (format != nullptr) {
            std::string message;
            for (const auto& row : rows) {
                auto text = formatted_row(shared_, *format, row);
                if (!text)
                    return std::unexpected(text.error());
                message += *text;
            }
            add({{"message", message}});
        }
        for (std::size_t i = 0; i < varids.size(); i++)
            if (auto done = add_aggregation(rows, i, varids[i]); !done)
                return done;
        for (const auto& row : rows)
            for (const Aggregate* value : row.values)
                shared_.aggregates.mark_printed(value->info);
        return {};
    }

    /// They belong to no firing: they are the output of a pseudo-probe.
    Result<void> remaining_aggregations() override {
        std::vector<std::pair<std::uint32_t, std::vector<Aggregates::Joined>>> variables;
        for (const Aggregate* aggregate : shared_.aggregates.sorted(settings())) {
            if (shared_.aggregates.printed(aggregate->info))
                continue;
            if (variables.empty() || variables.back().first != aggregate->varid)
                variables.push_back({aggregate->varid, {}});
            variables.back().second.push_back({aggregate, {aggregate}});
        }
        if (variables.empty())
            return {};
        open_ = pseudo_probe("END", -1);
        open_["timestamp"] = last_timestamp_;
        open_["output"] = Json::array();
        Result<void> done;
        for (const auto& [varid, rows] : variables)
            if (done = add_aggregation(rows, 0, varid); !done)
                break;
        firing_done();
        return done;
    }

    void drop(const Drop& drop) override {
        Json object = pseudo_probe("DROP", drop.cpu);
        object["timestamp"] = drop.timestamp != 0 ? drop.timestamp : last_timestamp_;
        object["count"] = drop.count;
        object["total"] = drop.total;
        object["kind"] = drop.kind;
        object["message"] = drop.message;
        object["msg"] = drop.message + "\n"; // as FreeBSD's dtrace(1) names it
        write(object);
    }

  private:
    [[nodiscard]] const Settings& settings() const { return shared_.print.settings; }

    static Json pseudo_probe(const char* name, std::int64_t cpu) {
        return Json{{"cpu", cpu},
                    {"id", -1},
                    {"provider", "dtrace"},
                    {"module", "INTERNAL"},
                    {"function", "INTERNAL"},
                    {"name", name}};
    }

    void write(const Json& object) {
        // Bytes that are no UTF-8 become U+FFFD, so that every parser takes the document.
        std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
        if (lines_)
            shared_.output.frame(text + "\n");
        else
            shared_.output.frame((first_ ? "\n" : ",\n") + text);
        first_ = false;
    }

    void add(Json object) { open_["output"].push_back(std::move(object)); }

    Result<void> add_result(Result<Json> object) {
        if (!object)
            return std::unexpected(object.error());
        add(std::move(*object));
        return {};
    }

    std::vector<Aggregates::Joined> rows_of(const std::vector<std::uint32_t>& varids) {
        if (varids.size() > 1)
            return shared_.aggregates.joined(shared_.session, varids, settings());
        std::vector<Aggregates::Joined> rows;
        for (const Aggregate* aggregate : shared_.aggregates.sorted(settings()))
            if (aggregate->varid == varids.front())
                rows.push_back({aggregate, {aggregate}});
        return rows;
    }

    /// The i-th value of all rows: {"aggregation-data":[...],"aggregation-name":"@1"}.
    Result<void> add_aggregation(const std::vector<Aggregates::Joined>& rows, std::size_t i,
                                 std::uint32_t varid) {
        Json list = Json::array();
        for (const auto& row : rows) {
            Json keys = Json::array();
            const auto& records = row.key->info->records;
            for (std::size_t part = 1; part + 1 < records.size(); part++) {
                auto data = slice(row.key->data, records[part].offset, records[part].size);
                auto key = key_object(records[part], data.value_or(Bytes{}), shared_.print.symbols);
                if (!key)
                    return std::unexpected(key.error());
                keys.push_back(std::move(*key));
            }
            Json object{{"keys", std::move(keys)}};
            if (auto done = add_value(object, *row.values[i]); !done)
                return done;
            list.push_back(std::move(object));
        }
        add({{"aggregation-data", std::move(list)},
             {"aggregation-name", fmt::format("@{}", varid)}});
        return {};
    }

    Shared shared_;
    bool lines_, first_ = true;
    Json open_;
    std::uint64_t last_timestamp_ = 0;
};

} // namespace

std::unique_ptr<Printer> make_json_printer(const Shared& shared, bool lines) {
    return std::make_unique<JsonPrinter>(shared, lines);
}

} // namespace difjit::consumer
