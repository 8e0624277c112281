// SPDX-License-Identifier: BSD-2-Clause
// The structures of DOF as they lie in a file: dof_* of dtrace.h, little-endian, fixed width.
//
// They are copied in and out with memcpy, never pointed at: nothing in a file need be aligned.
// Tested in tests/dof/identity_test.cpp.
#ifndef DIFJIT_DOF_FORMAT_HPP
#define DIFJIT_DOF_FORMAT_HPP

#include <cstddef>
#include <cstdint>

#include <difjit/abi.h>

namespace difjit::dof {

enum class SectionType : std::uint32_t {
#define DOF_SECTION(name, number, ...) name = number,
#include "dof/sections.def"
};

/// "DIFOHDR", or nullptr where the number has no name.
constexpr const char* section_name(std::uint32_t type) {
    switch (type) {
#define DOF_SECTION(name, number, ...)                                                             \
    case number: return #name;
#include "dof/sections.def"
    default: return nullptr;
    }
}

/// DOF_SEC_ISLOADABLE.
constexpr bool must_load(std::uint32_t type) {
    switch (type) {
#define DOF_SECTION(name, number, loadable, meaning)                                               \
    case number: return loadable != 0;
#include "dof/sections.def"
    default: return false;
    }
}

// Bytes of dofh_ident.
enum : std::size_t {
    ident_model = 4,
    ident_encoding = 5,
    ident_version = 6,
    ident_difvers = 7,
    ident_difireg = 8,
    ident_diftreg = 9,
    ident_pad = 10
};

inline constexpr unsigned char magic[4] = {0x7f, 'D', 'O', 'F'};
inline constexpr std::uint8_t model_ilp32 = 1, model_lp64 = 2;
inline constexpr std::uint8_t encode_lsb = 1, encode_msb = 2;
inline constexpr std::uint8_t version_1 = 1, version_2 = 2;
inline constexpr std::uint8_t dif_version = 2;

inline constexpr std::uint32_t no_section = 0xffffffff; ///< DOF_SECIDX_NONE
inline constexpr std::uint32_t flag_load = 1;           ///< DOF_SECF_LOAD

// Limits of the kernel.
inline constexpr std::uint64_t max_load_size = 8 * 1024 * 1024; ///< dtrace_dof_maxsize: below it
inline constexpr std::uint64_t max_difo_size = 256 * 1024;      ///< dtrace_difo_maxsize
inline constexpr std::uint64_t max_actions = 16 * 1024;         ///< dtrace_actions_max
inline constexpr std::size_t provider_name_length = 64;         ///< DTRACE_PROVNAMELEN, NUL and all
inline constexpr std::size_t module_name_length = 64;
inline constexpr std::size_t function_name_length = 192;
inline constexpr std::size_t probe_name_length = 64;
inline constexpr std::size_t argument_type_length = 128; ///< DTRACE_ARGTYPELEN

/// Ours: what one DOF may grow to in memory. Links may share sections, so a small file can stand
/// for a very large program; a program without sharing stays far below this.
inline constexpr std::uint64_t max_expanded_size = 64 * 1024 * 1024;

struct Header {
    std::uint8_t ident[16];
    std::uint32_t flags, hdrsize, secsize, secnum;
    std::uint64_t secoff, loadsz, filesz, pad;
};

struct Section {
    std::uint32_t type, align, flags, entsize;
    std::uint64_t offset, size;
};

struct EcbDesc {
    std::uint32_t probes, pred, actions, pad;
    std::uint64_t uarg;
};

struct ProbeDesc {
    std::uint32_t strtab, provider, module, function, name, id;
};

struct ActDesc {
    std::uint32_t difo, strtab, kind, ntuple;
    std::uint64_t arg, uarg;
};

struct RelHdr {
    std::uint32_t strtab, relsec, tgtsec;
};

struct RelDesc {
    std::uint32_t name, type;
    std::uint64_t offset, data;
};

enum : std::uint32_t { relo_none = 0, relo_setx = 1, relo_dofrel = 2 };

struct OptDesc {
    std::uint32_t option, strtab;
    std::uint64_t value;
};

struct Provider {
    std::uint32_t strtab, probes, prargs, proffs, name;
    std::uint32_t provattr, modattr, funcattr, nameattr, argsattr;
    std::uint32_t prenoffs; ///< version 2; none is 0 here, not no_section
};

struct Probe {
    std::uint64_t addr;
    std::uint32_t func, name, nargv, xargv, argidx, offidx;
    std::uint8_t nargc, xargc;
    std::uint16_t noffs;
    std::uint32_t enoffidx; ///< version 2, like all that follows
    std::uint16_t nenoffs, pad1;
    std::uint32_t pad2;
};

struct XlMember {
    std::uint32_t difo, name;
    difjit_type type;
};

static_assert(sizeof(Header) == 64 && sizeof(Section) == 32 && sizeof(EcbDesc) == 24);
static_assert(sizeof(ProbeDesc) == 24 && sizeof(ActDesc) == 32 && sizeof(RelHdr) == 12);
static_assert(sizeof(RelDesc) == 24 && sizeof(OptDesc) == 16 && sizeof(Provider) == 44);
static_assert(sizeof(Probe) == 48 && sizeof(XlMember) == 16);

inline constexpr std::size_t provider_size_v1 = offsetof(Provider, prenoffs);
inline constexpr std::size_t probe_size_v1 = 40; ///< enoffidx and what follows was padding

} // namespace difjit::dof

#endif
