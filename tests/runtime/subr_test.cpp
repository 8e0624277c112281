// SPDX-License-Identifier: BSD-2-Clause
// Subroutines of strings, paths, numbers and addresses: their edges (semantics.md points 18, 38-44,
// decisions 16, 17). What they answer in general is compared with the reference by the vectors.
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

class Strings : public testing::Test {
  protected:
    World world{{}, {1, 2048, 0}};
    difjit_frame f = world.frame();
    std::uint64_t base = world.scratch();

    /// A string argument: its own place in traced memory.
    std::uint64_t str(const std::string& text) { return traced(world, text, next_ += 0x1000); }
    std::string text(Subr subr, const std::vector<std::uint64_t>& arguments) {
        return text_at(call(f, subr, arguments));
    }
    [[nodiscard]] std::uint64_t used() const { return f.scratch_ptr - f.scratch_base; }
    void expect_fault(const char* name) {
        EXPECT_EQ(fault_name(f.flags), name);
        f.flags = 0;
    }

  private:
    std::uint64_t next_ = place;
};

TEST_F(Strings, StrlenIsLimitedByStrsize) {
    EXPECT_EQ(call(f, Subr::STRLEN, {str("hello")}), 5u);
    f.strsize = 3;
    EXPECT_EQ(call(f, Subr::STRLEN, {str("hello")}), 3u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Strings, StrlenOfWhatMayNotBeReadIsZero) {
    f.access = DIFJIT_ACCESS_PROC;
    std::memset(reinterpret_cast<void*>(base), 'x', 2048); // no NUL in all of scratch memory
    EXPECT_EQ(call(f, Subr::STRLEN, {base + 2040}), 0u);
    EXPECT_EQ(f.flags, 0u) << "point 40: without a flag";
}

TEST_F(Strings, StrchrAndStrrchr) {
    const std::uint64_t s = str("abcabc");
    EXPECT_EQ(call(f, Subr::STRCHR, {s, 'b'}), s + 1);
    EXPECT_EQ(call(f, Subr::STRRCHR, {s, 'b'}), s + 4);
    EXPECT_EQ(call(f, Subr::STRCHR, {s, 'x'}), 0u);
    EXPECT_EQ(call(f, Subr::STRCHR, {s, 0}), s + 6) << "the NUL is found";
    EXPECT_EQ(call(f, Subr::STRRCHR, {s, 0}), s + 6);
    EXPECT_EQ(call(f, Subr::STRCHR, {s, 0x100 + 'b'}), s + 1) << "the low byte";
    f.strsize = 4;
    EXPECT_EQ(call(f, Subr::STRRCHR, {s, 'b'}), s + 1);
    EXPECT_EQ(call(f, Subr::STRCHR, {UINT64_MAX - 1, 'b'}), 0u) << "a limit that wraps around";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Strings, StrstrAndIndex) {
    const std::uint64_t s = str("banana"), an = str("an"), empty = str("");
    EXPECT_EQ(call(f, Subr::STRSTR, {s, an}), s + 1);
    EXPECT_EQ(call(f, Subr::STRSTR, {s, str("x")}), 0u);
    EXPECT_EQ(call(f, Subr::STRSTR, {s, empty}), s);
    EXPECT_EQ(call(f, Subr::STRSTR, {empty, empty}), empty);
    EXPECT_EQ(call(f, Subr::INDEX, {s, an}), 1u);
    EXPECT_EQ(call(f, Subr::RINDEX, {s, an}), 3u);
    EXPECT_EQ(call(f, Subr::INDEX, {s, str("x")}), UINT64_MAX);
    EXPECT_EQ(call(f, Subr::INDEX, {s, an, 2}), 3u);
    EXPECT_EQ(call(f, Subr::RINDEX, {s, an, 2}), 1u);
}

TEST_F(Strings, IndexAsPerlHasIt) { // point 43
    const std::uint64_t s = str("abc"), empty = str("");
    const auto minus = static_cast<std::uint64_t>(-5);
    EXPECT_EQ(call(f, Subr::INDEX, {s, empty, 10}), 3u);
    EXPECT_EQ(call(f, Subr::INDEX, {s, empty, minus}), 0u);
    EXPECT_EQ(call(f, Subr::RINDEX, {s, empty, minus}), 0u);
    EXPECT_EQ(call(f, Subr::RINDEX, {s, str("a"), minus}), UINT64_MAX);
    EXPECT_EQ(call(f, Subr::RINDEX, {s, empty, 10}), 3u);
    EXPECT_EQ(call(f, Subr::INDEX, {empty, empty, 7}), 0u);
    EXPECT_EQ(call(f, Subr::INDEX, {s, str("c"), 3}), UINT64_MAX);
}

TEST_F(Strings, SubstrCountsFromBothEnds) {
    const std::uint64_t s = str("abcdef");
    const auto n = [](std::int64_t i) { return static_cast<std::uint64_t>(i); };
    EXPECT_EQ(text(Subr::SUBSTR, {s, 2}), "cdef");
    EXPECT_EQ(text(Subr::SUBSTR, {s, 2, 2}), "cd");
    EXPECT_EQ(text(Subr::SUBSTR, {s, n(-2)}), "ef");
    EXPECT_EQ(text(Subr::SUBSTR, {s, n(-2), 1}), "e");
    EXPECT_EQ(text(Subr::SUBSTR, {s, 1, n(-2)}), "bcd");
    EXPECT_EQ(text(Subr::SUBSTR, {s, 9}), "");
    EXPECT_EQ(text(Subr::SUBSTR, {s, n(-9), 4}), "a");
    EXPECT_EQ(used(), 7 * 256u) << "strsize bytes each, however short";
    EXPECT_EQ(text(Subr::SUBSTR, {s, n(INT64_MIN), n(INT64_MAX)}), "abcde") << "the sum is 5";
    EXPECT_EQ(call(f, Subr::SUBSTR, {s, 0}), 0u);
    expect_fault("NOSCRATCH");
}

TEST_F(Strings, StrjoinTakesWhatItMakes) {
    EXPECT_EQ(text(Subr::STRJOIN, {str("ab"), str("cd")}), "abcd");
    EXPECT_EQ(used(), 5u);
    f.strsize = 5;
    EXPECT_EQ(call(f, Subr::STRJOIN, {str("ab"), str("cd")}, 0x77), 0x77u)
        << "decision 16: exactly strsize leaves rd";
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(used(), 5u);
    EXPECT_EQ(call(f, Subr::STRJOIN, {str("ab"), str("cde")}, 0x77), 0u);
    expect_fault("NOSCRATCH");
}

TEST_F(Strings, StrtokRemembersItsPlace) {
    const std::uint64_t s = str(",,a,bc,"), comma = str(",");
    EXPECT_EQ(text(Subr::STRTOK, {s, comma}), "a");
    EXPECT_EQ(text(Subr::STRTOK, {0, comma}), "bc");
    EXPECT_EQ(call(f, Subr::STRTOK, {0, comma}), 0u);
    EXPECT_EQ(call(f, Subr::STRTOK, {0, comma}), 0u) << "and for ever";
    EXPECT_EQ(f.flags, 0u);
    EXPECT_EQ(used(), 512u);
}

TEST_F(Strings, StrtokWithoutAPlaceIsNull) {
    f.strtok_limit = 0x1000; // left over from an earlier firing
    EXPECT_EQ(call(f, Subr::STRTOK, {0, str(",")}), 0u);
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Strings, CaseChangesLettersOnly) {
    EXPECT_EQ(text(Subr::TOUPPER, {str("aZ`{\xe4 1")}), "AZ`{\xe4 1");
    EXPECT_EQ(text(Subr::TOLOWER, {str("AZ@[\xc4 1")}), "az@[\xc4 1");
    f.strsize = 3;
    EXPECT_EQ(text(Subr::TOUPPER, {str("abcdef")}), "AB");
}

TEST_F(Strings, Paths) {
    const std::vector<std::array<const char*, 3>> cases = {{"/usr/bin/ls", "ls", "/usr/bin"},
                                                           {"ls", "ls", "."},
                                                           {"/ls", "ls", "/"},
                                                           {"/usr//bin//", "bin", "/usr"},
                                                           {"", ".", "."},
                                                           {"///", "/", "/"},
                                                           {"a/b", "b", "a"}};
    for (const auto& [path, base_name, dir_name] : cases) {
        f.scratch_ptr = f.scratch_base;
        EXPECT_EQ(text(Subr::BASENAME, {str(path)}), base_name) << path;
        EXPECT_EQ(text(Subr::DIRNAME, {str(path)}), dir_name) << path;
        EXPECT_EQ(used(), 512u);
    }
}

TEST_F(Strings, Cleanpath) {
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"/a//b", "/a/b"},  {"/a/./b", "/a/b"},   {"/a/../b", "/b"},   {"/a/b/..", "/a/"},
        {"/a/.b", "/a/.b"}, {"/a/..b", "/a/..b"}, {"a/../../b", "/b"}, {"", ""}};
    for (const auto& [path, clean] : cases) {
        f.scratch_ptr = f.scratch_base;
        EXPECT_EQ(text(Subr::CLEANPATH, {str(path)}), clean) << path;
    }
    f.scratch_ptr = f.scratch_base;
    EXPECT_EQ(text(Subr::CLEANPATH, {str("/..")}), "") << "decision 17";
}

TEST_F(Strings, Strtoll) {
    const auto number = [&](const std::string& s, std::uint64_t b) {
        return static_cast<std::int64_t>(call(f, Subr::STRTOLL, {str(s), b}));
    };
    EXPECT_EQ(static_cast<std::int64_t>(call(f, Subr::STRTOLL, {str(" \t-12x")})), -12);
    EXPECT_EQ(number("0x1fz", 16), 0x1f);
    EXPECT_EQ(number("0x", 16), 0) << "no digit follows";
    EXPECT_EQ(number("0x10", 10), 0);
    EXPECT_EQ(number("zZ", 36), 35 * 36 + 35);
    EXPECT_EQ(number("--1", 10), 0) << "one sign";
    EXPECT_EQ(number("18446744073709551617", 10), 1) << "it wraps";
    EXPECT_EQ(number("12", (std::uint64_t{1} << 32) + 10), 12) << "the base is narrowed to an int";
    EXPECT_EQ(f.flags, 0u);
    for (const std::uint64_t b : {0u, 1u, 37u}) {
        EXPECT_EQ(call(f, Subr::STRTOLL, {str("1"), b}, 5), 5u);
        expect_fault("ILLOP");
    }
    f.access = 0;
    EXPECT_EQ(static_cast<std::int64_t>(call(f, Subr::STRTOLL, {place})), INT64_MIN);
    expect_fault("KPRIV");
}

TEST_F(Strings, Lltostr) {
    EXPECT_EQ(text(Subr::LLTOSTR, {static_cast<std::uint64_t>(INT64_MIN)}), "-9223372036854775808");
    EXPECT_EQ(text(Subr::LLTOSTR, {UINT64_MAX, 16}), "0xffffffffffffffff") << "'-' only for ten";
    EXPECT_EQ(text(Subr::LLTOSTR, {8, 8}), "010");
    EXPECT_EQ(text(Subr::LLTOSTR, {0, 16}), "0x0");
    EXPECT_EQ(text(Subr::LLTOSTR, {0, 8}), "0");
    EXPECT_EQ(text(Subr::LLTOSTR, {0}), "0");
    EXPECT_EQ(text(Subr::LLTOSTR, {UINT64_MAX, 2}), std::string(64, '1'));
    EXPECT_EQ(used(), 7 * 65u);
    EXPECT_EQ(call(f, Subr::LLTOSTR, {1, 1}, 9), 9u);
    expect_fault("ILLOP");
}

TEST_F(Strings, ByteOrderTruncates) {
    EXPECT_EQ(call(f, Subr::HTONS, {0x12345678}), 0x7856u);
    EXPECT_EQ(call(f, Subr::NTOHL, {0x1122334455667788}), 0x88776655u);
    EXPECT_EQ(call(f, Subr::NTOHLL, {0x1122334455667788}), 0x8877665544332211u);
}

TEST_F(Strings, Addresses) {
    world.firing.memory = {{place, std::string("\x0a\x00\x01\xff", 4)}};
    EXPECT_EQ(text(Subr::INET_NTOA, {place}), "10.0.1.255");
    EXPECT_EQ(used(), 16u);
    EXPECT_EQ(text(Subr::INET_NTOP, {2, place}), "10.0.1.255");
    EXPECT_EQ(call(f, Subr::INET_NTOP, {10, place}), 0u);
    expect_fault("ILLOP"); // AF_INET6 is 28 on FreeBSD
    EXPECT_EQ(text(Subr::INET_NTOA, {place + 1}), "0.0.0.0") << "made all the same";
    expect_fault("BADADDR");
}

TEST_F(Strings, Addresses6) {
    const auto ip = [&](const std::string& bytes) {
        f.scratch_ptr = f.scratch_base;
        world.firing.memory = {{place, bytes}};
        return text(Subr::INET_NTOP, {28, place});
    };
    EXPECT_EQ(ip(std::string(16, '\0')), "::");
    EXPECT_EQ(ip(std::string(15, '\0') + "\1"), "::1");
    EXPECT_EQ(ip(std::string("\xfe\x80\0\0\0\0\0\0\x02\x14\x4f\xff\xfe\x0b\x76\xc8", 16)),
              "fe80::214:4fff:fe0b:76c8");
    EXPECT_EQ(ip(std::string(10, '\0') + "\xff\xff\x7f" + std::string("\0\0\1", 3)),
              "::ffff:127.0.0.1");
    EXPECT_EQ(text(Subr::INET_NTOA6, {place}), "127.0.0.1") << "only the IPv4 part";
    EXPECT_EQ(used(), 92u);
}

TEST_F(Strings, AFaultLeavesScratchTaken) {
    world.firing.memory = {{place, "abc"}}; // no NUL behind it
    call(f, Subr::TOUPPER, {place});
    EXPECT_EQ(fault_name(f.flags), "BADADDR");
    EXPECT_EQ(used(), 256u);
}

} // namespace
} // namespace difjit::test
