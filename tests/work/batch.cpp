// SPDX-License-Identifier: Apache-2.0
#include "tenon/work/batch.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(batch)

BOOST_AUTO_TEST_CASE(decode_only_is_a_fact_of_the_shape) {
  BOOST_TEST((tenon::batch_shape{.rows = 3, .decode_rows = 3}.decode_only()));
  BOOST_TEST((!tenon::batch_shape{.rows = 3, .decode_rows = 2, .tokens = 9}.decode_only()));
}

BOOST_AUTO_TEST_CASE(any_penalty_needs_the_ids_seen_so_far) {
  BOOST_TEST(!tenon::sampling_row{}.penalises());
  BOOST_TEST(tenon::sampling_row{.repetition_penalty = 1.1f}.penalises());
  BOOST_TEST(tenon::sampling_row{.presence_penalty = 0.5f}.penalises());
  BOOST_TEST(tenon::sampling_row{.frequency_penalty = -0.5f}.penalises());
}

BOOST_AUTO_TEST_CASE(a_sampling_row_forces_nothing_by_default) {
  tenon::sampling_row const row;
  BOOST_TEST((row.forced == tenon::no_token && row.mask == -1 && row.resets_slot == 0 && row.logprobs == -1));
}

BOOST_AUTO_TEST_SUITE_END()
