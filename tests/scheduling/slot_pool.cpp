// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/slot_pool.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(slot_pool)

BOOST_AUTO_TEST_CASE(gives_the_lowest_free_slot) {
  tenon::slot_pool pool{3};
  for (tenon::slot_id slot = 0; slot < 3; ++slot) {
    BOOST_TEST(pool.lowest() == slot);
    pool.take(slot);
  }
  BOOST_TEST(pool.lowest() == tenon::no_slot);
  BOOST_TEST(pool.free_slots() == 0);
  pool.give_back(2);
  pool.give_back(1);
  BOOST_TEST(pool.lowest() == 1);
  BOOST_TEST(pool.free_slots() == 2);
}

BOOST_AUTO_TEST_CASE(crosses_words) {
  tenon::slot_pool pool{130};
  for (tenon::slot_id slot = 0; slot < 130; ++slot) {
    BOOST_REQUIRE(pool.lowest() == slot);
    pool.take(slot);
  }
  BOOST_TEST(pool.lowest() == tenon::no_slot);
  pool.give_back(129);
  BOOST_TEST(pool.lowest() == 129);
  pool.give_back(64);
  BOOST_TEST(pool.lowest() == 64);
}

BOOST_AUTO_TEST_SUITE_END()
