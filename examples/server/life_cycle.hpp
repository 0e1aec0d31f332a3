// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>

#include "server/server_state.hpp"
#include "tenon/engine/engine_thread.hpp"

namespace server {

/// How a life ended: the program's exit status.
enum class exit_status : int {
  done = 0,     ///< SIGTERM or SIGINT, and every request was answered
  cut_off = 1,  ///< the same, but requests were open when the time was up
  engine_failed = 3,
  engine_stalled = 4,
};

/// Watches the signals and the engine from the main thread, and moves `server_state::now` along.
class life_cycle {
 public:
  struct times {
    std::chrono::milliseconds drain{30'000};
    std::chrono::milliseconds step{60'000};
  };

  /// From here on the first SIGTERM or SIGINT is noted, and the second ends the process at once, whatever
  /// any thread does. Only one object at a time.
  life_cycle(server_state& shared, times limits);
  life_cycle(life_cycle const&) = delete;
  life_cycle& operator=(life_cycle const&) = delete;
  ~life_cycle();  ///< gives the signals their former handlers back

  /// Whether a signal has asked for the end.
  bool ending() const noexcept;

  /// Serves until the end: returns when nothing more is to be answered.
  exit_status run(tenon::engine_thread const& engine);

 private:
  using time_point = std::chrono::steady_clock::time_point;

  bool check_engine(tenon::engine_thread const& engine, time_point now);
  exit_status drain(tenon::engine_thread const& engine);
  exit_status fail(tenon::engine_thread const& engine);

  server_state& shared_;
  times limits_;
  std::int64_t steps_ = -1;  // as of `progress_`
  time_point progress_{};
  struct sigaction before_term_ {};
  struct sigaction before_int_ {};
};

}  // namespace server
