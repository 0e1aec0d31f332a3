// SPDX-License-Identifier: Apache-2.0
#include "server/life_cycle.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "tests/server/running_server.hpp"

namespace {

using namespace server_test;
using server::exit_status;
using server::phase;

/// An engine that does what a test says.
struct scripted_engine {
  std::atomic<std::int64_t> steps = 0;
  std::atomic<std::int64_t> open = 0;
  std::atomic<bool> failed = false;
  std::atomic<bool> stopped = false;

  server::engine_view view() {
    return {.failure = [this] { return failed ? std::optional<std::string>{"out of luck"} : std::nullopt; },
            .steps = [this] { return steps.load(); },
            .open_requests = [this] { return open.load(); },
            .stop = [this] { stopped = true; }};
  }
};

/// A life in a thread of its own.
class running_life {
 public:
  running_life(running_server& server, scripted_engine& engine, server::life_cycle::times times)
      : life_{(server.shared.now = phase::loading, server.shared), times},
        thread_{[this, &engine] { status_ = life_.run(engine.view()); }} {
    BOOST_REQUIRE(eventually([&] { return server.shared.now == phase::serving; }));
    std::this_thread::sleep_for(10ms);  // until the signals mean their end
  }
  ~running_life() {
    if (thread_.joinable()) thread_.join();
  }

  exit_status wait() {
    thread_.join();
    return status_;
  }

 private:
  server::life_cycle life_;
  exit_status status_{};
  std::thread thread_;
};

std::string get(std::string const& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

/// The exit status of a child process that runs `body`; 1000 and the signal if one ended it.
int status_of_child(std::function<void()> const& body) {
  auto const child = ::fork();
  if (child == 0) {
    body();
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// A life in a process of its own, which gets `signals` after it has begun.
int status_after_signals(int signals, bool in_run) {
  return status_of_child([=] {
    running_server::null_device silence;
    server::event_log log{silence.descriptor};
    server::server_state shared{.log = log};
    shared.open_requests = 1;
    scripted_engine engine;
    server::life_cycle life{shared, {.drain = 20s, .step = 20s}};
    std::thread killer{[=, &shared] {
      if (in_run) eventually([&] { return shared.now == phase::serving; });
      std::this_thread::sleep_for(20ms);
      for (int i = 0; i < signals; ++i) {
        ::kill(::getpid(), SIGTERM);
        std::this_thread::sleep_for(200ms);
      }
      if (signals == 1) shared.open_requests = 0;
    }};
    killer.detach();
    if (!in_run) std::this_thread::sleep_for(10s);
    auto const status = life.run(engine.view());
    ::_exit(static_cast<int>(status));
  });
}

BOOST_AUTO_TEST_SUITE(life_cycle)

BOOST_AUTO_TEST_CASE(one_signal_drains_and_a_second_ends_at_once) {
  BOOST_TEST(status_after_signals(1, true) == 0);
  BOOST_TEST(status_after_signals(2, true) == 128 + SIGTERM);
  BOOST_TEST(status_after_signals(1, false) == 0);
}

BOOST_AUTO_TEST_CASE(a_drain_lets_open_requests_finish_and_refuses_new_ones) {
  running_server server;
  scripted_engine engine;
  std::atomic<bool> go_on = false;
  server.routes.add("GET", "/slow",
                    [&](server::http_request const&, server::reply& out) -> asio::awaitable<void> {
                      co_await out.begin_events(std::vector<server::header>());
                      while (!go_on) {
                        co_await out.write_events("data: more\n\n");
                        asio::steady_timer timer{co_await asio::this_coro::executor, 5ms};
                        co_await timer.async_wait(asio::use_awaitable);
                      }
                      co_await out.write_events("data: [DONE]\n\n");
                      co_await out.end_events();
                    });
  running_life life{server, engine, {}};
  raw_client streaming{server.port()};
  streaming.send(get("/slow"));
  BOOST_REQUIRE(eventually([&] { return server.shared.open_requests == 1; }));
  ::raise(SIGTERM);
  BOOST_REQUIRE(eventually([&] { return server.shared.now == phase::draining; }));
  BOOST_TEST(server.ask(get("/events?1,20")).status == 503);
  BOOST_TEST(server.ask(get("/health/ready")).status == 503);
  BOOST_TEST(server.ask(get("/health")).status == 200);
  go_on = true;
  auto const whole = streaming.receive();
  BOOST_REQUIRE(whole);
  BOOST_TEST(whole->body.ends_with("data: [DONE]\n\n"));
  BOOST_TEST((life.wait() == exit_status::done));
}

BOOST_AUTO_TEST_CASE(a_drain_ends_when_its_time_is_up) {
  running_server server;
  scripted_engine engine;
  running_life life{server, engine, {.drain = 100ms}};
  raw_client waiting{server.port()};
  waiting.send(get("/wait"));
  BOOST_REQUIRE(eventually([&] { return server.running == 1; }));
  ::raise(SIGINT);
  BOOST_REQUIRE(eventually([&] { return engine.stopped.load(); }));  // whose requests hear of it
  BOOST_TEST(server.running == 1);
  waiting.close();
  BOOST_TEST((life.wait() == exit_status::cut_off));
}

BOOST_AUTO_TEST_CASE(a_failed_engine_ends_the_program) {
  running_server server;
  scripted_engine engine;
  running_life life{server, engine, {}};
  BOOST_TEST(server.ask(get("/health/ready")).status == 200);
  engine.failed = true;
  auto const began = std::chrono::steady_clock::now();
  BOOST_TEST(eventually([&] { return server.ask(get("/health/ready")).status == 503; }));
  BOOST_TEST((std::chrono::steady_clock::now() - began < 1s));
  BOOST_TEST(server.ask(get("/health")).status == 503);
  BOOST_TEST((life.wait() == exit_status::engine_failed));
}

BOOST_AUTO_TEST_CASE(an_engine_without_progress_ends_the_program_but_an_idle_one_does_not) {
  running_server server;
  scripted_engine engine;
  running_life life{server, engine, {.step = 200ms}};
  std::this_thread::sleep_for(500ms);
  BOOST_TEST((server.shared.now == phase::serving));
  engine.open = 1;
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(60ms);
    ++engine.steps;
  }
  BOOST_TEST((server.shared.now == phase::serving));
  BOOST_TEST((life.wait() == exit_status::engine_stalled));
  BOOST_TEST(server.shared.stalled);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
