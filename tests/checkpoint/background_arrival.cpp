// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/background_arrival.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

BOOST_AUTO_TEST_SUITE(background_arrival)

BOOST_AUTO_TEST_CASE(waits_for_what_another_thread_brings) {
  std::atomic<bool> expected{false};
  int brought = 0;
  auto const here = std::this_thread::get_id();
  tenon::background_arrival arrival{[&, owned = std::make_unique<int>(5)](std::stop_token const&) {
    while (!expected) std::this_thread::yield();
    if (std::this_thread::get_id() != here) brought = *owned;
  }};
  expected = true;  // and so it has not kept the constructor waiting
  arrival.wait();
  BOOST_TEST(brought == 5);
  arrival.wait();
}

BOOST_AUTO_TEST_CASE(what_went_wrong_comes_out_of_the_wait) {
  tenon::background_arrival arrival{[](std::stop_token const&) { throw std::runtime_error{"disk"}; }};
  BOOST_CHECK_EXCEPTION(arrival.wait(), std::runtime_error,
                        [](auto const& failure) { return failure.what() == std::string{"disk"}; });
}

BOOST_AUTO_TEST_CASE(its_end_stops_what_nobody_waits_for) {
  bool stopped = false;
  {
    tenon::background_arrival const arrival{[&](std::stop_token const& stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
      stopped = true;
    }};
  }
  BOOST_TEST(stopped);
}

BOOST_AUTO_TEST_SUITE_END()
