// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/phased_attention.cuh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "conformance/attention_policy.hpp"
#include "cuda/device.hpp"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/attention/split_kv_decode.cuh"
#include "tenon/cuda/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;

namespace {

using policy = tenon::phased_attention<paged_prefill, split_kv_decode>;

struct device_context {
  static constexpr scratch_sizes sizes{.hidden = 64,
                                       .ffn = 64,
                                       .query_width = 3 * 8 * 128,
                                       .qkv_width = 64,
                                       .max_tokens = 512,
                                       .max_rows = 64};
  cuda::context ctx;
  buffer<cuda::backend> scratch{ctx, cuda::context::scratch_bytes(sizes)};

  device_context() { ctx.use_scratch(scratch.data(), sizes); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(phased_attention)

BOOST_AUTO_TEST_CASE(plans_both_parts_side_by_side) {
  batch_limits const limits{.max_rows = 9, .max_tokens = 1000, .max_context = 4096, .page_tokens = 16};
  BOOST_TEST(policy::plan_words(limits) >=
             split_kv_decode::plan_words(limits) + paged_prefill::plan_words(limits));
  static_assert(policy::capturable);
  static_assert(policy::supports<128, 7>);
  static_assert(!policy::supports<96, 7>);
}

BOOST_AUTO_TEST_CASE(conforms_in_bf16_and_fp16) {
  if (!testing::has_device()) return;
  device_context device;
  conformance::check_attention_policy<policy, cuda::backend, bf16>(
      device.ctx, {.error = 0.015, .batch_invariant = false, .rounds = 1, .longest = 400});
  conformance::check_attention_policy<policy, cuda::backend, fp16>(
      device.ctx, {.error = 0.003, .batch_invariant = false, .rounds = 1, .longest = 400});
}

BOOST_AUTO_TEST_CASE(serves_batches_of_one_phase) {
  if (!testing::has_device()) return;
  device_context device;
  using bench_type = conformance::attention_bench<policy, cuda::backend, bf16, 128, 7>;
  bench_type bench{device.ctx, 3};
  conformance::attention_promises const promises{.error = 0.015, .batch_invariant = false};
  conformance::check_attention_batch(bench, {{0, 300, 1}, {1, 0, 1}, {2, 64, 1}}, promises);
  conformance::check_attention_batch(bench, {{0, 0, 200}, {1, 100, 3}}, promises);
  conformance::check_attention_batch(bench, {{0, 77, 1}, {1, 100, 130}, {2, 5, 1}}, promises);
}

BOOST_AUTO_TEST_SUITE_END()
