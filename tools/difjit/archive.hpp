// SPDX-License-Identifier: BSD-2-Clause
// A program's images in one file: an ar(1) archive, so that `ar t` and `ar x` take it apart.
#ifndef DIFJIT_TOOL_ARCHIVE_HPP
#define DIFJIT_TOOL_ARCHIVE_HPP

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace difjit::tool {

/// Names have at most 15 characters. The bytes depend on nothing else: no time, no owner.
std::vector<std::byte>
make_archive(const std::vector<std::pair<std::string, std::vector<std::byte>>>& members);

} // namespace difjit::tool

#endif
