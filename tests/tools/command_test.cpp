// SPDX-License-Identifier: BSD-2-Clause
// The command's face: help, version, usage errors, output that is checked.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/corpus.hpp"
#include "tools/process.hpp"

namespace difjit::tests {
namespace {

using nlohmann::json;

constexpr const char* subcommands[] = {"run", "replay", "replay-difo", "verify", "verify-difo",
                                       "dis", "asm",    "compile",     "demo"};

std::string dof(const std::string& name) {
    return corpus_path("dof/" + name + ".dof");
}
std::string firings(const std::string& name) {
    return corpus_path("firings/" + name + ".jsonl");
}
bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
std::ptrdiff_t lines(const std::string& text) {
    return std::ranges::count(text, '\n');
}

TEST(Command, HelpNamesEverySubcommand) {
    for (const char* flag : {"--help", "-h"}) {
        Ran ran = difjit({flag});
        EXPECT_EQ(ran.status, 0) << ran.err;
        EXPECT_EQ(ran.err, "");
        for (const char* name : subcommands)
            EXPECT_TRUE(contains(ran.out, name)) << name;
    }
}

TEST(Command, EverySubcommandHasHelpWithAnExample) {
    for (const char* name : subcommands) {
        Ran ran = difjit({name, "--help"});
        EXPECT_EQ(ran.status, 0) << name << ran.err;
        EXPECT_TRUE(contains(ran.out, "Example")) << ran.out;
        EXPECT_TRUE(contains(ran.out, std::string("difjit ") + name)) << ran.out;
    }
}

TEST(Command, Version) {
    Ran ran = difjit({"--version"});
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.out.find("difjit 0."), 0U) << ran.out;
    EXPECT_EQ(lines(ran.out), 1);
}

TEST(Command, UsageErrors) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"frobnicate"},
        {"run"},
        {"run", "--nonsense", "x"},
        {"run", "--engine", "magic", "x"},
        {"run", "--load", "many", "x"},
        {"run", "--load", "-1", "x"},
        {"run", "--cpus", "0", "x"},
        {"run", "--cpus", "100000", "x"},
        {"run", "--output", "xml", "x"},
        {"run", "--firings", "f", "--load", "3", "x"},
        {"run", "-", "-"},
        {"run", "--dialect", "solaris", "x"},
        {"replay", "x"},
        {"replay", "-", "-"},
        {"replay-difo"},
        {"verify"},
        {"dis", "--native", "mips", "x"},
        {"dis", "--native", "amd64", "--source", "x"},
        {"asm", "x"},
        {"compile", "x"},
        {"compile", "--difo", "-3", "-o", "y", "x"},

    };
    for (const auto& arguments : wrong) {
        Ran ran = difjit(arguments);
        std::string shown;
        for (const auto& argument : arguments)
            shown += argument + " ";
        EXPECT_EQ(ran.status, 2) << shown << ran.out << ran.err;
        EXPECT_EQ(ran.err.find("difjit: "), 0U) << shown << ran.err;
        EXPECT_LE(lines(ran.err), 2) << ran.err;
        EXPECT_EQ(ran.out, "") << shown;
    }
}

TEST(Command, FullDiskIsAnError) {
    const std::vector<std::vector<std::string>> commands = {
        {"--help"},
        {"dis", dof("assoc")},
        {"run", dof("monitor-writes")},
        {"verify", dof("assoc")},
        {"replay", dof("assoc"), firings("assoc")},
        {"asm", "-o", "-", corpus_path("dis/assoc.dis")},
    };
    for (const auto& arguments : commands) {
        Ran ran = difjit(arguments, {.input = "", .stdout_path = "/dev/full"});
        EXPECT_EQ(ran.status, 1) << arguments[0];
        EXPECT_TRUE(contains(ran.err, "difjit: standard output: No space left")) << ran.err;
    }
}

TEST(Command, ClosedPipeIsQuiet) {
    Ran ran = difjit({"replay", dof("aggregates"), firings("aggregates")},
                     {.input = "", .stdout_path = "", .close_stdout_early = true});
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.err, "");
}

TEST(Run, PrintsAsDtrace) {
    Ran ran = difjit({"run", "--firings", firings("monitor-writes"), dof("monitor-writes")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_TRUE(contains(ran.out, "nginx")) << ran.out;
    Ran interp = difjit({"run", "--engine", "interp", "--firings", firings("monitor-writes"),
                         dof("monitor-writes")});
    EXPECT_EQ(interp.out, ran.out);
}

TEST(Run, LoadIsDeterministicAndSeeded) {
    auto run = [](const char* seed) {
        return difjit({"run", "--load", "500", "--seed", seed, dof("cost-quantize")}).out;
    };
    std::string first = run("1");
    EXPECT_NE(first, "");
    EXPECT_EQ(run("1"), first);
    EXPECT_NE(run("2"), first);
}

TEST(Run, OutputIsJson) {
    Ran one = difjit({"run", "--output", "json", "--firings", firings("printf"), dof("printf")});
    EXPECT_EQ(one.status, 0) << one.err;
    json document = json::parse(one.out, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << one.out.substr(0, 500);
    ASSERT_TRUE(document.contains("dtrace")) << one.out.substr(0, 500);
    EXPECT_FALSE(document["dtrace"]["probes"].empty());

    Ran many = difjit({"run", "--output", "jsonl", "--firings", firings("printf"), dof("printf")});
    EXPECT_EQ(many.status, 0) << many.err;
    std::istringstream text(many.out);
    std::size_t objects = 0;
    for (std::string line; std::getline(text, line); ++objects)
        EXPECT_FALSE(json::parse(line, nullptr, false).is_discarded()) << line;
    EXPECT_GT(objects, 1U);
}

TEST(Run, OptionsDofIsOneSessionWithTheProgram) {
    Ran ran = difjit({"run", "-v", "--firings", firings("tiny-buffer"),
                      corpus_path("opt/tiny-buffer.dof"), dof("tiny-buffer")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(contains(ran.err, "loaded    2 programs")) << ran.err;
    EXPECT_TRUE(contains(ran.err, "drop")) << ran.err;
}

TEST(Run, VerboseSumsUp) {
    Ran ran = difjit({"run", "-v", "--load", "50", dof("cost-count")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    for (const char* part : {"loaded", "verified", "compiled", "fired     50 probes", "recorded"})
        EXPECT_TRUE(contains(ran.err, part)) << part << "\n" << ran.err;
    Ran interp = difjit({"run", "-v", "--load", "50", "--engine", "interp", dof("cost-count")});
    EXPECT_FALSE(contains(interp.err, "compiled")) << interp.err;
}

TEST(Run, QuietLeavesTheHeaderOut) {
    Ran loud = difjit({"run", "--firings", firings("printf"), dof("printf")});
    Ran quiet = difjit({"run", "-q", "--firings", firings("printf"), dof("printf")});
    EXPECT_TRUE(contains(loud.out, "FUNCTION:NAME")) << loud.out.substr(0, 200);
    EXPECT_FALSE(contains(quiet.out, "FUNCTION:NAME")) << quiet.out.substr(0, 200);
}

TEST(Run, ReadsStandardInput) {
    Ran ran = difjit({"run", "--firings", firings("printf"), "-"}, {.input = slurp(dof("printf"))});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, difjit({"run", "--firings", firings("printf"), dof("printf")}).out);
}

TEST(Replay, PrintsTheCorpusFormat) {
    for (const char* engine : {"interp", "jit"}) {
        Ran ran = difjit({"replay", "--engine", engine, dof("assoc"), firings("assoc")});
        EXPECT_EQ(ran.status, 0) << ran.err;
        EXPECT_EQ(ran.out, slurp(corpus_path("expected/assoc.jsonl")));
    }
}

TEST(ReplayDifo, OneLineAnObject) {
    std::string vectors = slurp(corpus_path("difo/vectors.jsonl"));
    std::string some;
    std::size_t at = 0;
    for (int i = 0; i < 21; ++i) {
        std::size_t end = vectors.find('\n', at);
        some += vectors.substr(at, end + 1 - at);
        at = end + 1;
    }
    for (const char* engine : {"interp", "jit"}) {
        Ran ran = difjit({"replay-difo", "--engine", engine, "-"}, {.input = some});
        EXPECT_EQ(ran.status, 0) << ran.err;
        EXPECT_EQ(lines(ran.out), 20);
    }
}

TEST(Verify, SaysOkForTheCorpus) {
    std::vector<std::string> arguments{"verify"};
    auto names = corpus_names("dof", ".dof");
    for (const auto& name : names)
        arguments.push_back(dof(name));
    Ran ran = difjit(arguments);
    EXPECT_EQ(ran.status, 0) << ran.out;
    EXPECT_EQ(lines(ran.out), static_cast<std::ptrdiff_t>(names.size())) << ran.out;
}

TEST(Verify, JsonIsOneObjectAProgram) {
    Ran ran = difjit({"verify", "--json", dof("assoc"), "/no/such/file"});
    EXPECT_EQ(ran.status, 1);
    std::istringstream text(ran.out);
    std::string line;
    std::getline(text, line);
    json good = json::parse(line, nullptr, false);
    ASSERT_TRUE(good.is_object()) << line;
    EXPECT_EQ(good["ok"], true);
    EXPECT_TRUE(good["violations"].empty());
    std::getline(text, line);
    json missing = json::parse(line, nullptr, false);
    ASSERT_TRUE(missing.is_object()) << line;
    EXPECT_EQ(missing["ok"], false);
    EXPECT_TRUE(contains(ran.err, "difjit: /no/such/file: No such file")) << ran.err;
}

TEST(Verify, ShowsFactsBesideTheInstructions) {
    Ran ran = difjit({"verify", "--facts", dof("hexval")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(contains(ran.out, "03: 2e010201    sra  %r1, %r2, %r1")) << ran.out;
    EXPECT_TRUE(contains(ran.out, "| the shift count is below 64; %r1 in [-128, 127]\n"))
        << ran.out;
    Ran as_json = difjit({"verify", "--facts", "--json", dof("hexval")});
    json program = json::parse(as_json.out, nullptr, false);
    ASSERT_TRUE(program.is_object()) << as_json.out;
    json expected = {
        {"difo", 0}, {"pc", 3}, {"kind", "RESULT_SIGNED"}, {"text", "%r1 in [-128, 127]"}};
    EXPECT_EQ(std::ranges::count(program["facts"], expected), 1) << as_json.out;
    // Without --facts there are none.
    EXPECT_FALSE(json::parse(difjit({"verify", "--json", dof("hexval")}).out).contains("facts"));
    EXPECT_EQ(difjit({"verify", "--facts", "--strsize", "0", dof("hexval")}).status, 2);
}

TEST(Verify, ShowsTheInstructionAtFault) {
    // setx DT_INTEGER[0], %r0 in an otherwise good DIFO
    std::string text = "DIFO returns D type (integer) (size 8)\n"
                       "OFF OPCODE      INSTRUCTION\n"
                       "00: 25000001    setx DT_INTEGER[0], %r1\t\t! 0x5\n"
                       "01: 23000001    ret  %r1\n";
    std::string good = temporary("good.dif", text);
    ASSERT_EQ(difjit({"verify", good}).status, 0);
    std::string dof_path = temporary_path("bad.dof");
    ASSERT_EQ(difjit({"asm", good, "-o", dof_path}).status, 0);
    std::string bytes = slurp(dof_path);
    std::size_t at = bytes.find(std::string("\x01\x00\x00\x25", 4));
    ASSERT_NE(at, std::string::npos);
    bytes[at] = 9;
    std::string bad = temporary("bad.dof", bytes);
    Ran ran = difjit({"verify", bad});
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(contains(ran.out, "instruction 0: invalid register 9")) << ran.out;
    EXPECT_TRUE(contains(ran.out, "> 00: 25000009")) << ran.out;
    Ran as_json = difjit({"verify", "--json", bad});
    EXPECT_EQ(json::parse(as_json.out)["violations"][0]["pc"], 0);
}

TEST(VerifyDifo, SaysWhatTheReferenceSays) {
    Ran ran = difjit({"verify-difo", corpus_path("difo/invalid.jsonl")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    std::istringstream expected(slurp(corpus_path("difo/invalid.jsonl"))), actual(ran.out);
    std::size_t number = 0, wrong = 0;
    for (std::string line, answer; std::getline(expected, line); ++number) {
        ASSERT_TRUE(std::getline(actual, answer)) << number;
        json errors = json::parse(answer)["errors"];
        for (auto& error : errors) {
            EXPECT_NE(error["rule"], "");
            error.erase("rule");
        }
        json wanted = json::parse(line)["errors"];
        if (errors != wanted && ++wrong <= 5)
            ADD_FAILURE() << "line " << number + 1 << "\n  reference: " << wanted
                          << "\n  here:      " << errors;
    }
    EXPECT_EQ(number, 400U);
    EXPECT_EQ(wrong, 0U);
}

TEST(Dis, PrintsTheListing) {
    Ran ran = difjit({"dis", dof("monitor-writes")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(contains(ran.out, "! DIFO 0: ECB 0 (syscall::write:entry), predicate\n"))
        << ran.out;
    std::string reference = slurp(corpus_path("dis/monitor-writes.dis"));
    std::size_t first = reference.find("OFF"), second = reference.find("DIFO returns", first);
    std::string listing = reference.substr(first, second - first);
    EXPECT_TRUE(contains(ran.out, listing.substr(0, listing.find_last_not_of('\n')))) << ran.out;
}

TEST(Dis, NativeShowsMachineCodeBesideDif) {
    Ran ran = difjit({"dis", "--native", "amd64", dof("cost-predicate")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(contains(ran.out, "endbr64")) << ran.out;
    EXPECT_TRUE(contains(ran.out, "ret")) << ran.out;
}

TEST(Asm, ReadsBackWhatDisPrints) {
    for (const char* name : {"assoc", "monitor-writes", "strings-basic", "printf", "speculation"}) {
        Ran source = difjit({"dis", "--source", dof(name)});
        ASSERT_EQ(source.status, 0) << source.err;
        std::string copy = temporary_path("copy.dof");
        Ran made = difjit({"asm", "-", "-o", copy}, {.input = source.out});
        ASSERT_EQ(made.status, 0) << name << ": " << made.err;
        EXPECT_EQ(difjit({"dis", "--source", copy}).out, source.out) << name;
        EXPECT_EQ(difjit({"dis", copy}).out, difjit({"dis", dof(name)}).out) << name;
        Ran answers = difjit({"replay", "--engine", "jit", copy, firings(name)});
        EXPECT_EQ(answers.out, slurp(corpus_path("expected/" + std::string(name) + ".jsonl")))
            << name;
    }
}

/// A listing alone has no ECBs, so the lines that name them go.
std::string without_headings(const std::string& listing) {
    std::istringstream text(listing);
    std::string out;
    for (std::string line; std::getline(text, line);)
        if (!line.starts_with("! "))
            out += line + "\n";
    return out;
}

TEST(Asm, ReadsTheListing) {
    Ran listing = difjit({"dis", dof("hexval")});
    std::string copy = temporary_path("listing.dof");
    Ran made = difjit({"asm", "-", "-o", copy}, {.input = listing.out});
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(without_headings(difjit({"dis", copy}).out), without_headings(listing.out));
}

TEST(Compile, MakesAnArchiveOfImages) {
    std::string path = temporary_path("images.a");
    Ran ran = difjit({"compile", dof("assoc"), "-o", path});
    EXPECT_EQ(ran.status, 0) << ran.err;
    std::string bytes = slurp(path);
    EXPECT_EQ(bytes.find("!<arch>\ndifo-0.img/"), 0U);
    std::string image = temporary_path("one.img");
    ASSERT_EQ(difjit({"compile", "--difo", "0", dof("assoc"), "-o", image}).status, 0);
    std::string one = slurp(image);
    EXPECT_EQ(one.substr(0, 8), "DIFJIMG1");
    EXPECT_EQ(bytes.substr(8 + 60, one.size()), one);
    Ran none = difjit({"compile", "--difo", "100000", dof("assoc"), "-o", image});
    EXPECT_EQ(none.status, 1);
    EXPECT_TRUE(contains(none.err, "there is no DIFO 100000")) << none.err;
}

TEST(Compile, OutputThatCannotBeWritten) {
    Ran ran = difjit({"compile", dof("assoc"), "-o", "/no/such/folder/x"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(contains(ran.err, "difjit: /no/such/folder/x: No such file")) << ran.err;
    ran = difjit({"compile", dof("assoc"), "-o", "/dev/full"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(contains(ran.err, "No space left")) << ran.err;
}

TEST(Demo, ComparesAndPrints) {
    Ran ran =
        difjit({"demo", "--corpus", corpus_path(""), "--time", "1", "monitor-writes", "assoc"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(contains(ran.out, "diverged  0")) << ran.out;
    EXPECT_TRUE(contains(ran.out, "loaded    2 programs")) << ran.out;
    EXPECT_TRUE(contains(ran.out, "monitor-writes: ")) << ran.out;
    ran = difjit({"demo", "--corpus", "/no/such/folder"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(contains(ran.err, "/no/such/folder")) << ran.err;
}

} // namespace
} // namespace difjit::tests
