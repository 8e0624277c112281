// SPDX-License-Identifier: BSD-2-Clause
// The owning model of what a D compiler hands over: DIFOs, ECBs, options, providers.
//
// A Program is plain data: it can be read from DOF, from an ELF object, from DIF text, or be made
// by hand; it can be written as DOF or text again. It follows dtrace.h's dof_* structures.
#ifndef DIFJIT_PROGRAM_HPP
#define DIFJIT_PROGRAM_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <difjit/abi.h>
#include <difjit/dialect.h>

// The rows of the ABI compare member by member; in their own (global) namespace, so that the
// models' defaulted comparisons find them.
inline bool operator==(const difjit_type& a, const difjit_type& b) noexcept {
    return a.kind == b.kind && a.ckind == b.ckind && a.flags == b.flags && a.pad == b.pad &&
           a.size == b.size;
}
inline bool operator==(const difjit_var& a, const difjit_var& b) noexcept {
    return a.name == b.name && a.id == b.id && a.kind == b.kind && a.scope == b.scope &&
           a.flags == b.flags && a.type == b.type;
}

namespace difjit {

/// One relocation of a DIFO's integer table (dof_relodesc_t).
struct Relocation {
    std::string name;
    std::uint32_t type = 0;   ///< DOF_RELO_SETX (1), DOF_RELO_DOFREL
    std::uint64_t offset = 0; ///< byte offset in the integer table
    std::uint64_t data = 0;
    bool operator==(const Relocation&) const = default;
};

/// A DIF object that owns its tables.
struct Difo {
    std::vector<std::uint32_t> text;
    std::vector<std::uint64_t> ints;
    std::string strtab; ///< raw bytes, NULs included
    std::vector<difjit_var> vars;
    difjit_type rtype{};
    Dialect dialect = Dialect::freebsd;
    std::vector<Relocation> kernel_relocations; ///< KRELHDR: the kernel ignores them
    std::vector<Relocation> user_relocations;   ///< URELHDR: against a helper's load address

    bool operator==(const Difo&) const = default;

    /// What executors read. Valid while *this lives and is not changed; native is NULL.
    [[nodiscard]] difjit_difo view() const noexcept {
        return difjit_difo{text.data(),
                           ints.data(),
                           strtab.data(),
                           vars.data(),
                           static_cast<std::uint32_t>(text.size()),
                           static_cast<std::uint32_t>(ints.size()),
                           static_cast<std::uint32_t>(strtab.size()),
                           static_cast<std::uint32_t>(vars.size()),
                           rtype,
                           static_cast<std::uint32_t>(dialect),
                           0,
                           nullptr};
    }
};

/// A probe description; an empty part matches everything, a part may be a glob.
struct ProbeDescription {
    std::string provider, module, function, name;
    std::uint32_t id = 0; ///< dofp_id
    bool operator==(const ProbeDescription&) const = default;
};

/// Index into Program::difos; no_difo: none.
inline constexpr std::int32_t no_difo = -1;

/// One action of an ECB (dof_actdesc_t).
struct ActionDescription {
    std::uint32_t kind = 0;   ///< DTRACEACT_* or DTRACEAGG_*: src/dif/actions.def
    std::uint32_t ntuple = 0; ///< aggregating actions: how many actions before it form the key
    std::uint64_t arg = 0;    ///< kind-specific; meaningless where `format` is set
    std::uint64_t uarg = 0;
    std::optional<std::string> format; ///< dofa_strtab was set: arg is this string
    std::int32_t difo = no_difo;
    bool operator==(const ActionDescription&) const = default;
};

/// One enabling: a predicate and its actions on the probes that `probe` describes (dof_ecbdesc_t).
struct EcbDescription {
    ProbeDescription probe;
    std::int32_t predicate = no_difo;
    std::vector<ActionDescription> actions;
    std::uint64_t uarg = 0;
    bool operator==(const EcbDescription&) const = default;
};

/// One run-time option (dof_optdesc_t).
struct OptionDescription {
    std::uint32_t option = 0; ///< DTRACEOPT_*: src/dif/options.def
    std::uint64_t value = 0;
    std::optional<std::string> text; ///< dofo_strtab was set
    bool operator==(const OptionDescription&) const = default;
};

/// One probe of a provider section (dof_probe_t with its argument and offset tables).
struct ProviderProbe {
    std::uint64_t address = 0;
    std::string function, name;
    std::vector<std::string> native_arguments, translated_arguments;
    std::vector<std::uint8_t> argument_map;
    std::vector<std::uint32_t> offsets, enabled_offsets;
    bool operator==(const ProviderProbe&) const = default;
};

/// Stability of a provider's parts (dof_attr_t words: name, data, class).
struct ProviderDescription {
    std::string name;
    std::uint32_t provider_attributes = 0, module_attributes = 0, function_attributes = 0,
                  name_attributes = 0, argument_attributes = 0;
    std::vector<ProviderProbe> probes;
    std::vector<Relocation> relocations; ///< URELHDR of the PROBES section: offsets in it, in bytes
    bool operator==(const ProviderDescription&) const = default;
};

/// All that one DOF (or DIF text) holds.
struct Program {
    std::string name; ///< where it came from, for messages
    std::vector<Difo> difos;
    std::vector<EcbDescription> ecbs; ///< in execution order
    std::vector<OptionDescription> options;
    std::vector<ProviderDescription> providers;
    std::uint8_t dof_version = 1;
    std::uint8_t integer_registers = 8, tuple_registers = 8; ///< as in the header's ident
    std::optional<std::string> comments, utsname;            ///< unloadable sections, kept raw
    std::optional<std::string> source;                       ///< SOURCE, kept raw like them
    std::uint8_t data_model = 2; ///< as in the header's ident: 1 ILP32, 2 LP64
    bool operator==(const Program&) const = default;
};

} // namespace difjit

#endif
