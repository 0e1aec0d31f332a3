// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/contiguous_cache.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(contiguous_cache)

BOOST_AUTO_TEST_CASE(a_page_is_a_whole_sequence_and_one_a_row_is_enough) {
  static_assert(is_cache_policy<tenon::contiguous_cache, qwen3_1_7b, bf16>);
  BOOST_CHECK_EQUAL(tenon::contiguous_cache::page_tokens(4096), 4096);
  BOOST_CHECK_EQUAL((tenon::contiguous_cache::page_bytes<qwen3_1_7b, bf16>(4096)),
                    std::size_t{4096} * 114688);
  BOOST_CHECK_EQUAL(tenon::contiguous_cache::useful_pages(4, 1000), 4);
  BOOST_CHECK_EQUAL(tenon::contiguous_cache::useful_pages(4, 3), 3);
}

BOOST_AUTO_TEST_SUITE_END()
