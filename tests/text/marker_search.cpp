// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/marker_search.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(marker_search)

BOOST_AUTO_TEST_CASE(the_longest_beginning_at_the_end_counts) {
  BOOST_TEST(tenon::partial_marker("", "<think>") == 0U);
  BOOST_TEST(tenon::partial_marker("a<", "<think>") == 1U);
  BOOST_TEST(tenon::partial_marker("a<thin", "<think>") == 5U);
  BOOST_TEST(tenon::partial_marker("<thin", "<think>") == 5U);
  BOOST_TEST(tenon::partial_marker("aab", "aabaac") == 3U);
  BOOST_TEST(tenon::partial_marker("aabaa", "aabaac") == 5U);
}

BOOST_AUTO_TEST_CASE(a_whole_marker_is_no_beginning_of_one) {
  BOOST_TEST(tenon::partial_marker("<think>", "<think>") == 0U);
  BOOST_TEST(tenon::partial_marker("aa", "aa") == 1U);
  BOOST_TEST(tenon::partial_marker("a<thinx", "<think>") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
