// SPDX-License-Identifier: BSD-2-Clause
// Stacks and single addresses; see stack.hpp.
#include "engine/consumer/stack.hpp"

#include <fmt/format.h>

namespace difjit::consumer {

using Frames = std::vector<StackFrame>;

static std::unexpected<Error> bad_stack(const RecordInfo& record) {
    return fail(
        fmt::format("Invalid stack program counter size (record of {} bytes, argument {:#x})",
                    record.size, record.arg));
}

static Result<Frames> kernel_frames(const RecordInfo& record, Bytes data, const Symbols& symbols) {
    if (record.arg == 0 || record.arg > data.size())
        return bad_stack(record);
    std::size_t width = data.size() / record.arg;
    if (width != 4 && width != 8)
        return bad_stack(record);
    Frames frames;
    for (std::size_t i = 0; i < record.arg; i++) {
        std::uint64_t pc = *unsigned_integer(data.subspan(i * width, width));
        if (pc == 0)
            break;
        frames.push_back({symbols.kernel(pc), ""});
    }
    return frames;
}

/// The strings of jstack(): one for each frame, empty where the helper had none.
class StringTable {
  public:
    explicit StringTable(Bytes bytes) : rest_(bytes) {}
    std::string_view next() {
        std::string_view string = text(rest_);
        rest_ = rest_.subspan(std::min(rest_.size(), string.size() + 1));
        return string;
    }

  private:
    Bytes rest_;
};

static Result<Frames> user_frames(const RecordInfo& record, Bytes data, const Symbols& symbols) {
    std::uint64_t depth = record.arg & 0xffffffff, strsize = record.arg >> 32;
    Frames frames;
    if (depth == 0)
        return frames;
    std::size_t pcs = (depth + 1) * sizeof(std::uint64_t);
    auto strings = slice(data, pcs, strsize);
    if (!strings)
        return bad_stack(record);
    StringTable table(*strings);
    auto pid = load<std::uint64_t>(data);
    for (std::size_t i = 1; i <= depth; i++) {
        auto pc = load<std::uint64_t>(data, i * 8);
        if (pc == 0)
            break;
        StackFrame frame{symbols.user(pid, pc), ""};
        std::string_view string = table.next();
        if (string.starts_with('@'))
            frame.annotation = string.substr(1);
        else if (!string.empty() && frame.symbol.name.empty())
            frame.symbol = {std::string(string), "", std::string(string), ""};
        frames.push_back(std::move(frame));
    }
    return frames;
}

Result<Frames> stack_frames(const RecordInfo& record, Bytes data, const Symbols& symbols) {
    return is_user_stack(static_cast<ActionKind>(record.kind))
               ? user_frames(record, data, symbols)
               : kernel_frames(record, data, symbols);
}

Symbol symbol_of(ActionKind kind, Bytes data, const Symbols& symbols) {
    if (kind == ActionKind::SYM || kind == ActionKind::MOD)
        return symbols.kernel(load<std::uint64_t>(data));
    return symbols.user(load<std::uint64_t>(data, 0), load<std::uint64_t>(data, 8));
}

std::string symbol_text(ActionKind kind, Bytes data, const Symbols& symbols) {
    Symbol symbol = symbol_of(kind, data, symbols);
    switch (kind) {
    case ActionKind::MOD:
    case ActionKind::UMOD: return symbol.object();
    case ActionKind::SYM:
    case ActionKind::USYM: return symbol.function();
    default: return symbol.text;
    }
}

} // namespace difjit::consumer
