// SPDX-License-Identifier: BSD-2-Clause
#include "runtime/memory.hpp"

#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"

namespace difjit::runtime {

namespace {

/// The first toxic address in [addr, addr + size), or false.
bool toxic(const difjit_host* host, std::uint64_t addr, std::uint64_t size, std::uint64_t& where) {
    for (std::uint32_t i = 0; i < host->ntoxic; i++) {
        const std::uint64_t base = host->toxic[i].base, length = host->toxic[i].limit - base;
        if (addr - base < length) {
            where = addr;
            return true;
        }
        if (base - addr < size) {
            where = base;
            return true;
        }
    }
    return false;
}

/// Bytes that can be read from addr on, at most size; none of them toxic. Sets no flag.
std::uint64_t read(difjit_frame* f, std::uint8_t* dst, std::uint64_t addr, std::uint64_t size) {
    std::uint64_t where = 0;
    if (toxic(f->host, addr, size, where))
        size = where - addr;
    return size == 0 ? 0 : f->host->read(f, dst, addr, size);
}

} // namespace

void Reader::fill() {
    used_ = 0;
    have_ = 1;
    buffer_[0] = 0;
    std::uint64_t want = left_ == 0 ? 1 : least<std::uint64_t>(left_, sizeof buffer_);
    // Results grow behind scratch_ptr while sources are read: a source there is read byte by byte.
    const std::uint64_t end = frame_->scratch_base + frame_->scratch_size;
    if (addr_ < end && addr_ + want > frame_->scratch_ptr)
        want = addr_ < frame_->scratch_ptr ? frame_->scratch_ptr - addr_ : 1;
    const std::uint64_t got = read(frame_, buffer_, addr_, want);
    if (got == 0)
        set_fault(frame_, DIFJIT_FAULT_BADADDR, addr_);
    else
        have_ = static_cast<std::uint32_t>(got);
    if (has_fault(frame_)) // every load behind a fault gives 0
        __builtin_memset(buffer_, 0, have_);
    addr_ += have_;
    left_ -= least<std::uint64_t>(left_, have_);
}

std::uint8_t load_byte(difjit_frame* f, std::uint64_t addr) {
    return static_cast<std::uint8_t>(load(f, addr, 1));
}

namespace {

std::uint64_t extend(std::uint64_t value, std::uint64_t width) {
    const std::uint64_t bytes = width & 0xf;
    const unsigned shift = static_cast<unsigned>(64 - 8 * bytes);
    if ((width & sign_extend) == 0)
        return value;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

} // namespace

std::uint64_t load(difjit_frame* f, std::uint64_t addr, std::uint64_t width) {
    const std::uint64_t bytes = width & 0xf;
    std::uint64_t where = 0, value = 0;
    if (toxic(f->host, addr, bytes, where)) { // wherever the range begins: the load's own address
        set_fault(f, DIFJIT_FAULT_BADADDR, addr);
        return 0;
    }
    const std::uint64_t got = f->host->read(f, &value, addr, bytes);
    if (got < bytes)
        set_fault(f, DIFJIT_FAULT_BADADDR, addr + got);
    return has_fault(f) ? 0 : extend(value, width);
}

std::uint64_t load_user(difjit_frame* f, std::uint64_t addr, std::uint64_t width) {
    const std::uint64_t bytes = width & 0xf;
    if (addr > f->host->user_limit) { // dtrace_fuword*: no length check (point 15)
        set_fault(f, DIFJIT_FAULT_BADADDR, addr);
        return 0;
    }
    std::uint64_t value = 0;
    const std::uint64_t got = f->host->read_user(f, &value, addr, bytes);
    if (got < bytes)
        set_fault(f, DIFJIT_FAULT_BADADDR, addr + got);
    return has_fault(f) ? 0 : extend(value, width);
}

std::uint64_t load_restricted(difjit_frame* f, std::uint64_t addr, std::uint64_t width) {
    return canload(f, addr, width & 0xf) ? load(f, addr, width) : 0;
}

std::uint64_t store(difjit_frame* f, std::uint64_t addr, std::uint64_t value, std::uint64_t bytes) {
    if (!canstore(f, addr, bytes))
        set_fault(f, DIFJIT_FAULT_BADADDR, addr);
    else if ((addr & (bytes - 1)) != 0)
        set_fault(f, DIFJIT_FAULT_BADALIGN, addr);
    else
        __builtin_memcpy(pointer_to(addr), &value, bytes);
    return 0;
}

void copy_in(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size) {
    const std::uint64_t to = address_of(dst);
    const bool overlap = to - src < size || src - to < size;
    if (!overlap && !has_fault(f) && read(f, dst, src, size) == size)
        return;
    // Byte by byte, from the back where the destination lies higher: what is left of a copy that
    // faults, and its illval, are those of the reference's loops.
    for (std::uint64_t i = 0; i < size; i++) {
        const std::uint64_t at = to <= src ? i : size - 1 - i;
        dst[at] = load_byte(f, src + at);
    }
}

void copy_string(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size) {
    // Not through a reader's buffer: source and destination may be the same bytes.
    for (std::uint64_t i = 0; i < size; i++) {
        dst[i] = load_byte(f, src + i);
        if (dst[i] == 0)
            return;
    }
}

void copy_value(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, const difjit_type& type,
                std::uint64_t limit) {
    const std::uint64_t size = least<std::uint64_t>(type.size, limit);
    if (type.kind == DIFJIT_TYPE_STRING)
        copy_string(f, dst, src, size);
    else
        copy_in(f, dst, src, size);
}

std::uint64_t string_length(difjit_frame* f, std::uint64_t addr, std::uint64_t limit) {
    Reader reader(f, addr, limit);
    std::uint64_t length = 0;
    while (length != limit && reader.next() != 0)
        length++;
    return length;
}

std::int64_t compare_strings(difjit_frame* f, std::uint64_t a, std::uint64_t b,
                             std::uint64_t limit) {
    if (a == b || limit == 0)
        return 0;
    Reader left(f, a, limit), right(f, b, limit);
    do {
        const int c1 = a == 0 ? 0 : left.next();
        const int c2 = b == 0 ? 0 : right.next();
        if (c1 != c2)
            return c1 - c2;
        if (c1 == 0)
            break;
    } while (--limit != 0 && !has_fault(f));
    return 0;
}

} // namespace difjit::runtime
