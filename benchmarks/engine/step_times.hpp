// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tenon/cuda/context.hpp"
#include "tenon/launch/launch_policy.hpp"

namespace tenon::benchmarks {

/// Device times of the steps that run while a log is the current one: an event before and one after each
/// step's work, out of a pool that is made beforehand.
class step_times {
 public:
  /// Milliseconds from the start of the first step.
  struct interval {
    double begin = 0.0;
    double end = 0.0;
  };

  explicit step_times(std::size_t most_steps) : events_(2 * most_steps) {
    for (auto& event : events_) cuda::check(cudaEventCreate(&event));
  }
  step_times(step_times const&) = delete;
  step_times& operator=(step_times const&) = delete;
  ~step_times() {
    stop();
    for (auto event : events_) cudaEventDestroy(event);
  }

  void start() noexcept {
    used_ = 0;
    current_ = this;
  }
  void stop() noexcept {
    if (current_ == this) current_ = nullptr;
  }

  /// Steps that have ended; all that were enqueued must have.
  std::vector<interval> intervals() const {
    std::vector<interval> found(used_ / 2);
    auto const time = [&](std::size_t event) {
      float milliseconds = 0.0f;
      cuda::check(cudaEventElapsedTime(&milliseconds, events_[0], events_[event]));
      return static_cast<double>(milliseconds);
    };
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = {time(2 * i), time(2 * i + 1)};
    return found;
  }

  /// Of the current log, if there is one with room: records the next event.
  static void mark(cudaStream_t stream) {
    auto* const log = current_;
    if (log != nullptr && log->used_ < log->events_.size())
      cuda::check(cudaEventRecord(log->events_[log->used_++], stream));
  }

 private:
  inline static step_times* current_ =
      nullptr;  // a runner makes its launch policy itself and shows it to none
  std::vector<cudaEvent_t> events_;
  std::size_t used_ = 0;
};

/// A launch policy that lets `step_times` see each step.
template <class Launch> class timed : public Launch {
 public:
  template <class Record> void run(cuda::context& context, batch_shape const& shape, Record&& record) {
    step_times::mark(context.stream());
    Launch::run(context, shape, std::forward<Record>(record));
    step_times::mark(context.stream());
  }
};

}  // namespace tenon::benchmarks
