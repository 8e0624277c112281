// SPDX-License-Identifier: BSD-2-Clause
// The states of one point of a program, side by side, and the pool that they come from.
//
// Up to `max_paths` paths stay apart as long as some register is a different constant on them: that
// is how the 0 and 1 that D compilers make of `&&`, `||` and comparisons, and test again, still say
// which way the program came. States are moved, not copied, wherever one place gives them up.
// Freestanding. Tested in tests/verifier/analysis_test.cpp.
#ifndef DIFJIT_VERIFIER_PATHS_AT_HPP
#define DIFJIT_VERIFIER_PATHS_AT_HPP

#include <cstdint>

#include "verifier/state.hpp"

namespace difjit::verifier {

inline constexpr unsigned max_paths = 4;

/// States in the caller's memory: fresh ones from its start on, before that those given back, whose
/// storage links to the next.
class StatePool {
  public:
    StatePool(void* memory, std::uint32_t count)
        : fresh_(static_cast<State*>(memory)), left_(count) {}
    /// The caller knows that there is one left. It is not initialised.
    State* take() {
        left_--;
        if (free_ == nullptr)
            return fresh_++;
        auto* state = reinterpret_cast<State*>(free_);
        free_ = free_->next;
        return state;
    }
    void give(State* state) {
        auto* link = reinterpret_cast<Free*>(state);
        link->next = free_;
        free_ = link;
        left_++;
    }
    [[nodiscard]] std::uint32_t left() const { return left_; }

  private:
    struct Free {
        Free* next;
    };
    State* fresh_;
    Free* free_ = nullptr;
    std::uint32_t left_;
};

struct Paths {
    std::uint32_t count = 0;
    State* states[max_paths]; ///< the first `count`

    /// Takes the state over: beside the others if it can be told from them and the pool can spare
    /// it (more than `reserve` are left), else joined to one of them and given back.
    void add(State* state, StatePool& pool, std::uint32_t reserve);
    /// Takes all of the other's states over.
    void add(Paths& other, StatePool& pool, std::uint32_t reserve);
    /// Joins paths that can't be told apart any more.
    void fold(StatePool& pool);
    /// Gives one back and closes the gap.
    void drop(std::uint32_t i, StatePool& pool);
};

} // namespace difjit::verifier

#endif
