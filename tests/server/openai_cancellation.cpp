// SPDX-License-Identifier: Apache-2.0
// Clients that go away, engines that are full or at their end: no page is lost, and the next request is
// answered.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
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

BOOST_AUTO_TEST_CASE(a_choice_that_met_its_stop_string_costs_nothing_more) {
  own_service own;
  auto const body = ask("/v1/completions", R"({"prompt": "Once", "n": 4, "stop": "x", "ignore_eos": true,
                                               "temperature": 1.5, "seed": 11, "max_tokens": 200})",
                        {}, own.service())
                        .json();
  std::map<std::string, int> ends;
  for (auto const& choice : body.at("choices").as_array())
    ++ends[std::string{choice.at("finish_reason").as_string()}];
  BOOST_TEST_REQUIRE((ends["stop"] > 0 && ends["length"] > 0), "both ways to end, in " << body);
  BOOST_TEST(every_page_is_back(own.engine()));
  BOOST_TEST(own.engine().stats().generated_tokens < 4 * 200);
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

BOOST_AUTO_TEST_CASE(a_full_queue_says_so_at_once) {
  own_service small{{.max_requests = 2}};
  std::vector<int> statuses;
  auto const full = [&](std::size_t events) {
    if (events < 3 || !statuses.empty()) return;
    auto const refused = ask("/v1/completions", R"({"prompt": ["a", "b"]})", {}, small.service());
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(refused.header("Retry-After") == "1");
    BOOST_TEST(refused.error().at("code") == "overloaded");
    statuses.push_back(ask("/v1/completions", R"({"prompt": "a"})", {}, small.service()).status);
  };
  auto const body = chat("Hello!", R"({"stream": true, "ignore_eos": true, "max_tokens": 200})");
  auto const stream = ask(chats, body, {.on_events = full}, small.service());
  BOOST_TEST(stream.ended);
  BOOST_TEST((statuses == std::vector{200}));  // one place was left
  BOOST_TEST(every_page_is_back(small.engine()));

  own_service narrow{{.max_tokens = 100}};
  BOOST_TEST(ask("/v1/completions", R"({"prompt": "a", "max_tokens": 20})", {}, narrow.service()).status ==
             200);
  auto const busy =
      ask("/v1/completions", R"({"prompt": "a", "max_tokens": 60, "ignore_eos": true, "stream": true})",
          {.on_events =
               [&](std::size_t events) {
                 if (events != 1) return;
                 auto const second =
                     ask("/v1/completions", R"({"prompt": "a", "max_tokens": 60})", {}, narrow.service());
                 BOOST_TEST(second.status == 503);
                 BOOST_TEST(second.error().at("code") == "overloaded");
               }},
          narrow.service());
  BOOST_TEST(busy.ended);
}

// Clients send a 503 again, which would never end.
BOOST_AUTO_TEST_CASE(what_the_empty_queue_has_no_room_for_is_the_requests_own_fault) {
  own_service small{{.max_requests = 2, .max_tokens = 100}};
  struct {
    std::string_view route;
    std::string body;
    std::string_view param;
  } const cases[] = {
      {"/v1/completions", R"({"prompt": ["a", "b", "c"], "max_tokens": 2})", "prompt"},
      {"/v1/completions", R"({"prompt": "a", "max_tokens": 100})", "prompt"},
      {"/v1/completions", R"({"prompt": ["a", "b"], "max_tokens": 25, "n": 2})", "prompt"},
      {chats, chat("Hi", R"({"max_tokens": 20, "n": 8})"), "messages"},
      {chats, chat("Hi", R"({"max_tokens": 2, "n": 3, "thinking_token_budget": 1})"), "n"},
  };
  for (auto const& each : cases) {
    auto const refused = ask(each.route, each.body, {}, small.service());
    BOOST_TEST(refused.status == 400, each.body);
    BOOST_TEST(refused.error().at("param") == value(each.param), each.body);
    BOOST_TEST(refused.error().at("code") == "invalid_value", each.body);
  }
  auto const most = R"({"prompt": ["a", "b"], "max_tokens": 24, "n": 2})";
  BOOST_TEST(ask("/v1/completions", most, {}, small.service()).status == 200);
  BOOST_TEST(every_page_is_back(small.engine()));
}

BOOST_AUTO_TEST_CASE(a_spent_budget_waits_for_a_place) {
  own_service small{{.max_requests = 1}};
  auto const body = chat("What is 123 + 456?", R"({"thinking_token_budget": 3})");
  auto const whole = ask(chats, body, {}, small.service());
  BOOST_REQUIRE_MESSAGE(whole.status == 200, whole.body);
  BOOST_TEST(whole.json().at("choices").at(0).at("message").at("content") == "123 + 456 = 579");
  std::vector<std::string> const many(6, with(body, R"({"stream": true})"));
  own_service two{{.max_requests = 6}};
  for (auto const& each : ask_all(chats, many, two.service())) BOOST_TEST(each.ended);
  BOOST_TEST(every_page_is_back(two.engine()));
}

BOOST_AUTO_TEST_CASE(an_engine_that_ends_ends_its_answers_with_an_error) {
  own_service doomed;
  auto const end = [&](std::size_t events) {
    if (events >= 4) doomed.engine().stop();
  };
  auto const body = chat("Hello!", R"({"stream": true, "ignore_eos": true, "max_tokens": 1500})");
  auto const stream = ask(chats, body, {.on_events = end}, doomed.service());
  BOOST_TEST(stream.status == 200);
  BOOST_TEST(stream.ended);
  BOOST_TEST(stream.error().at("type") == "server_error");
  BOOST_TEST(stream.error().at("code") == "shutting_down");
  auto const later = ask(chats, body, {}, doomed.service());
  BOOST_TEST(later.status == 503);
  BOOST_TEST(later.error().at("code") == "shutting_down");
}

BOOST_AUTO_TEST_SUITE_END()
