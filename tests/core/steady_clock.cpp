// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/steady_clock.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(steady_clock)

BOOST_AUTO_TEST_CASE(it_never_goes_back_and_agrees_with_the_standard_clock) {
  auto const before = std::chrono::steady_clock::now().time_since_epoch();
  auto last = tenon::steady_nanoseconds();
  BOOST_CHECK_GE(last, std::chrono::nanoseconds{before}.count());
  for (int i = 0; i < 1000; ++i) {
    auto const now = tenon::steady_nanoseconds();
    BOOST_CHECK_GE(now, last);
    last = now;
  }
  BOOST_CHECK_LE(last, std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count());
}

BOOST_AUTO_TEST_SUITE_END()
