// SPDX-License-Identifier: BSD-2-Clause
// A session that hands out hand-made snapshots: what the consumer is tested against.
//
// Descriptions and buffers are plain members; each call of the consumer's work() or end() takes the
// next round of snapshots. Nothing fires.
#ifndef DIFJIT_TESTS_ENGINE_CONSUMER_FAKE_SESSION_HPP
#define DIFJIT_TESTS_ENGINE_CONSUMER_FAKE_SESSION_HPP

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <difjit/session.hpp>

#include "dif/options.hpp"

namespace difjit::test {

/// What one round of reading finds.
struct Round {
    std::map<std::uint32_t, BufferSnapshot> buffers, aggregations;
    Status status;
};

class FakeSession final : public Session {
  public:
    std::uint32_t cpus = 1;
    std::map<std::string, std::uint64_t> options;
    std::map<std::uint32_t, EcbInfo> ecbs;
    std::map<std::uint32_t, AggregationInfo> aggregation_infos;
    std::vector<Round> rounds;
    std::size_t round = 0;

    Result<void> set_option(std::string_view name, std::string_view value) override {
        for (const OptionRow& row : option_rows)
            if (name == row.name) {
                if (!row.dynamic)
                    return fail("Operation illegal when tracing is active");
                if (value.empty() || value.find_first_not_of("0123456789") != value.npos)
                    return fail("Invalid value for specified option");
                options[std::string(name)] = std::stoull(std::string(value));
                return {};
            }
        return fail("Invalid option name");
    }
    OptionValue option(std::uint32_t id) const override {
        auto found = options.find(option_row(id)->name);
        return found == options.end() ? option_unset : found->second;
    }

    BufferSnapshot snapshot(std::uint32_t cpu) override { return take(current().buffers, cpu); }
    BufferSnapshot snapshot_aggregations(std::uint32_t cpu) override {
        return take(current().aggregations, cpu);
    }
    Status status() const override {
        return round < rounds.size() ? rounds[round].status : Status{};
    }
    const EcbInfo* ecb(std::uint32_t epid) const override { return find(ecbs, epid); }
    const AggregationInfo* aggregation(std::uint32_t id) const override {
        return find(aggregation_infos, id);
    }
    std::uint32_t ncpus() const override { return cpus; }

    // What a consumer does not use.
    engine::Probe* create_probe(const ProbeInfo&, std::uint32_t) override { return nullptr; }
    Result<void> enable(Program) override { return {}; }
    Result<void> go(bool) override { return {}; }
    void stop(bool) override {}
    void fire(engine::Probe&, const engine::Event&) override {}
    void fire(engine::Probe&, const engine::Event&, engine::Observer&) override {}
    engine::Probe& begin_probe() override { throw std::logic_error("begin_probe"); }
    engine::Probe& end_probe() override { throw std::logic_error("end_probe"); }
    engine::Probe& error_probe() override { throw std::logic_error("error_probe"); }
    void clean() override {}
    void alive() override {}
    std::optional<int> exit_status() const override { return std::nullopt; }
    const std::vector<ProbeInfo>& probes() const override { return probes_; }
    Summary summary() const override { return {}; }
    std::vector<Global> globals() const override { return {}; }

  private:
    Round& current() {
        static Round nothing;
        nothing = {};
        return round < rounds.size() ? rounds[round] : nothing;
    }
    static BufferSnapshot take(std::map<std::uint32_t, BufferSnapshot>& from, std::uint32_t cpu) {
        BufferSnapshot snapshot;
        if (auto found = from.find(cpu); found != from.end())
            std::swap(snapshot, found->second);
        return snapshot;
    }
    template <class T>
    static const T* find(const std::map<std::uint32_t, T>& from, std::uint32_t id) {
        auto found = from.find(id);
        return found == from.end() ? nullptr : &found->second;
    }
    std::vector<ProbeInfo> probes_;
};

} // namespace difjit::test

#endif
