// SPDX-License-Identifier: Apache-2.0
#include "tenon/recipes/serving.cuh"

#include <boost/test/unit_test.hpp>

#include <type_traits>

#include "tenon/attention/paged_prefill.cuh"
#include "tenon/cache/contiguous_cache.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/sampling/block_greedy.cuh"
#include "tenon/scheduling/prefill_first.hpp"
#include "tenon/scheduling/static_batch.hpp"

using namespace tenon;

// What follows is decided at compile time and needs no GPU.

BOOST_AUTO_TEST_SUITE(serving)

template <class... Models> constexpr bool all_serve = (is_recipe<recipes::serving<Models>> && ...);

BOOST_AUTO_TEST_CASE(it_is_a_recipe_for_every_model) {
  static_assert(all_serve<qwen3_tiny, qwen3_0_6b, qwen3_1_7b, qwen3_4b, qwen3_8b>);
  static_assert(all_serve<qwen2_5_0_5b, qwen2_5_1_5b, qwen2_5_7b>);
  BOOST_TEST(recipes::serving<qwen3_1_7b>::launch::buckets.front() == 256);
  BOOST_TEST(recipes::serving<qwen3_1_7b>::launch::buckets.back() == 1);
}

BOOST_AUTO_TEST_CASE(composing_for_the_gpu_starts_from_it) {
  using mine = tenon::compose<qwen3_0_6b, cuda::backend>;
  using base = recipes::serving<qwen3_0_6b>;
  static_assert(is_recipe<mine>);
  static_assert(
      std::is_same_v<mine::precision, base::precision> && std::is_same_v<mine::cache, base::cache> &&
      std::is_same_v<mine::attention, base::attention> && std::is_same_v<mine::sampler, base::sampler> &&
      std::is_same_v<mine::scheduler, base::scheduler> && std::is_same_v<mine::launch, base::launch>);
  BOOST_TEST((mine::numerics == base::numerics));
}

BOOST_AUTO_TEST_CASE(each_policy_finds_its_axis_in_any_order) {
  using attention = phased_attention<paged_prefill, split_kv_decode>;
  using one = tenon::compose<qwen2_5_7b, cuda::backend, fp16, static_batch, contiguous_cache, attention,
                             block_greedy, eager<1, 2>>;
  using other = tenon::compose<qwen2_5_7b, eager<1, 2>, attention, contiguous_cache, block_greedy,
                               cuda::backend, static_batch, fp16>;
  static_assert(is_recipe<one> && is_recipe<other>);
  static_assert(std::is_same_v<one::backend, cuda::backend> && std::is_same_v<other::backend, cuda::backend>);
  static_assert(std::is_same_v<one::precision, fp16> && std::is_same_v<other::precision, fp16>);
  static_assert(std::is_same_v<one::cache, contiguous_cache> &&
                std::is_same_v<other::cache, contiguous_cache>);
  static_assert(std::is_same_v<one::attention, attention> && std::is_same_v<other::attention, attention>);
  static_assert(std::is_same_v<one::sampler, block_greedy> && std::is_same_v<other::sampler, block_greedy>);
  static_assert(std::is_same_v<one::launch, eager<1, 2>> && std::is_same_v<other::launch, eager<1, 2>>);
  BOOST_TEST((std::is_same_v<one::scheduler, other::scheduler>));
}

BOOST_AUTO_TEST_CASE(pages_of_many_sizes_and_none_fit) {
  static_assert(is_recipe<tenon::compose<qwen2_5_1_5b, cuda::backend, paged_cache<16>>>);
  static_assert(is_recipe<tenon::compose<qwen2_5_1_5b, cuda::backend, paged_cache<32>, prefill_first>>);
  static_assert(is_recipe<tenon::compose<qwen2_5_1_5b, cuda::backend, paged_cache<128>>>);
  static_assert(is_recipe<tenon::compose<qwen2_5_1_5b, cuda::backend, contiguous_cache>>);
  BOOST_TEST(recipes::serving<qwen2_5_1_5b>::cache::page_tokens(4096) == 64);
}

BOOST_AUTO_TEST_SUITE_END()
