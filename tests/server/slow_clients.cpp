// SPDX-License-Identifier: Apache-2.0
// Clients that come late, read late, or go.

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <list>
#include <string>

#include "tests/server/running_server.hpp"

namespace {

using namespace server_test;
using namespace std::string_literals;

auto const good = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"s;

void short_times(server::server_state& shared) {
  auto& limits = shared.limits;
  limits.header_time = 150ms;
  limits.idle_time = 150ms;
  limits.body_grace = 150ms;
  limits.stall_time = 200ms;
  limits.linger_time = 50ms;
}

std::string get(std::string const& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

BOOST_AUTO_TEST_SUITE(slow_clients)

BOOST_AUTO_TEST_CASE(an_idle_connection_is_closed_without_a_word) {
  running_server server{short_times};
  raw_client silent{server.port()};
  raw_client kept{server.port()};
  kept.send(good);
  BOOST_TEST(kept.receive()->status == 200);
  BOOST_TEST(silent.is_closed());
  BOOST_TEST(kept.is_closed());
  BOOST_TEST(eventually([&] { return server.shared.connections == 0; }));
}

BOOST_AUTO_TEST_CASE(slow_headers_get_408) {
  running_server server{short_times};
  raw_client stopped{server.port()};
  stopped.send("GET /health HTTP/1.1\r\nHo");
  raw_client dripping{server.port()};
  std::thread drip{[&] {
    for (char const byte : "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(200, 'y')) {
      if (!dripping.send({&byte, 1})) return;
      std::this_thread::sleep_for(10ms);
    }
  }};
  for (auto* const client : {&stopped, &dripping}) {
    auto const got = client->receive();
    BOOST_REQUIRE(got);
    BOOST_TEST(got->status == 408);
    BOOST_TEST(got->says_close());
  }
  BOOST_TEST(server.answers_good_requests());
  drip.join();
}

BOOST_AUTO_TEST_CASE(slow_bodies_get_408) {
  running_server server{short_times};
  raw_client stopped{server.port()};
  stopped.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  raw_client dripping{server.port()};
  dripping.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::thread drip{[&] {
    for (int i = 0; i < 200 && dripping.send("1\r\nx\r\n"); ++i) std::this_thread::sleep_for(10ms);
  }};
  for (auto* const client : {&stopped, &dripping}) BOOST_TEST(client->receive()->status == 408);
  drip.join();
}

BOOST_AUTO_TEST_CASE(a_body_that_keeps_its_rate_may_take_its_time) {
  running_server server{short_times};
  server.shared.limits.body_rate = 1000;
  raw_client client{server.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(20ms);  // 2,500 bytes a second, and longer than the grace
    client.send(std::string(50, 'b'));
  }
  BOOST_TEST(client.receive()->status == 200);
}

BOOST_AUTO_TEST_CASE(a_reader_that_stalls_ends_its_request) {
  running_server server{short_times};
  raw_client client{server.port(), 4096};
  client.send(get("/endless"));
  BOOST_REQUIRE(eventually([&] { return server.running == 1; }));
  BOOST_REQUIRE(eventually([&] { return server.cancelled == 1; }));
  BOOST_TEST(eventually([&] { return server.shared.open_requests == 0; }));
  // No more was made than the two buffers and the client's own hold.
  BOOST_TEST(server.events < 1'500);
  BOOST_TEST(eventually([&] { return server.shared.connections == 0; }));
}

BOOST_AUTO_TEST_CASE(a_reader_that_pauses_is_waited_for) {
  running_server server{short_times};
  server.shared.limits.stall_time = 1s;
  server.shared.limits.out_buffer_bytes = 1 << 10;
  raw_client client{server.port(), 4096};
  client.send(get("/endless"));
  std::thread reader{[&] {
    while (server.cancelled == 0) {
      std::this_thread::sleep_for(50ms);
      client.receive_some();
    }
  }};
  std::this_thread::sleep_for(2500ms);
  BOOST_TEST(server.cancelled == 0);
  client.shutdown_send();
  BOOST_TEST(eventually([&] { return server.cancelled == 1; }));
  reader.join();
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_read_ends) {
  running_server server{short_times};
  raw_client client{server.port(), 4096};
  std::string const body(4'000'000, 'z');
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + body);
  BOOST_TEST(eventually([&] { return server.shared.connections == 0; }));
  BOOST_TEST(server.shared.buffered_bytes == 0);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_read_too_slowly_ends) {
  running_server server{short_times};
  server.shared.limits.stall_time = 300ms;
  server.shared.limits.body_rate = 1 << 30;
  raw_client client{server.port(), 4096};
  std::size_t const size = 8'000'000;
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + std::string(size, 'z'));
  // It never stalls, but at this rate it would take half a minute.
  std::size_t got = 0;
  for (auto some = client.receive_some(4096); !some.empty(); some = client.receive_some(4096)) {
    got += some.size();
    std::this_thread::sleep_for(10ms);
  }
  BOOST_TEST(got < size);
  BOOST_TEST(eventually([&] { return server.shared.connections == 0; }));
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_cancels_its_request) {
  running_server server;
  for (int way = 0; way < 3; ++way) {
    for (auto const* const target : {"/wait", "/endless"}) {
      int const before = server.cancelled;
      raw_client client{server.port()};
      client.send(get(target));
      BOOST_REQUIRE(eventually([&] { return server.running == 1; }));
      if (way == 0) client.close();
      if (way == 1) client.reset();
      if (way == 2) client.shutdown_send();
      BOOST_TEST(eventually([&] { return server.cancelled == before + 1; }));
    }
  }
  BOOST_TEST(eventually([&] { return server.shared.open_requests == 0 && server.shared.connections == 0; }));
}

BOOST_AUTO_TEST_CASE(what_is_pipelined_behind_an_open_request_does_not_hide_the_end) {
  running_server server;
  raw_client client{server.port()};
  client.send(get("/wait") + good + good);
  BOOST_REQUIRE(eventually([&] { return server.running == 1; }));
  BOOST_TEST(client.is_silent(50ms));
  client.close();
  BOOST_TEST(eventually([&] { return server.cancelled == 1; }));
  // With more behind it than is read ahead, only a reset tells.
  raw_client flood{server.port()};
  flood.send(get("/wait") + std::string(60'000, 'x'));
  BOOST_REQUIRE(eventually([&] { return server.running == 1; }));
  std::this_thread::sleep_for(50ms);
  flood.reset();
  BOOST_TEST(eventually([&] { return server.cancelled == 2; }));
}

BOOST_AUTO_TEST_CASE(answers_reach_a_client_that_has_nothing_more_to_send) {
  running_server server;
  for (int i = 0; i < 50; ++i) {
    raw_client client{server.port()};
    client.send(good);
    client.shutdown_send();
    auto const got = client.receive();
    BOOST_REQUIRE(got);
    BOOST_TEST(got->status == 200);
  }
}

BOOST_AUTO_TEST_CASE(quiet_streams_get_comments) {
  running_server server{[](auto& shared) { shared.limits.ping_time = 30ms; }};
  server.routes.add("GET", "/quiet",
                    [](server::http_request const&, server::reply& out) -> asio::awaitable<void> {
                      co_await out.begin_events(std::vector<server::header>());
                      asio::steady_timer timer{co_await asio::this_coro::executor, 200ms};
                      co_await timer.async_wait(asio::use_awaitable);
                      co_await out.write_events("data: late\n\n");
                      co_await out.end_events();
                    });
  auto const got = server.ask(get("/quiet"));
  BOOST_TEST(got.body.starts_with(": ping\n\n: ping\n\n"));
  BOOST_TEST(got.body.ends_with("data: late\n\n"));
}

BOOST_AUTO_TEST_CASE(too_many_connections_are_refused) {
  running_server server{[](auto& shared) { shared.limits.connections = 5; }};
  std::list<raw_client> open;
  for (int i = 0; i < 5; ++i) open.emplace_back(server.port());
  BOOST_REQUIRE(eventually([&] { return server.shared.connections == 5; }));
  raw_client more{server.port()};
  auto const got = more.receive();
  BOOST_REQUIRE(got);
  BOOST_TEST(got->status == 503);
  BOOST_TEST(got->field("Retry-After").has_value());
  BOOST_TEST(got->field("x-request-id").has_value());
  open.clear();
  BOOST_REQUIRE(eventually([&] { return server.shared.connections == 0; }));
  BOOST_TEST(server.answers_good_requests());
}

BOOST_AUTO_TEST_CASE(bodies_share_one_budget) {
  running_server server{[](auto& shared) { shared.limits.buffered_bytes = 150'000; }};
  auto const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"s;
  raw_client first{server.port()};
  first.send(head + std::string(99'999, 'a'));
  BOOST_REQUIRE(eventually([&] { return server.shared.buffered_bytes == 99'999; }));
  raw_client second{server.port()};
  second.send(head + std::string(99'999, 'a'));
  auto const refused = second.receive();
  BOOST_TEST(refused->status == 503);
  BOOST_TEST(refused->field("Retry-After").has_value());
  first.send("a");
  BOOST_TEST(first.receive()->body.size() == 100'000u);
  BOOST_TEST(eventually([&] { return server.shared.buffered_bytes == 0; }));
}

BOOST_AUTO_TEST_CASE(stopping_ends_everything) {
  running_server server;
  raw_client idle{server.port()};
  raw_client half{server.port()};
  half.send("GET /hea");
  raw_client waiting{server.port()};
  waiting.send(get("/wait"));
  raw_client reading{server.port(), 4096};
  reading.send(get("/endless"));
  BOOST_REQUIRE(eventually([&] { return server.running == 2 && server.shared.connections == 4; }));
  server.stop();
  BOOST_TEST(server.cancelled == 2);
  BOOST_TEST(server.shared.open_requests == 0);
  BOOST_TEST(server.shared.connections == 0);
  BOOST_TEST(idle.is_closed());
  BOOST_TEST(waiting.is_closed());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
