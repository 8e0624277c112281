// SPDX-License-Identifier: BSD-2-Clause
// What dtrace(1) prints: columns, traced values, formatted text, aggregations.
//
// Follows chew() and chewrec() of dtrace.c and the record loop of dt_consume_cpu. Covered by
// tests/engine/consumer/cases/*.text.
#include <fmt/format.h>

#include "engine/consumer/aggregate_text.hpp"
#include "engine/consumer/dump.hpp"
#include "engine/consumer/printer.hpp"
#include "engine/consumer/stack.hpp"

namespace difjit::consumer {

namespace {

class TextPrinter final : public Printer {
  public:
    explicit TextPrinter(const Shared& shared) : shared_(shared) {}

    void begin() override {}
    void end() override {}

    void firing(const Firing& firing) override {
        const ProbeInfo& probe = firing.ecb->probe;
        if (!heading_)
            heading();
        if (settings().flowindent) {
            std::string name =
                std::string(static_cast<std::size_t>(std::max(0, firing.indent)), ' ') +
                firing.prefix + probe.function;
            if (firing.flow == Flow::none)
                name += ":" + probe.name;
            shared_.output.frame(fmt::format("{:>3} {:<41} ", firing.cpu, name));
        } else if (!settings().quiet) {
            shared_.output.frame(fmt::format("{:>3} {:>6} {:>32} ", firing.cpu, probe.id,
                                             probe.function + ":" + probe.name));
        }
    }

    void firing_done() override {
        if (!settings().quiet)
            shared_.output.frame("\n");
    }

    Result<void> trace(const Datum& datum) override {
        bool quiet = settings().quiet;
        Bytes data = datum.data;
        std::string text;
        switch (data.size()) {
        case 8: text = column(load<std::int64_t>(data), 16, quiet); break;
        case 4: text = column(load<std::int32_t>(data), 8, quiet); break;
        case 2: text = column(load<std::uint16_t>(data), 5, quiet); break;
        case 1: text = column(load<std::uint8_t>(data), 3, quiet); break;
        default: text = bytes_text(data, -33, quiet, settings().rawbytes); break;
        }
        shared_.output.action(text);
        return {};
    }

    Result<void> tracemem(Bytes data) override {
        shared_.output.action(bytes_text(data, -33, settings().quiet, true));
        return {};
    }

    Result<void> printm(Bytes data) override {
        shared_.output.action(bytes_text(data, 50, settings().quiet, true));
        return {};
    }

    Result<void> stack(const Datum& datum) override {
        return write(stack_text(shared_.print, datum.record, datum.data));
    }

    Result<void> symbol(const Datum& datum) override {
        auto kind = static_cast<ActionKind>(datum.record.kind);
        shared_.output.action(
            fmt::format("  {:<50}", symbol_text(kind, datum.data, shared_.print.symbols)));
        return {};
    }

    Result<void> printf(const std::string& text, Arguments) override {
        shared_.output.action(text);
        return {};
    }

    void command(const std::string& text) override {
        shared_.output.action(text.ends_with('\n') ? text : text + "\n");
    }

    Result<void> printa(const Format* format, const std::vector<std::uint32_t>& varids) override {
        if (format == nullptr)
            shared_.output.action("\n");
        if (varids.size() == 1)
            return printa_one(format, varids.front());
        AggregateText text(shared_.print);
        for (const auto& joined : shared_.aggregates.joined(shared_.session, varids, settings())) {
            auto row =
                format == nullptr ? text.row(joined) : formatted_row(shared_, *format, joined);
            if (auto done = write(row); !done)
                return done;
            for (const Aggregate* value : joined.values)
                shared_.aggregates.mark_printed(value->info);
        }
        return {};
    }

    Result<void> remaining_aggregations() override {
        shared_.output.frame("\n");
        AggregateText text(shared_.print);
        for (const Aggregate* aggregate : shared_.aggregates.sorted(settings()))
            if (!shared_.aggregates.printed(aggregate->info))
                if (auto done = write(text.entry(*aggregate)); !done)
                    return done;
        return {};
    }

    void drop(const Drop& drop) override {
        shared_.output.report("dtrace: " + drop.message + "\n");
    }

  private:
    [[nodiscard]] const Settings& settings() const { return shared_.print.settings; }

    /// The column header, once, before the first firing.
    void heading() {
        heading_ = true;
        if (settings().flowindent)
            shared_.output.frame(fmt::format("{:>3} {:<41}\n", "CPU", "FUNCTION"));
        else if (!settings().quiet)
            shared_.output.frame(fmt::format("{:>3} {:>6} {:>32}\n", "CPU", "ID", "FUNCTION:NAME"));
    }

    static std::string column(std::int64_t value, int width, bool quiet) {
        return quiet ? std::to_string(value) : fmt::format(" {:>{}}", value, width);
    }

    Result<void> printa_one(const Format* format, std::uint32_t varid) {
        AggregateText text(shared_.print);
        for (const Aggregate* aggregate : shared_.aggregates.sorted(settings())) {
            if (aggregate->varid != varid)
                continue;
            auto shown = format == nullptr
                             ? text.entry(*aggregate)
                             : formatted_row(shared_, *format, {aggregate, {aggregate}});
            if (auto done = write(shown); !done)
                return done;
            shared_.aggregates.mark_printed(aggregate->info);
        }
        return {};
    }

    Result<void> write(const Result<std::string>& text) {
        if (!text)
            return std::unexpected(text.error());
        shared_.output.action(*text);
        return {};
    }

    Shared shared_;
    bool heading_ = false;
};

} // namespace

Result<std::string> formatted_row(const Shared& shared, const Format& format,
                                  const Aggregates::Joined& joined) {
    std::vector<ValueView> values;
    for (const Aggregate* aggregate : joined.values)
        values.push_back(aggregate->view());
    // The keys are records of their own: neither the variable's id before nor the value behind
    // them.
    const auto& records = joined.key->info->records;
    Arguments keys{std::span(records).subspan(1, records.size() - 2), joined.key->data};
    auto printed = print_format(shared.print, format, keys, values);
    if (!printed)
        return std::unexpected(printed.error());
    return std::move(printed->text);
}

std::unique_ptr<Printer> make_text_printer(const Shared& shared) {
    return std::make_unique<TextPrinter>(shared);
}

} // namespace difjit::consumer
