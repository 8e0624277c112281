// SPDX-License-Identifier: BSD-2-Clause
// Principal buffers: which record is consumed next.
//
// Follows dtrace_consume, dt_unring_buf and dt_buf_oldest of dt_consume.c: by time over all CPUs
// (option temporal), or CPU by CPU with BEGIN first and END last. A buffer whose records are not as
// their descriptions say is given up at that place. Covered by
// tests/engine/consumer/test_buffers.cpp and cases/{temporal,percpu,ring,hostile}*.
#ifndef DIFJIT_ENGINE_CONSUMER_BUFFERS_HPP
#define DIFJIT_ENGINE_CONSUMER_BUFFERS_HPP

#include <cstdint>
#include <functional>
#include <list>
#include <optional>

#include <difjit/session.hpp>

#include "engine/consumer/printer.hpp"

namespace difjit::consumer {

/// One snapshot, read record by record.
class Buffer {
  public:
    Buffer(const Session& session, BufferSnapshot snapshot);

    /// The next record, or nothing at the end. Error: what is there is no record; the rest is lost.
    Result<std::optional<Firing>> peek();
    /// Steps over the record that peek() gave.
    void pop();
    /// The EPID behind that record, 0: none.
    [[nodiscard]] std::uint32_t following() const;

    [[nodiscard]] std::uint32_t cpu() const { return snapshot_.cpu; }
    [[nodiscard]] std::uint64_t timestamp() const { return snapshot_.timestamp; }

  private:
    [[nodiscard]] std::size_t skip_padding(std::size_t offset) const;

    const Session* session_;
    BufferSnapshot snapshot_;
    std::size_t offset_ = 0, size_ = 0; ///< of the record that peek() gave
};

/// Called for each record; `following`: the EPID of the record behind it on the same CPU.
using Consume = std::function<Result<void>(Firing& firing, std::uint32_t following)>;

/// Records in order of time. What is younger than the oldest snapshot waits for the next call,
/// unless the session has stopped.
class TimeOrder {
  public:
    void add(Buffer buffer);
    Result<void> consume(bool stopped, const Consume& each);

  private:
    std::list<Buffer> buffers_; ///< older snapshots first
    std::optional<std::uint64_t> horizon_;
};

/// All records of one buffer.
Result<void> consume_buffer(Buffer& buffer, const Consume& each);

} // namespace difjit::consumer

#endif
