// SPDX-License-Identifier: Apache-2.0
#include "tests/server/hostile_requests.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/server/running_server.hpp"

namespace {

using namespace server_test;

std::string const good = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

/// OpenAI's error object, which says nothing of the server's insides.
void check_error(hostile_case const& given, raw_response const& got) {
  BOOST_TEST_CONTEXT(given.name) {
    boost::system::error_code error;
    auto const body = boost::json::parse(got.body, error);
    BOOST_REQUIRE(!error);
    auto const& fields = body.at("error").as_object();
    BOOST_TEST(fields.at("message").as_string().size() > 0u);
    BOOST_TEST(fields.contains("type"));
    BOOST_TEST(fields.contains("param"));
    BOOST_TEST(fields.contains("code"));
    for (auto const* const secret : {"0x", "/usr", "/tmp", "127.0.0.1", ".cpp", "boost"}) {
      BOOST_TEST(got.body.find(secret) == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE(hostile_requests)

BOOST_AUTO_TEST_CASE(there_are_many) {
  BOOST_TEST_MESSAGE(all_hostile_cases().size() << " cases");
  BOOST_TEST(all_hostile_cases().size() >= 200u);
}

BOOST_AUTO_TEST_CASE(each_ends_in_its_status_and_the_next_good_request_is_answered) {
  running_server server;
  for (auto const& given : all_hostile_cases()) {
    BOOST_TEST_CONTEXT(given.name) {
      raw_client client{server.port()};
      client.send(given.bytes);
      auto const got = client.receive();
      BOOST_REQUIRE(got);
      BOOST_TEST(got->status == given.status);
      BOOST_TEST(got->says_close() == !given.kept);
      if (given.status >= 400) check_error(given, *got);
      if (given.kept) {
        client.send(good);
        auto const next = client.receive();
        BOOST_REQUIRE(next);
        BOOST_TEST(next->status == 200);
      } else {
        BOOST_TEST(client.receive_rest() == "");
      }
      BOOST_TEST(server.answers_good_requests());
    }
  }
}

/// What stands behind a refused request may be anything: it must not become a request.
BOOST_AUTO_TEST_CASE(nothing_behind_a_refused_request_is_answered) {
  running_server server;
  for (auto const& given : all_hostile_cases()) {
    if (given.bytes.size() > 100'000) continue;
    BOOST_TEST_CONTEXT(given.name) {
      raw_client client{server.port()};
      client.send(good + given.bytes + good);
      BOOST_TEST(client.receive()->status == 200);
      auto const got = client.receive();
      BOOST_REQUIRE(got);
      BOOST_TEST(got->status == given.status);
      if (given.kept) {
        BOOST_TEST(client.receive()->status == 200);
      } else {
        BOOST_TEST(client.receive_rest() == "");
      }
    }
  }
}

/// The same bytes in any pieces: the answers do not depend on how the network cuts them.
BOOST_AUTO_TEST_CASE(pieces_make_no_difference) {
  running_server server;
  for (auto const& given : all_hostile_cases()) {
    if (given.bytes.size() > 2000) continue;
    BOOST_TEST_CONTEXT(given.name) {
      raw_client client{server.port()};
      auto const half = given.bytes.size() / 2;
      client.send(given.bytes.substr(0, half));
      std::this_thread::sleep_for(std::chrono::microseconds{300});
      client.send(given.bytes.substr(half));
      auto const got = client.receive();
      BOOST_REQUIRE(got);
      BOOST_TEST(got->status == given.status);
    }
  }
}

BOOST_AUTO_TEST_CASE(smuggled_requests_stay_bodies) {
  running_server server;
  auto const inner = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"s;
  raw_client client{server.port()};
  client.send(post_with("Content-Length: " + std::to_string(inner.size()) + "\r\n", inner) + good);
  BOOST_TEST(client.receive()->body == inner);
  BOOST_TEST(client.receive()->status == 200);
  client.send(post_with("Transfer-Encoding: chunked\r\n", "22\r\n" + inner + "\r\n0\r\n\r\n") + good);
  BOOST_TEST(client.receive()->body == inner);
  BOOST_TEST(client.receive()->status == 200);
  BOOST_TEST(client.is_silent(20ms));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
