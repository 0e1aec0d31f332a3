// SPDX-License-Identifier: Apache-2.0
#include "server/response_head.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace {

bool has(std::string const& head, std::string const& line) {
  return head.find("\r\n" + line + "\r\n") != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(response_head)

BOOST_AUTO_TEST_CASE(framing_follows_the_length_and_the_version) {
  server::http_response const ok{};
  auto const sized = server::response_head(ok, {}, 17);
  BOOST_TEST(sized.starts_with("HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(sized.ends_with("\r\n\r\n"));
  BOOST_TEST(has(sized, "Content-Length: 17"));
  BOOST_TEST(!has(sized, "Transfer-Encoding: chunked"));
  BOOST_TEST(has(server::response_head(ok, {}, {}), "Transfer-Encoding: chunked"));
  auto const old = server::response_head(ok, {.http_1_0 = true}, {});
  BOOST_TEST(old.find("Transfer-Encoding") == std::string::npos);
  BOOST_TEST(old.find("Content-Length") == std::string::npos);
  auto const none = server::response_head({.status = 204}, {}, 0);
  BOOST_TEST(none.find("Content-Length") == std::string::npos);
  BOOST_TEST(none.find("Content-Type") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_header_cannot_become_two) {
  server::http_response response{};
  response.headers.push_back({"x-tenon-ignored", "a\r\nSet-Cookie: b\r\n\r\nbody\0\x7f\xc3\xa9"});
  auto const head = server::response_head(response, {.request_id = "id"}, 0);
  BOOST_TEST(head.find("\r\nSet-Cookie") == std::string::npos);
  BOOST_TEST(head.find("\r\n\r\n") == head.size() - 4);
  BOOST_TEST(has(head, "x-tenon-ignored: a??Set-Cookie: b????body"));
  BOOST_TEST(has(head, "x-request-id: id"));
}

BOOST_AUTO_TEST_CASE(busy_answers_say_when_to_retry) {
  for (int const status : {429, 503}) {
    BOOST_TEST(has(server::response_head({.status = status}, {}, 0), "Retry-After: 1"));
    server::http_response given{.status = status};
    given.headers.push_back({"retry-after", "7"});
    auto const head = server::response_head(given, {}, 0);
    BOOST_TEST(has(head, "retry-after: 7"));
    BOOST_TEST(!has(head, "Retry-After: 1"));
  }
  BOOST_TEST(!has(server::response_head({}, {}, 0), "Retry-After: 1"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
