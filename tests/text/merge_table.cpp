// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/merge_table.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <map>
#include <utility>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(merge_table)

using tenon::tests::random_text;

BOOST_AUTO_TEST_CASE(merges_are_ordered_by_rank_and_no_merge_comes_last) {
  BOOST_TEST((tenon::merge{3, 900} < tenon::merge{4, 1}));
  BOOST_TEST((tenon::merge{0xFFFFFFF0U, 5} < tenon::merge{}));
  BOOST_TEST(!tenon::merge{}.exists());
  BOOST_TEST(tenon::merge(3, 900).rank() == 3U);
  BOOST_TEST(tenon::merge(3, 900).merged() == 900);
}

BOOST_AUTO_TEST_CASE(an_empty_table_merges_nothing) {
  BOOST_TEST(!tenon::merge_table{}.find(0, 0).exists());
}

BOOST_AUTO_TEST_CASE(a_pair_has_one_merge) {
  tenon::merge_table table{2};
  BOOST_TEST(table.insert(1, 2, {0, 3}));
  BOOST_TEST(!table.insert(1, 2, {1, 4}));
  BOOST_TEST(table.find(1, 2).merged() == 3);
  BOOST_TEST(!table.find(2, 1).exists());
}

BOOST_AUTO_TEST_CASE(equal_to_a_map_for_random_pairs) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t const size : {1U, 2U, 3U, 100U, 30'000U}) {
    tenon::merge_table table{size};
    std::map<std::pair<int, int>, std::uint32_t> expected;
    for (std::uint32_t rank = 0; rank < size; ++rank) {
      std::pair const key{static_cast<int>(random.below(300)), static_cast<int>(random.below(300))};
      BOOST_REQUIRE_EQUAL(table.insert(key.first, key.second, {rank, static_cast<int>(rank + 7)}),
                          expected.emplace(key, rank).second);
    }
    for (int left = 0; left < 300; ++left) {
      for (int right = 0; right < 300; ++right) {
        auto const known = expected.find({left, right});
        auto const found = table.find(left, right);
        BOOST_REQUIRE_EQUAL(found.exists(), known != expected.end());
        if (found.exists()) BOOST_REQUIRE_EQUAL(found.rank(), known->second);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
