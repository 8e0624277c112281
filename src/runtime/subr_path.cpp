// SPDX-License-Identifier: BSD-2-Clause
// Paths: basename, dirname, cleanpath (semantics.md point 18, decision 17).
#include "runtime/memory.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

/// A path to take apart: the argument, or "." where that is empty.
struct Path {
    difjit_frame* f;
    std::uint64_t addr;
    std::int64_t length;
    bool is_dot;

    [[nodiscard]] std::uint8_t at(std::int64_t i) const {
        if (is_dot)
            return has_fault(f) ? std::uint8_t{0} : std::uint8_t{'.'};
        return load_byte(f, addr + static_cast<std::uint64_t>(i));
    }
    /// From i down to the first byte that is (not) a slash, or -1.
    [[nodiscard]] std::int64_t down(std::int64_t i, bool slash) const {
        while (i >= 0 && (at(i) == '/') != slash)
            i--;
        return i;
    }
};

bool get_path(difjit_frame* f, Path& path) {
    const std::uint64_t addr = argument(f, 0);
    const std::uint64_t length = string_length(f, addr, f->strsize);
    if (!canload(f, addr, length + 1) || !need_scratch(f, f->strsize))
        return false;
    path = {f, addr, static_cast<std::int64_t>(length), false};
    if (length == 0)
        path = {f, addr, 1, true};
    return true;
}

std::uint64_t copy_part(difjit_frame* f, const Path& path, std::int64_t first, std::int64_t last) {
    std::uint8_t* dst = scratch(f);
    std::uint64_t i = 0;
    for (; first <= last && i + 1 < f->strsize; first++)
        dst[i++] = path.at(first);
    dst[i] = '\0';
    return take_scratch(f, f->strsize, dst);
}

/// Where the last part of the path begins and ends, and where what is before it ends; -1: nowhere.
struct Parts {
    std::int64_t base_first, base_last, dir_last;
};

Parts split(const Path& path) {
    Parts parts{-1, -1, -1};
    parts.base_last = path.down(path.length - 1, false);
    const std::int64_t slash = path.down(parts.base_last, true);
    if (slash >= 0)
        parts.base_first = slash + 1;
    parts.dir_last = path.down(slash, false);
    if (parts.base_last == -1) // nothing but slashes
        parts = {0, 0, 0};
    return parts;
}

/// cleanpath's reading end: bytes behind the limit are NULs.
class Source {
  public:
    Source(difjit_frame* f, std::uint64_t addr, std::uint64_t limit)
        : f_(f), addr_(addr), limit_(limit) {}
    std::uint8_t next() { return i_ >= limit_ ? std::uint8_t{0} : load_byte(f_, addr_ + i_++); }
    void back() { i_--; }

  private:
    difjit_frame* f_;
    std::uint64_t addr_, limit_, i_ = 0;
};

/// The destination, of which the last four bytes are never needed but by "/..c" and the NUL.
struct Cleaned {
    std::uint8_t* bytes;
    std::uint64_t size;
    std::uint64_t length = 0;

    [[nodiscard]] bool is_full() const { return length + 5 >= size; }
    void put(std::uint8_t c) { bytes[length++] = c; }
    void put_dots(unsigned dots, std::uint8_t c) {
        put('/');
        while (dots-- > 0)
            put('.');
        put(c);
    }
    /// Back to the slash before the last part.
    void up() {
        while (length != 0 && bytes[--length] != '/') {
        }
    }
};

/// What a slash begins: up to "/..". Returns the byte to go on with; `again` where it is not
/// stored.
std::uint8_t after_slash(Source& source, Cleaned& to, bool& again) {
    again = false;
    std::uint8_t c = source.next();
    if (c == '/') {
        again = true;
        return c;
    }
    if (c != '.') {
        to.put_dots(0, c);
        return c;
    }
    c = source.next();
    if (c == '/') {
        again = true;
        return c;
    }
    if (c != '.') {
        to.put_dots(1, c);
        return c;
    }
    c = source.next();
    if (c != '/' && c != '\0') {
        to.put_dots(2, c);
        return c;
    }
    source.back(); // "/../" or "/..": the byte behind it is read again
    to.up();
    if (c == '\0')
        to.bytes[++to.length] = '/';
    return c;
}

} // namespace

template <>
std::uint64_t subroutine<Subr::BASENAME>(difjit_frame* f, std::uint64_t) {
    Path path{};
    if (!get_path(f, path))
        return 0;
    Parts parts = split(path);
    if (parts.base_first == -1)
        parts.base_first = 0;
    return copy_part(f, path, parts.base_first, parts.base_last);
}

template <>
std::uint64_t subroutine<Subr::DIRNAME>(difjit_frame* f, std::uint64_t) {
    Path path{};
    if (!get_path(f, path))
        return 0;
    const Parts parts = split(path);
    if (parts.base_first == -1)
        path.is_dot = true;
    return copy_part(f, path, 0, parts.dir_last == -1 ? 0 : parts.dir_last);
}

template <>
std::uint64_t subroutine<Subr::CLEANPATH>(difjit_frame* f, std::uint64_t) {
    std::uint64_t limit = 0;
    if (!strcanload(f, argument(f, 0), f->strsize, &limit) || !need_scratch(f, f->strsize))
        return 0;
    Source source(f, argument(f, 0), limit);
    Cleaned to{scratch(f), f->strsize};
    to.bytes[0] = '\0'; // decision 17
    std::uint8_t c = 0;
    bool again = false;
    do {
        if (!again)
            c = source.next();
        again = false;
        if (to.is_full())
            break;
        if (c == '/')
            c = after_slash(source, to, again);
        else
            to.put(c);
    } while (again || c != '\0');
    to.bytes[to.length] = '\0';
    return take_scratch(f, f->strsize, to.bytes);
}

} // namespace difjit::runtime
