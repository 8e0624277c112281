// SPDX-License-Identifier: BSD-2-Clause
#include "verifier/paths_at.hpp"

namespace difjit::verifier {

void Paths::add(State* state, StatePool& pool, std::uint32_t reserve) {
    std::uint32_t into = count;
    for (std::uint32_t i = 0; i < count && into == count; i++)
        if (!states[i]->differs(*state))
            into = i;
    if (into == count && (count == 0 || (count < max_paths && pool.left() > reserve))) {
        states[count++] = state;
        return;
    }
    states[into == count ? count - 1 : into]->merge(*state);
    pool.give(state);
}

void Paths::add(Paths& other, StatePool& pool, std::uint32_t reserve) {
    for (std::uint32_t i = 0; i < other.count; i++)
        add(other.states[i], pool, reserve);
    other.count = 0;
}

void Paths::fold(StatePool& pool) {
    for (std::uint32_t i = 1; i < count;) {
        std::uint32_t j = 0;
        while (j < i && states[j]->differs(*states[i]))
            j++;
        if (j == i) {
            i++;
            continue;
        }
        states[j]->merge(*states[i]);
        drop(i, pool);
    }
}

void Paths::drop(std::uint32_t i, StatePool& pool) {
    pool.give(states[i]);
    for (count--; i < count; i++)
        states[i] = states[i + 1];
}

} // namespace difjit::verifier
