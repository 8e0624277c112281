// SPDX-License-Identifier: BSD-2-Clause
// What variables cost, where they lie, and how large a chunk is.
#include <gtest/gtest.h>

#include "dif/instruction.hpp"
#include "runtime/world.hpp"

namespace difjit::test {
namespace {

using namespace runtime;

constexpr std::uint32_t first = DIFJIT_USER_VARIABLE_BASE;

std::uint32_t indexed(Op op, std::uint32_t index, std::uint32_t rd) {
    return Instruction::indexed(op, index, rd).word;
}

VstateLayout measure(const Object& o, std::uint64_t dynvar_size = 1 << 20,
                     std::uint32_t ncpus = 4) {
    const difjit_difo view = o.view();
    const difjit_difo* difos[] = {&view};
    return vstate_measure(difos, ncpus, dynvar_size);
}

/// arr[key...] = 1 with keys as these instructions push them.
Object array_store(std::vector<std::uint32_t> pushes, std::vector<std::uint64_t> ints = {},
                   difjit_type type = by_value) {
    Object o;
    o.ints = std::move(ints);
    o.vars = {declare(first, DIFJIT_SCOPE_GLOBAL, type, DIFJIT_VAR_KIND_ARRAY)};
    o.text = {Instruction::make(Op::FLUSHTS, 0, 0, 0).word};
    o.text.insert(o.text.end(), pushes.begin(), pushes.end());
    o.text.push_back(indexed(Op::STGAA, first, 1));
    o.text.push_back(Instruction::make(Op::RET, 0, 0, 0).word);
    return o;
}

TEST(Layout, CountsPerScope) {
    Object o;
    o.vars = {declare(first + 2, DIFJIT_SCOPE_GLOBAL, by_value),
              declare(first, DIFJIT_SCOPE_LOCAL, by_value),
              declare(first + 6, DIFJIT_SCOPE_THREAD, by_value),
              declare(0x118, DIFJIT_SCOPE_GLOBAL, by_value)}; // a built-in has no storage
    const VstateLayout l = measure(o);
    EXPECT_EQ(l.nglobals, 3u);
    EXPECT_EQ(l.nlocals, 1u);
    EXPECT_EQ(l.nthreads, 7u);
    EXPECT_EQ(l.dynvar_size, 0u) << "nothing dynamic is ever stored";
}

TEST(Layout, RepeatedDeclarationsCostNothing) {
    Object o;
    o.vars = {declare(first, DIFJIT_SCOPE_LOCAL, string_type(100))};
    const difjit_difo view = o.view();
    const difjit_difo* one[] = {&view};
    const difjit_difo* three[] = {&view, &view, &view};
    EXPECT_EQ(vstate_measure(one, 4, 0).local_stride, 128u);
    EXPECT_EQ(vstate_measure(three, 4, 0).local_stride, 128u);
    EXPECT_EQ(vstate_measure(three, 4, 0).bytes, vstate_measure(one, 4, 0).bytes);
}

TEST(Layout, AByRefLocalIsAlignedOnEveryCpu) { // decision 15
    Object o;
    o.vars = {declare(first, DIFJIT_SCOPE_LOCAL, struct_type(13)),
              declare(first + 1, DIFJIT_SCOPE_LOCAL, by_value)};
    World world(o, {3, 64, 0});
    for (std::uint32_t cpu = 0; cpu < 3; cpu++) {
        const auto base = reinterpret_cast<std::uint64_t>(world.frame(cpu).locals);
        EXPECT_EQ((base + world.vstate().locals[0].offset) % 8, 0u);
        EXPECT_EQ((base + world.vstate().locals[1].offset) % 8, 0u);
    }
    EXPECT_EQ(world.vstate().locals[1].offset, 24u);
    EXPECT_EQ(world.vstate().layout.local_stride, 64u);
}

TEST(Layout, VariablesDoNotOverlap) {
    Object o;
    for (std::uint32_t i = 0; i < 20; i++) {
        o.vars.push_back(
            declare(first + i, DIFJIT_SCOPE_GLOBAL, i % 2 == 0 ? by_value : struct_type(i)));
        o.vars.push_back(
            declare(first + i, DIFJIT_SCOPE_LOCAL, i % 3 == 0 ? by_value : string_type(i)));
    }
    World world(o);
    const difjit_vstate& v = world.vstate();
    for (std::uint32_t i = 0; i + 1 < 20; i++) {
        const auto& a = v.globals[i];
        EXPECT_GE(v.globals[i + 1].data, a.data + (a.byref ? 8 + a.type.size : 8));
        EXPECT_GE(v.locals[i + 1].offset, v.locals[i].offset + v.locals[i].storable);
    }
    EXPECT_LE(reinterpret_cast<std::uint8_t*>(v.globals[19].data) + 8 + 19,
              reinterpret_cast<const std::uint8_t*>(&v) + v.layout.bytes);
}

TEST(Layout, SenselessDeclarationsAreLeftOut) {
    Object o;
    o.vars = {declare(0x10000, DIFJIT_SCOPE_GLOBAL, by_value),
              declare(UINT32_MAX, DIFJIT_SCOPE_LOCAL, by_value), declare(first, 77, by_value)};
    const VstateLayout l = measure(o);
    EXPECT_EQ(l.nglobals + l.nlocals + l.nthreads, 0u);
}

TEST(ChunkSize, IsTheReferencesForItsOwnCases) {
    // One by-value key and the variable's id: the header, one more key, 8 bytes of data.
    const std::uint32_t pushtv = Instruction::make(Op::PUSHTV, 0, 0, 1).word;
    EXPECT_EQ(measure(array_store({pushtv})).chunk_size, 48u + 16 + 8);
    // self->x: id and thread.
    Object o;
    o.vars = {declare(first, DIFJIT_SCOPE_THREAD, string_type(256))};
    o.text = {indexed(Op::STTS, first, 1)};
    EXPECT_EQ(measure(o).chunk_size, 48u + 16 + 256);
}

TEST(ChunkSize, ConstantsReachFurtherThanOneInstruction) {
    // The reference understands a size only if it is set by the instruction just before (point 31).
    const Object o = array_store({indexed(Op::SETX, 0, 2), Instruction::make(Op::NOP, 0, 0, 0).word,
                                  Instruction::make(Op::PUSHTR, DIFJIT_TYPE_CTF, 2, 1).word},
                                 {400});
    EXPECT_EQ(measure(o).chunk_size, 48u + 16 + 400 + 8);
}

TEST(ChunkSize, StringsGetTheirBoundAndTheByteBehindIt) {
    const Object o = array_store(
        {indexed(Op::SETX, 0, 2), Instruction::make(Op::PUSHTR, DIFJIT_TYPE_STRING, 2, 1).word},
        {256});
    EXPECT_EQ(measure(o).chunk_size, 48u + 16 + 264 + 8);
}

TEST(ChunkSize, IsNoLargerThanTheSpace) {
    const Object o = array_store(
        {indexed(Op::SETX, 0, 2), Instruction::make(Op::PUSHTR, DIFJIT_TYPE_CTF, 2, 1).word},
        {0x7fffffff});
    const VstateLayout l = measure(o, 1 << 16);
    EXPECT_EQ(l.chunk_size, 1u << 16);
    EXPECT_LT(l.bytes, 1u << 18);
}

TEST(ChunkSize, OfHugeTuplesDoesNotWrap) {
    std::vector<std::uint32_t> pushes;
    for (int i = 0; i < 12; i++) {
        pushes.push_back(indexed(Op::SETX, 0, 2));
        pushes.push_back(Instruction::make(Op::PUSHTR, DIFJIT_TYPE_CTF, 2, 1).word);
    }
    EXPECT_EQ(measure(array_store(pushes, {UINT64_MAX}), 4096).chunk_size, 48u + 16 * 8 + 8)
        << "a key of 2^64 bytes is a drop, not a reason to ask for room";
}

} // namespace
} // namespace difjit::test
