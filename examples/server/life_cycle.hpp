// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "server/server_state.hpp"
#include "tenon/engine/engine_thread.hpp"

namespace server {

/// How a life ended: the program's exit status.
enum class exit_status : int {
  done = 0,            ///< SIGTERM or SIGINT, and every request was answered
  cut_off = 1,         ///< the same, but requests were open when the time was up
  wrong_options = 2,   ///< it has not begun
  no_start = 3,        ///< the port or the model could not be had
  engine_failed = 4,   ///< a device error, say: nothing can be computed any more
  engine_stalled = 5,  ///< a step took longer than one may
};

/// What tells whether an engine gets on: functions that any thread may call.
struct engine_view {
  std::function<std::optional<std::string>()> failure;
  std::function<std::int64_t()> steps;          ///< done so far
  std::function<std::int64_t()> open_requests;  ///< without any, no step is due
  std::function<void()> stop;                   ///< ends open requests with an error, soon
};

engine_view view_of(tenon::engine_thread& engine);

/// Watches the signals and the engine from the main thread, and moves `server_state::now` along.
class life_cycle {
 public:
  struct times {
    std::chrono::milliseconds drain{30'000};
    std::chrono::milliseconds step{60'000};
  };

  /// From here on SIGTERM and SIGINT end the process at once with status 0, as there is nothing to finish;
  /// in `run` the first of them begins the end, and the second ends the process at once, whatever any thread
  /// does. Only one object at a time.
  life_cycle(server_state& shared, times limits);
  life_cycle(life_cycle const&) = delete;
  life_cycle& operator=(life_cycle const&) = delete;
  ~life_cycle();  ///< gives the signals their former handlers back

  /// Serves until the end: returns when nothing more is to be answered.
  exit_status run(engine_view const& engine);

 private:
  using time_point = std::chrono::steady_clock::time_point;

  bool check_engine(engine_view const& engine, time_point now);
  exit_status drain(engine_view const& engine);
  exit_status fail(engine_view const& engine);
  void wait_for_error_events() const;

  server_state& shared_;
  times limits_;
  std::int64_t steps_ = -1;  // as of `progress_`
  time_point progress_{};
  struct sigaction before_term_ {};
  struct sigaction before_int_ {};
};

}  // namespace server
