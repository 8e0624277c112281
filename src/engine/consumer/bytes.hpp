// SPDX-License-Identifier: BSD-2-Clause
// Reading the bytes of a record: every access is inside the span, whatever the record claims.
//
// Buffers come from a session, but a session may be anybody's (a dump, a kernel, a fuzzer). A read
// past the end yields zeros; whoever needs to know checks sizes first. Covered by every test here.
#ifndef DIFJIT_ENGINE_CONSUMER_BYTES_HPP
#define DIFJIT_ENGINE_CONSUMER_BYTES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace difjit::consumer {

using Bytes = std::span<const std::byte>;

/// The little-endian value at `offset`; alignment does not matter.
template <class T>
T load(Bytes bytes, std::size_t offset = 0) {
    T value{};
    if (offset < bytes.size())
        std::memcpy(&value, bytes.data() + offset, std::min(sizeof value, bytes.size() - offset));
    return value;
}

/// `size` bytes from `offset` on, or nothing where they are not all there.
inline std::optional<Bytes> slice(Bytes bytes, std::size_t offset, std::size_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset)
        return std::nullopt;
    return bytes.subspan(offset, size);
}

/// Bytes up to the first NUL, or all of them.
inline std::string_view text(Bytes bytes) {
    const char* first = reinterpret_cast<const char*>(bytes.data());
    return {first, static_cast<std::size_t>(std::find(first, first + bytes.size(), '\0') - first)};
}

/// A 1, 2, 4 or 8 byte integer; nothing for other sizes.
inline std::optional<std::uint64_t> unsigned_integer(Bytes bytes) {
    switch (bytes.size()) {
    case 1: return load<std::uint8_t>(bytes);
    case 2: return load<std::uint16_t>(bytes);
    case 4: return load<std::uint32_t>(bytes);
    case 8: return load<std::uint64_t>(bytes);
    default: return std::nullopt;
    }
}

inline std::optional<std::int64_t> signed_integer(Bytes bytes) {
    switch (bytes.size()) {
    case 1: return load<std::int8_t>(bytes);
    case 2: return load<std::int16_t>(bytes);
    case 4: return load<std::int32_t>(bytes);
    case 8: return load<std::int64_t>(bytes);
    default: return std::nullopt;
    }
}

} // namespace difjit::consumer

#endif
