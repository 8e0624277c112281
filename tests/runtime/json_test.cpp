// SPDX-License-Identifier: BSD-2-Clause
// json(): what dtrace_json finds, and what it takes.
#include <gtest/gtest.h>

#include "runtime/world.hpp"

namespace difjit::test {
namespace {

class Json : public testing::Test {
  protected:
    World world{{}, {1, 2048, 0}};
    difjit_frame f = world.frame();

    std::string get(const std::string& json, const std::string& selector) {
        f.scratch_ptr = f.scratch_base;
        return text_at(
            call(f, Subr::JSON, {traced(world, json), traced(world, selector, place + 0x1000)}));
    }
};

TEST_F(Json, Finds) {
    const std::string text = R"({"a": 1, "b": {"c": [10, "x", {"d": true}]}, "e": "\u00e9\n"})";
    EXPECT_EQ(get(text, "a"), "1");
    EXPECT_EQ(get(text, "b.c[0]"), "10");
    EXPECT_EQ(get(text, "b.c[1]"), "x");
    EXPECT_EQ(get(text, "b.c[2].d"), "true");
    EXPECT_EQ(get(text, "b"), R"({"c": [10, "x", {"d": true}]})");
    EXPECT_EQ(get(text, "e"), R"(\u00e9\n)") << "escapes stay as they are";
    EXPECT_EQ(get("[1, [2, 3], -4.5e+6]", "[1][0]"), "2");
    EXPECT_EQ(get("[1, [2, 3], -4.5e+6]", "2"), "-4.5e+6");
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Json, FindsNothing) {
    for (const char* text :
         {"", "x", "{", R"({"a")", R"({"a" 1})", R"({"a": tru })", R"({"a": 0x1 })",
          R"({"a": +1 })", R"({"a": "\uxyz")", R"({"b": 1})", R"({"b": 1 "a": 2})", R"({"a": 1)"}) {
        EXPECT_EQ(get(text, "a"), "(null)") << text;
        EXPECT_EQ(f.scratch_ptr, f.scratch_base) << "nothing is taken";
    }
    EXPECT_EQ(get(R"({"a": 1 })", "a.b"), "(null)") << "not an object";
    EXPECT_EQ(f.flags, 0u);
}

TEST_F(Json, TakesTheTextsLengthAndNeedsTheSelectorsToo) {
    EXPECT_EQ(get(R"({"a": 1 })", "a"), "1");
    EXPECT_EQ(f.scratch_ptr - f.scratch_base, 10u);
    World small({}, {1, 12, 0});
    difjit_frame g = small.frame();
    traced(small, R"({"a": 1 })");
    traced(small, "a", place + 0x1000);
    EXPECT_EQ(text_at(call(g, Subr::JSON, {place, place + 0x1000})), "1") << "exactly";
    g = small.frame();
    g.scratch_size = 11;
    EXPECT_EQ(call(g, Subr::JSON, {place, place + 0x1000}), 0u);
    EXPECT_EQ(fault_name(g.flags), "NOSCRATCH");
}

TEST_F(Json, IsLimitedByStrsize) {
    f.strsize = 8;
    EXPECT_EQ(get(R"({"a": 1 })", "a"), "1");
    f.strsize = 7;
    EXPECT_EQ(get(R"({"a": 1 })", "a"), "(null)");
}

} // namespace
} // namespace difjit::test
