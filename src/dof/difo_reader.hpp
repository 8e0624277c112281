// SPDX-License-Identifier: BSD-2-Clause
// DIFOs and relocations out of DOF sections: dtrace_dof_difo and dtrace_dof_relocate.
#ifndef DIFJIT_DOF_DIFO_READER_HPP
#define DIFJIT_DOF_DIFO_READER_HPP

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <difjit/program.hpp>

#include "dof/container.hpp"

namespace difjit::dof {

/// Reads each DIFOHDR section once, however often it is linked, and keeps them apart by section.
class DifoReader {
  public:
    DifoReader(const Container& dof, Budget& budget, Dialect dialect)
        : dof_(dof), budget_(budget), dialect_(dialect) {}

    /// The DIFO of a DIFOHDR section, as an index that order() maps to the final one.
    Result<std::int32_t> get(std::uint32_t section);

    /// Reads the DIFOHDR sections that nothing has asked for, so that a program of DIFOs without
    /// ECBs is not lost. Those of translators stay unread: the kernel takes them for garbage.
    Result<void> get_unlinked();

    /// Where the DIFOs with this integer table are, to attach relocations; nullptr: there are none.
    const std::vector<std::int32_t>* with_integers(std::uint32_t section) const {
        const auto it = by_integers_.find(section);
        return it == by_integers_.end() ? nullptr : &it->second;
    }
    Difo& at(std::int32_t index) { return difos_[static_cast<std::size_t>(index)]; }

    /// Puts the DIFOs in the order of their sections: new index of each old one.
    std::vector<std::int32_t> order();
    std::vector<Difo> take() { return std::move(difos_); }

  private:
    Result<Difo> read(std::uint32_t section);
    Result<void> read_part(std::uint32_t header, std::uint32_t part, Difo& difo, unsigned& seen);
    Result<std::vector<bool>> of_translators();

    const Container& dof_;
    Budget& budget_;
    Dialect dialect_;
    std::unordered_map<std::uint32_t, std::int32_t> by_section_;
    std::unordered_map<std::uint32_t, std::vector<std::int32_t>> by_integers_;
    std::vector<std::uint32_t> sections_; ///< of difos_, each
    std::vector<Difo> difos_;
};

/// The relocations of a URELHDR or KRELHDR section, checked; `target` is the section they change.
struct RelocationTable {
    std::uint32_t target = 0;
    std::vector<Relocation> relocations;
};
Result<RelocationTable> read_relocations(const Container& dof, Budget& budget,
                                         std::uint32_t section);

} // namespace difjit::dof

#endif
