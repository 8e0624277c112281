// SPDX-License-Identifier: BSD-2-Clause
// Random descriptions and random bytes: no crash, no hang, JSON stays JSON. What the words of a
// buffer mean is up to whoever filled it, so nothing is asserted about the text.
#include <cstring>
#include <filesystem>
#include <random>

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dif/actions.hpp"
#include "engine/consumer/fake_session.hpp"

#include <difjit/consumer.hpp>

namespace difjit::test {

namespace {

class Hostile {
  public:
    explicit Hostile(std::uint32_t seed) : random_(seed) {}

    FakeSession session() {
        FakeSession session;
        session.cpus = 2;
        session.options = {{"strsize", below(300)}, {"bufpolicy", below(3)}};
        for (const char* option :
             {"temporal", "flowindent", "rawbytes", "agghist", "aggpack", "aggzoom", "aggsortkey",
              "aggsortrev", "aggsortpos", "aggsortkeypos", "stackindent", "quiet"})
            if (below(4) == 0)
                session.options[option] = below(3) == 0 ? random_() : below(3);
        for (std::uint32_t epid = 1; epid < 8; epid++)
            session.ecbs[epid] = ecb(epid);
        for (std::uint32_t id = 1; id < 5; id++)
            session.aggregation_infos[id] = aggregation(id);
        session.rounds.resize(3);
        for (Round& round : session.rounds)
            for (std::uint32_t cpu = 0; cpu < 2; cpu++) {
                round.buffers[cpu] = snapshot(8);
                round.aggregations[cpu] = snapshot(5);
            }
        return session;
    }

  private:
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    RecordInfo record() {
        static constexpr std::uint32_t sizes[] = {0, 1, 2, 3, 4, 8, 16, 24, 32, 40, 1016};
        static const char* formats[] = {"%d", "%s %S", "%k",     "%*.*d", "%Y",  "%c%C", "%@d %@x",
                                        "%%", "%a %A", "%f %Lf", "%",     "%ws", "",     "%-*k"};
        RecordInfo info;
        std::size_t row = below(std::size(action_rows));
        info.kind = static_cast<std::uint32_t>(action_rows[row].kind);
        info.size = sizes[below(std::size(sizes))];
        info.offset = static_cast<std::uint32_t>(below(20) == 0 ? random_() : 12 + below(40));
        info.arg = below(3) == 0 ? random_() : below(6) + (below(2) == 0 ? 54 + 15 : 0);
        info.uarg = below(2);
        if (below(2) == 0)
            info.format = formats[below(std::size(formats))];
        return info;
    }

    EcbInfo ecb(std::uint32_t epid) {
        EcbInfo info;
        info.epid = epid;
        info.size = static_cast<std::uint32_t>(below(10) == 0 ? random_() : 12 + below(80));
        info.uarg = below(8) == 0 ? 1 : 0;
        info.probe = {epid, "dtrace", "", "f", below(2) == 0 ? "ERROR" : "x-entry"};
        for (std::uint64_t i = below(6); i > 0; i--)
            info.records.push_back(record());
        return info;
    }

    AggregationInfo aggregation(std::uint32_t id) {
        static constexpr struct {
            ActionKind kind;
            std::uint32_t size;
        } functions[] = {{ActionKind::COUNT, 8},      {ActionKind::AVG, 16},
                         {ActionKind::STDDEV, 32},    {ActionKind::QUANTIZE, 1016},
                         {ActionKind::LQUANTIZE, 40}, {ActionKind::LLQUANTIZE, 200}};
        AggregationInfo info;
        info.id = id;
        info.varid = static_cast<std::uint32_t>(below(3));
        for (std::uint64_t i = below(4); i > 0; i--)
            info.records.push_back(record());
        auto function = functions[below(std::size(functions))];
        RecordInfo value;
        value.kind = static_cast<std::uint32_t>(function.kind);
        value.size = function.size;
        value.offset = static_cast<std::uint32_t>(8 * below(8));
        info.records.push_back(value);
        info.size =
            static_cast<std::uint32_t>(below(10) == 0 ? random_() : value.offset + value.size);
        return info;
    }

    /// Words that are often ids, now and then anything.
    BufferSnapshot snapshot(std::uint32_t ids) {
        BufferSnapshot snapshot;
        snapshot.timestamp = below(100);
        snapshot.oldest = below(5) == 0 ? below(600) : 0;
        snapshot.data.resize(below(4000));
        for (std::size_t i = 0; i + 4 <= snapshot.data.size(); i += 4) {
            auto word = static_cast<std::uint32_t>(below(8) == 0 ? random_() : below(ids));
            std::memcpy(snapshot.data.data() + i, &word, sizeof word);
        }
        return snapshot;
    }

    std::mt19937_64 random_;
};

std::string run(FakeSession session, OutputFormat format) {
    std::string output;
    ConsumerOptions options;
    options.format = format;
    options.run_command = [](const std::string&) { return 0; };
    options.write = [&](std::string_view text) { output += text; };
    options.report = [](std::string_view) {};
    auto consumer = Consumer::create(session, options);
    consumer->begin();
    for (session.round = 0; session.round + 1 < session.rounds.size(); session.round++)
        (void)consumer->work();
    (void)consumer->end();
    return output;
}

} // namespace

TEST(Hostile, NothingCrashesAndJsonStaysJson) {
    std::filesystem::path here = std::filesystem::current_path();
    std::filesystem::path empty =
        std::filesystem::temp_directory_path() / ("difjit-hostile-" + std::to_string(::getpid()));
    std::filesystem::create_directory(empty);
    std::filesystem::current_path(empty); // freopen() writes files with hostile names
    for (std::uint32_t seed = 0; seed < 1500; seed++) {
        FakeSession session = Hostile(seed).session();
        SCOPED_TRACE(seed);
        run(session, OutputFormat::text);
        std::string json = run(session, OutputFormat::json);
        ASSERT_TRUE(nlohmann::json::accept(json));
    }
    std::filesystem::current_path(here);
    std::filesystem::remove_all(empty);
}

} // namespace difjit::test
