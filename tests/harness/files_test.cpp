// SPDX-License-Identifier: BSD-2-Clause
// Files: what kind of program they hold is seen by content; errors say what is wrong.
#include "harness/files.hpp"

#include <filesystem>
#include <fstream>

#include <difjit/text.hpp>
#include <gtest/gtest.h>

#include "harness/corpus.hpp"

namespace difjit::harness {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string refusal(const std::string& content) {
    auto programs = parse_programs(bytes_of(content), "x", Dialect::freebsd);
    return programs ? "accepted" : programs.error().message;
}

TEST(Programs, ContentDecides) {
    std::string dof = tests::slurp(tests::corpus_path("dof/assoc.dof"));
    auto programs = parse_programs(bytes_of(dof), "program.txt", Dialect::freebsd);
    ASSERT_TRUE(programs) << programs.error().message;
    std::size_t difos = programs->front().difos.size();
    EXPECT_GT(difos, 0U);

    std::string text = text::print(programs->front());
    auto again = parse_programs(bytes_of(text), "program.dof", Dialect::freebsd);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->front().difos.size(), difos);
    EXPECT_EQ(again->front().ecbs.size(), programs->front().ecbs.size());
}

TEST(Programs, NothingElseIsAccepted) {
    EXPECT_NE(refusal("").find("is empty"), std::string::npos);
    EXPECT_NE(refusal(std::string("\0\1\2\3", 4)).find("neither DOF"), std::string::npos);
    EXPECT_NE(refusal("\x7f"
                      "DOF"),
              "accepted");
    EXPECT_NE(refusal("\x7f"
                      "ELF"),
              "accepted");
    EXPECT_NE(refusal("hello, world\n"), "accepted");
}

TEST(Programs, EveryTruncationIsRefused) {
    std::string dof = tests::slurp(tests::corpus_path("dof/assoc.dof"));
    for (std::size_t size = 0; size < dof.size(); size += 7)
        EXPECT_NE(refusal(dof.substr(0, size)), "accepted") << size;
}

TEST(Files, ErrorsSayWhatIsWrong) {
    EXPECT_NE(read_file("/no/such/file", 100).error().message.find("No such file"),
              std::string::npos);
    EXPECT_NE(read_file("/", 100).error().message.find("directory"), std::string::npos);
    EXPECT_NE(
        read_file("/dev/zero", std::size_t{1} << 20).error().message.find("larger than 1 MiB"),
        std::string::npos);
}

TEST(Files, WriteIsWholeOrNothing) {
    std::string path = testing::TempDir() + "difjit_files_test";
    ASSERT_TRUE(write_file(path, bytes_of("abc")));
    EXPECT_EQ(tests::slurp(path), "abc");
    std::filesystem::remove(path);
    EXPECT_FALSE(write_file("/dev/full", bytes_of("abc")));
    EXPECT_TRUE(std::filesystem::exists("/dev/full"));
    EXPECT_FALSE(write_file("/no/such/folder/file", bytes_of("abc")));
}

} // namespace
} // namespace difjit::harness
