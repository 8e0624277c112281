// SPDX-License-Identifier: BSD-2-Clause
// Property: any bytes are either refused with a message or read as a program that the writer writes
// and the reader reads back unchanged, and that the verifier can judge.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <difjit/dof.hpp>
#include <difjit/verifier.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto program = difjit::dof::read(std::as_bytes(std::span(data, size)));
    if (!program) {
        if (program.error().message.empty())
            std::abort();
        return 0;
    }
    (void)difjit::verifier::verify(*program);
    const auto bytes = difjit::dof::write(*program);
    if (!bytes)
        std::abort();
    const auto again = difjit::dof::read(*bytes);
    if (!again || !(*again == *program))
        std::abort();
    return 0;
}
