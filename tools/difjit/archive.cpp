// SPDX-License-Identifier: BSD-2-Clause
// A program's images in one file: an ar(1) archive.
#include "archive.hpp"

#include <string_view>

#include <fmt/format.h>

namespace difjit::tool {

namespace {

void append(std::vector<std::byte>& out, std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    out.insert(out.end(), bytes, bytes + text.size());
}

} // namespace

std::vector<std::byte>
make_archive(const std::vector<std::pair<std::string, std::vector<std::byte>>>& members) {
    std::vector<std::byte> out;
    append(out, "!<arch>\n");
    for (const auto& [name, bytes] : members) {
        // name, time, owner, group, mode, size: ASCII, filled up with blanks
        append(out, fmt::format("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", name + "/", 0, 0, 0,
                                "100644", bytes.size()));
        out.insert(out.end(), bytes.begin(), bytes.end());
        if (bytes.size() % 2 != 0)
            append(out, "\n");
    }
    return out;
}

} // namespace difjit::tool
