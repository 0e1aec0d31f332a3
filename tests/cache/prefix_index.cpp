// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/prefix_index.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <tuple>

#include "conformance/random_run.hpp"

namespace {

using page_ids = std::array<tenon::token_id, 2>;
constexpr tenon::cache_scope mine{1}, yours{2};
constexpr tenon::page_id none = tenon::prefix_index::none;

}  // namespace

BOOST_AUTO_TEST_SUITE(prefix_index)

BOOST_AUTO_TEST_CASE(finds_a_page_by_its_whole_prefix) {
  tenon::prefix_index index{8, 2};
  index.insert(3, none, mine, page_ids{1, 2});
  index.insert(5, 3, mine, page_ids{7, 8});
  BOOST_TEST(index.find(none, mine, page_ids{1, 2}) == 3);
  BOOST_TEST(index.find(3, mine, page_ids{7, 8}) == 5);
  BOOST_TEST(index.find(none, mine, page_ids{7, 8}) == none);  // the same ids elsewhere
  BOOST_TEST(index.find(none, mine, page_ids{2, 1}) == none);
  BOOST_TEST(index.find(none, yours, page_ids{1, 2}) == none);
}

BOOST_AUTO_TEST_CASE(forgets_what_is_erased) {
  tenon::prefix_index index{4, 2};
  index.insert(0, none, mine, page_ids{1, 2});
  index.insert(1, none, yours, page_ids{1, 2});
  index.erase(0);
  BOOST_TEST(!index.contains(0));
  BOOST_TEST(index.contains(1));
  BOOST_TEST(index.find(none, mine, page_ids{1, 2}) == none);
  BOOST_TEST(index.find(none, yours, page_ids{1, 2}) == 1);
  index.insert(0, none, mine, page_ids{3, 4});
  BOOST_TEST(index.find(none, mine, page_ids{3, 4}) == 0);
}

BOOST_AUTO_TEST_CASE(agrees_with_a_map) {
  std::uint64_t const seed = tenon::conformance::seed_of_this_run();
  BOOST_TEST_CONTEXT("TENON_TEST_SEED=" << seed) {
    std::mt19937_64 random{seed};
    tenon::prefix_index index{40, 2};
    std::map<std::tuple<tenon::cache_scope, page_ids>, tenon::page_id> model;
    for (int i = 0; i < 5000; ++i) {
      auto const scope = random() % 2 == 0 ? mine : yours;
      page_ids const ids{static_cast<tenon::token_id>(random() % 4),
                         static_cast<tenon::token_id>(random() % 5)};
      auto const found = model.find({scope, ids});
      BOOST_REQUIRE(index.find(none, scope, ids) == (found == model.end() ? none : found->second));
      auto const page = static_cast<tenon::page_id>(random() % 40);
      if (found == model.end() && !index.contains(page)) {
        index.insert(page, none, scope, ids);
        model[{scope, ids}] = page;
      } else if (found != model.end() && random() % 2 == 0) {
        index.erase(found->second);
        model.erase(found);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
