// SPDX-License-Identifier: Apache-2.0
#include "tenon/precision/fp32.hpp"

#include <boost/test/unit_test.hpp>
#include <type_traits>

BOOST_AUTO_TEST_SUITE(fp32)

BOOST_AUTO_TEST_CASE(is_single_precision_throughout) {
  using policy = tenon::fp32;
  static_assert(tenon::precision_policy<policy>);
  static_assert(std::is_same_v<policy::activation, float> && std::is_same_v<policy::cache, float>);
  static_assert(std::is_same_v<policy::accumulator, float>);
  BOOST_TEST(policy::name == "fp32");
  BOOST_TEST(tenon::round_to<policy::activation>(0.1f) == 0.1f);
}

BOOST_AUTO_TEST_SUITE_END()
