// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "server/event_log.hpp"
#include "server/health.hpp"
#include "server/listener.hpp"
#include "server/router.hpp"
#include "server/server_state.hpp"
#include "tests/server/raw_client.hpp"

namespace server_test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline bool eventually(std::function<bool()> const& holds) {
  auto const deadline = std::chrono::steady_clock::now() + raw_client::patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// A server on a free port without a model, whose routes do what tests need of routes.
///
///   POST /echo      answers with the body
///   GET /events     N events of SIZE bytes each: ?N,SIZE; then the stream ends
///   GET /endless    events of 1,000 bytes until it is cancelled
///   GET /wait       answers nothing, until it is cancelled
///   GET /throw      throws before it answers        GET /break   throws within a stream
class running_server {
 public:
  /// `change` may set everything that is set before the first connection.
  explicit running_server(std::function<void(server::server_state&)> const& change = {}) {
    server::add_health_routes(routes, shared);
    add_test_routes();
    shared.routes = &routes;
    shared.now = server::phase::serving;
    shared.limits.linger_time = 1s;
    if (change) change(shared);
    port_ = std::make_unique<server::listener>(shared, "127.0.0.1", 0, 2);
  }
  ~running_server() {
    if (port_) port_->stop();
  }

  std::uint16_t port() const { return port_->port(); }
  void stop() { port_->stop(); }

  /// One request on a connection of its own, which is closed then.
  raw_response ask(std::string_view request) {
    raw_client client{port()};
    client.send(request);
    auto got = client.receive();
    if (!got) throw std::runtime_error{"no answer"};
    return *std::move(got);
  }
  bool answers_good_requests() { return ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").status == 200; }

  struct null_device {
    null_device() : descriptor{::open("/dev/null", O_WRONLY | O_CLOEXEC)} {}
    ~null_device() { ::close(descriptor); }
    int descriptor;
  };

  null_device silence;
  server::event_log log{silence.descriptor, server::severity::debug};
  server::server_state shared{.log = log};
  server::router routes;
  std::atomic<int> running = 0;    // of the routes that wait
  std::atomic<int> cancelled = 0;  // of them
  std::atomic<std::int64_t> events = 0;

 private:
  using request = server::http_request;
  using reply = server::reply;

  void add_test_routes() {
    routes.add("POST", "/echo", [](request const& asked, reply& out) -> asio::awaitable<void> {
      server::http_response response{.body = asked.body, .content_type = "text/plain"};
      co_await out.send(std::move(response));
    });
    routes.add("GET", "/events", [](request const& asked, reply& out) { return send_events(asked, out); });
    routes.add("GET", "/endless", [this](request const&, reply& out) { return send_for_ever(out); });
    routes.add("GET", "/wait", [this](request const&, reply&) { return wait_for_ever(); });
    routes.add("GET", "/throw", [](request const&, reply&) -> asio::awaitable<void> {
      throw std::runtime_error{"secret 0x1234 in /some/path"};
      co_return;
    });
    routes.add("GET", "/break", [](request const&, reply& out) -> asio::awaitable<void> {
      co_await out.begin_events(std::vector<server::header>());
      co_await out.write_events("data: 1\n\n");
      throw std::runtime_error{"secret 0x1234 in /some/path"};
    });
  }

  static asio::awaitable<void> send_events(request const& asked, reply& out) {
    auto const comma = asked.query.find(',');
    auto const count = std::stoi(asked.query.substr(0, comma));
    auto const size = std::stoul(asked.query.substr(comma + 1));
    std::vector<server::header> headers;
    headers.push_back({"x-extra", "yes"});
    co_await out.begin_events(std::move(headers));
    for (int i = 0; i < count; ++i) {
      std::string event = "data: " + std::to_string(i) + " ";
      event.resize(std::max(event.size() + 2, size) - 2, 'x');
      co_await out.write_events(event + "\n\n");
    }
    co_await out.end_events();
  }

  asio::awaitable<void> send_for_ever(reply& out) {
    in_progress const counted{*this};
    co_await out.begin_events(std::vector<server::header>());
    for (;;) {
      co_await out.write_events("data: " + std::string(992, 'x') + "\n\n");
      ++events;
    }
  }

  asio::awaitable<void> wait_for_ever() {
    in_progress const counted{*this};
    asio::steady_timer timer{co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max()};
    co_await timer.async_wait(asio::use_awaitable);
  }

  /// These routes end in one way only.
  struct in_progress {
    explicit in_progress(running_server& all) : all_{all} { ++all_.running; }
    ~in_progress() {
      --all_.running;
      ++all_.cancelled;
    }
    running_server& all_;
  };

  std::unique_ptr<server::listener> port_;
};

}  // namespace server_test
