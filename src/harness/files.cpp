// SPDX-License-Identifier: BSD-2-Clause
// Files as the tools take them: whole, bounded, "-" for standard input, one clear error.
#include "harness/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <difjit/dof.hpp>
#include <difjit/text.hpp>
#include <fmt/format.h>

namespace difjit::harness {

namespace {

/// A file descriptor that is closed, unless it is standard input.
class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ > STDERR_FILENO)
            close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

    /// Closes now, for whoever must know whether that worked.
    int finish() {
        int fd = fd_;
        fd_ = -1;
        return close(fd);
    }

  private:
    int fd_;
};

std::unexpected<Error> system_error() {
    return fail(std::strerror(errno));
}

Result<void> read_all(int fd, std::size_t max_bytes, auto&& append) {
    char buffer[1 << 16];
    std::size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return system_error();
        if (n == 0)
            return {};
        total += static_cast<std::size_t>(n);
        if (total > max_bytes)
            return fail(fmt::format("larger than {} MiB", max_bytes >> 20));
        append(buffer, static_cast<std::size_t>(n));
    }
}

Result<void> read_path(const std::string& path, std::size_t max_bytes, auto&& append) {
    if (path == "-")
        return read_all(STDIN_FILENO, max_bytes, append);
    Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd.get() < 0)
        return system_error();
    return read_all(fd.get(), max_bytes, append);
}

/// Text may hold anything but NUL: whatever does is a damaged or foreign binary.
bool looks_like_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos;
}

Result<std::vector<Program>> one(Result<Program> program) {
    if (!program)
        return std::unexpected(program.error());
    std::vector<Program> programs;
    programs.push_back(std::move(*program));
    return programs;
}

} // namespace

Result<std::vector<std::byte>> read_file(const std::string& path, std::size_t max_bytes) {
    std::vector<std::byte> bytes;
    auto done = read_path(path, max_bytes, [&](const char* data, std::size_t n) {
        const auto* first = reinterpret_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), first, first + n);
    });
    if (!done)
        return std::unexpected(done.error());
    return bytes;
}

Result<std::string> read_text(const std::string& path, std::size_t max_bytes) {
    std::string text;
    auto done =
        read_path(path, max_bytes, [&](const char* data, std::size_t n) { text.append(data, n); });
    if (!done)
        return std::unexpected(done.error());
    return text;
}

std::string display_name(const std::string& path) {
    return path == "-" ? "standard input" : path;
}

Result<std::vector<Program>> parse_programs(std::span<const std::byte> bytes,
                                            const std::string& name, Dialect dialect) {
    if (bytes.empty())
        return fail("is empty: expected DOF, an ELF object with DOF, or DIF text");
    if (dof::is_dof(bytes))
        return one(dof::read(bytes, dialect));
    if (dof::is_elf(bytes)) {
        auto programs = dof::read_elf(bytes, dialect);
        if (programs && programs->empty())
            return fail("ELF object without a DOF section (.SUNW_dof, .dof)");
        return programs;
    }
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!looks_like_text(text))
        return fail("neither DOF, nor an ELF object, nor DIF text");
    return one(text::assemble(text, name, dialect));
}

Result<std::vector<Program>> read_programs(const std::string& path, Dialect dialect) {
    auto bytes = read_file(path, max_program_bytes);
    if (!bytes)
        return std::unexpected(bytes.error());
    auto programs = parse_programs(*bytes, display_name(path), dialect);
    if (programs)
        for (auto& program : *programs)
            program.name = display_name(path);
    return programs;
}

Result<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
    Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
    if (fd.get() < 0)
        return system_error();
    struct stat status{};
    bool regular = fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode);
    auto undo = [&]() -> std::unexpected<Error> {
        auto error = system_error();
        if (regular)
            unlink(path.c_str());
        return error;
    };
    for (std::size_t done = 0; done < bytes.size();) {
        ssize_t n = write(fd.get(), bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return undo();
        done += static_cast<std::size_t>(n);
    }
    if (fd.finish() != 0)
        return undo();
    return {};
}

} // namespace difjit::harness
