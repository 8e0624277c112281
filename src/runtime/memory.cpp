// SPDX-License-Identifier: BSD-2-Clause
// Loads, stores and copies with the reference's faults, byte by byte where a byte may fault.
//
// memory.hpp says what is followed. A quick way exists wherever nothing can fault: own memory in
// place, other memory by one call of the host. Tested in tests/runtime/memory_test.cpp.
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
std::uint64_t read(difjit_frame* f, void* dst, std::uint64_t addr, std::uint64_t size) {
    if (size == 0)
        return 0;
    if (own_bytes(f, addr) >= size) {
        __builtin_memmove(dst, pointer_to(addr), size);
        return size;
    }
    std::uint64_t where = 0;
    if (toxic(f->host, addr, size, where))
        size = where - addr;
    return size == 0 ? 0 : f->host->read(f, dst, addr, size);
}

bool holds(std::uint64_t base, std::uint64_t size, std::uint64_t addr, std::uint64_t& rest) {
    rest = size - (addr - base);
    return addr - base < size;
}

} // namespace

std::uint64_t own_bytes(const difjit_frame* f, std::uint64_t addr) {
    std::uint64_t rest = 0;
    if (holds(f->scratch_base, f->scratch_size, addr, rest))
        return rest;
    if (f->difo != nullptr && holds(address_of(f->difo->strtab), f->difo->str_len, addr, rest))
        return rest;
    if (f->vstate != nullptr && holds(address_of(f->vstate), f->vstate->layout.bytes, addr, rest))
        return rest;
    return 0;
}

void Reader::fill() {
    std::uint64_t got = own_bytes(frame_, addr_);
    if (got != 0) {
        at_ = pointer_to(addr_);
    } else {
        at_ = buffer_;
        // To the end of an aligned block: no piece straddles a page.
        const std::uint64_t want = least(sizeof buffer_ - (addr_ & (sizeof buffer_ - 1)), left_);
        got = read(frame_, buffer_, addr_, want == 0 ? 1 : want);
    }
    if (got == 0) {
        set_fault(frame_, DIFJIT_FAULT_BADADDR, addr_);
        buffer_[0] = 0;
        got = 1;
    }
    end_ = at_ + got;
    addr_ += got;
    left_ -= least(left_, got);
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
    if (own_bytes(f, addr) >= bytes) {
        __builtin_memcpy(&value, pointer_to(addr), bytes);
        return has_fault(f) ? 0 : extend(value, width);
    }
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

namespace {

/// One access, aligned: another CPU may read the same variable (decision 12).
template <class T>
void write(std::uint64_t addr, std::uint64_t value) {
    __atomic_store_n(reinterpret_cast<T*>(addr), static_cast<T>(value), __ATOMIC_RELAXED);
}

} // namespace

std::uint64_t store(difjit_frame* f, std::uint64_t addr, std::uint64_t value, std::uint64_t bytes) {
    if (!canstore(f, addr, bytes)) {
        set_fault(f, DIFJIT_FAULT_BADADDR, addr);
        return 0;
    }
    if ((addr & (bytes - 1)) != 0) {
        set_fault(f, DIFJIT_FAULT_BADALIGN, addr);
        return 0;
    }
    switch (bytes) {
    case 1: write<std::uint8_t>(addr, value); break;
    case 2: write<std::uint16_t>(addr, value); break;
    case 4: write<std::uint32_t>(addr, value); break;
    default: write<std::uint64_t>(addr, value); break;
    }
    return 0;
}

void copy_in(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size) {
    if (!has_fault(f) && read(f, dst, src, size) == size)
        return;
    // Byte by byte, from the back where the destination lies higher: what is left of a copy that
    // faults, and its illval, are those of the reference's loops.
    const bool forward = address_of(dst) <= src;
    for (std::uint64_t i = 0; i < size; i++) {
        const std::uint64_t at = forward ? i : size - 1 - i;
        dst[at] = load_byte(f, src + at);
    }
}

void copy_string(difjit_frame* f, std::uint8_t* dst, std::uint64_t src, std::uint64_t size) {
    Reader reader(f, src, size); // forward, even where the two overlap
    for (std::uint64_t i = 0; i < size; i++)
        if ((dst[i] = reader.next()) == 0)
            return;
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
