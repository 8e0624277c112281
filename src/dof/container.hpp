// SPDX-License-Identifier: BSD-2-Clause
// A DOF file as a checked array of sections.
//
// What open() returns has passed the first part of dtrace_dof_slurp: the header is well-formed,
// every section that is loaded lies inside the loaded bytes, and every string table ends in a NUL.
// Whoever reads a section later need not check its bounds again. Tested in tests/dof/.
#ifndef DIFJIT_DOF_CONTAINER_HPP
#define DIFJIT_DOF_CONTAINER_HPP

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <difjit/error.hpp>
#include <fmt/format.h>

#include "dof/format.hpp"

namespace difjit::dof {

class Container {
  public:
    /// enabling: refuse what the kernel refuses in a program that is to be enabled, but not in a
    /// helper's (dtrace_dof_slurp's noprobes).
    static Result<Container> open(std::span<const std::byte> bytes, bool enabling);

    const Header& header() const { return header_; }
    std::uint32_t section_count() const { return static_cast<std::uint32_t>(sections_.size()); }
    const Section& section(std::uint32_t index) const { return sections_[index]; }
    bool is(std::uint32_t index, SectionType type) const {
        return sections_[index].type == static_cast<std::uint32_t>(type);
    }

    /// Where the header of a section lies in the file.
    std::uint64_t section_header_offset(std::uint32_t index) const {
        return header_.secoff + std::uint64_t{index} * header_.secsize;
    }

    /// "section 3 (DIFOHDR)".
    std::string where(std::uint32_t index) const;

    /// An error about a section: "section 3 (DIFOHDR): " and the text.
    template <class... Args>
    std::unexpected<Error> fail_in(std::uint32_t index, fmt::format_string<Args...> text,
                                   Args&&... args) const {
        return fail(where(index) + ": " + fmt::format(text, std::forward<Args>(args)...));
    }

    /// dtrace_dof_sect: may section `from` link section `to` as a `type`? NONE: any type.
    Result<void> check_link(std::uint32_t from, SectionType type, std::uint32_t to,
                            std::string_view role) const;

    /// The structure at a file offset that the caller knows to be inside the file.
    template <class T>
    T load(std::uint64_t offset) const {
        T value{};
        std::memcpy(&value, bytes_.data() + offset, sizeof(T));
        return value;
    }

    /// As much of the structure as `size` bytes hold; the rest is 0.
    template <class T>
    T load_part(std::uint64_t offset, std::size_t size) const {
        T value{};
        std::memcpy(&value, bytes_.data() + offset, size < sizeof(T) ? size : sizeof(T));
        return value;
    }

    /// A section's bytes, inside the file.
    std::string_view data(std::uint32_t index) const {
        const Section& s = sections_[index];
        return {reinterpret_cast<const char*>(bytes_.data()) + s.offset,
                static_cast<std::size_t>(s.size)};
    }

    /// The string at an offset of a string table, which ends in a NUL. offset < its size.
    std::string_view string(std::uint32_t strtab, std::uint64_t offset) const {
        return {data(strtab).data() + offset};
    }

  private:
    Result<void> check_sections(bool enabling) const;
    Result<void> check_section(std::uint32_t index) const;
    Result<void> check_unloaded(std::uint32_t index) const;

    std::span<const std::byte> bytes_;
    Header header_{};
    std::vector<Section> sections_;
};

/// The header's own checks, in the kernel's order; `size` is what there is of the file.
Result<void> check_header(const Header& header, std::size_t size);

/// Fails once a program has grown beyond max_expanded_size.
class Budget {
  public:
    Result<void> charge(std::uint64_t bytes) {
        if (bytes > left_)
            return fail(
                fmt::format("sections that are linked again and again make the program larger "
                            "than {} bytes",
                            max_expanded_size));
        left_ -= bytes;
        return {};
    }

  private:
    std::uint64_t left_ = max_expanded_size;
};

} // namespace difjit::dof

#endif
