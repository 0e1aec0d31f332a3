// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_gate_up.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

using namespace tenon;

namespace {

template <class P>
void check_gate_up(std::mt19937_64& random, std::int32_t rows, std::int32_t hidden, std::int32_t ffn) {
  using element = typename P::activation;
  testing::device_context device{{.hidden = hidden, .ffn = ffn, .max_tokens = rows}};
  testing::random_matrix<float> const x{random, rows, hidden, 0.2f, 2.0f};
  testing::random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  testing::random_matrix<typename P::weight> const weights{random, 2 * ffn, hidden, 0.0f, 0.05f};
  testing::random_matrix<element> expected{random, rows, ffn};
  testing::device_matrix const device_x{device.ctx, x};
  testing::device_matrix const device_norm{device.ctx, norm};
  testing::device_matrix const device_weights{device.ctx, weights};
  testing::device_array<element> const found{device.ctx, expected.values.size()};

  layer_weights<P> layer;
  layer.ffn_norm = norm.vector();
  layer.gate_up = weights.weights();
  testing::reference::norm_gate_up<P>(x.view(), layer, 0.02f, expected.view());
  layer.ffn_norm = device_norm.vector();
  layer.gate_up = device_weights.weights();
  BOOST_TEST(cuda::few_rows_norm_gate_up<P>(device.ctx, device_x.view(), layer, 0.02f,
                                            matrix_view<element>{found.data(), {rows, ffn}}));
  BOOST_TEST(testing::relative_error(found.values(), expected.values) < testing::rounding_tolerance<P>,
             P::name << ", rows " << rows << ", hidden " << hidden << ", ffn " << ffn);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(few_rows_norm_gate_up)

BOOST_AUTO_TEST_CASE(agrees_with_the_cpu) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t rows = 1; rows <= cuda::few_rows_limit; ++rows) {
    check_gate_up<bf16>(random, rows, 256, 768);
    check_gate_up<fp16>(random, rows, 896, 512);
  }
  for (std::int32_t const rows : {1, 2, 3, 5, 7, 8}) {
    check_gate_up<bf16>(random, rows, 3584, 1300);
    check_gate_up<bf16>(random, rows, 4096, 384);
  }
  for (std::int32_t const hidden : {896, 1024, 1536, 2048, 2560, 3584, 4096}) {
    auto const rows = 1 + static_cast<std::int32_t>(random() % cuda::few_rows_limit);
    check_gate_up<bf16>(random, rows, hidden, 3072);
    check_gate_up<fp16>(random, rows, hidden, 1280);
  }
  check_gate_up<bf16>(random, 1, 3584, 18944);
}

BOOST_AUTO_TEST_SUITE_END()
