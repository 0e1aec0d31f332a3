// SPDX-License-Identifier: Apache-2.0
#include "server/health.hpp"

#include <string>
#include <string_view>

#include "server/page/chat_page.hpp"
#include "tenon/version.hpp"

namespace server {

namespace {

namespace asio = boost::asio;

std::string_view name_of(phase now) {
  switch (now) {
    case phase::loading:
      return "loading";
    case phase::serving:
      return "serving";
    case phase::draining:
      return "draining";
    case phase::failed:
      break;
  }
  return "failed";
}

http_response status_response(bool good, phase now, bool stalled) {
  auto const text = stalled ? std::string_view{"stalled"} : name_of(now);
  return {.status = good ? 200 : 503, .body = R"({"status":")" + std::string{text} + "\"}"};
}

std::string version_body() {
  return R"({"version":")" + std::to_string(TENON_VERSION / 10000) + "." +
         std::to_string(TENON_VERSION / 100 % 100) + "." + std::to_string(TENON_VERSION % 100) + "\"}";
}

/// The page runs its own script and talks to its own server only, in no other page's frame.
http_response page_response() {
  return {.body = std::string{chat_page()},
          .content_type = "text/html; charset=utf-8",
          .headers = {{"Content-Security-Policy",
                       "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                       "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}}};
}

}  // namespace

void add_health_routes(router& routes, server_state& shared) {
  auto const health = [&shared](http_request const&, reply& out) -> asio::awaitable<void> {
    auto const now = shared.now.load();
    bool const stalled = shared.stalled.load();
    co_await out.send(status_response(now != phase::failed && !stalled, now, stalled));
  };
  auto const ready = [&shared](http_request const&, reply& out) -> asio::awaitable<void> {
    auto const now = shared.now.load();
    bool const stalled = shared.stalled.load();
    co_await out.send(status_response(now == phase::serving && !stalled, now, stalled));
  };
  auto const version = [](http_request const&, reply& out) -> asio::awaitable<void> {
    http_response response{.body = version_body()};
    co_await out.send(std::move(response));
  };
  auto const page = [](http_request const&, reply& out) -> asio::awaitable<void> {
    co_await out.send(page_response());
  };
  routes.add("GET", "/health", health, access::open);
  routes.add("GET", "/health/ready", ready, access::open);
  routes.add("GET", "/version", version, access::keyed_always);
  routes.add("GET", "/", page, access::open);
}

}  // namespace server
