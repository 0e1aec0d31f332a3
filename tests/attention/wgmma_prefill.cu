// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/wgmma_prefill.cuh"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <vector>

#include "conformance/attention_policy.hpp"
#include "cuda/device.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;
using conformance::check_attention_policy;
using conformance::check_attention_shape;

namespace {

/// Few tokens with long contexts leave partial results in scratch memory.
struct device_context {
  static constexpr scratch_sizes sizes{
      .hidden = 64, .ffn = 64, .query_width = 3 * 8 * 128, .qkv_width = 64, .max_tokens = 64, .max_rows = 16};
  cuda::context ctx;
  buffer<cuda::backend> scratch{ctx, cuda::context::scratch_bytes(sizes)};

  device_context() { ctx.use_scratch(scratch.data(), sizes); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(wgmma_prefill)

BOOST_AUTO_TEST_CASE(conforms_in_bf16) {
  if (!testing::has_device()) return;
  device_context device;
  check_attention_policy<tenon::wgmma_prefill, cuda::backend, bf16>(
      device.ctx, {.error = 0.02, .batch_invariant = false});
}

BOOST_AUTO_TEST_CASE(conforms_in_fp16) {
  if (!testing::has_device()) return;
  device_context device;
  check_attention_shape<tenon::wgmma_prefill, cuda::backend, fp16, 64, 7>(
      device.ctx, 1, {.error = 0.003, .batch_invariant = false});
  check_attention_shape<tenon::wgmma_prefill, cuda::backend, fp16, 128, 2>(
      device.ctx, 2, {.error = 0.003, .batch_invariant = false});
}

// Contexts cut into parts are merged in order, whichever part comes last.
BOOST_AUTO_TEST_CASE(gives_the_same_bits_again) {
  if (!testing::has_device()) return;
  device_context device;
  conformance::attention_bench<tenon::wgmma_prefill, cuda::backend, bf16, 128, 2> bench{device.ctx, 3};
  std::vector<conformance::attention_row> const rows{{0, 3000, 100}, {1, 0, 50}, {2, 1200, 1}};
  auto const first = bench.run(rows, 16);
  for (std::int32_t const page_tokens : {16, 32, 64, 128, 4000}) {
    auto const again = bench.run(rows, page_tokens);
    BOOST_TEST(std::memcmp(first.data(), again.data(), first.size() * sizeof(first[0])) == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
