// SPDX-License-Identifier: Apache-2.0
// Random requests, mutated: what the guards let pass, Beast reads in the same way, to the same last byte.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "server/chunk_guard.hpp"
#include "server/head_scanner.hpp"
#include "server/request_framing.hpp"
#include "tests/server/hostile_requests.hpp"

namespace {

namespace http = boost::beast::http;

struct boundaries {
  std::string method{};
  std::string body{};
  std::size_t end = 0;  ///< of the request, in the bytes
};

/// As the guards read it: nothing for what they refuse and for what has not ended.
std::optional<boundaries> by_guards(std::string const& bytes, server::http_limits const& limits) {
  server::head_scanner scanner{limits};
  if (!scanner.look(bytes)) return std::nullopt;
  auto const head = bytes.substr(scanner.begin(), scanner.end() - scanner.begin());
  auto const framing = server::read_framing(head, limits);
  auto const* const read = std::get_if<server::request_framing>(&framing);
  if (read == nullptr) return std::nullopt;
  boundaries found{.method = read->method, .end = scanner.end()};
  if (!read->chunked) {
    if (bytes.size() - found.end < read->content_length) return std::nullopt;
    found.body = bytes.substr(found.end, read->content_length);
    found.end += read->content_length;
    return found;
  }
  server::chunk_guard chunks{limits};
  found.end += chunks.look(std::string_view{bytes}.substr(found.end));
  if (!chunks.done()) return std::nullopt;
  return found;
}

std::optional<boundaries> by_beast(std::string_view bytes) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  parser.body_limit(1 << 26);
  std::size_t used = 0;
  while (!parser.is_done()) {
    boost::system::error_code error;
    auto const step = parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += step;
    if (error || step == 0) return std::nullopt;
  }
  return boundaries{std::string{parser.get().method_string()}, parser.get().body(), used};
}

std::string mutate(std::string bytes, std::mt19937_64& random) {
  static std::vector<std::string> const pieces{"\r\n",
                                               "\n",
                                               "\r",
                                               " ",
                                               "\t",
                                               ":",
                                               "0",
                                               "5",
                                               "chunked",
                                               "identity",
                                               ",",
                                               ";",
                                               "\r\n ",
                                               "Host: x\r\n",
                                               "Content-Length: 5\r\n",
                                               "Transfer-Encoding: chunked\r\n",
                                               "0\r\n\r\n",
                                               "\r\n\r\n",
                                               "HTTP/1.0",
                                               "\x80",
                                               std::string(1, '\0')};
  for (auto changes = 1 + random() % 3; changes > 0 && !bytes.empty(); --changes) {
    auto const at = random() % bytes.size();
    auto const count = random() % 8;
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at, count);
        break;
      case 2:
        bytes.insert(at, pieces[random() % pieces.size()]);
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), count));
    }
  }
  return bytes;
}

BOOST_AUTO_TEST_SUITE(framing_agreement)

BOOST_AUTO_TEST_CASE(what_passes_the_guards_has_one_meaning) {
  auto const* const given = std::getenv("TENON_TEST_SEED");
  auto const seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  auto const* const scale = std::getenv("TENON_TEST_SCALE");
  auto const count = static_cast<int>(500'000 * (scale != nullptr ? std::stod(scale) : 1.0));
  std::mt19937_64 random{seed};
  server::http_limits const limits;
  std::vector<std::string> seeds;
  for (auto const& known : server_test::all_hostile_cases()) {
    if (known.bytes.size() < 500) seeds.insert(seeds.end(), known.kept ? 8 : 1, known.bytes);
  }
  int passed = 0;
  int with_body = 0;
  for (int i = 0; i < count; ++i) {
    auto const bytes = mutate(seeds[random() % seeds.size()], random);
    auto const ours = by_guards(bytes, limits);
    if (!ours) continue;
    ++passed;
    auto const first = bytes.find_first_not_of("\r\n");
    auto const theirs = by_beast(std::string_view{bytes}.substr(first));
    BOOST_TEST_CONTEXT("TENON_TEST_SEED=" << seed << ", bytes: " << server_test::shown(bytes)) {
      // What Beast refuses on its own is a 400; what it reads must be the same request.
      if (!theirs) continue;
      with_body += theirs->body.empty() ? 0 : 1;
      BOOST_REQUIRE(theirs->end + first == ours->end);
      BOOST_REQUIRE(theirs->method == ours->method);
      if (!ours->body.empty()) BOOST_REQUIRE(theirs->body == ours->body);
    }
  }
  // Most mutations break a request; these counts say that enough did not.
  BOOST_TEST(passed > count / 20);
  BOOST_TEST(with_body > count / 200);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
