// SPDX-License-Identifier: BSD-2-Clause
// The table of facts: the verifier's result, the compiler's input.
//
// Freestanding, flat, ascending in pc, in memory of the caller. A fact is a typed statement about
// one instruction that anybody can check again; facts.def says what each lets a compiler leave out.
#ifndef DIFJIT_VERIFIER_FACTS_HPP
#define DIFJIT_VERIFIER_FACTS_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include "verifier/value.hpp"

namespace difjit::verifier {

enum class FactKind : std::uint8_t {
#define DIFJIT_FACT(name, text, meaning) name,
#include "verifier/facts.def"
};

inline constexpr std::size_t fact_kinds = 0
#define DIFJIT_FACT(name, text, meaning) +1
#include "verifier/facts.def"
    ;

struct Fact {
    std::uint32_t pc = 0;
    FactKind kind{};
    std::uint8_t reg = 0;           ///< DIF register, where the fact is about one
    Region region = Region::number; ///< LOAD_INSIDE, STORE_INSIDE
    std::uint8_t reserved = 0;
    std::uint64_t a = 0, b = 0;
    bool operator==(const Fact&) const = default;
};

/// At most so many facts are proved of one instruction: what to reserve.
inline constexpr std::size_t facts_per_instruction = 6;

/// The facts of one instruction out of an ascending table.
std::span<const Fact> facts_of(std::span<const Fact> facts, std::uint32_t pc);

} // namespace difjit::verifier

#endif
