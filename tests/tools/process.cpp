// SPDX-License-Identifier: BSD-2-Clause
// The built command as a process.
#include "tools/process.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace difjit::tests {

namespace {

constexpr unsigned timeout_seconds = 60;

/// A folder that goes with the test program.
class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "difjit-test-XXXXXX";
        if (mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp failed");
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

const Folder& folder() {
    static const Folder one;
    return one;
}

std::string read_back(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void redirect(int to, const std::string& path, int flags) {
    int fd = open(path.c_str(), flags, 0600);
    if (fd < 0)
        _exit(125);
    dup2(fd, to);
    close(fd);
}

void redirect_to_nobody() {
    int ends[2];
    if (pipe(ends) != 0)
        _exit(125);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
}

[[noreturn]] void child(const std::vector<std::string>& arguments, const std::string& in,
                        const std::string& out, const std::string& err, bool nobody_reads) {
    std::vector<char*> argv;
    std::string binary = std::string(DIFJIT_BINARY_DIR) + "/difjit";
    argv.push_back(binary.data());
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    redirect(STDIN_FILENO, in, O_RDONLY);
    if (nobody_reads)
        redirect_to_nobody();
    else
        redirect(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
    redirect(STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC);
    alarm(timeout_seconds);
    execv(argv[0], argv.data());
    _exit(126);
}

} // namespace

std::string temporary_path(const std::string& name) {
    return folder().path() + "/" + name;
}

std::string temporary(const std::string& name, const std::string& content) {
    std::string path = temporary_path(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
}

Ran difjit(const std::vector<std::string>& arguments, const RunOptions& options) {
    std::string in = temporary("stdin", options.input);
    bool capture = options.stdout_path.empty();
    std::string out = capture ? temporary("stdout", "") : options.stdout_path;
    std::string err = temporary_path("stderr");
    pid_t pid = fork();
    if (pid < 0)
        throw std::runtime_error("fork failed");
    if (pid == 0)
        child(arguments, in, out, err, options.close_stdout_early);
    int status = 0;
    waitpid(pid, &status, 0);
    Ran ran;
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (capture)
        ran.out = read_back(out);
    ran.err = read_back(err);
    return ran;
}

} // namespace difjit::tests
