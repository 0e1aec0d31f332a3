// SPDX-License-Identifier: Apache-2.0
#include "tenon/parallel/single_device.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(single_device)

BOOST_AUTO_TEST_CASE(one_rank_has_nothing_to_combine) {
  tenon::single_device const parallel;
  BOOST_CHECK_EQUAL(parallel.rank(), 0);  // so that it adds the residual
  BOOST_CHECK_EQUAL(tenon::single_device::world, 1);
  std::vector<float> values{1, 2, 3, 4};
  int context = 0;
  parallel.all_reduce(context, {values.data(), {2, 2}});
  parallel.all_gather(context, {values.data(), {2, 2}});
  BOOST_TEST(values == (std::vector<float>{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
