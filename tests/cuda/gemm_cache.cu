// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/gemm_cache.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <set>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"
#include "tenon/cuda/wgmma_gemm.cuh"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(gemm_cache)

BOOST_AUTO_TEST_CASE(row_counts_are_rounded_up_by_an_eighth_at_most) {
  using cache = cuda::gemm_cache;
  std::set<std::int64_t> in_a_doubling;
  for (std::int64_t rows = 1; rows <= 10000; ++rows) {
    auto const rounded = cache::rounded_rows(rows);
    BOOST_REQUIRE(rounded >= rows);
    BOOST_REQUIRE(rounded % 16 == 0);
    BOOST_REQUIRE((rounded - rows < 16 || 8 * (rounded - rows) < rows));
    BOOST_REQUIRE(cache::rounded_rows(rounded) == rounded);
    if (rows > 4096 && rows <= 8192) in_a_doubling.insert(rounded);
  }
  BOOST_TEST(in_a_doubling.size() == 8u);
}

BOOST_AUTO_TEST_CASE(one_algorithm_is_kept_for_every_shape_and_type) {
  if (!testing::has_device()) return;
  testing::device_context device{{.hidden = 8, .max_tokens = 1}};
  testing::device_array<bf16_t> const in{device.ctx, std::vector<bf16_t>(64 * 64)};
  testing::device_array<bf16_t> const weights{device.ctx, std::vector<bf16_t>(64 * 64)};
  testing::device_array<float> const out{device.ctx, std::vector<float>(64 * 64)};
  auto const multiply = [&](std::int64_t rows, std::int32_t features, std::int32_t depth, auto* to) {
    cuda::multiply(device.ctx, matrix_view<bf16_t const>{in.data(), {rows, depth}},
                   dense_matrix<bf16_t>{weights.data(), features, depth}, to);
    return device.ctx.gemms().size();
  };
  BOOST_TEST(multiply(1, 64, 64, out.data()) == 1u);
  BOOST_TEST(multiply(16, 64, 64, out.data()) == 1u);
  BOOST_TEST(multiply(17, 64, 64, out.data()) == 2u);
  BOOST_TEST(multiply(1, 32, 64, out.data()) == 3u);
  BOOST_TEST(multiply(1, 64, 32, out.data()) == 4u);
  BOOST_TEST(multiply(1, 64, 64, reinterpret_cast<bf16_t*>(out.data())) == 5u);
  BOOST_TEST(multiply(9, 32, 64, out.data()) == 5u);
  device.ctx.wait();
}

BOOST_AUTO_TEST_CASE(a_class_of_row_counts_takes_one_way_through_every_op) {
  using backend = cuda::backend;
  for (std::int32_t rows = 1; rows <= 10000; ++rows) {
    auto const most = backend::row_class(rows);
    BOOST_REQUIRE(most >= rows);
    BOOST_REQUIRE(backend::row_class(most) == most);
    BOOST_REQUIRE(cuda::gemm_cache::rounded_rows(rows) == cuda::gemm_cache::rounded_rows(most));
    for (auto const limit : {cuda::streamed_qkv_rows, cuda::streamed_gate_up_rows, cuda::streamed_linear_rows,
                             cuda::streamed_head_rows})
      BOOST_REQUIRE((rows <= limit) == (most <= limit));
    for (std::int32_t const feature_tiles : {16, 18, 48, 148})  // qkv and gate_up of both models
      BOOST_REQUIRE(cuda::wgmma_gemm::fills(132, rows, feature_tiles) ==
                    cuda::wgmma_gemm::fills(132, most, feature_tiles));
  }
}

BOOST_AUTO_TEST_SUITE_END()
