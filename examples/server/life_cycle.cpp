// SPDX-License-Identifier: Apache-2.0
#include "server/life_cycle.hpp"

#include <unistd.h>

#include <string>
#include <thread>

namespace server {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto look_every = std::chrono::milliseconds{50};
constexpr auto time_for_error_events = std::chrono::seconds{2};

// A signal handler reaches nothing but this, on whichever thread it runs.
std::atomic<int> in_run = 0;
std::atomic<int> signals_seen = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int number) {
  if (in_run == 0) _exit(0);
  if (signals_seen.fetch_add(1) > 0) _exit(128 + number);
}

}  // namespace

engine_view view_of(tenon::engine_thread& engine) {
  return {.failure = [&engine] { return engine.failure(); },
          .steps =
              [&engine] {
                auto const steps = engine.stats().steps;
                return steps.replayed + steps.eager;
              },
          .open_requests = [&engine] { return engine.open_requests(); },
          .stop = [&engine] { engine.stop(); }};
}

life_cycle::life_cycle(server_state& shared, times limits) : shared_{shared}, limits_{limits} {
  in_run = 0;
  signals_seen = 0;
  struct sigaction action {};
  action.sa_handler = &note_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &before_term_);
  sigaction(SIGINT, &action, &before_int_);
}

life_cycle::~life_cycle() {
  sigaction(SIGTERM, &before_term_, nullptr);
  sigaction(SIGINT, &before_int_, nullptr);
}

exit_status life_cycle::run(engine_view const& engine) {
  shared_.now = phase::serving;
  progress_ = clock::now();
  in_run = 1;
  while (signals_seen == 0) {
    if (!check_engine(engine, clock::now())) return fail(engine);
    std::this_thread::sleep_for(look_every);
  }
  return drain(engine);
}

/// False when the engine will not get on. Every step counts as progress, and so does having nothing to do.
bool life_cycle::check_engine(engine_view const& engine, time_point now) {
  if (engine.failure()) return false;
  auto const done = engine.steps();
  if (done != steps_ || engine.open_requests() == 0) {
    steps_ = done;
    progress_ = now;
  }
  shared_.stalled = now - progress_ > limits_.step;
  return !shared_.stalled;
}

exit_status life_cycle::drain(engine_view const& engine) {
  shared_.now = phase::draining;
  shared_.log.write(severity::info, "draining", {{"requests", std::to_string(shared_.open_requests.load())}});
  auto const deadline = clock::now() + limits_.drain;
  while (shared_.open_requests.load() > 0) {
    if (!check_engine(engine, clock::now())) return fail(engine);
    if (clock::now() > deadline) {
      shared_.log.write(severity::warning, "cut_off",
                        {{"requests", std::to_string(shared_.open_requests.load())}});
      engine.stop();
      wait_for_error_events();
      return exit_status::cut_off;
    }
    std::this_thread::sleep_for(look_every);
  }
  return exit_status::done;
}

void life_cycle::wait_for_error_events() const {
  auto const deadline = clock::now() + time_for_error_events;
  while (shared_.open_requests.load() > 0 && clock::now() < deadline) std::this_thread::sleep_for(look_every);
}

/// Open streams hear of a failure through the engine; of a stall nobody will tell them.
exit_status life_cycle::fail(engine_view const& engine) {
  shared_.now = phase::failed;
  auto const failure = engine.failure();
  shared_.log.write(severity::error, failure ? "engine_failed" : "engine_stalled",
                    {{"what", failure.value_or("")}});
  wait_for_error_events();
  return failure ? exit_status::engine_failed : exit_status::engine_stalled;
}

}  // namespace server
