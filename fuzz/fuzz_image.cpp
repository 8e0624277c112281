// SPDX-License-Identifier: BSD-2-Clause
// Property: any bytes are either refused or parsed as an image whose listing can be printed. Code
// is never run: an image is only ever loaded after its hash was matched.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include <difjit/jit.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The parser's contract is an 8-aligned buffer, as every allocator gives it.
    std::vector<std::uint64_t> storage(size / 8 + 1);
    if (size != 0)
        std::memcpy(storage.data(), data, size);
    const auto bytes = std::as_bytes(std::span(storage)).first(size);
    const auto image = difjit::jit::parse_image(bytes);
    if (!image) {
        if (image.error().message.empty())
            std::abort();
        return 0;
    }
    const difjit_difo empty{};
    (void)difjit::jit::image_matches(*image, empty);
    (void)difjit::jit::listing(bytes, empty);
    return 0;
}
