// SPDX-License-Identifier: BSD-2-Clause
// compile(): the way of a DIFO from its text to an image.
#include <difjit/jit.hpp>

#include "jit/amd64/emitter.hpp"
#include "jit/image.hpp"
#include "jit/unit.hpp"

namespace difjit::jit {

Result<std::vector<std::byte>> compile(const difjit_difo& difo, const CompileOptions& options) {
    if (options.machine != DIFJIT_MACHINE_AMD64)
        return fail("compile: no back end for this machine");
    const Result<Unit> unit = decode(difo);
    if (!unit)
        return std::unexpected(unit.error());
    const Result<Parts> parts = amd64::generate(*unit, options.optimise);
    if (!parts)
        return std::unexpected(parts.error());
    return write_image(*parts, difo_hash(difo), no_facts_hash());
}

} // namespace difjit::jit
