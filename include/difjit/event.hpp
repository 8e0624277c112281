// SPDX-License-Identifier: BSD-2-Clause
// One firing as a provider hands it to a session. Freestanding.
#ifndef DIFJIT_EVENT_HPP
#define DIFJIT_EVENT_HPP

#include <cstdint>

namespace difjit::engine {

/// One firing, as a provider hands it over.
struct Event {
    const std::uint64_t* args; ///< nargs values: arg0 …
    std::uint32_t nargs;
    std::uint32_t cpu; ///< CPU slot; at most one firing at a time on each
    void* firing;      ///< for the host
    /// This thread's predicate-cache word, at first 0; not nullptr. In an interrupt, which has no
    /// thread of its own, a word that the host sets to 0 each time.
    std::uint64_t* predcache;
};

} // namespace difjit::engine

#endif
