// SPDX-License-Identifier: BSD-2-Clause
// Bytes of unknown meaning: as a string where they look like one, else as a hexadecimal dump.
//
// Follows dt_print_bytes of dt_consume.c, its odd corners included (an empty string is dumped).
// Covered by tests/engine/consumer/cases/bytes*.
#ifndef DIFJIT_ENGINE_CONSUMER_DUMP_HPP
#define DIFJIT_ENGINE_CONSUMER_DUMP_HPP

#include <optional>
#include <string>
#include <string_view>

#include "engine/consumer/bytes.hpp"

namespace difjit::consumer {

/// What bytes look like: printable characters up to their end, or up to a NUL with only NULs
/// behind.
struct Looks {
    std::string_view text;
    bool terminated = false;
};
std::optional<Looks> looks_like_text(Bytes bytes);

/// The dump: 16 bytes a line, hexadecimal and as characters.
std::string dump(Bytes bytes);

/// dt_print_bytes. `width`: of a string, negative: left-justified; `raw`: never a string.
std::string bytes_text(Bytes bytes, int width, bool quiet, bool raw);

/// "0x" and two digits for each byte, for JSON.
std::string hex(Bytes bytes);

} // namespace difjit::consumer

#endif
