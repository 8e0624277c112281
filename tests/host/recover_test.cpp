// SPDX-License-Identifier: BSD-2-Clause
// safe_copy at every edge, recovery of registered code, and faults that are not ours.
#include "host/recover.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace {

using difjit::host::install_fault_handler;
using difjit::host::safe_copy;
using difjit::host::safe_copy_to;

constexpr std::size_t page = 4096;

/// Two pages, of which the second is not there.
class HalfMapped {
  public:
    explicit HalfMapped(int protection = PROT_READ | PROT_WRITE) {
        install_fault_handler();
        base = static_cast<std::byte*>(
            mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (std::size_t i = 0; i < page; i++)
            base[i] = static_cast<std::byte>(i * 7 + 1);
        mprotect(base + page, page, PROT_NONE);
        mprotect(base, page, protection);
    }
    ~HalfMapped() { munmap(base, 2 * page); }
    [[nodiscard]] std::uint64_t at(std::size_t offset) const {
        return reinterpret_cast<std::uint64_t>(base) + offset;
    }
    std::byte* base;
};

TEST(SafeCopy, CountsTheBytesBeforeTheFirstBadOne) {
    const HalfMapped memory;
    for (std::size_t len = 0; len <= 40; len++)
        for (std::size_t left = 0; left <= 40; left++) {
            std::byte dst[64] = {};
            const std::size_t n = safe_copy(dst, memory.at(page - left), len);
            ASSERT_EQ(n, std::min(len, left)) << "len " << len << " left " << left;
            ASSERT_EQ(std::memcmp(dst, memory.base + page - left, n), 0);
            for (std::size_t i = n; i < sizeof dst; i++)
                ASSERT_EQ(dst[i], std::byte{0});
        }
}

TEST(SafeCopy, CountsTheBytesThatCanBeWritten) {
    const HalfMapped memory;
    std::byte src[40];
    for (std::size_t i = 0; i < sizeof src; i++)
        src[i] = static_cast<std::byte>(i + 1);
    for (std::size_t left = 0; left <= 40; left++) {
        ASSERT_EQ(safe_copy_to(memory.at(page - left), src, sizeof src),
                  std::min(left, sizeof src));
        ASSERT_EQ(std::memcmp(memory.base + page - left, src, left), 0);
    }
}

TEST(SafeCopy, RefusesToWriteReadOnlyMemory) {
    const HalfMapped memory(PROT_READ);
    const char byte = 'x';
    EXPECT_EQ(safe_copy_to(memory.at(0), &byte, 1), 0u);
}

TEST(SafeCopy, TakesAnyAddress) {
    install_fault_handler();
    for (const std::uint64_t address :
         {0x0ull, 0x1ull, 0xfffull, 0x7ffffffffff8ull, 0x7fffffffffffull, 0x800000000000ull,
          0x8000000000000000ull, 0xffff7fffffffffffull, 0xffff800000000000ull,
          0xfffffffffffffff0ull, 0xffffffffffffffffull})
        for (const std::size_t len : {1u, 7u, 8u, 9u, 64u}) {
            std::byte dst[64];
            EXPECT_EQ(safe_copy(dst, address, len), 0u) << std::hex << address;
            EXPECT_EQ(safe_copy_to(address, dst, len), 0u) << std::hex << address;
        }
}

TEST(SafeCopy, RecoversFromAFileThatShrank) {
    install_fault_handler();
    const int fd = memfd_create("shrinks", MFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(ftruncate(fd, 2 * page), 0);
    auto* p = static_cast<std::byte*>(mmap(nullptr, 2 * page, PROT_READ, MAP_SHARED, fd, 0));
    ASSERT_EQ(ftruncate(fd, page), 0);
    std::byte dst[16];
    EXPECT_EQ(safe_copy(dst, reinterpret_cast<std::uint64_t>(p) + page - 5, 16), 5u); // SIGBUS
    munmap(p, 2 * page);
    close(fd);
}

TEST(SafeCopy, WorksOnManyThreadsAtOnce) {
    const HalfMapped memory;
    std::atomic<int> bad{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 2000; i++) {
                std::byte dst[16];
                if (safe_copy(dst, memory.at(page - 3), 16) != 3)
                    bad++;
            }
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(bad, 0);
}

/// Machine code: loads [rsi + disp8] into rax and returns; where that faults, returns 77.
class TinyCode {
  public:
    explicit TinyCode(std::uint8_t disp) {
        install_fault_handler();
        const std::uint8_t code[] = {0x48, 0x8b, 0x46, disp, 0xc3, 0xb8, 77, 0, 0, 0, 0xc3};
        base = static_cast<std::uint8_t*>(
            mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::memcpy(base, code, sizeof code);
        mprotect(base, page, PROT_READ | PROT_EXEC);
        entry.pc = 3;
        entry.base_reg = 6;  // rsi
        entry.frame_reg = 7; // rdi
        entry.size = 8;
        entry.disp = static_cast<std::int8_t>(disp);
        const auto start = reinterpret_cast<std::uint64_t>(base);
        handle = difjit::host::register_code({start, start + sizeof code, {&entry, 1}, start + 5});
    }
    ~TinyCode() {
        difjit::host::unregister_code(handle);
        munmap(base, page);
    }
    std::uint64_t run(difjit_frame& frame, std::uint64_t address) const {
        return reinterpret_cast<std::uint64_t (*)(difjit_frame*, std::uint64_t)>(base)(&frame,
                                                                                       address);
    }
    std::uint8_t* base;
    difjit_fault_entry entry{};
    std::uint64_t handle;
};

TEST(Recovery, SetsTheFaultInTheFrame) {
    const HalfMapped memory;
    const TinyCode code(8);
    difjit_frame frame{};
    EXPECT_EQ(code.run(frame, memory.at(0)), *reinterpret_cast<std::uint64_t*>(memory.base + 8));
    EXPECT_EQ(frame.flags, 0u);
    EXPECT_EQ(code.run(frame, memory.at(page - 8)), 77u);
    EXPECT_EQ(frame.flags, DIFJIT_FAULT_BADADDR);
    EXPECT_EQ(frame.fault_offset, 12u);
    EXPECT_EQ(frame.illval, memory.at(page));
}

TEST(Recovery, IllvalIsTheFirstByteThatIsNotThere) {
    const HalfMapped memory;
    const TinyCode code(0);
    for (std::size_t left = 0; left < 8; left++) {
        difjit_frame frame{};
        EXPECT_EQ(code.run(frame, memory.at(page - left)), 77u);
        EXPECT_EQ(frame.illval, memory.at(page)) << left;
    }
}

TEST(Recovery, IllvalOfAToxicAddressIsTheLoadsOwn) {
    const TinyCode code(0);
    for (const std::uint64_t address :
         {0x7ffffffffffcull, 0x800000000000ull, 0x123456789abcdef0ull, 0xffff800000000000ull,
          0xffffffffffffffffull, 0xfffffffffffffffcull}) {
        difjit_frame frame{};
        EXPECT_EQ(code.run(frame, address), 77u);
        EXPECT_EQ(frame.illval, address) << std::hex << address;
    }
}

TEST(Recovery, ForgetsUnregisteredCodeAndKeepsTheRest) {
    const TinyCode kept(0);
    std::vector<std::uint64_t> handles;
    for (std::uint64_t i = 0; i < 300; i++) // more than a block of the registry
        handles.push_back(difjit::host::register_code({16 + i, 17 + i, {}, 0}));
    {
        const TinyCode gone(0);
    }
    for (const std::uint64_t handle : handles)
        difjit::host::unregister_code(handle);
    difjit_frame frame{};
    EXPECT_EQ(kept.run(frame, 0), 77u);
    EXPECT_EQ(frame.illval, 0u);
}

void write_at(std::uint64_t address) {
    asm volatile("" : "+r"(address)); // the compiler must not see that it is nonsense
    *reinterpret_cast<volatile int*>(address) = 1;
}

TEST(RecoveryDeath, AFaultElsewhereStillEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            install_fault_handler();
            write_at(8);
        },
        "");
}

TEST(RecoveryDeath, ASentSignalEndsTheProcessToo) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            install_fault_handler();
            ::raise(SIGSEGV);
            ::raise(SIGSEGV);
        },
        "");
}

void previous_handler(int) {
    const char text[] = "previous handler\n";
    [[maybe_unused]] const ssize_t n = write(2, text, sizeof text - 1);
    _exit(3);
}

TEST(RecoveryDeath, ChainsToTheHandlerThatWasThere) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            signal(SIGSEGV, previous_handler);
            install_fault_handler();
            write_at(8);
        },
        testing::ExitedWithCode(3), "previous handler");
}

} // namespace
