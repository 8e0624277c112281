// SPDX-License-Identifier: BSD-2-Clause
// Built-in variables: dtrace_dif_variable, dtrace_dif_varstr and dtrace_dif_varstrz.
//
// The table says what each one is and who may read it (src/dif/variables.def); what the frame does
// not hold comes from the host. timestamp and walltimestamp are read once an ECB. A string is the
// host's own address for who may read kernel memory, else a copy in scratch memory; execargs is
// always a copy. semantics.md points 22, 33, 34, decision 9. Tested in
// tests/runtime/builtin_test.cpp.
#include "runtime/builtin.hpp"

#include "dif/variables.hpp"
#include "runtime/memory.hpp"
#include "runtime/probe.hpp"
#include "runtime/runtime.hpp"
#include "runtime/scratch.hpp"

namespace difjit::runtime {

namespace {

std::uint64_t illegal(difjit_frame* f) {
    set_flag(f, DIFJIT_FAULT_ILLOP);
    return 0;
}

/// The rows by number, for those that stand together (0x000-0x17f); the others are looked for.
constexpr std::uint32_t dense = 0x180;

struct RowIndex {
    std::uint8_t of[dense];
};

constexpr RowIndex make_index() {
    RowIndex index{};
    for (std::uint8_t& i : index.of)
        i = 0xff;
    for (std::uint32_t i = 0; i < variable_count; i++)
        if (static_cast<std::uint32_t>(variable_rows[i].var) < dense)
            index.of[static_cast<std::uint32_t>(variable_rows[i].var)] =
                static_cast<std::uint8_t>(i);
    return index;
}
static_assert(variable_count < 0xff);
constexpr RowIndex row_index = make_index();

const VariableRow* find_row(std::uint64_t var) {
    if (var < dense)
        return row_index.of[var] == 0xff ? nullptr : &variable_rows[row_index.of[var]];
    return var < 0xffff ? variable_row(static_cast<Var>(var)) : nullptr;
}

std::uint32_t dialect_of(const difjit_frame* f) {
    const std::uint32_t dialect = f->difo == nullptr ? 0 : f->difo->dialect;
    return dialect < DIFJIT_NDIALECTS ? dialect : 0;
}

/// UPRIV or KPRIV where the consumer may not read it.
bool may_read(difjit_frame* f, Privilege privilege) {
    switch (privilege) {
    case Privilege::NONE: return true;
    case Privilege::PROC:
        if ((f->access & DIFJIT_ACCESS_PROC) != 0)
            return true;
        set_flag(f, DIFJIT_FAULT_UPRIV);
        return false;
    case Privilege::KERNEL:
        if (may_read_kernel(f))
            return true;
        set_flag(f, DIFJIT_FAULT_KPRIV);
        return false;
    }
    return false;
}

std::uint64_t ask(difjit_frame* f, Var var, std::uint64_t index) {
    return f->host->variable(f, static_cast<std::uint32_t>(var), index);
}

/// A clock that is read once an ECB.
std::uint64_t cached(difjit_frame* f, Var var, std::uint32_t bit, std::uint64_t& value) {
    if ((f->present & bit) == 0) {
        value = ask(f, var, 0);
        f->present |= bit;
    }
    return value;
}

/// What the frame holds itself.
std::uint64_t in_frame(difjit_frame* f, Var var, std::uint64_t index) {
    switch (var) {
    case Var::ARGS: return index < DIFJIT_NARGS ? f->args[index] : ask(f, var, index);
    case Var::TIMESTAMP: return cached(f, var, DIFJIT_PRESENT_TIMESTAMP, f->timestamp);
    case Var::WALLTIMESTAMP: return cached(f, var, DIFJIT_PRESENT_WALLTIMESTAMP, f->walltimestamp);
    case Var::EPID: return f->epid;
    case Var::ID: return f->probe_id;
    case Var::CPU: return f->cpu;
    default: return illegal(f);
    }
}

/// Bytes before the NUL in a host's own string; it may have none.
std::uint64_t host_length(const difjit_host_string& s, std::uint64_t limit) {
    std::uint64_t length = 0;
    while (length < limit && length < s.max && s.data[length] != 0)
        length++;
    return length;
}

/// dtrace_dif_varstr. A string of strsize bytes or more is copied without a NUL, one byte longer
/// than strsize, as in the reference.
std::uint64_t copy_string_variable(difjit_frame* f, const difjit_host_string& s) {
    const std::uint64_t size = host_length(s, f->strsize) + 1;
    if (!need_scratch(f, size))
        return 0;
    std::uint8_t* const dst = pointer_to(f->scratch_ptr);
    const std::uint64_t known = least(size, s.max);
    __builtin_memcpy(dst, s.data, known);
    if (known < size)
        dst[size - 1] = 0;
    f->scratch_ptr += size;
    return address_of(dst);
}

/// dtrace_dif_varstrz: strings behind each other, joined by blanks.
std::uint64_t copy_string_list(difjit_frame* f, const difjit_host_string& s) {
    if (s.max == 0 || !need_scratch(f, s.max))
        return 0;
    std::uint8_t* const dst = pointer_to(f->scratch_ptr);
    __builtin_memcpy(dst, s.data, s.max);
    for (std::uint64_t i = 0; i + 1 < s.max; i++)
        if (dst[i] == 0)
            dst[i] = ' ';
    f->scratch_ptr += s.max;
    return address_of(dst);
}

std::uint64_t string_variable(difjit_frame* f, Var var) {
    const difjit_host_string s = f->host->string_variable(f, static_cast<std::uint32_t>(var));
    if (s.data == nullptr)
        return 0;
    if (var == Var::EXECARGS)
        return copy_string_list(f, s);
    return may_read_kernel(f) ? address_of(s.data) : copy_string_variable(f, s);
}

} // namespace

std::uint64_t builtin_variable(difjit_frame* f, std::uint64_t number, std::uint64_t index) {
    const VariableRow* row = find_row(number);
    if (row == nullptr || row->numbers[dialect_of(f)] == no_variable)
        return illegal(f);
    if (!may_read(f, row->privilege[dialect_of(f)]))
        return 0;
    Var var = row->var;
    if (var >= Var::ARG0 && var <= Var::ARG9) {
        index = static_cast<std::uint64_t>(var) - static_cast<std::uint64_t>(Var::ARG0);
        var = Var::ARGS;
    }
    switch (row->origin) {
    case Origin::FRAME: return in_frame(f, var, index);
    case Origin::HOST: return ask(f, var, index);
    case Origin::HOST_STRING: return string_variable(f, var);
    case Origin::ILLEGAL: // on FreeBSD; illumos has ipl
        return dialect_of(f) == DIFJIT_DIALECT_ILLUMOS && var == Var::IPL ? ask(f, var, index)
                                                                          : illegal(f);
    }
    return illegal(f);
}

} // namespace difjit::runtime
