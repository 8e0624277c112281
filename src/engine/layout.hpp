// SPDX-License-Identifier: BSD-2-Clause
// Where the data of an ECB's actions lies in its record, and which actions may stand together.
//
// Freestanding, not for probe context. Follows dtrace_ecb_action_add, dtrace_ecb_aggregation_create
// and dtrace_ecb_resize. Covered by tests/engine/test_layout.cpp.
#ifndef DIFJIT_ENGINE_LAYOUT_HPP
#define DIFJIT_ENGINE_LAYOUT_HPP

#include <cstdint>

#include "engine/engine.hpp"
#include "engine/state.hpp"

namespace difjit::engine {

/// Options that decide sizes.
struct LayoutOptions {
    std::uint64_t strsize = DIFJIT_STRSIZE_DEFAULT;
    std::uint64_t stackframes = 20;
    std::uint64_t ustackframes = 20;
    std::uint64_t jstackframes = 50;
    std::uint64_t jstackstrsize = 512;
};

/// Lays out `ecb`, whose actions have kind, arg, difo, ntuple, has_format and, where the kind
/// aggregates, an Aggregation to fill. `segments`: room for one KeySegment an action. Fills record,
/// arg, in_tuple and store of each action and size, needed and alignment of the ECB. Returns
/// nullptr, or what is wrong with action `bad`.
const char* layout_ecb(Ecb& ecb, const LayoutOptions& options, KeySegment* segments,
                       std::uint32_t& bad);

} // namespace difjit::engine

#endif
