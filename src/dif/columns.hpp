// SPDX-License-Identifier: BSD-2-Clause
// The vocabulary in which the rows of opcodes.def, subroutines.def and variables.def are written.
//
// Freestanding. Each column of a table is one of these types; a row's columns are plain values, so
// the verifier, both executors, the fuzzers and the documentation read the same facts.
// Tested in tests/dif/tables_test.cpp.
#ifndef DIFJIT_DIF_COLUMNS_HPP
#define DIFJIT_DIF_COLUMNS_HPP

#include <cstdint>

#include <difjit/abi.h>
#include <difjit/dialect.h>

namespace difjit {

/// How an instruction's 24 operand bits are laid out and written.
enum class Format : std::uint8_t {
    R1_R2_RD,   ///< or %r1, %r2, %rd
    R1_RD,      ///< mov %r1, %rd; bits 15..8 are 0
    R1_R2,      ///< cmp %r1, %r2; bits 7..0 are 0
    R1,         ///< tst %r1; bits 15..0 are 0
    LABEL,      ///< be label; 24 bits, an instruction index
    LOAD,       ///< ldx [%r1], %rd; bits 15..8 are 0
    STORE,      ///< stx %r1, [%rd]; bits 15..8 are 0
    RD,         ///< ret %rd; bits 23..8 are 0
    NONE,       ///< nop; bits 23..0 are 0
    INTEGER,    ///< setx DT_INTEGER[i], %rd; i in bits 23..8
    STRING,     ///< sets DT_STRING[offset], %rd
    ARRAY,      ///< ldga DT_VAR(v), %r2, %rd; v in bits 23..16
    LOAD_VAR,   ///< ldgs DT_VAR(v), %rd; v in bits 23..8
    STORE_VAR,  ///< stgs %rs, DT_VAR(v); rs in bits 7..0
    CALL,       ///< call DIF_SUBR(s), %rd; s in bits 23..8
    PUSH_REF,   ///< pushtr DT_TYPE(t), %r2, %rs; t in bits 23..16, r2 holds the size
    PUSH_VALUE, ///< pushtv DT_TYPE(t), %rs; bits 15..8 are a register that is not read
    XLATE       ///< xlate DT_XLREF[x], %rd
};

/// The memory that a load or store touches.
enum class Memory : std::uint8_t {
    NONE,
    KERNEL,     ///< ld*: no access check but toxic ranges and page faults
    RESTRICTED, ///< rld*: after canload
    USER,       ///< uld*
    STORE       ///< st*: after canstore
};

/// One character of a subroutine's argument string.
enum class Argument : char {
    NONE = 0,        ///< the subroutine has no such argument
    INTEGER = 'i',   ///< a number; pushtv
    CHARACTER = 'c', ///< the low byte of a number; pushtv
    SIZE = 'n',      ///< a count of bytes; pushtv
    STRING = 's',    ///< address of a string: pushtr of a string, or pushtv of a char pointer
    POINTER = 'p',   ///< address of kernel memory that is read; pushtv, or pushtr of a D type
    SCRATCH = 'd',   ///< address in scratch memory that is written; pushtv, or pushtr of a D type
    USER = 'u',      ///< address in user memory; pushtv
    OBJECT = 'o'     ///< address of a host's object (a lock, a message block); pushtv
};

/// What a subroutine leaves in rd where it neither faults nor fails.
enum class SubrResult : std::uint8_t {
    VOID,           ///< rd keeps its old value
    INTEGER,        ///< a number
    SCRATCH,        ///< address of new scratch memory
    SCRATCH_STRING, ///< address of a new terminated string in scratch memory, or 0
    ARGUMENT,       ///< an address inside the first argument's string, or 0
    OBJECT          ///< address of a host's object, or 0
};

/// The type of a built-in variable. All are read as 64 bits; this is what they hold.
enum class VarType : std::uint8_t { I32, U32, I64, U64, POINTER, STRING };

/// Where a built-in variable's value comes from.
enum class Origin : std::uint8_t {
    FRAME,       ///< the frame has it, or caches it
    HOST,        ///< difjit_host::variable
    HOST_STRING, ///< difjit_host::string_variable; its address, or a copy in scratch memory
    ILLEGAL      ///< reading it sets ILLOP on FreeBSD
};

/// What a consumer must be allowed to do, else the variable is 0 and UPRIV or KPRIV is set.
enum class Privilege : std::uint8_t {
    NONE,
    PROC,  ///< CRA_PROC, else UPRIV
    KERNEL ///< CRA_KERNEL, else KPRIV
};

/// How an action option's value is written: dt_options.c.
enum class OptionKind : std::uint8_t {
    SIZE,      ///< 4m: t, g, m, k
    RATE,      ///< 10ms, 101hz: nanoseconds; a bare number is nanoseconds
    INTEGER,   ///< a number
    FLAG,      ///< no value, or yes/no and the like
    BUFPOLICY, ///< ring, fill, switch
    BUFRESIZE, ///< auto, manual
    ZONE       ///< a zone's name
};

/// Short names for the columns that are sets; visible only inside the tables.
namespace column {

// Registers that an instruction reads or writes.
enum : std::uint8_t { R1 = 1, R2 = 2, RD = 4 };

// Condition codes that it reads or writes.
enum : std::uint8_t { N = 1, Z = 2, V = 4, C = 8, NZVC = 15 };

// Faults that it can set; ANY is every fault.
enum : std::uint32_t {
#define DIFJIT_FAULT(name, bit, code, meaning) name = (bit),
#include <difjit/faults.def>
    DROP = DIFJIT_FLAG_DROP,
    ANY = DIFJIT_FLAG_ERROR
};

// What it does beyond registers.
enum : std::uint32_t {
    LOADS = 0x1,           ///< reads memory through a pointer
    STORES = 0x2,          ///< writes memory through a pointer
    SCRATCH = 0x4,         ///< allocates scratch memory
    READS_GLOBAL = 0x8,    ///< a global scalar or a built-in
    WRITES_GLOBAL = 0x10,  //
    READS_THREAD = 0x20,   ///< self->x
    WRITES_THREAD = 0x40,  //
    READS_LOCAL = 0x80,    ///< this->x
    WRITES_LOCAL = 0x100,  //
    READS_ASSOC = 0x200,   ///< an associative array, key on the tuple stack
    WRITES_ASSOC = 0x400,  //
    PUSHES = 0x800,        ///< tuple stack
    POPS = 0x1000,         //
    FLUSHES = 0x2000,      //
    READS_TUPLE = 0x4000,  //
    JUMPS = 0x8000,        ///< may not continue with the next instruction
    ENDS = 0x10000,        ///< ends the DIFO
    USER_MEMORY = 0x20000, ///< touches the process's memory
    DESTRUCTIVE = 0x40000, ///< changes the traced process
    HOST = 0x80000,        ///< asks the host about one of its objects
    STATEFUL = 0x100000,   ///< depends on or changes state outside of this run: rand, speculation
    ABSENT = 0x200000      ///< FreeBSD compiles it out: passes validation, leaves rd as it was
};

inline constexpr std::uint32_t NONE = 0;

} // namespace column

} // namespace difjit

#endif
