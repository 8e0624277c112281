// SPDX-License-Identifier: BSD-2-Clause
// -F: indentation between entry and return; see flow.hpp.
#include "engine/consumer/flow.hpp"

#include <string_view>

namespace difjit::consumer {

/// "entry" itself, or a name that ends with "-entry".
static bool is_kind(std::string_view name, std::string_view kind) {
    std::size_t at = name.find(kind);
    return at != std::string_view::npos && at + kind.size() == name.size() &&
           (at == 0 || name[at - 1] == '-');
}

void FlowIndent::apply(const Session& session, Firing& firing, std::uint32_t following) {
    const ProbeInfo& probe = firing.ecb->probe;
    std::uint32_t epid = firing.ecb->epid;
    bool syscall = probe.provider == "syscall";
    // Several clauses on one probe are one entry, which is the first's, and one return, the last's.
    if (is_kind(probe.name, "entry")) {
        bool again = last_epid_ != 0 && epid != last_epid_ && probe.id == last_probe_;
        firing.flow = again ? Flow::none : Flow::entry;
        firing.prefix = syscall ? " => " : " -> ";
    } else if (is_kind(probe.name, "return")) {
        const EcbInfo* next = following != 0 ? session.ecb(following) : nullptr;
        bool more = next != nullptr && following != epid && next->probe.id == probe.id;
        firing.flow = more ? Flow::none : Flow::return_;
        firing.prefix = syscall ? " <= " : " <- ";
    }
    if (firing.flow == Flow::none)
        firing.prefix = "| ";
    if (firing.flow == Flow::return_ && indent_ > 0)
        indent_ -= 2;
    firing.indent = indent_;
}

void FlowIndent::done(const Firing& firing) {
    if (firing.flow == Flow::entry)
        indent_ += 2;
    last_epid_ = firing.ecb->epid;
    last_probe_ = firing.ecb->probe.id;
}

} // namespace difjit::consumer
