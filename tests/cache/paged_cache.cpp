// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/paged_cache.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp32.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(paged_cache)

BOOST_AUTO_TEST_CASE(bytes_a_token_are_those_of_the_models) {
  static_assert(is_cache_policy<tenon::paged_cache<16>, qwen3_1_7b, bf16>);
  BOOST_CHECK_EQUAL((tenon::paged_cache<16>::page_bytes<qwen3_1_7b, bf16>(16)), 16u * 114688);
  BOOST_CHECK_EQUAL((tenon::paged_cache<16>::page_bytes<qwen2_5_7b, bf16>(16)), 16u * 57344);
  BOOST_CHECK_EQUAL((tenon::paged_cache<64>::page_bytes<qwen2_5_7b, fp32>(64)), 64u * 2 * 57344);
}

BOOST_AUTO_TEST_CASE(every_affordable_page_is_of_use) {
  BOOST_CHECK_EQUAL(tenon::paged_cache<16>::page_tokens(4096), 16);
  BOOST_CHECK_EQUAL(tenon::paged_cache<16>::useful_pages(4, 1000), 1000);
}

BOOST_AUTO_TEST_SUITE_END()
