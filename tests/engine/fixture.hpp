// SPDX-License-Identifier: BSD-2-Clause
// Programs made by hand and sessions that run them, for both engines.
#ifndef DIFJIT_TESTS_ENGINE_FIXTURE_HPP
#define DIFJIT_TESTS_ENGINE_FIXTURE_HPP

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <difjit/session.hpp>

#include "dif/actions.hpp"
#include "dif/instruction.hpp"
#include "dif/options.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"
#include "engine/engine.hpp"
#include <difjit/process_host.hpp>

namespace difjit::test {

// -- DIFOs ----------------------------------------------------------------------------------------

using Words = std::vector<std::uint32_t>;

inline std::uint32_t setx(std::uint32_t index, std::uint32_t rd) {
    return Instruction::indexed(Op::SETX, index, rd).word;
}
inline std::uint32_t ret(std::uint32_t rd) {
    return Instruction::make(Op::RET, 0, 0, rd).word;
}
inline std::uint32_t op(Op o, std::uint32_t r1, std::uint32_t r2, std::uint32_t rd) {
    return Instruction::make(o, r1, r2, rd).word;
}
inline std::uint32_t scalar(Op o, std::uint32_t id, std::uint32_t rd) {
    return Instruction::indexed(o, id, rd).word;
}

/// By-value result of `size` bytes.
inline Difo difo(Words text, std::vector<std::uint64_t> ints, std::uint32_t size = 8) {
    Difo d;
    d.text = std::move(text);
    d.ints = std::move(ints);
    d.rtype.ckind = 1;
    d.rtype.size = size;
    return d;
}

inline difjit_var variable(std::uint32_t id, std::uint8_t scope, std::uint32_t size = 8) {
    difjit_var v{};
    v.id = id;
    v.kind = DIFJIT_VAR_KIND_SCALAR;
    v.scope = scope;
    v.flags = DIFJIT_VAR_REF | DIFJIT_VAR_MOD;
    v.type.ckind = 1;
    v.type.size = size;
    return v;
}

inline Difo constant(std::uint64_t value, std::uint32_t size = 8) {
    return difo({setx(0, 1), ret(1)}, {value}, size);
}

inline Difo nothing() {
    return difo({ret(0)}, {}, 0);
}

/// args[n].
inline Difo argument(std::uint64_t n, std::uint32_t size = 8) {
    return difo({setx(0, 1), op(Op::LDGA, 0, 1, 1), ret(1)}, {n}, size);
}

/// args[n] == value
inline Difo argument_is(std::uint64_t n, std::uint64_t value) {
    return difo({setx(0, 1), op(Op::LDGA, 0, 1, 1), setx(1, 2), op(Op::CMP, 1, 2, 0),
                 Instruction::branch(Op::BE, 7).word, setx(3, 1), ret(1), setx(2, 1), ret(1)},
                {n, value, 1, 0});
}

inline Difo text(const std::string& value, std::uint32_t size = 256) {
    Difo d = difo({scalar(Op::SETS, 1, 1), ret(1)}, {}, size);
    d.strtab = std::string(1, '\0') + value + std::string(1, '\0');
    d.rtype.kind = DIFJIT_TYPE_STRING;
    d.rtype.flags = DIFJIT_TF_BYREF;
    return d;
}

inline Difo builtin(Var var, std::uint32_t size = 8) {
    return difo({scalar(Op::LDGS, static_cast<std::uint32_t>(var), 1), ret(1)}, {}, size);
}

inline constexpr std::uint32_t first_global = DIFJIT_USER_VARIABLE_BASE;

/// A global is set to what %r1 holds after `text`; nothing is recorded.
inline Difo store_global(std::uint32_t id, Words text, std::vector<std::uint64_t> ints) {
    text.push_back(scalar(Op::STGS, id, 1));
    text.push_back(ret(1));
    Difo d = difo(std::move(text), std::move(ints), 0);
    d.vars.push_back(variable(id, DIFJIT_SCOPE_GLOBAL));
    return d;
}

inline Difo load_global(std::uint32_t id, std::uint32_t size = 8) {
    Difo d = difo({scalar(Op::LDGS, id, 1), ret(1)}, {}, size);
    d.vars.push_back(variable(id, DIFJIT_SCOPE_GLOBAL));
    return d;
}

/// global += 1
inline Difo count_up(std::uint32_t id) {
    Difo d = store_global(id, {scalar(Op::LDGS, id, 1), setx(0, 2), op(Op::ADD, 1, 2, 1)}, {1});
    return d;
}

/// Loads 8 bytes at address 16: never mapped.
inline Difo bad_load() {
    return difo({setx(0, 1), op(Op::LDX, 1, 0, 1), ret(1)}, {16});
}

inline std::uint32_t call(Subr subr, std::uint32_t rd) {
    return scalar(Op::CALL, subr_number(Dialect::freebsd, subr), rd);
}

// -- programs -------------------------------------------------------------------------------------

class Clause {
  public:
    Clause(Program& program, ProbeDescription probe)
        : program_(program), index_(program.ecbs.size()) {
        program.ecbs.emplace_back().probe = std::move(probe);
    }
    Clause& predicate(Difo d) {
        ecb().predicate = add(std::move(d));
        return *this;
    }
    Clause& action(ActionKind kind, Difo d, std::uint64_t arg = 0) {
        ActionDescription a;
        a.kind = static_cast<std::uint32_t>(kind);
        a.arg = arg;
        a.difo = add(std::move(d));
        if (is_printf_like(kind))
            a.format = "%d";
        ecb().actions.push_back(std::move(a));
        return *this;
    }
    Clause& action(ActionKind kind, std::uint64_t arg = 0) {
        ActionDescription a;
        a.kind = static_cast<std::uint32_t>(kind);
        a.arg = arg;
        ecb().actions.push_back(std::move(a));
        return *this;
    }
    Clause& trace(Difo d) { return action(ActionKind::DIFEXPR, std::move(d)); }

    /// @varid[keys] = kind(value): the id, the keys, the function. An increment is one more key.
    Clause& aggregate(ActionKind kind, std::uint64_t varid, std::vector<Difo> keys,
                      std::optional<Difo> value = {}, std::uint64_t arg = 0) {
        trace(constant(varid, 4));
        const auto n = static_cast<std::uint32_t>(keys.size());
        for (Difo& key : keys)
            trace(std::move(key));
        if (value)
            action(kind, std::move(*value), arg);
        else
            action(kind, arg);
        ecb().actions.back().ntuple = n + 1;
        return *this;
    }

  private:
    EcbDescription& ecb() { return program_.ecbs[index_]; }
    std::int32_t add(Difo d) {
        program_.difos.push_back(std::move(d));
        return static_cast<std::int32_t>(program_.difos.size()) - 1;
    }
    Program& program_;
    std::size_t index_;
};

inline ProbeDescription on(const std::string& name) {
    return {"test", "", "", name, 0};
}
inline ProbeDescription pseudo(const std::string& name) {
    return {"dtrace", "", "", name, 0};
}

// -- sessions -------------------------------------------------------------------------------------

inline std::uint32_t word32(const std::byte* p) {
    std::uint32_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline std::uint64_t word64(const std::byte* p) {
    std::uint64_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

/// One record of a snapshot.
struct Record {
    std::uint32_t epid = 0;
    std::uint64_t timestamp = 0;
    std::vector<std::byte> bytes; ///< header included
    std::uint64_t value(std::size_t offset) const { return word64(bytes.data() + offset); }
    std::uint32_t word(std::size_t offset) const { return word32(bytes.data() + offset); }
};

/// Splits a snapshot; the oldest record first.
inline std::vector<Record> records(const Session& session, const BufferSnapshot& snapshot) {
    std::vector<Record> out;
    const auto walk = [&](std::size_t at, std::size_t end) {
        while (at + 4 <= end) {
            const std::uint32_t epid = word32(snapshot.data.data() + at);
            if (epid == 0) {
                at += 4;
                continue;
            }
            const EcbInfo* const ecb = session.ecb(epid);
            if (ecb == nullptr || ecb->size < 12 || at + ecb->size > end) {
                ADD_FAILURE() << "bad record at " << at << ", epid " << epid;
                return;
            }
            Record r;
            r.epid = epid;
            const std::byte* const p = snapshot.data.data() + at;
            r.timestamp = std::uint64_t{word32(p + 4)} << 32 | word32(p + 8);
            r.bytes.assign(p, p + ecb->size);
            out.push_back(std::move(r));
            at += ecb->size;
        }
    };
    walk(snapshot.oldest, snapshot.data.size());
    walk(0, snapshot.oldest);
    return out;
}

/// A session over the probe test:::NAME of each name given, fired from the process host.
class Bench {
  public:
    explicit Bench(SessionOptions options) {
        auto made = Session::create(options);
        if (!made)
            ADD_FAILURE() << made.error().message;
        else
            session = std::move(*made);
        firing.pid = 100;
        firing.tid = 1000;
        firing.execname = "bench";
    }
    engine::Probe* probe(const std::string& name) {
        return session->create_probe({0, "test", "mod", "func", name});
    }
    void set(const std::string& name, const std::string& value) {
        const auto ok = session->set_option(name, value);
        EXPECT_TRUE(ok) << name << ": " << ok.error().message;
    }
    void enable(Program program) {
        const auto ok = session->enable(std::move(program));
        ASSERT_TRUE(ok) << ok.error().message;
    }
    void go(bool fire_begin = false) {
        const auto ok = session->go(fire_begin);
        ASSERT_TRUE(ok) << ok.error().message;
    }
    void fire(engine::Probe* probe, std::initializer_list<std::uint64_t> args = {},
              std::uint32_t cpu = 0) {
        session->fire(*probe, event(args, cpu));
    }
    engine::Event event(std::initializer_list<std::uint64_t> args, std::uint32_t cpu = 0) {
        return {args.begin(), static_cast<std::uint32_t>(args.size()), cpu, &firing, &predcache};
    }
    std::vector<Record> read(std::uint32_t cpu = 0) {
        return records(*session, session->snapshot(cpu));
    }
    std::uint64_t global(std::uint32_t id) {
        for (const auto& g : session->globals())
            if (g.id == id && g.bytes)
                return word64(g.bytes->data());
        ADD_FAILURE() << "no global " << id;
        return 0;
    }

    std::unique_ptr<Session> session;
    host::Firing firing;
    std::uint64_t predcache = 0;
};

/// Every test runs with both engines.
class BothEngines : public ::testing::TestWithParam<Engine> {
  protected:
    SessionOptions options(std::uint32_t ncpus = 1) {
        SessionOptions o;
        o.engine = GetParam();
        o.ncpus = ncpus;
        o.rand_seed = 1;
        return o;
    }
};

#define DIFJIT_BOTH_ENGINES(suite)                                                                 \
    INSTANTIATE_TEST_SUITE_P(                                                                      \
        Engines, suite, ::testing::Values(Engine::interp, Engine::jit),                            \
        [](const auto& info) { return info.param == Engine::interp ? "interp" : "jit"; })

} // namespace difjit::test

#endif
