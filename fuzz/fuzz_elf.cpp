// SPDX-License-Identifier: BSD-2-Clause
// Property: any bytes are either refused with a message or give programs; libelf is kept in bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <difjit/dof.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto programs = difjit::dof::read_elf(std::as_bytes(std::span(data, size)));
    if (!programs && programs.error().message.empty())
        std::abort();
    return 0;
}
