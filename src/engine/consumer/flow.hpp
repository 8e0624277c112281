// SPDX-License-Identifier: BSD-2-Clause
// -F: indentation between entry and return.
//
// Follows dt_flowindent of dt_consume.c. Covered by tests/engine/consumer/cases/flowindent*.
#ifndef DIFJIT_ENGINE_CONSUMER_FLOW_HPP
#define DIFJIT_ENGINE_CONSUMER_FLOW_HPP

#include <cstdint>

#include <difjit/session.hpp>

#include "engine/consumer/printer.hpp"

namespace difjit::consumer {

class FlowIndent {
  public:
    /// Sets flow, prefix and indent of a firing. `following`: the EPID of the next record of its
    /// CPU.
    void apply(const Session& session, Firing& firing, std::uint32_t following);
    /// After the firing's line: what follows an entry is indented.
    void done(const Firing& firing);
    /// CPU by CPU, each starts at the left.
    void reset() { indent_ = 0; }

  private:
    int indent_ = 0;
    std::uint32_t last_epid_ = 0;
    std::uint32_t last_probe_ = 0;
};

} // namespace difjit::consumer

#endif
