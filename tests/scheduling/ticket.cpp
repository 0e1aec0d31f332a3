// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/ticket.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(ticket)

BOOST_AUTO_TEST_CASE(orders_by_turn_then_arrival_then_choice) {
  tenon::sequence early, late, second_choice;
  early.arrival = late.arrival = second_choice.arrival = 1;
  late.arrival = 2;
  second_choice.choice = 1;
  tenon::served_before const before;
  BOOST_TEST(before({.turn = 1, .seq = &late}, {.turn = 2, .seq = &early}));
  BOOST_TEST(!before({.turn = 2, .seq = &early}, {.turn = 1, .seq = &late}));
  BOOST_TEST(before({.turn = 1, .seq = &early}, {.turn = 1, .seq = &late}));
  BOOST_TEST(before({.turn = 1, .seq = &early}, {.turn = 1, .seq = &second_choice}));
  BOOST_TEST(before({.turn = 1, .seq = &second_choice}, {.turn = 1, .seq = &late}));
  BOOST_TEST(!before({.turn = 1, .seq = &early}, {.turn = 1, .seq = &early}));
}

BOOST_AUTO_TEST_SUITE_END()
