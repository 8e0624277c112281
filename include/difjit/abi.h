/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary contract of compiled DIF: DIFO, frame, image and helper numbers.
 *
 * Everything here is plain C, has asserted offsets, and is shared by the user library, the kernel
 * shims and generated code. A change of any layout raises DIFJIT_ABI_VERSION.
 */
#ifndef DIFJIT_ABI_H
#define DIFJIT_ABI_H

#ifdef __KERNEL__
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#define DIFJIT_STATIC_ASSERT(c, m) static_assert(c, m)
#else
#define DIFJIT_STATIC_ASSERT(c, m) _Static_assert(c, m)
#endif

#define DIFJIT_ABI_VERSION 1u

/* Sizes that DIF fixes (dtrace.h: DIF_DIR_NREGS, DIF_DTR_NREGS, DIF_VAR_OTHER_UBASE). */
#define DIFJIT_NREGS 8u
#define DIFJIT_NTUPLE 8u
#define DIFJIT_NARGS 10u
#define DIFJIT_USER_VARIABLE_BASE 0x500u
#define DIFJIT_STRSIZE_DEFAULT 256u   /* dtrace_strsize_default */
#define DIFJIT_STATVAR_MAXSIZE 16384u /* dtrace_statvar_maxsize */

/*
 * Flags of a firing. The faults are rows of faults.def; DROP is CPU_DTRACE_DROP: a dynamic variable
 * could not be had, the DIFO runs on, the ECB's record is not kept (semantics.md point 9).
 */
enum difjit_flag {
    DIFJIT_FLAG_DROP = 0x0002,
#define DIFJIT_FAULT(name, bit, code, meaning) DIFJIT_FAULT_##name = (bit),
#include <difjit/faults.def>
    DIFJIT_FLAG_FAULT = 0
#define DIFJIT_FAULT(name, bit, code, meaning) | (bit)
#include <difjit/faults.def>
    ,
    DIFJIT_FLAG_ERROR = DIFJIT_FLAG_FAULT | DIFJIT_FLAG_DROP
};

/* Access rights of an ECB (dtms_access and the credential bits that DIF asks for). */
enum difjit_access {
    DIFJIT_ACCESS_KERNEL = 0x1, /* may read kernel memory: DTRACE_ACCESS_KERNEL, CRA_KERNEL */
    DIFJIT_ACCESS_PROC = 0x2,   /* may see processes: pid, uid, user memory (CRA_PROC) */
    DIFJIT_ACCESS_CONTROL = 0x4 /* may change processes: copyout, raise, stop (CRA_PROC_CONTROL) */
};

/* The type of a result or of a variable: dtrace_diftype_t, as it lies in DOF. */
typedef struct difjit_type {
    uint8_t kind;  /* DIFJIT_TYPE_* */
    uint8_t ckind; /* CTF kind */
    uint8_t flags; /* DIFJIT_TF_* */
    uint8_t pad;
    uint32_t size; /* bytes; 0 in an rtype: nothing is recorded */
} difjit_type;

enum { DIFJIT_TYPE_CTF = 0, DIFJIT_TYPE_STRING = 1 };
enum { DIFJIT_TF_BYREF = 0x1, DIFJIT_TF_BYUREF = 0x2 };

/* A row of a DIFO's variable table: dtrace_difv_t, as it lies in DOF. */
typedef struct difjit_var {
    uint32_t name; /* offset in the DIFO's string table */
    uint32_t id;
    uint8_t kind;   /* DIFJIT_VAR_KIND_* */
    uint8_t scope;  /* DIFJIT_SCOPE_* */
    uint16_t flags; /* DIFJIT_VAR_REF, DIFJIT_VAR_MOD */
    difjit_type type;
} difjit_var;

enum { DIFJIT_VAR_KIND_ARRAY = 0, DIFJIT_VAR_KIND_SCALAR = 1 };
enum { DIFJIT_SCOPE_GLOBAL = 0, DIFJIT_SCOPE_THREAD = 1, DIFJIT_SCOPE_LOCAL = 2 };
enum { DIFJIT_VAR_REF = 0x1, DIFJIT_VAR_MOD = 0x2 };

DIFJIT_STATIC_ASSERT(sizeof(difjit_type) == 8, "dtrace_diftype_t");
DIFJIT_STATIC_ASSERT(sizeof(difjit_var) == 20, "dtrace_difv_t");

struct difjit_frame;

/* Compiled code: returns the DIFO's value; 0 where a fault flag is set in the frame. */
typedef uint64_t (*difjit_entry)(struct difjit_frame*);

/*
 * A DIFO as executors see it: views of tables that somebody else owns and that outlive it.
 * Read-only once it can fire, so any number of CPUs share it.
 */
typedef struct difjit_difo {
    const uint32_t* text;
    const uint64_t* ints;
    const char* strtab;
    const difjit_var* vars;
    uint32_t text_len; /* instructions */
    uint32_t int_len;  /* entries */
    uint32_t str_len;  /* bytes */
    uint32_t var_len;  /* entries */
    difjit_type rtype;
    uint32_t dialect;    /* enum difjit::Dialect: how subroutines and built-ins are numbered */
    uint32_t reserved;   /* 0 */
    difjit_entry native; /* compiled code, or NULL: the interpreter runs it */
} difjit_difo;

/* One slot of the tuple stack: dtrace_key_t. size 0: a value, else a reference to size bytes. */
typedef struct difjit_key {
    uint64_t value;
    uint64_t size;
} difjit_key;

struct difjit_host;
struct difjit_vstate;
struct difjit_state;

/*
 * What one ECB's run needs: dtrace_mstate_t, and what the interpreter takes from the CPU.
 *
 * Written by the engine before each ECB, read and written by interpreter, runtime and compiled
 * code. One frame belongs to one CPU at a time. The first two cache lines are what generated code
 * touches; the order is for it.
 */
typedef struct difjit_frame {
    uint64_t args[DIFJIT_NARGS];    /*   0 arg0..arg9; what the provider does not have is 0 */
    uint32_t flags;                 /*  80 enum difjit_flag: cpuc_dtrace_flags */
    uint32_t fault_offset;          /*  84 byte offset of the faulting instruction: dtms_fltoffs */
    uint64_t illval;                /*  88 cpuc_dtrace_illval; 0 at the start of each ECB */
    uint8_t* locals;                /*  96 this CPU's clause-local area */
    uint64_t scratch_base;          /* 104 scratch memory lives from predicate to last action */
    uint64_t scratch_ptr;           /* 112 next free byte */
    uint64_t scratch_size;          /* 120 bytes from scratch_base on */
    const difjit_difo* difo;        /* 128 the running DIFO: set by whoever calls an executor */
    struct difjit_vstate* vstate;   /* 136 variables: runtime's dtrace_vstate_t */
    struct difjit_state* state;     /* 144 consumer: options, rand, speculations */
    const struct difjit_host* host; /* 152 */
    void* firing;        /* 160 the host's own description of this firing; opaque to the engine */
    uint64_t* predcache; /* 168 this thread's predicate-cache word; stts writes 0 to it. Not NULL */
    uint64_t strsize;    /* 176 the strsize option */
    uint32_t access;     /* 184 enum difjit_access */
    uint32_t tuple_top;  /* 188 used slots of tuple[] */
    difjit_key tuple[DIFJIT_NTUPLE + 2]; /* 192 +2: room for variable id and thread key */
    uint32_t epid;                       /* 352 enabled probe id of the running ECB */
    uint32_t probe_id;                   /* 356 */
    uint32_t cpu;                        /* 360 the engine's CPU slot */
    uint32_t present;                    /* 364 which caches below are filled: DIFJIT_PRESENT_* */
    uint64_t timestamp;                  /* 368 read once an ECB */
    uint64_t walltimestamp;              /* 376 */
    uint64_t strtok;       /* 384 strtok's place, 0: none; forgotten between firings */
    uint64_t strtok_limit; /* 392 first byte strtok may not read */
    uint64_t getf;         /* 400 result of getf(), for canload */
    const void* probe;     /* 408 the engine's probe: names for probeprov and the like */
} difjit_frame;

enum { DIFJIT_PRESENT_TIMESTAMP = 0x1, DIFJIT_PRESENT_WALLTIMESTAMP = 0x2 };

DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, flags) == 80, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, locals) == 96, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, scratch_size) == 120, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, host) == 152, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, tuple) == 192, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, epid) == 352, "frame ABI");
DIFJIT_STATIC_ASSERT(offsetof(difjit_frame, probe) == 408, "frame ABI");
DIFJIT_STATIC_ASSERT(sizeof(difjit_frame) == 416, "frame ABI");

/* Helpers: numbered functions that compiled code may call; helpers.def is their single source. */
enum difjit_helper {
#define DIFJIT_HELPER(name, nargs, faults, meaning) DIFJIT_HELPER_##name,
#include <difjit/helpers.def>
    DIFJIT_HELPER_SUBR_BASE = 64, /* + subroutine number of difjit::Subr */
    DIFJIT_NHELPERS = 128
};

/*
 * Image: relocatable machine code and flat tables, little-endian, 8-byte aligned sections.
 * A loader checks every field and every table entry before it copies one byte.
 */
#define DIFJIT_IMAGE_MAGIC 0x31474d494a464944ull /* "DIFJIMG1" */

enum difjit_machine { DIFJIT_MACHINE_AMD64 = 1, DIFJIT_MACHINE_ARM64 = 2 };

enum difjit_reloc_kind {
    DIFJIT_RELOC_HELPER_REL32 = 1, /* 32-bit pc-relative call of helper `symbol` */
    DIFJIT_RELOC_HELPER_ABS64,     /* address of helper `symbol` */
    DIFJIT_RELOC_GLOBAL_ABS64,     /* address of the cell (by-value) or header (by-ref) of global
                                      `symbol` */
    DIFJIT_RELOC_LOCAL_DISP32,     /* offset of clause-local `symbol` in difjit_frame.locals */
    DIFJIT_RELOC_STRTAB_ABS64,     /* address of the DIFO's string table, + addend */
    DIFJIT_RELOC_INT_ABS64,        /* integer constant `symbol` of the DIFO */
    DIFJIT_RELOC_KIND_MAX = DIFJIT_RELOC_INT_ABS64
};

typedef struct difjit_section {
    uint32_t offset; /* bytes from the start of the image */
    uint32_t count;  /* bytes of code, entries of a table */
} difjit_section;

typedef struct difjit_image_header {
    uint64_t magic;
    uint32_t abi;          /* DIFJIT_ABI_VERSION */
    uint32_t machine;      /* enum difjit_machine */
    uint32_t size;         /* bytes of the whole image */
    uint32_t flags;        /* 0 */
    uint8_t difo_hash[32]; /* SHA-256 of the DIFO's canonical bytes */
    uint8_t fact_hash[32]; /* SHA-256 of the facts that the code relies on */
    difjit_section code;   /* bytes */
    difjit_section relocs; /* difjit_reloc, ascending offsets */
    difjit_section faults; /* difjit_fault_entry, ascending code offsets */
    difjit_section lines;  /* difjit_line, ascending code offsets: listings, perf, gdb */
    uint32_t entry;        /* code offset of difjit_entry */
    uint32_t fault_exit;   /* code offset where a recovered load continues */
} difjit_image_header;

typedef struct difjit_reloc {
    uint32_t offset; /* in code */
    uint16_t kind;   /* enum difjit_reloc_kind */
    uint16_t reserved;
    uint32_t symbol;
    int32_t addend;
} difjit_reloc;

/* A load that may fault: where, for which instruction, and where its address is. */
typedef struct difjit_fault_entry {
    uint32_t offset;   /* code offset of the machine instruction */
    uint32_t pc;       /* index of the DIF instruction */
    uint8_t base_reg;  /* machine register (hardware number) that holds the address */
    uint8_t size;      /* bytes read */
    uint8_t frame_reg; /* machine register that holds the difjit_frame here */
    uint8_t reserved;  /* 0 */
    int32_t disp;      /* displacement to base_reg */
} difjit_fault_entry;

typedef struct difjit_line {
    uint32_t offset; /* code offset of the first byte */
    uint32_t pc;     /* DIF instruction; DIFJIT_LINE_PROLOGUE and so on */
} difjit_line;

enum {
    DIFJIT_LINE_PROLOGUE = 0xffffff00u,
    DIFJIT_LINE_EPILOGUE = 0xffffff01u,
    DIFJIT_LINE_COLD = 0xffffff02u, /* shared fault exit, veneers */
    DIFJIT_LINE_CONSTANTS = 0xffffff03u
};

DIFJIT_STATIC_ASSERT(sizeof(difjit_image_header) == 128, "image ABI");
DIFJIT_STATIC_ASSERT(sizeof(difjit_reloc) == 16, "image ABI");
DIFJIT_STATIC_ASSERT(sizeof(difjit_fault_entry) == 16, "image ABI");
DIFJIT_STATIC_ASSERT(sizeof(difjit_line) == 8, "image ABI");

#ifdef __cplusplus
}
#endif

#endif
