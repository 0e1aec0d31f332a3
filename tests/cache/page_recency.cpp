// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/page_recency.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <random>

#include "conformance/random_run.hpp"

BOOST_AUTO_TEST_SUITE(page_recency)

BOOST_AUTO_TEST_CASE(gives_the_oldest_first) {
  tenon::page_recency list{4};
  for (tenon::page_id page : {2, 0, 3}) list.put_newest(page);
  BOOST_TEST(list.oldest() == 2);
  list.remove(2);
  BOOST_TEST(list.oldest() == 0);
  list.put_newest(2);
  list.remove(0);
  BOOST_TEST(list.oldest() == 3);
  list.remove(3);
  BOOST_TEST(list.oldest() == 2);
  BOOST_TEST(list.size() == 1);
  BOOST_TEST(!list.contains(3));
  BOOST_TEST(list.contains(2));
}

BOOST_AUTO_TEST_CASE(behaves_like_a_queue_with_removal) {
  std::uint64_t const seed = tenon::conformance::seed_of_this_run();
  BOOST_TEST_CONTEXT("TENON_TEST_SEED=" << seed) {
    std::mt19937_64 random{seed};
    tenon::page_recency list{9};
    std::deque<tenon::page_id> model;
    for (int i = 0; i < 2000; ++i) {
      auto const page = static_cast<tenon::page_id>(random() % 9);
      auto const found = std::ranges::find(model, page);
      BOOST_REQUIRE(list.contains(page) == (found != model.end()));
      if (found == model.end()) {
        list.put_newest(page);
        model.push_back(page);
      } else {
        list.remove(page);
        model.erase(found);
      }
      BOOST_REQUIRE(list.size() == static_cast<int>(model.size()));
      if (!model.empty()) BOOST_REQUIRE(list.oldest() == model.front());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
