// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/plan_rows.hpp"

#include <boost/test/unit_test.hpp>

#include "scheduling/table_run.hpp"

namespace {

constexpr tenon::scheduler_limits limits{.max_rows = 4, .max_tokens = 32, .max_context = 12};

auto sequence_of(std::int32_t prompt, std::int32_t max_new_tokens) {
  return tenon::test::make_sequence(
      std::make_shared<tenon::request const>(tenon::test::wish_of(prompt, max_new_tokens)), 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_rows)

BOOST_AUTO_TEST_CASE(nothing_is_planned_beyond_the_last_id) {
  auto const seq = sequence_of(4, 2);
  BOOST_TEST(tenon::can_be_planned(*seq, limits));
  seq->pending = 1;
  BOOST_TEST(tenon::can_be_planned(*seq, limits));
  seq->pending = 2;
  BOOST_TEST(!tenon::can_be_planned(*seq, limits));
}

BOOST_AUTO_TEST_CASE(nothing_is_planned_beyond_the_context) {
  auto const seq = sequence_of(10, 20);
  seq->pending = 2;
  BOOST_TEST(tenon::can_be_planned(*seq, limits));
  seq->pending = 3;
  BOOST_TEST(!tenon::can_be_planned(*seq, limits));
}

BOOST_AUTO_TEST_CASE(who_needs_the_host_waits_for_it) {
  auto const seq = sequence_of(4, 5);
  seq->needs_host = true;
  BOOST_TEST(tenon::can_be_planned(*seq, limits));
  seq->pending = 1;
  BOOST_TEST(!tenon::can_be_planned(*seq, limits));
}

BOOST_AUTO_TEST_CASE(room_is_for_one_position_more_where_there_is_a_next_one) {
  BOOST_TEST(tenon::room_to_sample(*sequence_of(4, 5), limits) == 5);
  BOOST_TEST(tenon::room_to_sample(*sequence_of(4, 1), limits) == 4);    // nothing is fed back
  BOOST_TEST(tenon::room_to_sample(*sequence_of(12, 9), limits) == 12);  // the context ends here
}

BOOST_AUTO_TEST_SUITE_END()
