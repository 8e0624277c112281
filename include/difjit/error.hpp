// SPDX-License-Identifier: BSD-2-Clause
// Errors of the user library: one message for a person, nothing else changes (design.md, contract
// 8).
#ifndef DIFJIT_ERROR_HPP
#define DIFJIT_ERROR_HPP

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace difjit {

/// What went wrong and where, in one line: "section 3 (DIFOHDR): link to section 9, but there are
/// 8".
struct Error {
    std::string message;

    /// The same error seen from further out: "a.dof: section 3 …".
    [[nodiscard]] Error in(std::string_view where) const {
        return Error{std::string(where) + ": " + message};
    }
};

template <class T>
using Result = std::expected<T, Error>;

/// The failing side of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(std::string message) {
    return std::unexpected(Error{std::move(message)});
}

} // namespace difjit

#endif
