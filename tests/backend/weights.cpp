// SPDX-License-Identifier: Apache-2.0
#include "tenon/backend/weights.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace tenon;

BOOST_AUTO_TEST_SUITE(weights)

BOOST_AUTO_TEST_CASE(a_matrix_row_is_one_output_feature) {
  std::vector<float> const values{1, 2, 3, 4, 5, 6};
  dense_matrix<float> const matrix{values.data(), 2, 3};
  BOOST_CHECK_EQUAL(matrix.row(0)[2], 3.0f);
  BOOST_CHECK_EQUAL(matrix.row(1)[0], 4.0f);
}

BOOST_AUTO_TEST_CASE(a_rope_row_belongs_to_a_set_and_a_position) {
  std::vector<float> table(2 * 5 * 4);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
  rope_view const rope{table.data(), 5, 4};
  BOOST_CHECK_EQUAL(rope.at(0, 0)[0], 0.0f);
  BOOST_CHECK_EQUAL(rope.at(0, 3)[1], 13.0f);
  BOOST_CHECK_EQUAL(rope.at(1, 2)[3], 31.0f);
}

BOOST_AUTO_TEST_SUITE_END()
