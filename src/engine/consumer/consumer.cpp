// SPDX-License-Identifier: BSD-2-Clause
// The consumer: status, aggregations, records, in the order in which dtrace(1) looks at them.
//
// Follows dtrace_work, dtrace_status, dtrace_consume and dtrace_aggregate_snap of libdtrace.
// Covered by tests/engine/consumer/.
#include <difjit/consumer.hpp>

#include "engine/consumer/actions.hpp"
#include "engine/consumer/buffers.hpp"
#include "engine/consumer/drops.hpp"
#include "engine/consumer/flow.hpp"
#include "engine/consumer/printer.hpp"

namespace difjit {

namespace consumer {
namespace {

constexpr std::uint64_t error_ecb = 1; // DT_ECB_ERROR: libdtrace's own dtrace:::ERROR clause

class ConsumerImpl final : public Consumer {
  public:
    ConsumerImpl(Session& session, ConsumerOptions options)
        : session_(session), options_(std::move(options)), symbols_(options_), output_(options_),
          settings_(Settings::read(session, options_)),
          shared_{session, {symbols_, settings_}, aggregates_, output_},
          printer_(options_.format == OutputFormat::text
                       ? make_text_printer(shared_)
                       : make_json_printer(shared_, options_.format == OutputFormat::jsonl)),
          actions_(shared_, *printer_, settings_, options_), lost_(session.ncpus()),
          lost_aggregations_(session.ncpus()) {}

    ~ConsumerImpl() override { close(); }

    void begin() override {
        settings_ = Settings::read(session_, options_);
        printer_->begin();
        open_ = true;
    }

    Result<void> work() override {
        settings_ = Settings::read(session_, options_);
        report_status();
        // Ring and fill buffers are copied, not switched: they are read once, when all is over.
        return settings_.switching ? read_buffers(false) : Result<void>();
    }

    Result<void> end() override {
        settings_ = Settings::read(session_, options_);
        report_status();
        auto result = read_buffers(true);
        if (auto done = printer_->remaining_aggregations(); !done && result)
            result = done;
        close();
        return result;
    }

    Totals totals() const override {
        Totals totals = totals_;
        totals.errors += actions_.errors();
        return totals;
    }

  private:
    void close() {
        if (open_)
            printer_->end();
        open_ = false;
    }

    void drop(const Drop& drop) {
        totals_.drops += drop.count;
        printer_->drop(drop);
    }

    void report_status() {
        Status now = session_.status();
        for (const Drop& lost : status_drops(status_, now))
            drop(lost);
        status_ = now;
    }

    Result<void> read_buffers(bool stopped) {
        auto result = read_aggregations();
        auto records = settings_.temporal ? by_time(stopped) : by_cpu(stopped);
        return result ? records : result;
    }

    Result<void> read_aggregations() {
        Result<void> result;
        for (std::uint32_t cpu = 0; cpu < session_.ncpus(); cpu++) {
            BufferSnapshot snapshot = session_.snapshot_aggregations(cpu);
            if (snapshot.drops != 0)
                drop(cpu_drop(DropKind::aggregation, cpu, snapshot.drops,
                              lost_aggregations_[cpu] += snapshot.drops));
            auto merged = aggregates_.merge(session_, snapshot.data, symbols_);
            if (!merged && result)
                result = std::unexpected(merged.error().in("CPU " + std::to_string(cpu)));
        }
        return result;
    }

    /// A CPU's records; its drops are reported by the caller when these have been consumed.
    Buffer snapshot(std::uint32_t cpu, std::uint64_t& drops) {
        BufferSnapshot snapshot = session_.snapshot(cpu);
        drops = snapshot.drops;
        snapshot.cpu = cpu;
        return {session_, std::move(snapshot)};
    }

    void report_lost(std::uint32_t cpu, std::uint64_t drops) {
        if (drops != 0)
            drop(cpu_drop(DropKind::principal, cpu, drops, lost_[cpu] += drops));
    }

    Result<void> by_time(bool stopped) {
        std::vector<std::uint64_t> drops(session_.ncpus());
        for (std::uint32_t cpu = 0; cpu < session_.ncpus(); cpu++)
            order_.add(snapshot(cpu, drops[cpu]));
        auto result = order_.consume(stopped, each_);
        for (std::uint32_t cpu = 0; cpu < session_.ncpus(); cpu++)
            report_lost(cpu, drops[cpu]);
        return result;
    }

    /// CPU by CPU. BEGIN and END run on CPU 0, whose other records come first while the session
    /// runs and last when it has stopped; if both are in one buffer, BEGIN's come before all
    /// others.
    Result<void> by_cpu(bool stopped) {
        Result<void> result = order_.consume(true, each_); // what waited, if temporal was on before
        auto keep = [&](Result<void> done) {
            if (!done && result)
                result = done;
        };
        std::uint64_t first_drops = 0;
        Buffer first = snapshot(0, first_drops);
        keep(stopped ? consume_begin(first) : consume_buffer(first, each_));
        if (!stopped)
            report_lost(0, first_drops);
        for (std::uint32_t cpu = 1; cpu < session_.ncpus(); cpu++) {
            flow_.reset();
            std::uint64_t drops = 0;
            Buffer buffer = snapshot(cpu, drops);
            keep(consume_buffer(buffer, each_));
            report_lost(cpu, drops);
        }
        if (stopped) {
            flow_.reset();
            keep(consume_buffer(first, each_));
            report_lost(0, first_drops);
        }
        return result;
    }

    /// The records of dtrace:::BEGIN at a buffer's start, and faults among them.
    Result<void> consume_begin(Buffer& buffer) {
        for (;;) {
            auto firing = buffer.peek();
            if (!firing)
                return std::unexpected(firing.error());
            if (!*firing || !of_begin(**firing))
                return {};
            std::uint32_t following = buffer.following();
            auto done = consume(**firing, following);
            buffer.pop();
            if (!done)
                return done;
        }
    }

    static bool of_begin(const Firing& firing) {
        const ProbeInfo& probe = firing.ecb->probe;
        return probe.provider == "dtrace" && (probe.name == "BEGIN" || probe.name == "ERROR");
    }

    Result<void> consume(Firing& firing, std::uint32_t following) {
        totals_.records++;
        if (firing.ecb->uarg == error_ecb) {
            flow_.done(firing);
            return report_error(firing);
        }
        if (settings_.flowindent)
            flow_.apply(session_, firing, following);
        printer_->firing(firing);
        flow_.done(firing);
        auto done = actions_.run(firing);
        printer_->firing_done();
        return done;
    }

    Result<void> report_error(const Firing& firing) {
        auto message = error_message(session_, firing);
        if (!message)
            return std::unexpected(message.error());
        totals_.errors++;
        output_.report("dtrace: " + *message + "\n");
        return {};
    }

    Session& session_;
    ConsumerOptions options_;
    Symbols symbols_;
    Output output_;
    Aggregates aggregates_;
    Settings settings_;
    Shared shared_;
    std::unique_ptr<Printer> printer_;
    Actions actions_;
    TimeOrder order_;
    FlowIndent flow_;
    Status status_;
    Totals totals_;
    std::vector<std::uint64_t> lost_, lost_aggregations_; ///< totals of each CPU
    Consume each_ = [this](Firing& firing, std::uint32_t following) {
        return consume(firing, following);
    };
    bool open_ = false;
};

} // namespace
} // namespace consumer

std::unique_ptr<Consumer> Consumer::create(Session& session, ConsumerOptions options) {
    return std::make_unique<consumer::ConsumerImpl>(session, std::move(options));
}

} // namespace difjit
