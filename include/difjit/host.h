/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host interface: all that the freestanding core asks of the place it runs in.
 *
 * A host is a const table of functions; each gets the frame of the running ECB. All of them run in
 * probe context: they do not block, allocate, or take a lock that a probe could interrupt. A
 * process, the Linux module and FreeBSD differ only in this table and in the addresses that
 * relocations resolve to.
 */
#ifndef DIFJIT_HOST_H
#define DIFJIT_HOST_H

#include <difjit/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An address range in which no kernel load is ever tried: dtrace_toxrange_t. */
typedef struct difjit_range {
    uint64_t base;
    uint64_t limit; /* first address behind it; 0: up to the end of the address space */
} difjit_range;

/* A string of the host: not necessarily terminated within max bytes. */
typedef struct difjit_host_string {
    const char* data; /* NULL: the host has none */
    uint64_t max;     /* bytes that may be read at data */
} difjit_host_string;

typedef struct difjit_host {
    uint32_t abi; /* DIFJIT_ABI_VERSION */
    uint32_t ntoxic;
    const difjit_range* toxic;
    uint64_t user_limit; /* uld* above this address is BADADDR without a try (dtrace_fuword64) */

    /*
     * Copy from kernel memory. Returns how many bytes, counted from addr, could be read: less than
     * len where the first byte after them is not there. Never faults; knows nothing of toxic ranges
     * or privileges, which the runtime checks before.
     */
    size_t (*read)(difjit_frame*, void* dst, uint64_t addr, size_t len);

    /* The same for user memory, both ways. */
    size_t (*read_user)(difjit_frame*, void* dst, uint64_t addr, size_t len);
    size_t (*write_user)(difjit_frame*, uint64_t addr, const void* src, size_t len);

    /*
     * Built-in variable `var` (difjit::Var) that the frame does not hold. index: for arrays (args[]
     * from 10 on, uregs[]). Privileges are checked by the runtime before. Sets ILLOP or another
     * fault in frame->flags and returns 0 where the host has no such thing.
     */
    uint64_t (*variable)(difjit_frame*, uint32_t var, uint64_t index);

    /* execname, zonename, jailname, execargs, probeprov, probemod, probefunc, probename. */
    difjit_host_string (*string_variable)(difjit_frame*, uint32_t var);

    /*
     * Subroutines about host objects (`difjit::Subr`): mutex_owned, mutex_owner,
     * mutex_type_adaptive, mutex_type_spin, rw_read_held, rw_write_held, rw_iswriter,
     * sx_shared_held, sx_exclusive_held, sx_isexclusive, getf, progenyof. Arguments are
     * in frame->tuple. The runtime has done the reference's canload on the object.
     */
    uint64_t (*object)(difjit_frame*, uint32_t subr);

    /*
     * Kernel and user stack of this firing: writes up to n program counters, 0 where it ends;
     * ustack's first word is the pid (dtrace_getpcstack, dtrace_getupcstack).
     */
    void (*stack)(difjit_frame*, uint64_t* pcs, uint32_t n);
    void (*ustack)(difjit_frame*, uint64_t* pcs, uint32_t n);

    /* Kernel thread identity for thread-local keys: td_tid, and the interrupt nesting level. */
    uint64_t (*thread_id)(difjit_frame*);
    uint32_t (*interrupt_level)(difjit_frame*);

    /* Nanoseconds of a monotonic clock: deadman, chill, cleaner. */
    uint64_t (*now)(difjit_frame*);

    /*
     * Destructive actions and chill (DTRACEACT_STOP, RAISE, BREAKPOINT, PANIC, CHILL): carries out
     * `action` with `value`. Called only when the destructive option is on.
     */
    void (*act)(difjit_frame*, uint32_t action, uint64_t value);
} difjit_host;

#ifdef __cplusplus
}
#endif

#endif
