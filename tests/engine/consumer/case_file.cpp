// SPDX-License-Identifier: BSD-2-Clause
// Cases as JSON; see case_file.hpp and cases/README.md.
#include "engine/consumer/case_file.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

#include "dif/actions.hpp"
#include "engine/aggregation.hpp"
#include "engine/engine.hpp"

namespace difjit::test {

using Json = nlohmann::json;
using Data = std::vector<std::byte>;

static ActionKind kind_of(const std::string& text) {
    static const std::map<std::string, ActionKind> kinds = {
#define DTRACE_ACTION(name, number, ...) {#name, ActionKind::name},
#include "dif/actions.def"
    };
    return kinds.at(text);
}

static LibAction library_action(const std::string& text) {
    static const std::map<std::string, LibAction> actions = {
#define DTRACE_LIBACT(name, index, ...) {#name, LibAction::name},
#include "dif/actions.def"
    };
    return actions.at(text);
}

static std::uint64_t integer(const Json& json) {
    if (json.is_string())
        return std::stoull(json.get<std::string>(), nullptr, 0);
    return json.is_number_unsigned() ? json.get<std::uint64_t>()
                                     : static_cast<std::uint64_t>(json.get<std::int64_t>());
}

/// "5 syscall::write:entry"
static ProbeInfo probe(const std::string& text) {
    ProbeInfo info;
    std::size_t at = text.find(' ');
    info.id = static_cast<std::uint32_t>(std::stoul(text.substr(0, at)));
    std::string* parts[] = {&info.provider, &info.module, &info.function, &info.name};
    for (std::string* part : parts) {
        std::size_t end = text.find(':', ++at);
        *part = text.substr(at, end - at);
        at = end;
    }
    return info;
}

static RecordInfo record(const Json& json) {
    RecordInfo info;
    ActionKind kind = kind_of(json.at("kind"));
    info.kind = static_cast<std::uint32_t>(kind);
    info.arg = json.contains("arg") ? integer(json["arg"]) : 0;
    if (json.contains("library"))
        info.arg = libact_argument(Dialect::freebsd, library_action(json["library"]));
    if (json.contains("lquantize")) { // [base, step, levels]
        auto a = json["lquantize"].get<std::vector<std::int64_t>>();
        info.arg = static_cast<std::uint64_t>(a[1]) << 48 | static_cast<std::uint64_t>(a[2]) << 32 |
                   static_cast<std::uint32_t>(a[0]);
    }
    if (json.contains("llquantize")) { // [factor, low, high, steps]
        auto a = json["llquantize"].get<std::vector<std::uint64_t>>();
        info.arg = a[0] << 48 | a[1] << 32 | a[2] << 16 | a[3];
    }
    std::uint32_t size = is_aggregation(kind) ? engine::aggregation_value_size(kind, info.arg) : 8;
    info.size = json.value("size", size);
    info.uarg = json.value("uarg", 0);
    if (json.contains("format"))
        info.format = json["format"].get<std::string>();
    if (json.value("string", false))
        info.type.kind = DIFJIT_TYPE_STRING;
    return info;
}

/// Lays records out one behind the other; says how long all of them are.
static std::uint32_t lay_out(std::vector<RecordInfo>& records, std::uint32_t offset) {
    for (RecordInfo& info : records) {
        std::uint32_t alignment = info.size % 8 == 0 ? 8 : info.size % 4 == 0 ? 4 : 1;
        offset = (offset + alignment - 1) / alignment * alignment;
        info.offset = offset;
        info.alignment = static_cast<std::uint16_t>(alignment);
        offset += info.size;
    }
    return (offset + 7) / 8 * 8;
}

static void put(Data& data, std::size_t offset, const void* from, std::size_t size) {
    if (data.size() < offset + size)
        data.resize(offset + size);
    if (size != 0)
        std::memcpy(data.data() + offset, from, size);
}

static Data hex(const std::string& digits) {
    Data data;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        data.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
    return data;
}

/// Applies the engine's own function: {"apply": [[value, times], ...]}.
static void apply(Data& data, const RecordInfo& info, const Json& json) {
    auto kind = static_cast<ActionKind>(info.kind);
    std::vector<std::uint64_t> words(info.size / 8);
    words[0] = engine::aggregation_initial(kind, info.arg);
    bool histogram = kind == ActionKind::QUANTIZE || kind == ActionKind::LQUANTIZE ||
                     kind == ActionKind::LLQUANTIZE;
    for (const Json& pair : json) {
        std::int64_t times = pair.size() > 1 ? pair[1].get<std::int64_t>() : 1;
        for (std::int64_t i = 0; i < (histogram ? 1 : times); i++)
            engine::aggregation_apply(kind, words.data(), integer(pair[0]),
                                      histogram ? static_cast<std::uint64_t>(times) : 1);
    }
    put(data, info.offset, words.data(), info.size);
}

/// One value as the bytes of its record.
static void value(Data& data, const RecordInfo& info, const Json& json) {
    put(data, info.offset, Data(info.size).data(), info.size);
    Data bytes;
    if (json.is_object() && json.contains("apply"))
        return apply(data, info, json["apply"]);
    if (json.is_object() && json.contains("hex")) {
        bytes = hex(json["hex"]);
    } else if (json.is_object() && json.contains("float")) {
        double number = json["float"];
        auto single = static_cast<float>(number);
        auto extended = static_cast<long double>(number);
        put(bytes, 0,
            info.size == 4   ? static_cast<void*>(&single)
            : info.size == 8 ? static_cast<void*>(&number)
                             : &extended,
            info.size);
    } else if (json.is_string() && !json.get<std::string>().starts_with("0x")) {
        auto text = json.get<std::string>();
        put(bytes, 0, text.data(), text.size());
    } else if (json.is_array()) { // words
        for (const Json& word : json) {
            std::uint64_t number = integer(word);
            put(bytes, bytes.size(), &number, sizeof number);
        }
    } else {
        std::uint64_t number = integer(json);
        put(bytes, 0, &number, sizeof number);
    }
    put(data, info.offset, bytes.data(), std::min<std::size_t>(bytes.size(), info.size));
}

/// [epid, timestamp, [values]], or {"hex": "..."}: raw bytes.
static void add_record(Data& data, const Json& json, const FakeSession& session) {
    std::size_t start = data.size();
    if (json.is_object()) {
        Data raw = hex(json["hex"]);
        put(data, start, raw.data(), raw.size());
        return;
    }
    auto epid = static_cast<std::uint32_t>(integer(json[0]));
    std::uint64_t time = integer(json[1]);
    const EcbInfo& ecb = session.ecbs.at(epid);
    engine::RecordHeader header{epid, static_cast<std::uint32_t>(time >> 32),
                                static_cast<std::uint32_t>(time)};
    Data one(ecb.size);
    put(one, 0, &header, sizeof header);
    for (std::size_t i = 0; i < ecb.records.size(); i++)
        value(one, ecb.records[i], json[2].at(i));
    put(data, start, one.data(), one.size());
}

/// [id, [keys], value], or raw bytes.
static void add_entry(Data& data, const Json& json, const FakeSession& session) {
    std::size_t start = data.size();
    if (json.is_object()) {
        Data raw = hex(json["hex"]);
        put(data, start, raw.data(), raw.size());
        return;
    }
    const AggregationInfo& info = session.aggregation_infos.at(json[0].get<std::uint32_t>());
    Data one(info.size);
    put(one, 0, &info.id, sizeof info.id);
    value(one, info.records[0], info.varid);
    for (std::size_t i = 0; i < json[1].size(); i++)
        value(one, info.records[i + 1], json[1][i]);
    value(one, info.records.back(), json[2]);
    put(data, start, one.data(), one.size());
}

template <class Add>
static std::map<std::uint32_t, BufferSnapshot> snapshots(const Json& json, const char* list,
                                                         FakeSession& session, Add add) {
    std::map<std::uint32_t, BufferSnapshot> result;
    for (const auto& [cpu, what] : json.items()) {
        BufferSnapshot snapshot;
        snapshot.cpu = static_cast<std::uint32_t>(std::stoul(cpu));
        snapshot.drops = what.value("drops", 0);
        snapshot.timestamp = what.value("timestamp", 0);
        for (const Json& entry : what.value(list, Json::array()))
            add(snapshot.data, entry, session);
        // A ring that has wrapped begins in the middle.
        std::size_t oldest = what.value("oldest", 0);
        std::rotate(snapshot.data.begin(),
                    snapshot.data.end() - static_cast<std::ptrdiff_t>(oldest), snapshot.data.end());
        snapshot.oldest = oldest;
        result[snapshot.cpu] = std::move(snapshot);
    }
    return result;
}

static Status status(const Json& json) {
    Status result;
    result.dynamic_drops = json.value("dynamic_drops", 0);
    result.dynamic_rinsing_drops = json.value("dynamic_rinsing_drops", 0);
    result.dynamic_dirty_drops = json.value("dynamic_dirty_drops", 0);
    result.speculation_drops = json.value("speculation_drops", 0);
    result.speculation_busy = json.value("speculation_busy", 0);
    result.speculation_unavailable = json.value("speculation_unavailable", 0);
    return result;
}

static void read_descriptions(FakeSession& session, const Json& json) {
    for (const Json& one : json.value("ecbs", Json::array())) {
        EcbInfo ecb;
        ecb.epid = one.at("epid");
        ecb.probe = probe(one.at("probe"));
        ecb.uarg = one.value("uarg", 0);
        for (const Json& action : one.value("records", Json::array()))
            ecb.records.push_back(record(action));
        ecb.size = lay_out(ecb.records, sizeof(engine::RecordHeader));
        ecb.size = one.value("size", ecb.size);
        session.ecbs[ecb.epid] = std::move(ecb);
    }
    for (const Json& one : json.value("aggregations", Json::array())) {
        AggregationInfo info;
        info.id = one.at("id");
        info.varid = one.at("varid");
        info.records.push_back(record({{"kind", "DIFEXPR"}, {"size", 8}}));
        for (const Json& part : one.at("records"))
            info.records.push_back(record(part));
        info.size = lay_out(info.records, sizeof info.id);
        info.size = one.value("size", info.size);
        session.aggregation_infos[info.id] = std::move(info);
    }
}

CaseFile read_case(const std::filesystem::path& path) {
    std::ifstream stream(path);
    Json json = Json::parse(stream);
    CaseFile result;
    FakeSession& session = result.session;
    session.cpus = json.value("cpus", 1);
    session.options = {{"strsize", 256}, {"bufpolicy", 2}, {"temporal", 1}};
    const Json options = json.value("options", Json::object());
    for (const auto& [name, setting] : options.items()) {
        if (setting.is_null())
            session.options.erase(name);
        else
            session.options[name] = integer(setting);
    }
    result.options.quiet = json.value("quiet", false);
    if (json.contains("encoding"))
        result.options.encoding = json["encoding"] == "utf8" ? Encoding::utf8 : Encoding::ascii;
    const Json symbols = json.value("symbols", Json::object());
    for (const auto& [address, name] : symbols.items())
        result.symbols[std::stoull(address, nullptr, 0)] = name;
    result.formats = json.value("formats", std::vector<std::string>{"text"});
    read_descriptions(session, json);
    for (const Json& one : json.at("rounds")) {
        Round round;
        round.buffers =
            snapshots(one.value("buffers", Json::object()), "records", session, add_record);
        round.aggregations =
            snapshots(one.value("aggregations", Json::object()), "entries", session, add_entry);
        round.status = status(one.value("status", Json::object()));
        session.rounds.push_back(std::move(round));
    }
    return result;
}

} // namespace difjit::test
