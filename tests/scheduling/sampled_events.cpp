// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/sampled_events.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "scheduling/table_run.hpp"

namespace {

using ids = std::vector<tenon::token_id>;

auto sequence_of(tenon::request wish) {
  return tenon::test::make_sequence(std::make_shared<tenon::request const>(std::move(wish)), 5, 2);
}

/// Two rows of two ids each, with two alternatives a row.
struct two_rows {
  std::array<tenon::token_id, 4> ids{10, 11, 20, 21};
  std::array<std::int32_t, 2> counts{1, 2};
  std::array<float, 4> logprobs{-1.0f, -2.0f, -3.0f, -4.0f};
  std::array<tenon::token_id, 4> top_ids{10, 90, 20, 91};
  std::array<float, 4> top_logprobs{-1.0f, -5.0f, -3.0f, -6.0f};

  tenon::sampled view() const {
    return {.ids_per_row = 2,
            .top_per_row = 2,
            .ids = ids,
            .counts = counts,
            .logprobs = logprobs,
            .top_ids = top_ids,
            .top_logprobs = top_logprobs};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sampled_events)

BOOST_AUTO_TEST_CASE(reports_every_id_of_a_row) {
  auto const seq = sequence_of(tenon::test::wish_of(3, 10));
  std::vector<tenon::event> events;
  auto const reason = tenon::append_sampled(*seq, two_rows{}.view(), 1, 100, events);
  BOOST_TEST((reason == tenon::finish_reason::none));
  BOOST_REQUIRE(events.size() == 2u);
  BOOST_TEST((events[0].token == 20 && events[1].token == 21));
  BOOST_TEST((events[0].request == tenon::request_id{5} && events[0].choice == 2));
  BOOST_TEST(events[0].alternatives.empty());
  BOOST_TEST(events[0].logprob == 0.0f);
  BOOST_TEST((seq->tokens == ids{0, 1, 2, 20, 21}));
}

BOOST_AUTO_TEST_CASE(drops_what_follows_the_end) {
  auto wish = tenon::test::wish_of(3, 10);
  wish.stop_ids = {20};
  auto const seq = sequence_of(wish);
  std::vector<tenon::event> events;
  BOOST_TEST((tenon::append_sampled(*seq, two_rows{}.view(), 1, 100, events) == tenon::finish_reason::stop));
  BOOST_REQUIRE(events.size() == 1u);
  BOOST_TEST((events[0].finish == tenon::finish_reason::stop));
  BOOST_TEST((events[0].usage == tenon::token_usage{.prompt = 3, .cached = 0, .generated = 1}));
}

BOOST_AUTO_TEST_CASE(ends_where_the_context_is_full) {
  auto const seq = sequence_of(tenon::test::wish_of(3, 10));
  std::vector<tenon::event> events;
  BOOST_TEST((tenon::append_sampled(*seq, two_rows{}.view(), 1, 4, events) == tenon::finish_reason::length));
  BOOST_TEST(events.size() == 2u);  // 20 stands at position 3; 21 is told, and would be fed to position 4
}

BOOST_AUTO_TEST_CASE(fails_where_no_id_can_be_chosen) {
  auto const seq = sequence_of(tenon::test::wish_of(3, 10));
  two_rows rows;
  rows.ids[3] = tenon::no_token;
  std::vector<tenon::event> events;
  BOOST_TEST((tenon::append_sampled(*seq, rows.view(), 1, 100, events) == tenon::finish_reason::failed));
  BOOST_REQUIRE(events.size() == 2u);
  BOOST_TEST((!events[1].token && !events[1].message.empty()));
  BOOST_TEST((seq->tokens == ids{0, 1, 2, 20}));
}

BOOST_AUTO_TEST_CASE(reports_as_many_alternatives_as_asked) {
  for (std::int32_t const asked : {0, 1, 2, 5}) {
    auto wish = tenon::test::wish_of(3, 10);
    wish.sampling.logprobs = asked;
    auto const seq = sequence_of(wish);
    std::vector<tenon::event> events;
    tenon::append_sampled(*seq, two_rows{}.view(), 0, 100, events);
    BOOST_REQUIRE(events.size() == 1u);
    BOOST_TEST(events[0].logprob == -1.0f);
    BOOST_TEST(events[0].alternatives.size() == static_cast<std::size_t>(std::min(asked, 2)));
    if (asked > 1)
      BOOST_TEST((events[0].alternatives[1] == tenon::token_logprob{.id = 90, .logprob = -5.0f}));
  }
}

BOOST_AUTO_TEST_CASE(a_last_event_carries_usage_and_message) {
  auto const seq = sequence_of(tenon::test::wish_of(3, 10));
  auto const last = tenon::final_event(*seq, tenon::finish_reason::failed, "no room");
  BOOST_TEST((last.finish == tenon::finish_reason::failed && last.message == "no room" && !last.token));
  BOOST_TEST(last.usage.prompt == 3);
}

BOOST_AUTO_TEST_SUITE_END()
