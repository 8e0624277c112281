// SPDX-License-Identifier: BSD-2-Clause
// Providers of a helper's DOF: dtrace_helper_provider_validate, and what dtrace_helper_provide_one
// reads after it.
#ifndef DIFJIT_DOF_PROVIDER_READER_HPP
#define DIFJIT_DOF_PROVIDER_READER_HPP

#include <difjit/program.hpp>

#include "dof/container.hpp"

namespace difjit::dof {

struct ReadProvider {
    std::uint32_t probes_section = 0; ///< relocations go by it
    ProviderDescription provider;
};

Result<ReadProvider> read_provider(const Container& dof, Budget& budget, std::uint32_t section);

} // namespace difjit::dof

#endif
