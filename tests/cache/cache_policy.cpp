// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/cache_policy.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cache/contiguous_cache.hpp"
#include "tenon/cache/paged_cache.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/precision/fp16.hpp"

namespace {

using namespace tenon;

/// A ledger that cannot tell whether a request could ever fit.
struct forgetful_ledger : prefix_ledger {
  using prefix_ledger::prefix_ledger;
  bool can_ever_hold(std::int32_t) const = delete;
};

struct forgetful_cache : paged_cache<16> {
  using ledger = forgetful_ledger;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cache_policy)

BOOST_AUTO_TEST_CASE(ledgers_and_caches_are_told_apart_from_what_lacks_a_part) {
  static_assert(is_cache_ledger<prefix_ledger> && is_cache_ledger<contiguous_ledger>);
  static_assert(!cache_ledger<forgetful_ledger>);
  static_assert(tenon::cache_policy<paged_cache<32>, qwen2_5_7b, fp16> &&
                tenon::cache_policy<contiguous_cache, qwen2_5_7b, fp16>);
  static_assert(!tenon::cache_policy<forgetful_cache, qwen2_5_7b, fp16> &&
                !tenon::cache_policy<int, qwen2_5_7b, fp16>);
  BOOST_CHECK((cache_usage{.total = 3, .free = 1, .cached = 1, .held = 1} !=
               cache_usage{.total = 3, .free = 2, .cached = 1}));
}

BOOST_AUTO_TEST_SUITE_END()
