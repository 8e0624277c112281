// SPDX-License-Identifier: BSD-2-Clause
// Writes docs/dif.md to standard output.
#include <cstdio>

#include "dif/reference_page.hpp"

int main() {
    const std::string page = difjit::text::reference_page();
    const bool written = std::fwrite(page.data(), 1, page.size(), stdout) == page.size();
    return written && std::fflush(stdout) == 0 ? 0 : 1;
}
