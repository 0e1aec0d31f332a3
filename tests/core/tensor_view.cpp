// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/tensor_view.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <type_traits>
#include <vector>

static_assert(std::is_convertible_v<tenon::matrix_view<float>, tenon::matrix_view<float const>>);
static_assert(!std::is_convertible_v<tenon::matrix_view<float const>, tenon::matrix_view<float>>);

BOOST_AUTO_TEST_SUITE(tensor_view)

BOOST_AUTO_TEST_CASE(rows_and_planes_lie_where_row_major_says) {
  std::vector<int> data(2 * 3 * 5);
  std::iota(data.begin(), data.end(), 0);
  tenon::tensor_view<int, 3> const volume{data.data(), {2, 3, 5}};
  BOOST_TEST(volume.size() == 30);
  BOOST_TEST(*volume[1] == 15);
  tenon::matrix_view<int> const plane{volume[1], {3, 5}};
  BOOST_TEST(plane[2][4] == 29);
  tenon::vector_view<int> const row{plane[2], {5}};
  BOOST_TEST(*row[4] == 29);
}

BOOST_AUTO_TEST_CASE(first_narrows_the_leading_extent_only) {
  std::vector<float> data(12);
  tenon::matrix_view<float> const matrix{data.data(), {4, 3}};
  auto const two = matrix.first(2);
  BOOST_TEST(two.extent(0) == 2);
  BOOST_TEST(two.extent(1) == 3);
  BOOST_TEST(two.data == matrix.data);
  two[1][2] = 7.0f;
  BOOST_TEST(data[5] == 7.0f);
}

BOOST_AUTO_TEST_SUITE_END()
