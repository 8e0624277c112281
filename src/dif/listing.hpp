// SPDX-License-Identifier: BSD-2-Clause
// Reads a listing of `dtrace -S` back to the DIFO it was made of.
#ifndef DIFJIT_DIF_LISTING_HPP
#define DIFJIT_DIF_LISTING_HPP

#include <difjit/program.hpp>

#include "dif/lexer.hpp"

namespace difjit::text {

/// Is this the first line of a listing?
bool starts_listing(std::string_view line);

/// Bytes of tables that listings may name without showing what is in them, for a whole text: an
/// index alone can ask for 512 KiB of zeroes.
inline constexpr std::size_t listing_gap_budget = std::size_t{64} << 20;

/// Reads one listing; source stands before its first line. Throws Failure.
Difo read_listing(Source& source, Dialect dialect, std::size_t& gap_budget);

} // namespace difjit::text

#endif
