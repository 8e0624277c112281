// SPDX-License-Identifier: BSD-2-Clause
// Where output goes; see output.hpp.
#include "engine/consumer/output.hpp"

#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace difjit::consumer {

void Output::action(std::string_view text) {
    if (text.empty())
        return;
    if (!file_) {
        frame(text);
        return;
    }
    std::fwrite(text.data(), 1, text.size(), file_.get());
    std::fflush(file_.get());
}

void Output::frame(std::string_view text) {
    if (options_.write && !text.empty())
        options_.write(text);
}

void Output::report(std::string_view text) {
    if (options_.report)
        options_.report(text);
}

Result<void> Output::redirect(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "a");
    if (file == nullptr)
        return fail(std::strerror(errno));
    file_.reset(file);
    return {};
}

void Output::restore() {
    file_.reset();
}

void Output::truncate() {
    if (file_ && ftruncate(fileno(file_.get()), 0) == 0)
        (void)std::fseek(file_.get(), 0, SEEK_SET);
}

} // namespace difjit::consumer
