// SPDX-License-Identifier: BSD-2-Clause
// Golden listings, so that a change of the generated code is seen: tests/jit/golden/*.txt.
// DIFJIT_UPDATE=1 writes them anew.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

void expect_golden(const std::string& name, const Difo& difo) {
    const difjit_difo view = difo.view();
    const auto text = jit::listing(jit::compile(view).value(), view);
    ASSERT_TRUE(text);
    const std::string path = DIFJIT_SOURCE_DIR "/tests/jit/golden/" + name + ".txt";
    if (std::getenv("DIFJIT_UPDATE") != nullptr)
        std::ofstream(path) << *text;
    std::ifstream in(path);
    std::stringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(*text, golden.str()) << "DIFJIT_UPDATE=1 accepts it";
}

/// The predicate `arg0 + 0x18 -> x > 0` of the corpus program cost-predicate.
TEST(Listing, Predicate) {
    Builder b;
    b.arg(0, 1).setx(0x18, 2).op(Op::ADD, 1, 2, 1).op(Op::LDX, 1, 0, 1).setx(0, 2).cmp(1, 2);
    b.branch(Op::BG, 9).op(Op::MOV, 0, 0, 1).branch(Op::BA, 10).setx(1, 1).ret(1);
    expect_golden("predicate", b.difo);
}

/// A clause-local hash step: multiply, shift, xor, store.
TEST(Listing, HashStep) {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_LOCAL);
    b.indexed(Op::LDLS, 1280, 1).setx(0x9e3779b97f4a7c15, 2).op(Op::MUL, 1, 2, 1).setx(29, 3);
    b.op(Op::SRL, 1, 3, 2).op(Op::XOR, 1, 2, 1).indexed(Op::STLS, 1280, 1).ret(1);
    expect_golden("hash-step", b.difo);
}

/// execname == "nginx" && self->on: helpers, strings, the cold part.
TEST(Listing, StringAndThreadLocal) {
    Builder b;
    b.variable(1280, DIFJIT_SCOPE_THREAD);
    b.indexed(Op::LDGS, 0x118, 1).sets("nginx", 2).op(Op::SCMP, 1, 2, 0).branch(Op::BNE, 7);
    b.indexed(Op::LDTS, 1280, 1).op(Op::TST, 1, 0, 0).branch(Op::BNE, 9);
    b.op(Op::MOV, 0, 0, 1).branch(Op::BA, 10).setx(1, 1).ret(1);
    expect_golden("string-and-thread-local", b.difo);
}

} // namespace
