// SPDX-License-Identifier: BSD-2-Clause
// A whole tracing session in one process: a program as DIF text, a probe of our own, three firings,
// and what dtrace(1) would print. Usually the program is DOF: difjit::dof::read(bytes).
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <difjit/consumer.hpp>
#include <difjit/process_host.hpp>
#include <difjit/session.hpp>
#include <difjit/text.hpp>

namespace {

// app:::accept /arg0 > 0/ { @[execname] = count(); }
constexpr std::string_view program_text = R"(
difo positive returns int {
        ldgs    arg0, %r1
        tst     %r1
        bg      yes
        ret     %r0
yes:    setx    1, %r1
        ret     %r1
}
difo aggregation returns long {
        setx    1, %r1
        ret     %r1
}
difo who returns string {
        ldgs    execname, %r1
        ret     %r1
}
probe app:::accept {
        predicate positive
        trace     aggregation
        trace     who
        count     tuple 2
}
)";

int complain(const difjit::Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
}

} // namespace

int main() {
    auto program = difjit::text::assemble(program_text, "embed.dif");
    if (!program)
        return complain(program.error());

    difjit::SessionOptions options;
    options.engine = difjit::Engine::jit;
    auto session = difjit::Session::create(options);
    if (!session)
        return complain(session.error());
    difjit::Session& s = **session;
    difjit::engine::Probe* accept = s.create_probe({0, "app", "net", "listener", "accept"});
    if (auto enabled = s.enable(std::move(*program)); !enabled) // verifies and compiles
        return complain(enabled.error());

    difjit::ConsumerOptions output;
    output.write = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
    const auto consumer = difjit::Consumer::create(s, output);
    consumer->begin();
    if (auto gone = s.go(); !gone)
        return complain(gone.error());

    difjit::host::Firing who; // who fires: the host hands it to execname, pid, …
    std::uint64_t predcache = 0;
    for (const auto& [name, descriptor] : {std::pair("nginx", 7), {"sshd", 0}, {"nginx", 8}}) {
        who.execname = name;
        const auto arg0 = static_cast<std::uint64_t>(descriptor);
        s.fire(*accept, {&arg0, 1, 0, &who, &predcache}); // probe context: no lock, no allocation
    }

    s.stop();
    if (auto ended = consumer->end(); !ended)
        return complain(ended.error());
    return 0;
}
