// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/prefix_scope.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <set>

BOOST_AUTO_TEST_SUITE(prefix_scope)

BOOST_AUTO_TEST_CASE(the_base_model_has_the_requests_own_scope) {
  tenon::request wish;
  wish.scope = tenon::cache_scope{42};
  BOOST_TEST((tenon::prefix_scope(wish) == tenon::cache_scope{42}));
}

BOOST_AUTO_TEST_CASE(adapters_and_rope_sets_never_meet) {
  std::set<tenon::cache_scope> scopes;
  for (std::uint64_t scope = 0; scope < 3; ++scope)
    for (std::int32_t adapter = 0; adapter < 4; ++adapter)
      for (std::int32_t rope_set = 0; rope_set < 4; ++rope_set) {
        tenon::request wish;
        wish.scope = tenon::cache_scope{scope};
        wish.adapter = adapter;
        wish.rope_set = rope_set;
        scopes.insert(tenon::prefix_scope(wish));
      }
  BOOST_TEST(scopes.size() == 48u);
}

BOOST_AUTO_TEST_SUITE_END()
