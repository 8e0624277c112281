// SPDX-License-Identifier: BSD-2-Clause
// All of tests/corpus/difo/vectors.jsonl: what OpenDTrace's own interpreter answered, both
// executors, and everything else that a run leaves behind, executor against executor.
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;
using nlohmann::json;

std::vector<std::uint8_t> bytes_of(const std::string& hex) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    return bytes;
}

std::uint64_t number_of(const json& j) {
    return j.is_string() ? std::stoull(j.get<std::string>(), nullptr, 16) : j.get<std::uint64_t>();
}

Difo difo_of(const json& j) {
    Difo d;
    const bool restricted = !j.at("kernel").get<bool>();
    for (const json& word : j.at("text")) {
        Instruction in{static_cast<std::uint32_t>(number_of(word))};
        if (restricted && in.op() >= Op::LDSB && in.op() <= Op::LDX) // point 49
            in.word +=
                (static_cast<std::uint32_t>(Op::RLDSB) - static_cast<std::uint32_t>(Op::LDSB))
                << 24;
        d.text.push_back(in.word);
    }
    for (const json& value : j.at("ints"))
        d.ints.push_back(number_of(value));
    for (const std::uint8_t byte : bytes_of(j.at("strtab")))
        d.strtab.push_back(static_cast<char>(byte));
    for (const json& var : j.at("vars")) {
        difjit_var v{};
        v.id = var.at("id").get<std::uint32_t>();
        const std::string scope = var.at("scope");
        v.scope = scope == "global"   ? DIFJIT_SCOPE_GLOBAL
                  : scope == "thread" ? DIFJIT_SCOPE_THREAD
                                      : DIFJIT_SCOPE_LOCAL;
        v.kind = var.at("kind") == "scalar" ? DIFJIT_VAR_KIND_SCALAR : DIFJIT_VAR_KIND_ARRAY;
        v.type.flags = var.at("byref").get<bool>() ? DIFJIT_TF_BYREF : 0;
        v.type.kind = var.at("byref").get<bool>() ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF;
        v.type.size = var.at("size").get<std::uint32_t>();
        d.vars.push_back(v);
    }
    const json& rtype = j.at("rtype");
    d.rtype.flags = rtype.at("byref").get<bool>() ? DIFJIT_TF_BYREF : 0;
    d.rtype.kind = rtype.at("byref").get<bool>() ? DIFJIT_TYPE_STRING : DIFJIT_TYPE_CTF;
    d.rtype.size = rtype.at("size").get<std::uint32_t>();
    return d;
}

std::uint32_t fault_bit(const std::string& kind) {
#define DIFJIT_FAULT(name, bit, code, meaning)                                                     \
    if (kind == #name)                                                                             \
        return bit;
#include <difjit/faults.def>
    return 0;
}

/// The fault that is reported where several flags are set (point 10).
std::uint32_t first_fault(std::uint32_t flags) {
#define DIFJIT_FAULT(name, bit, code, meaning)                                                     \
    if ((flags & bit) != 0)                                                                        \
        return bit;
#include <difjit/faults.def>
    return 0;
}

class Vectors : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        std::ifstream in(DIFJIT_SOURCE_DIR "/tests/corpus/difo/vectors.jsonl");
        std::string line;
        std::getline(in, line);
        setting = json::parse(line);
        while (std::getline(in, line))
            lines.push_back(line);
    }
    static inline json setting;
    static inline std::vector<std::string> lines;

    /// "" or what is wrong with this run.
    static std::string judge(const json& run, const Outcome& o, const Difo& difo) {
        const json& fault = run.at("fault");
        const std::uint32_t kind = first_fault(o.flags);
        if (fault.is_null() != (kind == 0))
            return "fault or not";
        if (!fault.is_null()) {
            if (fault_bit(fault.at("kind")) != kind)
                return "fault kind";
            if (fault.at("pc").get<std::uint32_t>() * 4 != o.fault_offset)
                return "fault pc";
            if (fault.contains("illval") && number_of(fault.at("illval")) != o.illval)
                return "illval";
        }
        if (run.contains("value") && number_of(run.at("value")) != o.value)
            return "value";
        if (run.contains("record") && bytes_of(run.at("record")) != o.record)
            return "record";
        if (run.at("drop").get<bool>() != ((o.flags & DIFJIT_FLAG_DROP) != 0))
            return "drop";
        if (number_of(run.at("scratch")) != o.scratch_used)
            return "scratch";
        (void)difo;
        return "";
    }

    static std::string judge_globals(const json& globals, const Machine& machine) {
        for (const auto& [id, expected] : globals.items()) {
            const auto got = machine.global(static_cast<std::uint32_t>(std::stoul(id)));
            if (expected.is_null()) {
                if (got)
                    return "global " + id + " is not NULL";
                continue;
            }
            if (!got)
                return "global " + id + " is NULL";
            const std::string text = expected;
            std::vector<std::uint8_t> bytes;
            if (text.starts_with("0x")) {
                const std::uint64_t value = number_of(expected);
                bytes.resize(8);
                std::memcpy(bytes.data(), &value, 8);
            } else {
                bytes = bytes_of(text);
            }
            if (bytes != *got)
                return "global " + id;
        }
        return "";
    }
};

TEST_F(Vectors, AllAnswersInEveryExecutor) {
    ASSERT_EQ(lines.size(), 3000u);
    Machine::map_kernel_memory(bytes_of(setting.at("memory")[0].at("hex")));
    const std::vector<std::uint8_t> fresh_user = bytes_of(setting.at("user")[0].at("hex"));
    std::size_t runs = 0, faults = 0, wrong = 0;
    for (std::size_t n = 0; n < lines.size() && wrong < 5; n++) {
        const json j = json::parse(lines[n]);
        const Difo difo = difo_of(j);
        Machine machine(difo);
        std::vector<Shot> shots;
        for (const json& run : j.at("runs")) {
            Shot shot;
            for (std::size_t i = 0; i < run.at("args").size(); i++)
                shot.args[i] = number_of(run.at("args")[i]);
            shot.access = (j.at("kernel").get<bool>() ? DIFJIT_ACCESS_KERNEL : 0) |
                          (j.value("proc", true) ? DIFJIT_ACCESS_PROC | DIFJIT_ACCESS_CONTROL : 0);
            shots.push_back(shot);
        }
        std::vector<std::vector<Outcome>> all;
        for (const Executor executor :
             {Executor::interpreter, Executor::compiled, Executor::unoptimised}) {
            std::vector<std::uint8_t> user = fresh_user;
            const host::UserWindow window{number_of(setting.at("user")[0].at("addr")), user.size(),
                                          reinterpret_cast<std::byte*>(user.data())};
            machine.firing.user = {&window, 1};
            // The globals after the first run show only if that is the last one.
            for (std::size_t i = 0; i < shots.size(); i++) {
                const std::vector<Shot> some(shots.begin(),
                                             shots.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                const std::vector<Outcome> got = machine.run(executor, some);
                ASSERT_EQ(machine.error, "") << n;
                std::string bad = judge(j.at("runs")[i], got.back(), difo);
                if (bad.empty())
                    bad = judge_globals(j.at("runs")[i].at("globals"), machine);
                if (!bad.empty()) {
                    wrong++;
                    ADD_FAILURE() << "vector " << n << " run " << i << " executor "
                                  << static_cast<int>(executor) << ": " << bad << "\n"
                                  << describe(got.back()) << "\n"
                                  << j.at("runs")[i].dump();
                }
                runs++;
                faults += (got.back().flags & DIFJIT_FLAG_FAULT) != 0;
                if (i + 1 == shots.size())
                    all.push_back(got);
            }
        }
        EXPECT_TRUE(all[1] == all[0]) << "compiled, vector " << n << "\n" << print(difo);
        EXPECT_TRUE(all[2] == all[0]) << "unoptimised, vector " << n << "\n" << print(difo);
    }
    EXPECT_EQ(runs, 18000u);
    EXPECT_GT(faults, 1000u);
}

} // namespace
