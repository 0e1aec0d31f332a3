// SPDX-License-Identifier: Apache-2.0
#include "tenon/backend/decoder_ops.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/copy_pages.cuh"
#include "tenon/cuda/embed.cuh"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"

using namespace tenon;

static_assert(has_decoder_ops<cuda::backend, bf16, paged_view<bf16_t, 128>>);
static_assert(has_decoder_ops<cuda::backend, fp16, paged_view<f16_t, 64>>);
static_assert(!has_decoder_ops<cuda::backend, fp32, paged_view<float, 128>>);
static_assert(!has_decoder_ops<cuda::backend, bf16, paged_view<float, 128>>);

BOOST_AUTO_TEST_SUITE(decoder_ops)

BOOST_AUTO_TEST_CASE(exist_for_16_bit_precisions) {
  BOOST_TEST((has_decoder_ops<cuda::backend, bf16, paged_view<bf16_t, 64>>));
}

BOOST_AUTO_TEST_SUITE_END()
