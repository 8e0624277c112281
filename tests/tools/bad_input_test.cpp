// SPDX-License-Identifier: BSD-2-Clause
// Bad files into every subcommand: one message that names the file, status 1, nothing worse.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "harness/corpus.hpp"
#include "tools/process.hpp"

namespace difjit::tests {
namespace {

/// How a subcommand takes the file that is bad.
struct Use {
    std::string name;
    std::vector<std::string> before, after;
};

std::vector<Use> program_uses() {
    std::string firings = corpus_path("firings/assoc.jsonl");
    std::string out = temporary_path("bad-input-out");
    return {
        {"run", {"run"}, {}},
        {"run_interp", {"run", "--engine", "interp", "--load", "10"}, {}},
        {"replay", {"replay"}, {firings}},
        {"verify", {"verify"}, {}},
        {"dis", {"dis"}, {}},
        {"dis_native", {"dis", "--native", "amd64"}, {}},
        {"compile", {"compile"}, {"-o", out}},
        {"asm", {"asm"}, {"-o", out}},
    };
}

std::vector<Use> lines_uses() {
    std::string program = corpus_path("dof/assoc.dof");
    return {
        {"firings", {"run", program, "--firings"}, {}},
        {"replay", {"replay", program}, {}},
        {"replay_difo", {"replay-difo"}, {}},
        {"verify_difo", {"verify-difo"}, {}},
    };
}

Ran with(const Use& use, const std::string& file) {
    auto arguments = use.before;
    arguments.push_back(file);
    arguments.insert(arguments.end(), use.after.begin(), use.after.end());
    return difjit(arguments);
}

/// The contract: status 1, one line that starts with "difjit: FILE".
void expect_refused(const Use& use, const std::string& file) {
    Ran ran = with(use, file);
    EXPECT_EQ(ran.status, 1) << use.name << " " << file << "\n"
                             << ran.err << ran.out.substr(0, 500);
    EXPECT_EQ(ran.err.find("difjit: " + file), 0U) << use.name << ": " << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << use.name << ": " << ran.err;
}

/// What is only damaged may still be fine; it may never crash, hang or babble.
void expect_sane(const Use& use, const std::string& file, const std::string& what) {
    Ran ran = with(use, file);
    EXPECT_TRUE(ran.status == 0 || ran.status == 1)
        << use.name << " with " << what << ": status " << ran.status << "\n"
        << ran.err;
    bool silent = ran.status == 0 || use.name == "verify";
    EXPECT_TRUE(silent || ran.err.find("difjit: ") == 0)
        << use.name << " with " << what << ": " << ran.err;
}

TEST(BadProgram, MissingDirectoryEmptyRandomHuge) {
    std::mt19937_64 random(5);
    std::string noise(5000, '\0');
    for (char& byte : noise)
        byte = static_cast<char>(random());
    const std::string files[] = {
        "/no/such/program.dof",
        "/usr",
        temporary("empty.dof", ""),
        temporary("noise.dof", noise),
        temporary("dof-noise.dof", "\x7f"
                                   "DOF" +
                                       noise),
        temporary("elf-noise.o", "\x7f"
                                 "ELF" +
                                     noise),
        temporary("prose.dif", "syscall::write:entry { trace(1); }\n"),
        "/dev/zero",
    };
    for (const auto& use : program_uses())
        for (const auto& file : files)
            expect_refused(use, file);
}

TEST(BadProgram, Truncated) {
    std::string dof = slurp(corpus_path("dof/monitor-writes.dof"));
    for (std::size_t size :
         {std::size_t{4}, std::size_t{63}, std::size_t{64}, dof.size() / 2, dof.size() - 1}) {
        std::string file = temporary("truncated.dof", dof.substr(0, size));
        for (const auto& use : program_uses())
            expect_refused(use, file);
    }
}

TEST(BadProgram, BitFlipped) {
    std::string dof = slurp(corpus_path("dof/assoc.dof"));
    std::mt19937_64 random(11);
    auto uses = program_uses();
    for (int round = 0; round < 160; ++round) {
        std::string flipped = dof;
        std::size_t at = random() % flipped.size();
        auto bit = static_cast<unsigned>(random() % 8);
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        std::string file = temporary("flipped.dof", flipped);
        expect_sane(uses[static_cast<std::size_t>(round) % uses.size()], file,
                    "byte " + std::to_string(at) + " bit " + std::to_string(bit));
    }
}

TEST(BadLines, MissingDirectoryEmptyRandom) {
    const std::string files[] = {
        "/no/such/lines.jsonl",
        "/usr",
        temporary("binary.jsonl", std::string("\0\1\2\xff{}\n", 7)),
        temporary("array.jsonl", "[]\n"),
        temporary("object.jsonl", "{}\n"),
        temporary("unended.jsonl", "{\"strsize\":256"),
        temporary("deep.jsonl", std::string(100000, '[') + "\n"),
    };
    for (const auto& use : lines_uses())
        for (const auto& file : files)
            expect_refused(use, file);
}

TEST(BadLines, BitFlipped) {
    std::mt19937_64 random(13);
    for (const auto& use : lines_uses()) {
        bool vectors = use.name == "replay_difo" || use.name == "verify_difo";
        std::string path = use.name == "replay_difo" ? "difo/vectors.jsonl"
                           : vectors                 ? "difo/invalid.jsonl"
                                                     : "firings/assoc.jsonl";
        std::string text = slurp(corpus_path(path));
        text.resize(text.find('\n', std::min<std::size_t>(text.size() - 1, 20000)) + 1);
        for (int round = 0; round < 20; ++round) {
            std::string flipped = text;
            std::size_t at = random() % flipped.size();
            auto bit = static_cast<unsigned>(random() % 8);
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
            expect_sane(use, temporary("flipped.jsonl", flipped),
                        "byte " + std::to_string(at) + " bit " + std::to_string(bit));
        }
    }
}

TEST(BadLines, MemoryThatCannotBeMapped) {
    std::string line =
        R"({"strsize":256,"kernel":true,"scratch":1024,"memory":[{"addr":"0x7ffffffff000",)"
        R"("hex":"00"}],"user":[]})"
        "\n";
    std::string file = temporary("unmappable.jsonl", line);
    Ran ran = difjit({"replay", corpus_path("dof/assoc.dof"), file});
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.err.find("difjit: " + file + ": cannot map memory at 0x7ffffffff000"), 0U)
        << ran.err;
}

} // namespace
} // namespace difjit::tests
