// SPDX-License-Identifier: BSD-2-Clause
// Random programs of forward branches, arithmetic, compares, loads, variables and tuples; each is
// run by every executor on the same state. Deterministic: the seed is the test's number.
#include <random>

#include <gtest/gtest.h>

#include "jit/machine.hpp"

namespace {

using namespace difjit;
using namespace difjit::tests;

class Generator {
  public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    Difo program() {
        Builder b;
        b.variable(1280, DIFJIT_SCOPE_GLOBAL).variable(1281, DIFJIT_SCOPE_GLOBAL, true, 24);
        b.variable(1280, DIFJIT_SCOPE_LOCAL).variable(1281, DIFJIT_SCOPE_LOCAL, true, 17);
        b.variable(1280, DIFJIT_SCOPE_THREAD).variable(1281, DIFJIT_SCOPE_THREAD, true, 40);
        b.variable(1282, DIFJIT_SCOPE_GLOBAL, false, 8, DIFJIT_VAR_KIND_ARRAY);
        const std::size_t length = 5 + pick(60);
        heavy_ = pick(3) == 0; // helper calls, or leaf code
        while (b.here() < length)
            step(b, length);
        b.ret(pick(8));
        return b.difo;
    }

    std::vector<Shot> shots() {
        std::vector<Shot> all(4);
        for (Shot& shot : all)
            for (std::uint64_t& arg : shot.args)
                arg = value();
        return all;
    }

  private:
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
    unsigned source() { return pick(8); }
    unsigned target() { return 1 + pick(7); }

    std::uint64_t value() {
        static constexpr std::uint64_t corners[] = {0,
                                                    1,
                                                    2,
                                                    63,
                                                    64,
                                                    255,
                                                    0x7fffffff,
                                                    0x80000000,
                                                    0xffffffff,
                                                    0x7fffffffffffffff,
                                                    0x8000000000000000,
                                                    ~0ull,
                                                    0 - 2ull,
                                                    0xffffffff80000000};
        switch (pick(4)) {
        case 0: return random_();
        case 1: return random_() >> pick(64);
        case 2: return pick(16);
        default: return corners[pick(std::size(corners))];
        }
    }

    void step(Builder& b, std::size_t length) {
        const unsigned kind = pick(heavy_ ? 20 : 13);
        if (kind < 5) {
            static constexpr Op ops[] = {Op::OR,  Op::XOR, Op::AND, Op::SLL,  Op::SRL,
                                         Op::SRA, Op::SUB, Op::ADD, Op::MUL,  Op::ADD,
                                         Op::SUB, Op::NOT, Op::MOV, Op::SDIV, Op::UREM};
            const Op op = ops[pick(pick(4) == 0 ? 15 : 13)];
            const bool unary = op == Op::NOT || op == Op::MOV;
            b.op(op, source(), unary ? 0 : source(), target());
        } else if (kind < 7) {
            b.setx(value(), target());
        } else if (kind == 7) {
            b.arg(pick(10), target());
        } else if (kind == 8) {
            pick(4) != 0 ? b.cmp(source(), source()) : b.op(Op::TST, source(), 0, 0);
        } else if (kind < 12) {
            if (pick(2) == 0)
                b.cmp(source(), source());
            const auto op = static_cast<Op>(static_cast<unsigned>(Op::BA) + 1 + pick(10));
            b.branch(pick(12) == 0 ? Op::BA : op, jump_target(b.here(), length));
        } else if (kind == 12) {
            light_variable(b);
        } else {
            heavy(b);
        }
    }

    std::size_t jump_target(std::size_t here, std::size_t length) {
        const std::size_t last = std::max(length, here + 1);
        return here + 1 + pick(static_cast<unsigned>(std::min<std::size_t>(last - here, 8)));
    }

    void light_variable(Builder& b) {
        switch (pick(6)) {
        case 0: b.indexed(Op::STGS, 1280, source()); break;
        case 1: b.indexed(Op::LDGS, 1280, target()); break;
        case 2: b.indexed(Op::STLS, 1280, source()); break;
        case 3: b.indexed(Op::LDLS, 1280, target()); break;
        case 4: b.indexed(Op::LDGS, 1281, target()); break;
        default: b.indexed(Op::LDLS, 1281, target()); break;
        }
    }

    /// A register that holds good memory at run time, most of the time.
    unsigned pointer(Builder& b) {
        const unsigned r = target();
        if (pick(8) != 0)
            b.sets("abc" + std::to_string(pick(4)), r);
        return r;
    }

    void heavy(Builder& b) {
        switch (pick(14)) {
        case 0: b.indexed(Op::STTS, 1280, source()); break;
        case 1: b.indexed(Op::LDTS, 1280, target()); break;
        case 2:
            b.indexed(pick(2) == 0 ? Op::STGS : Op::STLS, 1281, pick(4) != 0 ? pointer(b) : 0);
            break;
        case 3: b.indexed(Op::STTS, 1281, pointer(b)); break;
        case 4: b.indexed(Op::LDTS, 1281, target()); break;
        case 5: {
            const unsigned x = pointer(b);
            b.op(Op::SCMP, x, pointer(b), 0);
            break;
        }
        case 6: b.op(Op::PUSHTV, DIFJIT_TYPE_CTF, 0, source()); break;
        case 7: b.op(Op::PUSHTR, DIFJIT_TYPE_STRING, 0, pointer(b)); break;
        case 8: b.op(pick(3) == 0 ? Op::FLUSHTS : Op::POPTS, 0, 0, 0); break;
        case 9: b.indexed(Op::STGAA, 1282, source()); break;
        case 10: b.indexed(Op::LDGAA, 1282, target()); break;
        case 11: {
            static constexpr unsigned numbers[] = {12, 24, 35, 36, 37, 0, 18, 44, 53};
            b.indexed(Op::CALL, numbers[pick(std::size(numbers))], target());
            break;
        }
        case 12: {
            const unsigned r = target();
            b.setx(8 + pick(40), r).op(Op::ALLOCS, r, 0, r).op(Op::STX, source(), 0, r);
            break;
        }
        default: {
            static constexpr Op loads[] = {Op::LDSB,  Op::LDSH,  Op::LDSW, Op::LDUB,
                                           Op::LDUH,  Op::LDUW,  Op::LDX,  Op::RLDUB,
                                           Op::ULDUB, Op::RLDSW, Op::ULDX};
            b.op(loads[pick(std::size(loads))], pointer(b), 0, target());
            break;
        }
        }
    }

    std::mt19937_64 random_;
    bool heavy_ = false;
};

class Random : public testing::TestWithParam<unsigned> {};

TEST_P(Random, Programs) {
    for (unsigned i = 0; i < 250; i++) {
        Generator generator(GetParam() * 1000 + i);
        const Difo difo = generator.program();
        Machine machine(difo);
        ASSERT_EQ(machine.compare(generator.shots()), "") << "program " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Random, testing::Range(0u, 12u));

} // namespace
