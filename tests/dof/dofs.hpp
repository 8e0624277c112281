// SPDX-License-Identifier: BSD-2-Clause
// DOF for tests: the corpus's files, programs made by hand, and a knife to spoil good DOF with.
#ifndef DIFJIT_TESTS_DOF_DOFS_HPP
#define DIFJIT_TESTS_DOF_DOFS_HPP

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <difjit/dof.hpp>

#include "dif/actions.hpp"
#include "dof/format.hpp"

namespace difjit::test {

using Bytes = std::vector<std::byte>;

inline Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("no file " + path.string());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

/// The corpus's DOF files, programs and options.
inline std::vector<std::filesystem::path> corpus_files() {
    std::vector<std::filesystem::path> files;
    for (const char* folder : {"dof", "opt"})
        for (const auto& entry : std::filesystem::directory_iterator(
                 std::string(DIFJIT_SOURCE_DIR "/tests/corpus/") + folder))
            files.push_back(entry.path());
    return files;
}

/// A DIFO with all four tables.
inline Difo full_difo() {
    Difo difo;
    difo.text = {0x25000001, 0x26000102, 0x29050003, 0x23000001};
    difo.ints = {1, 2};
    difo.strtab = std::string("\0abc\0x\0", 7);
    difo.vars = {
        {5, 0x500, DIFJIT_VAR_KIND_SCALAR, DIFJIT_SCOPE_GLOBAL, 0, {DIFJIT_TYPE_CTF, 1, 0, 0, 8}}};
    difo.rtype = {DIFJIT_TYPE_CTF, 1, 0, 0, 8};
    return difo;
}

inline Difo ret_difo() {
    Difo difo;
    difo.text = {0x23000000};
    return difo;
}

/// An enabling with everything that a consumer sends: predicate, formatted and aggregating actions,
/// relocations, options, and sections that are not loaded.
inline Program enabling() {
    Program p;
    p.difos = {full_difo(), ret_difo(), full_difo()};
    p.difos[2].kernel_relocations = {{"abc", 1, 8, 3}};
    p.difos[2].user_relocations = {{"x", 2, 0, 0}, {"elsewhere", 0, 7, 0}};
    EcbDescription ecb;
    ecb.probe = {"syscall", "", "write", "entry", 7};
    ecb.predicate = 0;
    ecb.uarg = 9;
    ecb.actions = {
        {static_cast<std::uint32_t>(ActionKind::PRINTF), 0, 0, 0, "hi %d\n", 1},
        {static_cast<std::uint32_t>(ActionKind::DIFEXPR), 0, 0, 5, std::nullopt, 2},
        {static_cast<std::uint32_t>(ActionKind::COUNT), 1, 77, 0, std::nullopt, no_difo},
    };
    p.ecbs = {ecb, EcbDescription{}};
    p.options = {{0, 4096, std::nullopt}, {8, static_cast<std::uint64_t>(-3), std::nullopt}};
    p.comments = std::string("by hand\0", 8);
    p.source = "syscall::write:entry";
    p.utsname = std::string(390, 'u');
    return p;
}

/// What `dtrace -G` makes: a provider of two probes, with is-enabled offsets.
inline Program helper() {
    Program p;
    p.dof_version = 2;
    p.difos = {ret_difo()};
    EcbDescription ecb;
    ecb.probe = {"dtrace", "helper", "ustack", "", 0};
    ecb.actions = {{static_cast<std::uint32_t>(ActionKind::DIFEXPR), 0, 0, 0, std::nullopt, 0}};
    p.ecbs = {ecb};
    ProviderDescription provider{"shop", 1, 2, 3, 4, 5, {}, {}};
    provider.probes = {{0x10, "main", "sale", {"int", "char *"}, {"long"}, {1}, {4, 8}, {12}},
                       {0x20, "other", "return", {}, {}, {}, {16}, {}}};
    provider.relocations = {{"$dtrace.main", 2, 0, 0}, {"$dtrace.other", 2, 48, 0}};
    p.providers = {provider};
    return p;
}

/// The same without what version 1 can't hold.
inline Program helper_version_1() {
    Program p = helper();
    p.dof_version = 1;
    for (ProviderProbe& probe : p.providers[0].probes)
        probe.enabled_offsets.clear();
    return p;
}

/// Good DOF of a program, to be spoiled.
class Knife {
  public:
    explicit Knife(const Program& program) {
        auto made = dof::write(program);
        if (!made)
            throw std::runtime_error(made.error().message);
        bytes = std::move(*made);
    }
    explicit Knife(Bytes good) : bytes(std::move(good)) {}

    template <class T>
    T get(std::uint64_t offset) const {
        T value;
        std::memcpy(&value, bytes.data() + offset, sizeof(T));
        return value;
    }
    template <class T>
    void put(std::uint64_t offset, const T& value) {
        std::memcpy(bytes.data() + offset, &value, sizeof(T));
    }
    /// Changes a structure in place.
    template <class T, class F>
    void edit(std::uint64_t offset, F change) {
        T value = get<T>(offset);
        change(value);
        put(offset, value);
    }
    template <class F>
    void header(F change) {
        edit<dof::Header>(0, change);
    }

    std::uint64_t header_of(std::uint32_t section) const {
        const auto h = get<dof::Header>(0);
        return h.secoff + std::uint64_t{section} * h.secsize;
    }
    /// The nth section of a type.
    std::uint32_t find(dof::SectionType type, int nth = 0) const {
        const auto h = get<dof::Header>(0);
        for (std::uint32_t i = 0; i < h.secnum; i++)
            if (section(i).type == static_cast<std::uint32_t>(type) && nth-- == 0)
                return i;
        throw std::runtime_error("no such section");
    }
    dof::Section section(std::uint32_t i) const { return get<dof::Section>(header_of(i)); }
    /// Changes a section's header.
    template <class F>
    void head(std::uint32_t i, F change) {
        edit<dof::Section>(header_of(i), change);
    }
    /// Changes the structure at the start of a section's data, or entry n.
    template <class T, class F>
    void body(std::uint32_t i, F change, std::uint64_t entry = 0) {
        edit<T>(section(i).offset + entry * sizeof(T), change);
    }

    std::string message(dof::ReadOptions options = {}) const {
        const auto program = dof::read(bytes, options);
        return program ? "accepted" : program.error().message;
    }

    Bytes bytes;
};

} // namespace difjit::test

#endif
