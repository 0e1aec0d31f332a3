// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/step_builder.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "scheduling/table_run.hpp"

namespace {

auto sequence_of(std::int32_t prompt) {
  auto made =
      tenon::test::make_sequence(std::make_shared<tenon::request const>(tenon::test::wish_of(prompt, 10)), 1);
  made->slot = 0;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(step_builder)

BOOST_AUTO_TEST_CASE(puts_rows_of_one_token_first_and_keeps_their_order) {
  tenon::step_builder plan{{.max_rows = 4, .max_tokens = 12, .max_context = 32}};
  std::array const seqs{sequence_of(1), sequence_of(5), sequence_of(1), sequence_of(3)};
  for (auto const& seq : seqs) plan.add(*seq, seq->remaining());
  BOOST_TEST(!plan.has_room());
  BOOST_TEST(plan.tokens_left() == 2);
  tenon::step const done = std::move(plan).finish(9);
  BOOST_TEST(done.number == 9u);
  BOOST_TEST(done.decode_rows == 2);
  BOOST_TEST(done.tokens == 10);
  std::array const order{0, 2, 1, 3};
  for (std::size_t i = 0; i < 4; ++i)
    BOOST_TEST(done.rows[i].seq == seqs[static_cast<std::size_t>(order[i])].get());
}

BOOST_AUTO_TEST_CASE(samples_at_the_end_and_feeds_from_the_device_afterwards) {
  tenon::scheduler_limits const limits{.max_rows = 4, .max_tokens = 12, .max_context = 32};
  auto const seq = sequence_of(5);
  auto const row_of = [&](std::int32_t count) {
    tenon::step_builder plan{limits};
    plan.add(*seq, count);
    return std::move(plan).finish(1).rows[0];
  };
  tenon::step_row row = row_of(3);
  BOOST_TEST((row.begin == 0 && row.count == 3 && !row.samples && !row.input_on_device));
  BOOST_TEST((seq->computed == 3 && seq->pending == 0));
  row = row_of(2);
  BOOST_TEST((row.begin == 3 && row.samples && !row.input_on_device));
  BOOST_TEST((seq->pending == 1 && seq->remaining() == 1));
  row = row_of(1);
  BOOST_TEST((row.begin == 5 && row.samples && row.input_on_device));
}

BOOST_AUTO_TEST_CASE(knows_what_earlier_steps_compute) {
  tenon::step_builder plan{{.max_rows = 4, .max_tokens = 12, .max_context = 32}};
  auto const seq = sequence_of(6), other = sequence_of(2);
  seq->computed = 2;
  plan.add(*seq, 3);
  BOOST_TEST(seq->computed == 5);
  BOOST_TEST(plan.computed_before(*seq) == 2);
  BOOST_TEST(plan.computed_before(*other) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
