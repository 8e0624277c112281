// SPDX-License-Identifier: BSD-2-Clause
// The load generator: fires a program's own probes with plausible values, the same for one seed.
#include "harness/load.hpp"

#include <algorithm>
#include <cstring>

#include "dif/instruction.hpp"
#include "dif/subroutines.hpp"
#include "dif/variables.hpp"

namespace difjit::harness {

namespace {

struct Process {
    std::uint64_t pid, ppid, uid, gid;
    const char* execname;
};

constexpr Process processes[] = {
    {812, 1, 1001, 1001, "nginx"},  {431, 1, 0, 0, "sshd"},     {20117, 640, 1000, 1000, "cc1"},
    {640, 431, 1000, 1000, "bash"}, {377, 1, 0, 0, "journald"}, {955, 1, 70, 70, "postgres"},
};
constexpr std::uint32_t threads_per_process = 2;

constexpr const char* strings[] = {
    "/etc/passwd",
    "/usr/lib/libc.so.7",
    "/var/log/messages",
    "/dev/null",
    "/tmp/cc3Xq1.s",
    "/home/dev/src/main.c",
    "GET /index.html",
    "hello, world",
    "nginx",
    "PATH=/bin:/usr/bin",
    "10.0.0.7",
    "{\"name\":\"x\",\"n\":[1,2,3]}",
    "/usr/share/zoneinfo/UTC",
    "tcp",
    "",
    "select 1",
};

constexpr std::uint64_t memory_base = 0x20000000; // where the corpus has its memory, too
constexpr std::uint64_t string_slot = 64;
constexpr std::uint64_t string_bytes = page_bytes;
constexpr std::uint64_t object_base = memory_base + string_bytes;
constexpr std::uint64_t object_bytes = 15 * page_bytes;
constexpr std::uint64_t start_time = 3'600'000'000'000, start_wall = 1'700'000'000'000'000'000;

std::uint64_t string_at(std::uint64_t n) {
    return memory_base + n % std::size(strings) * string_slot;
}

std::uint64_t object_at(std::uint64_t n) {
    constexpr std::uint64_t object = 256;
    return object_base + n % (object_bytes / object - 1) * object;
}

bool is_load(Op op) {
    Memory memory = opcode_row(op).memory;
    return memory == Memory::KERNEL || memory == Memory::RESTRICTED || memory == Memory::USER;
}

/// The walk of note_uses: which argument each register holds, if any.
class UseWalk {
  public:
    UseWalk(const Difo& difo, ArgumentUses& uses, LocalArguments& locals)
        : difo_(difo), uses_(uses), locals_(locals) {
        registers_.fill(none);
        constants_.fill(none);
    }

    void step(Instruction instruction) {
        if (!is_opcode(instruction.opcode()))
            return;
        Op op = instruction.op();
        std::uint32_t rd = instruction.rd() % DIFJIT_NREGS;
        std::uint32_t r1 = instruction.r1() % DIFJIT_NREGS;
        std::uint32_t r2 = instruction.r2() % DIFJIT_NREGS;
        if (is_load(op)) {
            use(registers_[r1], ArgumentUse::memory);
            registers_[rd] = none;
        } else if (op == Op::LDGS) {
            registers_[rd] = scalar(instruction.var());
        } else if (op == Op::LDLS) {
            auto found = locals_.find(instruction.var());
            registers_[rd] = found != locals_.end() ? found->second : none;
        } else if (op == Op::STLS) {
            locals_[instruction.var()] = registers_[rd];
        } else if (op == Op::LDGA) {
            std::uint64_t index = constants_[r2];
            registers_[rd] = instruction.array() == 0 && index < DIFJIT_NARGS ? index : none;
        } else if (op == Op::SETX) {
            std::size_t index = instruction.integer_index();
            constants_[rd] = index < difo_.ints.size() ? difo_.ints[index] : none;
            registers_[rd] = none;
        } else if (op == Op::MOV) {
            registers_[rd] = registers_[r1];
        } else if (op == Op::ADD) { // a member's address
            registers_[rd] = registers_[r1] != none ? registers_[r1] : registers_[r2];
        } else if (op == Op::SCMP) {
            use(registers_[r1], ArgumentUse::string);
            use(registers_[r2], ArgumentUse::string);
        } else if (op == Op::RET) {
            if (difo_.rtype.kind == DIFJIT_TYPE_STRING)
                use(registers_[rd], ArgumentUse::string);
        } else {
            tuple_step(op, instruction, rd);
        }
    }

  private:
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    void tuple_step(Op op, Instruction instruction, std::uint32_t rd) {
        if (op == Op::FLUSHTS) {
            pushed_.clear();
        } else if (op == Op::PUSHTR || op == Op::PUSHTV) {
            pushed_.push_back(registers_[rd]);
            if (op == Op::PUSHTR && instruction.type() == DIFJIT_TYPE_STRING)
                use(registers_[rd], ArgumentUse::string);
        } else if (op == Op::CALL) {
            call(subr_from_number(difo_.dialect, instruction.subr_number()));
            registers_[rd] = none;
        } else if ((opcode_row(op).writes & column::RD) != 0) {
            registers_[rd] = none;
        }
    }

    void call(Subr subr) {
        if (subr == Subr::INVALID)
            return;
        const char* kinds = subroutine_row(subr).arguments;
        for (std::size_t i = 0; i < pushed_.size() && kinds[i] != 0; ++i) {
            auto kind = static_cast<Argument>(kinds[i]);
            bool text = kind == Argument::STRING || subr == Subr::COPYINSTR;
            if (text && i == 0)
                use(pushed_[i], ArgumentUse::string);
            else if (text || kind == Argument::POINTER || kind == Argument::USER)
                use(pushed_[i],
                    text && kind == Argument::STRING ? ArgumentUse::string : ArgumentUse::memory);
        }
    }

    static std::uint64_t scalar(std::uint32_t id) {
        std::uint32_t first = static_cast<std::uint32_t>(Var::ARG0);
        return id >= first && id < first + DIFJIT_NARGS ? id - first : none;
    }

    void use(std::uint64_t argument, ArgumentUse how) {
        if (argument != none)
            uses_[argument] = std::max(uses_[argument], how);
    }

    const Difo& difo_;
    ArgumentUses& uses_;
    LocalArguments& locals_;
    std::array<std::uint64_t, DIFJIT_NREGS> registers_{}, constants_{};
    std::vector<std::uint64_t> pushed_;
};

/// How an entry's partner is called.
const char* partner_name(const std::string& name) {
    if (name == "entry")
        return "return";
    if (name == "start")
        return "done";
    if (name == "on-cpu")
        return "off-cpu";
    return nullptr;
}

/// What stands where a description says nothing.
std::vector<ProbeInfo> concrete(const ProbeDescription& description) {
    static constexpr const char* functions[] = {"read", "write", "open", "ioctl"};
    std::string provider = fill_glob(description.provider, "syscall");
    std::string module =
        fill_glob(description.module, provider == "syscall" ? "freebsd" : "kernel");
    std::string name = fill_glob(description.name, provider == "profile" ? "tick-1sec" : "entry");
    bool lone = !description.function.empty() || provider == "profile" || provider == "load";
    std::vector<ProbeInfo> probes;
    for (const char* filler : functions) {
        std::string function = provider == "profile" || provider == "load"
                                   ? description.function
                                   : fill_glob(description.function, filler);
        if (provider == "profile" || provider == "load")
            module = description.module;
        probes.push_back({0, provider, module, function, name});
        bool any = description.function.find('*') != std::string::npos;
        if (lone && !any)
            break;
    }
    return probes;
}

void put_word(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

} // namespace

void note_uses(const Difo& difo, ArgumentUses& uses, LocalArguments& locals) {
    UseWalk walk(difo, uses, locals);
    for (std::uint32_t word : difo.text)
        walk.step(Instruction{word});
}

std::string fill_glob(const std::string& glob, const std::string& filler) {
    if (glob.empty() || glob == "*")
        return filler;
    std::string name;
    for (std::size_t i = 0; i < glob.size(); ++i) {
        if (glob[i] == '*') {
            name += filler;
        } else if (glob[i] == '?') {
            name += 'x';
        } else if (glob[i] == '\\' && i + 1 < glob.size()) {
            name += glob[++i];
        } else if (glob[i] == '[' && glob.find(']', i + 1) != std::string::npos) {
            bool negated = i + 1 < glob.size() && glob[i + 1] == '!';
            name += negated ? '_' : glob[i + 1];
            i = glob.find(']', i + 1);
        } else {
            name += glob[i];
        }
    }
    return name;
}

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

Load::Load(std::span<const Program> programs, const LoadOptions& options)
    : options_(options), random_(options.seed), now_(start_time) {
    for (const Program& program : programs)
        for (const EcbDescription& ecb : program.ecbs)
            add_probes(program, ecb);
    pair_probes();
    make_memory();
    for (std::uint32_t p = 0; p < std::size(processes); ++p)
        for (std::uint32_t t = 0; t < threads_per_process; ++t)
            threads_.push_back({p, 100000 + 100 * p + t, 0, {}});
}

void Load::add_probes(const Program& program, const EcbDescription& ecb) {
    const auto& description = ecb.probe;
    bool pseudo =
        (description.provider.empty() || description.provider == "dtrace") &&
        (description.name == "BEGIN" || description.name == "END" || description.name == "ERROR");
    if (pseudo)
        return;
    ArgumentUses uses{};
    LocalArguments locals;
    auto note = [&](std::int32_t difo) {
        if (difo >= 0 && static_cast<std::size_t>(difo) < program.difos.size())
            note_uses(program.difos[static_cast<std::size_t>(difo)], uses, locals);
    };
    note(ecb.predicate);
    for (const auto& action : ecb.actions)
        note(action.difo);
    for (ProbeInfo& name : concrete(description))
        add_probe(std::move(name), uses);
}

void Load::add_probe(ProbeInfo name, const ArgumentUses& uses) {
    auto same = [&](const ProbeInfo& other) {
        return other.provider == name.provider && other.module == name.module &&
               other.function == name.function && other.name == name.name;
    };
    auto found = std::ranges::find_if(names_, same);
    auto index = static_cast<std::size_t>(found - names_.begin());
    if (found == names_.end()) {
        names_.push_back(std::move(name));
        probes_.emplace_back();
    }
    for (std::size_t i = 0; i < uses.size(); ++i)
        probes_[index].uses[i] = std::max(probes_[index].uses[i], uses[i]);
}

void Load::pair_probes() {
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
        const char* wanted = partner_name(names_[i].name);
        for (std::uint32_t j = 0; wanted != nullptr && j < names_.size(); ++j) {
            bool partner = names_[j].name == wanted && names_[j].provider == names_[i].provider &&
                           names_[j].module == names_[i].module &&
                           names_[j].function == names_[i].function;
            if (!partner)
                continue;
            probes_[i].partner = j;
            probes_[j].is_return = true;
            break;
        }
    }
    for (std::uint32_t i = 0; i < probes_.size(); ++i)
        if (!probes_[i].is_return)
            starters_.push_back(i);
}

/// Strings in slots, then objects whose members are small numbers, other objects and strings. User
/// memory has the same at the same addresses.
void Load::make_memory() {
    std::vector<std::byte> bytes(string_bytes + object_bytes);
    for (std::size_t i = 0; i < std::size(strings); ++i)
        std::memcpy(bytes.data() + i * string_slot, strings[i], std::strlen(strings[i]));
    Random content(7);
    for (std::size_t at = string_bytes; at < bytes.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word = at / sizeof(std::uint64_t) % 4;
        std::uint64_t n = content.next();
        put_word(bytes, at,
                 word == 0 || word == 2 ? object_at(n)
                 : word == 1            ? n % 4096
                                        : string_at(n));
    }
    setting_.memory = {{memory_base, bytes}};
    setting_.user = {{memory_base, std::move(bytes)}};
}

std::uint32_t Load::choose_probe(Thread& thread) {
    if (thread.pending) {
        std::uint32_t probe = *thread.pending;
        thread.pending.reset();
        return probe;
    }
    std::uint32_t probe = starters_[random_.below(starters_.size())];
    thread.pending = probes_[probe].partner;
    return probe;
}

std::uint64_t Load::argument(ArgumentUse use, std::size_t i, bool is_return) {
    if (use == ArgumentUse::string)
        return string_at(random_.next());
    if (use == ArgumentUse::memory)
        return object_at(random_.next());
    if (is_return)
        return i > 1 ? 0 : random_.one_in(10) ? ~std::uint64_t{0} : random_.below(4096);
    switch (i) {
    case 0: return random_.below(16);                     // a file descriptor
    case 1: return object_at(random_.next());             // a buffer
    case 2: return std::uint64_t{1} << random_.below(17); // a size
    case 3: return random_.below(4);                      // flags
    default: return random_.below(1000);
    }
}

const FiringLine* Load::next() {
    if (names_.empty() || fired_ >= options_.firings)
        return nullptr;
    ++fired_;
    Thread& thread = threads_[random_.below(threads_.size())];
    const Process& process = processes[thread.process];
    std::uint64_t step = 500 + random_.below(1 << (8 + random_.below(12)));
    now_ += step;
    thread.vtimestamp += step / 2;
    line_.probe = choose_probe(thread);
    const LoadProbe& probe = probes_[line_.probe];
    line_.reported_id = 0;
    line_.args.resize(DIFJIT_NARGS);
    for (std::size_t i = 0; i < line_.args.size(); ++i)
        line_.args[i] = argument(probe.uses[i], i, probe.is_return);
    bool failed = probe.is_return && line_.args[0] == ~std::uint64_t{0};
    if (probe.is_return && probe.uses[1] == ArgumentUse::number)
        line_.args[1] = line_.args[0];
    line_.cpu = static_cast<std::uint32_t>(thread.tid % options_.ncpus);
    line_.pid = process.pid;
    line_.tid = thread.tid;
    line_.ppid = process.ppid;
    line_.uid = process.uid;
    line_.gid = process.gid;
    line_.execname = process.execname;
    line_.errno_value = failed ? 2 : 0;
    line_.timestamp = now_;
    line_.vtimestamp = 1 + thread.vtimestamp;
    line_.walltimestamp = start_wall + now_;
    return &line_;
}

Firings Load::record(std::span<const Program> programs, const LoadOptions& options) {
    Load load(programs, options);
    Firings firings;
    firings.name = "load";
    firings.setting = load.setting();
    firings.probes = load.probes();
    while (const FiringLine* line = load.next())
        firings.lines.push_back(*line);
    return firings;
}

} // namespace difjit::harness
