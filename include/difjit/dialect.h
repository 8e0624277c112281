/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dialects: whose numbers subroutines and built-in variables have (design.md, contract 7).
 * A DOF never decides it; the caller does.
 */
#ifndef DIFJIT_DIALECT_H
#define DIFJIT_DIALECT_H

enum difjit_dialect {
    DIFJIT_DIALECT_FREEBSD = 0,   /* FreeBSD 12 and later, OpenDTrace: the default */
    DIFJIT_DIALECT_FREEBSD11 = 1, /* with typeref, so other subroutine numbers from 47 on */
    DIFJIT_DIALECT_ILLUMOS = 2,
    DIFJIT_NDIALECTS = 3
};

#ifdef __cplusplus
namespace difjit {
enum class Dialect : unsigned {
    freebsd = DIFJIT_DIALECT_FREEBSD,
    freebsd11 = DIFJIT_DIALECT_FREEBSD11,
    illumos = DIFJIT_DIALECT_ILLUMOS,
};
} // namespace difjit
#endif

#endif
