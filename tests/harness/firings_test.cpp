// SPDX-License-Identifier: BSD-2-Clause
// Firings files: good ones read back, bad ones refused with file, line and reason.
#include "harness/firings.hpp"

#include <gtest/gtest.h>

namespace difjit::harness {
namespace {

const std::string setting =
    R"({"strsize":256,"kernel":true,"scratch":65536,"memory":[{"addr":"0x20000000","hex":"0aff"}],)"
    R"("user":[]})";
const std::string firing =
    R"({"probe":"syscall::write:entry","args":["0x3",4,-1],"cpu":3,"pid":100,"tid":1000,"ppid":1,)"
    R"("uid":1001,"gid":1001,"execname":"nginx","errno":0,"timestamp":"0xffffffffffffffff",)"
    R"("vtimestamp":"0x1","walltimestamp":"0x2","id":77})";

TEST(Firings, ReadBack) {
    auto firings = parse_firings(setting + "\n\n" + firing + "\r\n" + firing, "f");
    ASSERT_TRUE(firings) << firings.error().message;
    EXPECT_EQ(firings->setting.memory.at(0).address, 0x20000000U);
    EXPECT_EQ(firings->setting.memory.at(0).bytes.at(1), std::byte{0xff});
    ASSERT_EQ(firings->lines.size(), 2U);
    const FiringLine& line = firings->lines[1];
    EXPECT_EQ(firings->probes.size(), 1U);
    EXPECT_EQ(firings->probes[line.probe].function, "write");
    EXPECT_EQ(line.args, (std::vector<std::uint64_t>{3, 4, ~std::uint64_t{0}}));
    EXPECT_EQ(line.timestamp, ~std::uint64_t{0});
    EXPECT_EQ(line.reported_id, 77U);
    EXPECT_EQ(firings->ncpus(), 4U);
}

TEST(Firings, ProbeNames) {
    auto probe = split_probe("pid12:libc++.so:std::vector::at(int):entry");
    EXPECT_EQ(probe.provider, "pid12");
    EXPECT_EQ(probe.module, "libc++.so");
    EXPECT_EQ(probe.function, "std::vector::at(int)");
    EXPECT_EQ(probe.name, "entry");
    probe = split_probe("load:::tick");
    EXPECT_EQ(probe.provider + "/" + probe.module + "/" + probe.function + "/" + probe.name,
              "load///tick");
    probe = split_probe("write:entry");
    EXPECT_EQ(probe.provider + "/" + probe.module + "/" + probe.function + "/" + probe.name,
              "//write/entry");
    EXPECT_EQ(split_probe("").name, "");
}

struct Bad {
    const char *where, *from, *to, *message;
};

class BadFirings : public testing::TestWithParam<Bad> {};

TEST_P(BadFirings, AreRefused) {
    const Bad& bad = GetParam();
    std::string text = setting + "\n" + firing + "\n";
    text.replace(text.find(bad.from), std::string_view(bad.from).size(), bad.to);
    auto firings = parse_firings(text, "f.jsonl");
    ASSERT_FALSE(firings);
    EXPECT_EQ(firings.error().message.find(bad.where), 0U) << firings.error().message;
    EXPECT_NE(firings.error().message.find(bad.message), std::string::npos)
        << firings.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadFirings,
    testing::Values(Bad{"f.jsonl:1: ", "\"strsize\":256", "\"strsize\":0", "\"strsize\" is 0"},
                    Bad{"f.jsonl:1: ", "\"strsize\":256", "\"strsize\":\"many\"",
                        "not a hexadecimal integer"},
                    Bad{"f.jsonl:1: ", "\"strsize\":256", "\"strsize\":99999999", "more than"},
                    Bad{"f.jsonl:1: ", "true", "\"true\"", "neither true nor false"},
                    Bad{"f.jsonl:1: ", "\"scratch\":65536,", "", "\"scratch\" is missing"},
                    Bad{"f.jsonl:1: ", "0x20000000", "0x20000010", "not the start of a page"},
                    Bad{"f.jsonl:1: ", "0x20000000", "0xffffffff80000000", "toxic range"},
                    Bad{"f.jsonl:1: ", "\"0aff\"", "\"0af\"", "not whole bytes"},
                    Bad{"f.jsonl:1: ", "\"0aff\"", "\"0x0aff\"", "not hex"},
                    Bad{"f.jsonl:1: ", "\"0aff\"}",
                        "\"0aff\"},{\"addr\":\"0x20000000\",\"hex\":\"00\"}", "overlap"},
                    Bad{"f.jsonl:1: ", "\"user\":[]", "\"user\":{}", "not an array"},
                    Bad{"f.jsonl:1: ", "\"user\":[]", "\"user\":[1]", "not an object"},
                    Bad{"f.jsonl:2: ", "\"syscall::write:entry\"", "12", "not a string"},
                    Bad{"f.jsonl:2: ", "write:entry", "wri\\u0000te:entry", "NUL"},
                    Bad{"f.jsonl:2: ", "\"cpu\":3", "\"cpu\":256", "more than 255"},
                    Bad{"f.jsonl:2: ", "\"cpu\":3", "\"cpu\":-3", "not an integer from 0 up"},
                    Bad{"f.jsonl:2: ", "\"tid\":1000,", "", "\"tid\" is missing"},
                    Bad{"f.jsonl:2: ", "[\"0x3\",4,-1]", "[[]]", "not an integer"},
                    Bad{"f.jsonl:2: ", "[\"0x3\",4,-1]", "[1e300]", "not an integer"},
                    Bad{"f.jsonl:2: ", "{\"probe\"", "[\"probe\"", "bad JSON"},
                    Bad{"f.jsonl:2: ", "\"id\":77", "\"id\":4294967296", "more than"}));

TEST(Firings, EmptyFileIsRefused) {
    auto firings = parse_firings("", "f");
    ASSERT_FALSE(firings);
    EXPECT_NE(firings.error().message.find("is empty"), std::string::npos);
}

TEST(Firings, DeepNestingIsRefusedNotFollowed) {
    std::string deep(200000, '[');
    auto firings = parse_firings(deep, "f");
    ASSERT_FALSE(firings);
    firings = parse_firings(deep + std::string(200000, ']'), "f");
    ASSERT_FALSE(firings);
    EXPECT_NE(firings.error().message.find("not an object"), std::string::npos)
        << firings.error().message.substr(0, 200);
}

} // namespace
} // namespace difjit::harness
