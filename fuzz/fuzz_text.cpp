// SPDX-License-Identifier: BSD-2-Clause
// Property: any text is either refused with file and line or assembled to a program that prints and
// assembles back to itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <difjit/text.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view source(reinterpret_cast<const char*>(data), size);
    const auto program = difjit::text::assemble(source, "fuzz.dif");
    if (!program) {
        if (!program.error().message.starts_with("fuzz.dif"))
            std::abort();
        return 0;
    }
    const auto again = difjit::text::assemble(difjit::text::print(*program), "again.dif");
    if (!again || again->difos.size() != program->difos.size())
        std::abort();
    for (std::size_t i = 0; i < program->difos.size(); i++) {
        (void)difjit::text::disassemble(program->difos[i]);
        if (program->difos[i].text != again->difos[i].text)
            std::abort();
    }
    return 0;
}
