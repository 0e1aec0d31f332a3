// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/roster.hpp"

#include <boost/test/unit_test.hpp>

#include "scheduling/table_run.hpp"
#include "tenon/cache/prefix_ledger.hpp"
#include "tenon/scheduling/chunked_prefill.hpp"

namespace {

using tenon::test::wish_of;

struct run : tenon::test::table_run<tenon::chunked_prefill, tenon::prefix_ledger> {
  run(tenon::scheduler_limits const& limits, std::int32_t pages)
      : table_run{tenon::chunked_prefill{limits},
                  tenon::prefix_ledger{
                      {.pages = pages, .page_tokens = 4, .slots = limits.max_rows, .max_context = 64}}} {}
};

constexpr tenon::scheduler_limits four_rows{.max_rows = 4, .max_tokens = 32, .max_context = 64};

}  // namespace

BOOST_AUTO_TEST_SUITE(roster)

BOOST_AUTO_TEST_CASE(refuses_limits_that_do_not_fit_together) {
  using tenon::options_error;
  BOOST_CHECK_THROW((tenon::roster{{.max_rows = 0, .max_tokens = 4, .max_context = 8}, 1}), options_error);
  BOOST_CHECK_THROW((tenon::roster{{.max_rows = 4, .max_tokens = 3, .max_context = 8}, 1}), options_error);
  BOOST_CHECK_THROW((tenon::roster{{.max_rows = 4, .max_tokens = 4, .max_context = 0}, 1}), options_error);
  BOOST_CHECK_THROW((tenon::roster{four_rows, 0}), options_error);
}

BOOST_AUTO_TEST_CASE(what_can_never_fit_fails_with_a_message) {
  run now{four_rows, 4};
  auto& too_long = now.submit(wish_of(10, 20));  // 29 positions, 16 in all pages
  auto& fits = now.submit(wish_of(4, 2));
  auto const planned = now.advance();
  BOOST_REQUIRE(planned.has_value());
  BOOST_TEST(tenon::test::planned_for(*planned, fits) == 4);
  BOOST_REQUIRE(now.events.size() == 2u);
  BOOST_TEST((now.events[0].request == too_long.id && now.events[0].finish == tenon::finish_reason::failed));
  BOOST_TEST(!now.events[0].message.empty());
}

BOOST_AUTO_TEST_CASE(a_failure_alone_is_told_by_a_step_without_rows) {
  run now{four_rows, 4};
  now.submit(wish_of(10, 20));
  auto const planned = now.advance();
  BOOST_REQUIRE(planned.has_value());
  BOOST_TEST(planned->rows.empty());
  BOOST_TEST(now.events.size() == 1u);
  BOOST_TEST(now.scheduler.idle());
}

BOOST_AUTO_TEST_CASE(further_choices_share_the_prompt_of_the_first) {
  run now{four_rows, 16};
  auto wish = wish_of(11, 5);
  wish.choices = 3;
  auto& first = now.submit(wish);
  auto const prompt = now.advance();
  BOOST_TEST((prompt->rows.size() == 1u && prompt->rows[0].count == 11));
  BOOST_TEST(now.ledger.usage().held == 3);
  auto const shared = now.advance();
  BOOST_REQUIRE(shared->rows.size() == 3u);
  BOOST_TEST(shared->page_copies.size() == 2u);
  for (std::size_t i = 1; i < 3; ++i) {
    BOOST_TEST((shared->rows[i].begin == 10 && shared->rows[i].count == 1 && shared->rows[i].samples));
    tenon::sequence const& child = *now.sequences[i];
    BOOST_TEST(now.ledger.pages(child.slot)[1] == now.ledger.pages(first.slot)[1]);
    BOOST_TEST(now.ledger.pages(child.slot)[2] != now.ledger.pages(first.slot)[2]);
  }
  BOOST_TEST(now.ledger.usage().held == 5);  // 2 pages that all share, and one each
  now.cancel(first);
  BOOST_TEST(now.events.back().usage.generated == 1);
  BOOST_TEST(now.ledger.usage().held == 0);
  BOOST_TEST(now.scheduler.idle());
}

BOOST_AUTO_TEST_CASE(one_choice_ends_without_the_others) {
  run now{four_rows, 16};
  auto wish = wish_of(11, 3);
  wish.choices = 3;
  auto& first = now.submit(wish);
  now.advance();
  now.advance();  // all of them run: 2 pages that all share, and one each
  BOOST_TEST(now.ledger.usage().held == 5);
  now.events.clear();
  now.cancel_choice(*now.sequences[1]);
  BOOST_REQUIRE(now.events.size() == 1u);
  BOOST_TEST((now.events[0].choice == 1 && now.events[0].finish == tenon::finish_reason::cancelled));
  BOOST_TEST(now.ledger.usage().held == 4);
  now.cancel_choice(*now.sequences[1]);
  BOOST_TEST(now.events.size() == 1u);
  now.cancel_choice(first);  // whose prompt the last one shares
  BOOST_TEST(now.ledger.usage().held == 3);
  auto const last = now.advance();
  BOOST_REQUIRE(last->rows.size() == 1u);
  BOOST_TEST(last->rows[0].seq == now.sequences[2].get());
  now.advance();
  BOOST_TEST((now.events.back().choice == 2 && now.events.back().finish == tenon::finish_reason::length));
  BOOST_TEST(now.ledger.usage().held == 0);
}

BOOST_AUTO_TEST_CASE(further_choices_start_alone_when_the_first_is_gone) {
  run now{four_rows, 16};
  auto wish = wish_of(11, 1);
  wish.choices = 2;
  now.submit(wish);
  now.advance();  // the first choice ends with its first id
  auto const second = now.advance();
  BOOST_REQUIRE(second->rows.size() == 1u);
  BOOST_TEST(second->rows[0].begin == 8);  // two pages from the prefix cache
  BOOST_TEST(now.sequences[1]->cached == 8);
}

// Where a sequence lies in memory, and who lay there before, must not decide when it starts.
BOOST_AUTO_TEST_CASE(one_that_had_no_room_leaves_its_successor_nothing) {
  run now{four_rows, 8};
  now.submit(wish_of(16, 10));
  auto& no_room = now.submit(wish_of(16, 10, 0, 100));
  auto const first = now.advance();
  BOOST_TEST(first->rows.size() == 1u);
  now.cancel(no_room);
  no_room = *tenon::test::make_sequence(std::make_shared<tenon::request const>(wish_of(3, 2, 0, 200)), 3);
  now.scheduler.admit(no_room);
  auto const second = now.advance();
  BOOST_TEST(tenon::test::planned_for(*second, no_room) == 3);
}

BOOST_AUTO_TEST_CASE(a_known_prefix_is_not_computed_again) {
  run now{four_rows, 16};
  now.submit(wish_of(12, 1));
  now.advance();
  auto& again = now.submit(wish_of(12, 1));
  auto& elsewhere = now.submit([] {
    auto wish = wish_of(12, 1);
    wish.scope = tenon::cache_scope{1};
    return wish;
  }());
  auto const planned = now.advance();
  BOOST_TEST(tenon::test::planned_for(*planned, again) == 4);
  BOOST_TEST(tenon::test::planned_for(*planned, elsewhere) == 12);
  BOOST_TEST((now.events.back().usage.cached == 0 && again.cached == 8));
}

BOOST_AUTO_TEST_CASE(an_id_that_arrives_after_preemption_counts) {
  // 5 pages of 4. Both decode one step ahead of their commits until the pages are spent.
  run now{{.max_rows = 2, .max_tokens = 32, .max_context = 64}, 5};
  auto& first = now.submit(wish_of(7, 13));
  auto& second = now.submit(wish_of(7, 3, 0, 50));
  now.plan();
  now.plan();
  now.commit();
  now.plan();  // the first needs a fifth page soon; the second is fully planned by then
  while (second.preemptions == 0 && second.state != tenon::sequence_state::finished) {
    now.commit();
    BOOST_REQUIRE(now.plan() != nullptr);
  }
  while (!now.scheduler.idle() || !now.in_flight.empty()) {
    if (!now.in_flight.empty()) now.commit();
    now.plan();
  }
  BOOST_TEST(first.generated() == 13);
  BOOST_TEST(second.generated() == 3);
  BOOST_TEST(now.ledger.usage().held == 0);
}

BOOST_AUTO_TEST_CASE(rows_from_a_former_life_publish_nothing) {
  // Three steps ahead: a prompt is preempted and admitted anew, to the same slot, while pieces of its former
  // life are under way; what those computed went to pages that it no longer has.
  run now{{.max_rows = 2, .max_tokens = 9, .max_context = 64}, 17};
  now.submit(wish_of(4, 1, 0, 200));  // takes slot 0 and leaves it at once
  auto& growing = now.submit(wish_of(4, 20, 0, 100));
  now.advance();
  auto& victim = now.submit(wish_of(56, 2));
  while (victim.preemptions == 0) {
    BOOST_REQUIRE(now.plan() != nullptr);
    if (now.in_flight.size() == 3) now.commit();
  }
  BOOST_TEST(victim.computed == 0);
  now.cancel(growing);
  now.plan();
  BOOST_REQUIRE(victim.slot == 0);
  std::int32_t const computed = victim.computed;
  BOOST_REQUIRE(computed < 44);  // a former row reached 46
  BOOST_REQUIRE(now.in_flight.size() == 3u);
  now.commit();
  now.commit();
  BOOST_TEST(now.ledger.attach_prefix(1, victim.tokens, victim.wish->scope) <= computed);
}

BOOST_AUTO_TEST_CASE(rows_planned_beyond_the_end_are_dropped) {
  run now{four_rows, 16};
  auto wish = wish_of(4, 10);
  wish.stop_ids = {now.next_id};
  auto& seq = now.submit(wish);
  now.plan();
  now.plan();  // the second id is planned before the first is known to be a stop id
  now.commit();
  BOOST_TEST((now.events.size() == 1u && now.events[0].finish == tenon::finish_reason::stop));
  BOOST_TEST(now.ledger.usage().held == 0);
  now.commit();
  BOOST_TEST(now.events.size() == 1u);
  BOOST_TEST(seq.generated() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
