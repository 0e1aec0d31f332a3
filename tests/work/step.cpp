// SPDX-License-Identifier: Apache-2.0
#include "tenon/work/step.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(step)

BOOST_AUTO_TEST_CASE(decode_only_is_a_fact_of_the_rows) {
  tenon::step planned;
  planned.rows.resize(2);
  planned.decode_rows = 2;
  BOOST_TEST(planned.decode_only());
  planned.rows.resize(3);
  BOOST_TEST(!planned.decode_only());
}

BOOST_AUTO_TEST_CASE(a_sampling_row_yields_one_id_by_default) {
  tenon::sampled const result;
  BOOST_TEST((result.ids_per_row == 1 && result.top_per_row == 0 && result.ids.empty()));
}

BOOST_AUTO_TEST_SUITE_END()
