// SPDX-License-Identifier: Apache-2.0
#include "server/http_session.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/server/running_server.hpp"

namespace {

using namespace server_test;

std::string get(std::string const& target, std::string const& headers = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

std::string post(std::string const& body, std::string const& headers = {}) {
  return "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

BOOST_AUTO_TEST_SUITE(http_session)

BOOST_AUTO_TEST_CASE(a_connection_answers_many_requests) {
  running_server server;
  raw_client client{server.port()};
  for (int i = 0; i < 20; ++i) {
    auto const body = std::string(static_cast<std::size_t>(i) * 1000, 'b');
    BOOST_REQUIRE(client.send(post(body)));
    auto const got = client.receive();
    BOOST_REQUIRE(got);
    BOOST_TEST(got->status == 200);
    BOOST_TEST(got->body == body);
    BOOST_TEST(!got->says_close());
    BOOST_TEST(got->field("Date").has_value());
    BOOST_TEST(got->field("Cache-Control").value_or("") == "no-store");
  }
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  running_server server;
  raw_client client{server.port()};
  std::string all;
  for (int i = 0; i < 50; ++i) all += post("body " + std::to_string(i)) + get("/events?3,20");
  BOOST_REQUIRE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(client.receive()->body == "body " + std::to_string(i));
    BOOST_TEST(client.receive()->body.size() == 60u);
  }
  BOOST_TEST(client.is_silent(50ms));
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte) {
  running_server server;
  raw_client client{server.port()};
  for (char const byte : post("hello") +
                             "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3;name=value\r\nabc\r\n02\r\nde\r\n0\r\n\r\n") {
    BOOST_REQUIRE(client.send({&byte, 1}));
    std::this_thread::sleep_for(100us);
  }
  BOOST_TEST(client.receive()->body == "hello");
  BOOST_TEST(client.receive()->body == "abcde");
}

BOOST_AUTO_TEST_CASE(large_bodies_come_through_in_both_framings) {
  running_server server;
  std::string body(3'000'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * i % 23);
  raw_client client{server.port()};
  std::thread sender{[&] {
    client.send(post(body));
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n");
    for (std::size_t at = 0; at < body.size(); at += 12'000) {
      client.send("2ee0\r\n" + body.substr(at, 12'000) + "\r\n");
    }
    client.send("0\r\n\r\n");
  }};
  for (int i = 0; i < 2; ++i) {
    auto const got = client.receive();
    BOOST_TEST(got->status == 200);
    BOOST_TEST((got->body == body));
  }
  sender.join();
}

BOOST_AUTO_TEST_CASE(http_1_0_closes_unless_asked_to_keep) {
  running_server server;
  raw_client once{server.port()};
  once.send("GET /version HTTP/1.0\r\n\r\n");
  auto const first = once.receive();
  BOOST_TEST(first->status == 200);
  BOOST_TEST(first->says_close());
  BOOST_TEST(once.is_closed());

  raw_client kept{server.port()};
  for (int i = 0; i < 2; ++i) {
    kept.send("GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    BOOST_TEST(kept.receive()->field("Connection").value_or("") == "keep-alive");
  }

  raw_client stream{server.port()};
  stream.send("GET /events?3,20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto const got = stream.receive();
  BOOST_TEST(got->says_close());
  BOOST_TEST(!got->field("Transfer-Encoding"));
  BOOST_TEST(got->body.size() == 60u);
}

BOOST_AUTO_TEST_CASE(connection_close_is_obeyed) {
  running_server server;
  for (auto const* const value : {"close", "Close", "keep-alive, close", "x , CLOSE"}) {
    raw_client client{server.port()};
    client.send(get("/version", "Connection: " + std::string{value} + "\r\n") + get("/version"));
    BOOST_TEST(client.receive()->says_close());
    BOOST_TEST(client.is_closed());
  }
}

BOOST_AUTO_TEST_CASE(a_connection_ends_after_its_requests) {
  running_server server{[](auto& shared) { shared.limits.requests_per_connection = 3; }};
  raw_client client{server.port()};
  for (int i = 0; i < 3; ++i) {
    client.send(get("/version"));
    BOOST_TEST(client.receive()->says_close() == (i == 2));
  }
  BOOST_TEST(client.is_closed());
}

BOOST_AUTO_TEST_CASE(head_has_the_headers_of_get_and_no_body) {
  running_server server;
  raw_client client{server.port()};
  client.send(get("/version"));
  auto const full = client.receive();
  client.send("HEAD /version HTTP/1.1\r\nHost: x\r\n\r\n" + get("/version"));
  auto const bare = client.receive(true);
  BOOST_TEST(bare->status == 200);
  BOOST_TEST(bare->field("Content-Length").value_or("a") == full->field("Content-Length").value_or("b"));
  BOOST_TEST(bare->field("Content-Type").value_or("a") == full->field("Content-Type").value_or("b"));
  BOOST_TEST(client.receive()->body == full->body);
}

BOOST_AUTO_TEST_CASE(unknown_routes_and_methods_keep_the_connection) {
  running_server server;
  raw_client client{server.port()};
  client.send(get("/nowhere"));
  BOOST_TEST(client.receive()->status == 404);
  client.send("DELETE /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  auto const refused = client.receive();
  BOOST_TEST(refused->status == 405);
  BOOST_TEST(refused->field("Allow").value_or("") == "POST, OPTIONS");
  client.send("PUT /version HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(client.receive()->field("Allow").value_or("") == "GET, HEAD, OPTIONS");
  client.send(get("/version"));
  BOOST_TEST(client.receive()->status == 200);
}

BOOST_AUTO_TEST_CASE(a_large_unwanted_body_closes_the_connection) {
  running_server server;
  raw_client client{server.port()};
  client.send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  auto const got = client.receive();
  BOOST_TEST(got->status == 404);
  BOOST_TEST(got->says_close());
}

BOOST_AUTO_TEST_CASE(options_tell_the_methods) {
  running_server server;
  raw_client client{server.port()};
  client.send("OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  auto const got = client.receive();
  BOOST_TEST(got->status == 204);
  BOOST_TEST(got->field("Allow").value_or("") == "POST, OPTIONS");
  BOOST_TEST(!got->field("Access-Control-Allow-Origin"));
  BOOST_TEST(!got->field("Content-Length"));
  client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(client.receive()->status == 204);
}

BOOST_AUTO_TEST_CASE(cross_origin_answers_are_for_allowed_origins) {
  running_server server{[](auto& shared) { shared.allowed_origins = {"https://a.example"}; }};
  raw_client client{server.port()};
  client.send(
      "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  auto const preflight = client.receive();
  BOOST_TEST(preflight->status == 204);
  BOOST_TEST(preflight->field("Access-Control-Allow-Origin").value_or("") == "https://a.example");
  BOOST_TEST(preflight->field("Access-Control-Allow-Methods").value_or("") == "POST, OPTIONS");
  BOOST_TEST(preflight->field("Access-Control-Allow-Headers").value_or("") ==
             "Authorization, Content-Type, x-request-id, *");  // the official client adds some of its own
  BOOST_TEST(preflight->field("Vary").value_or("") == "Origin");
  client.send(get("/nowhere", "Origin: https://a.example\r\n"));
  BOOST_TEST(client.receive()->field("Access-Control-Allow-Origin").value_or("") == "https://a.example");
  client.send(get("/version", "Origin: https://b.example\r\n"));
  BOOST_TEST(!client.receive()->field("Access-Control-Allow-Origin"));
}

// A browser sends a text without asking the server first, whatever page it comes from.
BOOST_AUTO_TEST_CASE(web_pages_must_send_json) {
  running_server server;
  raw_client client{server.port()};
  auto const status_for = [&](std::string const& headers) {
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + headers + "\r\n{}");
    return client.receive()->status;
  };
  std::string const page = "Origin: https://any.example\r\n";
  BOOST_TEST(status_for(page + "Content-Type: text/plain\r\n") == 415);
  BOOST_TEST(status_for(page + "Content-Type: application/json-not\r\n") == 415);
  BOOST_TEST(status_for(page) == 415);
  BOOST_TEST(status_for(page + "Content-Type: Application/JSON ; charset=utf-8\r\n") == 200);
  BOOST_TEST(status_for("Content-Type: text/plain\r\n") == 200);
  BOOST_TEST(status_for("") == 200);
}

BOOST_AUTO_TEST_CASE(request_ids_are_echoed_cleaned_and_made) {
  running_server server;
  raw_client client{server.port()};
  auto const id_for = [&](std::string const& given) {
    client.send(get("/version", "X-Request-ID: " + given + "\r\n"));
    return client.receive()->field("x-request-id").value_or("none");
  };
  BOOST_TEST(id_for("req-1_2.3:4/5") == "req-1_2.3:4/5");
  BOOST_TEST(id_for("a b\xc3\xa9 c") == "abc");
  BOOST_TEST(id_for(std::string(500, 'i')) == std::string(128, 'i'));
  auto const made = id_for("\xff");
  BOOST_TEST(made.size() == 32u);
  BOOST_TEST(made != id_for(""));
  client.send(get("/nowhere", "x-request-id: of-an-error\r\n"));
  BOOST_TEST(client.receive()->field("x-request-id").value_or("") == "of-an-error");
}

BOOST_AUTO_TEST_CASE(a_refused_head_is_answered_under_its_name_and_to_its_page) {
  running_server server{[](auto& shared) { shared.allowed_origins = {"https://a.example"}; }};
  for (auto const* const wrong :
       {"Content-Length: 10000000\r\n", "Content-Length: x\r\n", "Host: y\r\n", "Expect: x\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer Encoding: x\r\n"}) {
    raw_client client{server.port()};
    client.send(
        get("/version", "origin:https://a.example\r\n" + std::string{wrong} + "X-Request-Id: \tmine \r\n"));
    auto const got = client.receive();
    BOOST_TEST(got->status >= 400);
    BOOST_TEST(got->field("x-request-id").value_or("") == "mine", wrong);
    BOOST_TEST(got->field("Access-Control-Allow-Origin").value_or("") == "https://a.example");
    BOOST_TEST(client.is_closed());
  }
  raw_client bare{server.port()};
  bare.send(get("/version", "Expect: x\r\n"));
  BOOST_TEST(bare.receive()->field("x-request-id").value_or("").size() == 32u);
}

BOOST_AUTO_TEST_CASE(expectations_are_met_before_the_body) {
  running_server server;
  raw_client client{server.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n");
  BOOST_TEST(client.receive()->status == 100);
  client.send("body");
  BOOST_TEST(client.receive()->body == "body");
  client.send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  auto const refused = client.receive();
  BOOST_TEST(refused->status == 404);
  BOOST_TEST(refused->says_close());
  BOOST_TEST(client.is_closed());
}

BOOST_AUTO_TEST_CASE(events_are_chunked_and_not_cached) {
  running_server server;
  raw_client client{server.port()};
  client.send(get("/events?5,3000"));
  auto const got = client.receive();
  BOOST_TEST(got->field("Content-Type").value_or("") == "text/event-stream; charset=utf-8");
  BOOST_TEST(got->field("X-Accel-Buffering").value_or("") == "no");
  BOOST_TEST(got->field("Cache-Control").value_or("") == "no-store");
  BOOST_TEST(got->field("x-extra").value_or("") == "yes");
  BOOST_TEST(got->body.size() == 15'000u);
}

BOOST_AUTO_TEST_CASE(large_streams_and_answers_come_whole_to_a_late_reader) {
  running_server server;
  raw_client client{server.port(), 4096};
  client.send(get("/events?1000,5000"));
  std::this_thread::sleep_for(100ms);
  BOOST_TEST(client.receive()->body.size() == 5'000'000u);
  std::string const body(4'000'000, 'z');
  std::thread sender{[&] { client.send(post(body)); }};
  std::this_thread::sleep_for(100ms);
  BOOST_TEST((client.receive()->body == body));
  sender.join();
}

BOOST_AUTO_TEST_CASE(a_failing_route_tells_nothing) {
  running_server server;
  raw_client client{server.port()};
  client.send(get("/throw"));
  auto const got = client.receive();
  BOOST_TEST(got->status == 500);
  BOOST_TEST(got->body.find("secret") == std::string::npos);
  BOOST_TEST(client.is_closed());

  raw_client stream{server.port()};
  stream.send(get("/break"));
  auto const broken = stream.receive();
  BOOST_TEST(broken->status == 200);
  BOOST_TEST(broken->body.starts_with("data: 1\n\ndata: {\"error\":"));
  BOOST_TEST(broken->body.find("secret") == std::string::npos);
  BOOST_TEST(server.answers_good_requests());
}

BOOST_AUTO_TEST_CASE(keys_are_needed_but_for_health) {
  running_server server{[](auto& shared) {
    shared.keys.add("first");
    shared.keys.add("second");
  }};
  raw_client client{server.port()};
  auto const status = [&](std::string const& target, std::string const& header) {
    client.send(get(target, header));
    return client.receive()->status;
  };
  BOOST_TEST(status("/health", "") == 200);
  BOOST_TEST(status("/health/ready", "") == 200);
  BOOST_TEST(status("/", "") == 200);  // the page asks for the key itself
  for (auto const* const path : {"/version", "/nowhere", "/events?1,20"}) {
    BOOST_TEST(status(path, "") == 401);
    BOOST_TEST(status(path, "Authorization: Bearer firs\r\n") == 401);
  }
  BOOST_TEST(status("/version", "Authorization: Bearer second\r\n") == 200);
  BOOST_TEST(status("/version", "Authorization: bearer  first\r\n") == 200);
  BOOST_TEST(status("/version", "Authorization: Basic first\r\n") == 401);
  BOOST_TEST(status("/version", "Authorization: first\r\n") == 401);
}

BOOST_AUTO_TEST_CASE(each_key_has_its_own_limit) {
  running_server server{[](auto& shared) {
    shared.keys = server::api_keys{2};
    shared.keys.add("first");
    shared.keys.add("second");
  }};
  raw_client one{server.port()};
  raw_client two{server.port()};
  raw_client three{server.port()};
  auto const key = std::string{"Authorization: Bearer first\r\n"};
  one.send(get("/wait", key));
  two.send(get("/wait", key));
  BOOST_REQUIRE(eventually([&] { return server.running == 2; }));
  three.send(get("/version", key));
  auto const refused = three.receive();
  BOOST_TEST(refused->status == 429);
  BOOST_TEST(refused->field("Retry-After").has_value());
  three.send(get("/version", "Authorization: Bearer second\r\n"));
  BOOST_TEST(three.receive()->status == 200);
  one.close();
  BOOST_TEST(eventually([&] {
    three.send(get("/version", key));
    return three.receive()->status == 200;
  }));
}

BOOST_AUTO_TEST_CASE(phases_decide_what_is_answered) {
  running_server server;
  raw_client client{server.port()};
  server.shared.now = server::phase::loading;
  client.send(get("/events?1,20") + get("/health") + get("/version"));
  auto const loading = client.receive();
  BOOST_TEST(loading->status == 503);
  BOOST_TEST(loading->field("Retry-After").has_value());
  BOOST_TEST(client.receive()->status == 200);
  BOOST_TEST(client.receive()->status == 200);
  client.send(get("/health/ready"));
  BOOST_TEST(client.receive()->status == 503);
  raw_client later{server.port()};
  server.shared.now = server::phase::draining;
  later.send(get("/events?1,20"));
  auto const draining = later.receive();
  BOOST_TEST(draining->status == 503);
  BOOST_TEST(draining->says_close());
  BOOST_TEST(later.is_closed());
  BOOST_TEST(server.ask(get("/health/ready")).status == 503);
  BOOST_TEST(server.ask(get("/health")).status == 200);
  server.shared.now = server::phase::failed;
  BOOST_TEST(server.ask(get("/health")).status == 503);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
