// SPDX-License-Identifier: BSD-2-Clause
// The passes that verify() runs, one file each. Freestanding.
#ifndef DIFJIT_VERIFIER_PASSES_HPP
#define DIFJIT_VERIFIER_PASSES_HPP

#include "dif/instruction.hpp"
#include "verifier/core.hpp"

namespace difjit::verifier::core {

inline constexpr std::uint32_t first_scalar = 0x100;   ///< DIF_VAR_OTHER_MIN
inline constexpr std::uint32_t last_variable = 0xffff; ///< DIF_VARIABLE_MAX

/// Where a variable instruction looks, or false: it is none.
inline bool variable_scope(Op op, std::uint8_t& scope) {
    switch (op) {
    case Op::LDGS:
    case Op::LDGAA:
    case Op::STGS:
    case Op::STGAA: scope = DIFJIT_SCOPE_GLOBAL; return true;
    case Op::LDTS:
    case Op::LDTAA:
    case Op::STTS:
    case Op::STTAA: scope = DIFJIT_SCOPE_THREAD; return true;
    case Op::LDLS:
    case Op::STLS: scope = DIFJIT_SCOPE_LOCAL; return true;
    default: return false;
    }
}

/// Each instruction by itself, and the last one (structure.cpp).
void check_structure(const difjit_difo& difo, bool stop_at_first, Findings& findings);

/// The variable table; then the ids in the text against its greatest ids (variables.cpp).
void check_variables(const difjit_difo& difo, const Settings& settings, Findings& findings);

/// What a helper may use (helper.cpp).
void check_helper(const difjit_difo& difo, Findings& findings);

/// What the text names and the tables lack (declared.cpp).
void check_declared(const difjit_difo& difo, std::uint64_t* workspace, Findings& findings);
inline constexpr std::size_t id_set_words = 3 * 0x10000 / 64; ///< scopes times ids
inline constexpr std::size_t declared_words = 2 * id_set_words;

/// What no path provides: registers, arguments; and the tuple stack's depth (paths.cpp). The DIFO
/// has passed all other rules.
void check_paths(const difjit_difo& difo, std::uint32_t* workspace, Findings& findings);

} // namespace difjit::verifier::core

#endif
