// SPDX-License-Identifier: BSD-2-Clause
// Property: any JSON lines are either refused with file and line, or read as objects that the
// verifier can judge and the compiler compiles if it accepts them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <difjit/jit.hpp>
#include <difjit/verifier.hpp>

#include "harness/vectors.hpp"

namespace {

void judge(const difjit::Difo& difo) {
    if (difjit::verifier::verify(difo).empty() && !difjit::jit::compile(difo.view()))
        std::abort(); // it verifies and does not compile
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto vectors = difjit::harness::parse_vectors(text, "fuzz.jsonl");
    if (!vectors && !vectors.error().message.starts_with("fuzz.jsonl"))
        std::abort();
    if (vectors)
        for (const auto& object : vectors->objects)
            judge(object.difo);
    const auto objects = difjit::harness::parse_objects(text, "fuzz.jsonl");
    if (objects)
        for (const auto& object : *objects)
            judge(object.difo);
    return 0;
}
