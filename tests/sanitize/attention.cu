// SPDX-License-Identifier: Apache-2.0
// Every attention kernel once or twice, on batches small enough for compute-sanitizer.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

#include "conformance/attention_policy.hpp"
#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/attention/phased_attention.cuh"
#include "tenon/attention/split_kv_decode.cuh"
#include "tenon/attention/wgmma_prefill.cuh"
#include "tenon/cuda/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;
using conformance::attention_row;

namespace {

testing::device_context small_context() {
  return testing::device_context{{.hidden = 64,
                                  .ffn = 64,
                                  .query_width = 3 * 8 * 128,
                                  .qkv_width = 64,
                                  .max_tokens = 300,
                                  .max_rows = 16}};
}

/// Against double precision, with pages of each of these sizes.
template <class Attention, class P, std::int32_t HeadDim, std::int32_t Group>
void check(std::vector<attention_row> const& rows, std::vector<std::int32_t> const& page_sizes) {
  auto device = small_context();
  conformance::attention_bench<Attention, cuda::backend, P, HeadDim, Group> bench{device.ctx, 5};
  auto const expected = bench.expected(rows);
  for (auto const page_tokens : page_sizes) {
    auto const out = bench.run(rows, page_tokens);
    double worst = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      double const difference = std::abs(static_cast<double>(static_cast<float>(out[i])) - expected[i]);
      worst = difference <= worst ? worst : difference;  // NaN wins
    }
    BOOST_TEST(worst <= 0.02, Attention::name << ", " << P::name << ", head_dim " << HeadDim << ", group "
                                              << Group << ", pages of " << page_tokens << ": " << worst);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(one_token_a_row) {
  if (!testing::has_device()) return;
  std::vector<attention_row> const rows{{0, 0, 1}, {1, 63, 1}, {2, 200, 1}, {3, 70, 1}};
  check<split_kv_decode, bf16, 128, 2>(rows, {16, 64});
  check<split_kv_decode, bf16, 128, 7>(rows, {64});
  check<split_kv_decode, bf16, 64, 2>(rows, {7});
  check<split_kv_decode, fp16, 64, 7>(rows, {64});
  // one or two rows of a large group: blocks of four warps
  check<split_kv_decode, fp16, 128, 8>({{0, 90, 1}}, {16});
  check<split_kv_decode, bf16, 128, 7>({{0, 90, 1}, {1, 200, 1}}, {16, 64});
}

BOOST_AUTO_TEST_CASE(pieces_of_prompts) {
  if (!testing::has_device()) return;
  std::vector<attention_row> const rows{{0, 40, 1}, {1, 0, 20}, {2, 130, 9}};
  check<paged_prefill, bf16, 128, 2>(rows, {16});
  check<paged_prefill, bf16, 64, 7>(rows, {7});
  check<paged_prefill, fp16, 128, 1>(rows, {64});
  check<paged_prefill, fp16, 64, 2>(rows, {16});
}

BOOST_AUTO_TEST_CASE(pieces_of_prompts_by_wgmma) {
  if (!testing::has_device()) return;
  std::vector<attention_row> const rows{{0, 40, 1}, {1, 0, 20}, {2, 130, 9}};
  check<wgmma_prefill, bf16, 128, 2>(rows, {16, 7});  // by boxes and by 16-byte copies, contexts in parts
  check<wgmma_prefill, bf16, 128, 8>({{0, 0, 150}, {1, 3, 20}}, {64});  // whole contexts
  check<wgmma_prefill, bf16, 64, 7>(rows, {64});
  check<wgmma_prefill, fp16, 128, 1>(rows, {16});
  check<wgmma_prefill, fp16, 64, 2>(rows, {16});
}

BOOST_AUTO_TEST_CASE(both_phases) {
  if (!testing::has_device()) return;
  using policy = phased_attention<wgmma_prefill, split_kv_decode>;
  check<policy, bf16, 128, 2>({{0, 77, 1}, {1, 5, 1}, {2, 0, 33}}, {16});
}

BOOST_AUTO_TEST_SUITE_END()
