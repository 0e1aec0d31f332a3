// SPDX-License-Identifier: Apache-2.0
#include "tenon/recipes/compose.hpp"

#include <boost/test/unit_test.hpp>

#include <type_traits>

#include "tenon/cpu.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(compose)

BOOST_AUTO_TEST_CASE(without_policies_it_is_the_reference) {
  using mine = tenon::compose<qwen3_0_6b>;
  using base = recipes::reference<qwen3_0_6b>;
  static_assert(is_recipe<mine>);
  BOOST_CHECK((std::is_same_v<mine::precision, base::precision>));
  BOOST_CHECK((std::is_same_v<mine::cache, base::cache>));
  BOOST_CHECK((std::is_same_v<mine::scheduler, base::scheduler>));
  BOOST_CHECK((std::is_same_v<mine::sampler, base::sampler>));
}

BOOST_AUTO_TEST_CASE(each_policy_finds_its_axis_in_any_order) {
  using one = tenon::compose<qwen2_5_7b, bf16, static_batch, contiguous_cache, greedy, eager<1, 2>>;
  using other = tenon::compose<qwen2_5_7b, eager<1, 2>, greedy, contiguous_cache, static_batch, bf16>;
  static_assert(is_recipe<one> && is_recipe<other>);
  BOOST_CHECK((std::is_same_v<one::model, qwen2_5_7b>));
  BOOST_CHECK((std::is_same_v<one::precision, bf16> && std::is_same_v<other::precision, bf16>));
  BOOST_CHECK(
      (std::is_same_v<one::scheduler, static_batch> && std::is_same_v<other::scheduler, static_batch>));
  BOOST_CHECK(
      (std::is_same_v<one::cache, contiguous_cache> && std::is_same_v<other::cache, contiguous_cache>));
  BOOST_CHECK((std::is_same_v<one::sampler, greedy> && std::is_same_v<other::sampler, greedy>));
  BOOST_CHECK((std::is_same_v<one::launch, eager<1, 2>> && std::is_same_v<other::launch, eager<1, 2>>));
}

BOOST_AUTO_TEST_SUITE_END()
