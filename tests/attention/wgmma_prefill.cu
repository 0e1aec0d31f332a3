// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/wgmma_prefill.cuh"

#include <boost/test/unit_test.hpp>

#include "conformance/attention_policy.hpp"
#include "cuda/device.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;
using conformance::check_attention_policy;
using conformance::check_attention_shape;

BOOST_AUTO_TEST_SUITE(wgmma_prefill)

BOOST_AUTO_TEST_CASE(conforms_in_bf16) {
  if (!testing::has_device()) return;
  check_attention_policy<tenon::wgmma_prefill, cuda::backend, bf16>({.error = 0.02});
}

BOOST_AUTO_TEST_CASE(conforms_in_fp16) {
  if (!testing::has_device()) return;
  cuda::context context;
  check_attention_shape<tenon::wgmma_prefill, cuda::backend, fp16, 64, 7>(context, 1, {.error = 0.003});
  check_attention_shape<tenon::wgmma_prefill, cuda::backend, fp16, 128, 2>(context, 2, {.error = 0.003});
}

BOOST_AUTO_TEST_SUITE_END()
