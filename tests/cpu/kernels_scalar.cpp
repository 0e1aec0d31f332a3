// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/kernels_scalar.hpp"

#include <boost/test/unit_test.hpp>

#include "cpu/check_kernels.hpp"
#include "tenon/cpu/instruction_set.hpp"

BOOST_AUTO_TEST_SUITE(kernels_scalar)

BOOST_AUTO_TEST_CASE(keep_the_order_of_the_lanes_and_round_as_stored) {
  tenon::testing::check_kernels<tenon::cpu::scalar_kernels>();
}

BOOST_AUTO_TEST_CASE(sum_in_sixteen_lanes) {
  // 2^24 + 1 is not a float: only lanes that are added at the end keep the ones.
  std::vector<float> x(32, 1.0f);
  x[0] = 16777216.0f;
  float sum = 0.0f;
  std::vector<float> const ones(32, 1.0f);
  tenon::cpu::scalar_kernels::dots<1, 1>(x.data(), 32, ones.data(), 32, 32, &sum, 1);
  BOOST_TEST(sum == 16777216.0f + 30.0f);
}

BOOST_AUTO_TEST_SUITE_END()
