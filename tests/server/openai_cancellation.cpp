// SPDX-License-Identifier: Apache-2.0
// Clients that go away, engines that are full or at their end: no page is lost, and the next request is
// answered.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <string>

#include "server/openai_client.hpp"
#include "server/openai_service.hpp"

namespace {

using namespace openai_test;

constexpr std::string_view chats = "/v1/chat/completions";

void expect_a_good_answer() {
  BOOST_TEST(every_page_is_back());
  auto const good = ask(chats, chat("What is 123 + 456?", R"({"enable_thinking": false})"));
  BOOST_TEST(good.json().at("choices").at(0).at("message").at("content") == "123 + 456 = 579");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(openai_cancellation)

BOOST_AUTO_TEST_CASE(a_reader_that_leaves_a_stream_ends_its_answers) {
  auto const body = chat("Hello!", R"({"stream": true, "ignore_eos": true, "n": 3, "max_tokens": 1500})");
  auto const before = service().engine.stats().generated_tokens;
  for (std::size_t after : {1u, 2u, 5u, 17u}) {
    auto const left = ask(chats, body, {.leaves_after_events = after});
    BOOST_TEST(left.cancelled);
    BOOST_TEST(!left.ended);
    BOOST_TEST(every_page_is_back());
  }
  BOOST_TEST(service().engine.stats().generated_tokens - before < 1500);  // of 4 * 3 * 1500
  expect_a_good_answer();
}

BOOST_AUTO_TEST_CASE(a_client_may_leave_at_any_moment) {
  for (auto const* const more : {R"({"max_tokens": 300, "ignore_eos": true})",
                                 R"({"max_tokens": 300, "ignore_eos": true, "stream": true})",
                                 R"({"thinking_token_budget": 3, "n": 2})", R"({"stop": "5"})"}) {
    for (std::size_t turns = 0; turns < 12; ++turns)
      ask(chats, chat("What is 123 + 456?", more), {.leaves_after_posts = turns});
  }
  BOOST_TEST(ask("/v1/completions", R"({"prompt": ["a", "b", "c"], "max_tokens": 300, "ignore_eos": true})",
                 {.leaves_after_posts = 2})
                 .cancelled);
  expect_a_good_answer();
}

BOOST_AUTO_TEST_SUITE_END()
