// SPDX-License-Identifier: BSD-2-Clause
// Subroutines that move bytes (semantics.md points 15, 17, 19, 44, 52, decisions 7, 14).
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

constexpr std::uint64_t user = 0x30000000;

class MemorySubr : public testing::Test {
  protected:
    MemorySubr() { world.firing.user = {{user, std::string("user\0text", 9)}}; }
    World world{{}, {1, 128, 0}};
    difjit_frame f = world.frame();
    std::uint64_t base = world.scratch();

    void expect_fault(const char* name, std::uint64_t illval) {
        EXPECT_EQ(fault_name(f.flags), name);
        EXPECT_EQ(f.illval, illval);
    }
    [[nodiscard]] std::uint64_t used() const { return f.scratch_ptr - f.scratch_base; }
    std::uint8_t at(std::uint64_t i) { return reinterpret_cast<std::uint8_t*>(base)[i]; }
};

TEST_F(MemorySubr, AllocaDoesNotZero) {
    f.scratch_ptr += 1;
    EXPECT_EQ(call(f, Subr::ALLOCA, {5}), base + 8);
    EXPECT_EQ(used(), 13u);
    EXPECT_EQ(at(8), 0x11u);
    EXPECT_EQ(call(f, Subr::ALLOCA, {200}), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
    f.flags = 0;
    EXPECT_EQ(call(f, Subr::ALLOCA, {UINT64_MAX}), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
    EXPECT_EQ(used(), 13u);
}

TEST_F(MemorySubr, BcopyNeedsScratchInUse) {
    traced(world, "abcdefg");
    call(f, Subr::BCOPY, {place, base, 4}, 0x99);
    expect_fault("BADADDR", 0x99); // rd's old value
    f.flags = 0;
    f.scratch_ptr += 8;
    EXPECT_EQ(call(f, Subr::BCOPY, {place, base, 8}, 0x99), 0x99u) << "rd stays as it was";
    EXPECT_EQ(text_at(base), "abcdefg");
    f.access = 0;
    EXPECT_EQ(call(f, Subr::BCOPY, {place, base, 8}, 0x99), 0u);
    expect_fault("KPRIV", place);
}

TEST_F(MemorySubr, Copyin) {
    EXPECT_EQ(call(f, Subr::COPYIN, {user, 5}), base);
    EXPECT_EQ(text_at(base), "user");
    EXPECT_EQ(used(), 5u);
    EXPECT_EQ(call(f, Subr::COPYIN, {user + 6, 8}), base + 8);
    expect_fault("BADADDR", user + 9);
    EXPECT_EQ(used(), 16u) << "taken all the same";
    f.flags = 0;
    call(f, Subr::COPYIN, {0x800000000000 - 4, 8});
    expect_fault("BADADDR", 0x800000000000 - 4); // the range as a whole
    f.flags = 0;
    call(f, Subr::COPYIN, {UINT64_MAX, 8});
    expect_fault("BADADDR", UINT64_MAX);
    f.flags = 0;
    call(f, Subr::COPYIN, {place, 1});
    expect_fault("BADADDR", place);
}

TEST_F(MemorySubr, Copyinto) {
    EXPECT_EQ(call(f, Subr::COPYINTO, {user, 5, base}, 0x55), 0x55u);
    expect_fault("BADADDR", 0x55);
    f.flags = 0;
    f.scratch_ptr += 5;
    EXPECT_EQ(call(f, Subr::COPYINTO, {user, 5, base}, 0x55), 0x55u);
    EXPECT_EQ(text_at(base), "user");
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(MemorySubr, Copyinstr) {
    f.strsize = 64;
    EXPECT_EQ(call(f, Subr::COPYINSTR, {user}), base);
    EXPECT_EQ(text_at(base), "user");
    EXPECT_EQ(used(), 64u);
    EXPECT_EQ(call(f, Subr::COPYINSTR, {user, 2}), base + 64);
    EXPECT_EQ(text_at(base + 64), "us") << "two bytes and a NUL that is forced";
    EXPECT_EQ(used(), 67u);
    call(f, Subr::COPYINSTR, {user + 5, 20});
    expect_fault("BADADDR", user + 9); // decision 14: no NUL came before
    f.flags = 0;
    EXPECT_EQ(call(f, Subr::COPYINSTR, {user}), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
}

TEST_F(MemorySubr, Copyout) {
    traced(world, "kernel");
    EXPECT_EQ(call(f, Subr::COPYOUT, {place, user, 3}, 0x66), 0x66u);
    EXPECT_EQ(world.firing.user[0].bytes.substr(0, 4), "kerr");
    EXPECT_EQ(f.flags, 0u);
    call(f, Subr::COPYOUT, {place, user + 5, 7});
    expect_fault("BADADDR", user + 9);
    f.flags = 0;
    call(f, Subr::COPYOUT, {0x800000000000 - 4, user, 8});
    expect_fault("BADADDR", 0x800000000000); // dtrace_istoxic names the range's first byte
    f.flags = 0;
    call(f, Subr::COPYOUT, {place, 0x800000000000, 1});
    expect_fault("BADADDR", 0x800000000000);
    f.flags = 0;
    f.access = DIFJIT_ACCESS_KERNEL | DIFJIT_ACCESS_PROC;
    call(f, Subr::COPYOUT, {place, user, 3});
    EXPECT_EQ(fault_name(f.flags), "UPRIV");
}

TEST_F(MemorySubr, CopyoutDoesNothingWhereDestructionIsOff) {
    world.state().destructive = 0;
    traced(world, "kernel");
    EXPECT_EQ(call(f, Subr::COPYOUT, {place, user, 3}, 1), 1u);
    EXPECT_EQ(call(f, Subr::COPYOUTSTR, {place, user, 3}, 1), 1u);
    EXPECT_EQ(world.firing.user[0].bytes.substr(0, 4), "user");
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(MemorySubr, Copyoutstr) {
    traced(world, "ab");
    EXPECT_EQ(call(f, Subr::COPYOUTSTR, {place, user, 9}, 0x66), 0x66u);
    EXPECT_EQ(world.firing.user[0].bytes, std::string("ab\0r\0text", 9)) << "to the NUL";
    traced(world, "0123456789");
    call(f, Subr::COPYOUTSTR, {place, user, 3});
    EXPECT_EQ(world.firing.user[0].bytes, std::string("012r\0text", 9));
    EXPECT_EQ(f.flags, 0u);
    call(f, Subr::COPYOUTSTR, {place, user + 8, 3});
    expect_fault("BADADDR", user + 9);
}

TEST_F(MemorySubr, MemrefChecksItsSpace) { // decision 7
    f.scratch_ptr += 3;
    const std::uint64_t pair = call(f, Subr::MEMREF, {0x1234, 16});
    EXPECT_EQ(pair, base + 8);
    EXPECT_EQ(reinterpret_cast<std::uint64_t*>(pair)[0], 0x1234u);
    EXPECT_EQ(reinterpret_cast<std::uint64_t*>(pair)[1], 16u);
    f.scratch_ptr = base + 120;
    EXPECT_EQ(call(f, Subr::MEMREF, {1, 2}), 0u);
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
}

TEST_F(MemorySubr, Memstr) {
    world.firing.memory = {{place, std::string("a\0b\0c", 5)}};
    EXPECT_EQ(text_at(call(f, Subr::MEMSTR, {place, 0x100 + '.', 6})), "a.b.c");
    EXPECT_EQ(used(), 6u);
    EXPECT_EQ(call(f, Subr::MEMSTR, {place, '.', 0}, 9), 0u);
    EXPECT_EQ(f.flags, 0u);
    call(f, Subr::MEMSTR, {place, '.', 500});
    EXPECT_EQ(fault_name(f.flags), "NOSCRATCH");
}

TEST_F(MemorySubr, MemstrHasALimit) {
    World large({}, {1, 8192, 0});
    difjit_frame g = large.frame();
    large.firing.memory = {{place, std::string(8192, 'x')}};
    EXPECT_EQ(text_at(call(g, Subr::MEMSTR, {place, '.', 4096})), std::string(4095, 'x'));
    g.scratch_ptr = g.scratch_base;
    EXPECT_EQ(call(g, Subr::MEMSTR, {place, '.', 4097}), 0u);
    EXPECT_EQ(fault_name(g.flags), "ILLOP");
}

TEST_F(MemorySubr, Typeref) {
    const std::uint64_t words = call(f, Subr::TYPEREF, {1, 2, 3, 4});
    for (std::uint64_t i = 0; i < 4; i++)
        EXPECT_EQ(reinterpret_cast<std::uint64_t*>(words)[i], i + 1);
    EXPECT_EQ(used(), 32u);
}

} // namespace
} // namespace difjit::test
