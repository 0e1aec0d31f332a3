// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/wgmma_gemm.cuh"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/cuda/wgmma_epilogues.cuh"

using namespace tenon;
using cuda::wgmma_gemm::tiling;

namespace {

/// Writes or adds the sums where the contract of epilogues says that they belong.
struct sum_epilogue {
  float* x;  // [rows, features]
  std::int32_t rows, features;
  bool keep;

  __device__ cuda::wgmma_gemm::no_rows look_up(std::int32_t, std::int32_t) const { return {}; }

  __device__ std::int32_t first_feature(std::int32_t feature_tile, std::int32_t half) const {
    return (2 * feature_tile + half) * 128;
  }

  __device__ void finish(float (&sums)[128], cuda::wgmma_gemm::no_rows, std::int32_t first_row,
                         std::int32_t feature_tile, std::uint32_t, std::int32_t) const {
    auto const thread = static_cast<std::int32_t>(threadIdx.x) % 128;
#pragma unroll
    for (int i = 0; i < 128; ++i) {
      std::int32_t const row = first_row + thread / 32 * 16 + thread % 32 / 4 + 8 * (i / 2 % 2);
      std::int32_t const feature = feature_tile * 256 + i / 4 * 8 + thread % 4 * 2 + i % 2;
      if (row >= rows || feature >= features) continue;
      float& to = x[static_cast<std::int64_t>(row) * features + feature];
      to = keep ? to + sums[i] : sums[i];
    }
  }
};

/// Whether the kernel ran.
template <class P>
bool check_sums(std::mt19937_64& random, std::int32_t rows, std::int32_t out_features,
                std::int32_t in_features) {
  cuda::context ctx;
  testing::random_matrix<typename P::activation> const in{random, rows, in_features};
  testing::random_matrix<typename P::weight> const weights{random, out_features, in_features};
  testing::random_matrix<float> x{random, rows, out_features};
  testing::device_matrix const device_in{ctx, in};
  testing::device_matrix const device_weights{ctx, weights};
  testing::device_matrix const device_x{ctx, x};
  matrix_view<typename P::activation const> const input = device_in.view();
  for (bool const keep : {true, false}) {
    sum_epilogue const epilogue{device_x.array.data(), rows, out_features, keep};
    if (!cuda::wgmma_gemm::run(ctx, input, device_weights.weights(), ceil_div(out_features, 256), epilogue)) {
      return false;
    }
    testing::reference::linear_residual<P>(in.view(), weights.weights(), x.view(), keep);
    BOOST_TEST(testing::relative_error(device_x.array.values(), x.values) < testing::summation_tolerance,
               P::name << ", rows " << rows << ", out_features " << out_features << ", in_features "
                       << in_features << ", keep " << keep);
  }
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wgmma_gemm)

BOOST_AUTO_TEST_CASE(tiles_are_visited_once_in_bands) {
  for (std::int32_t const pairs : {1, 2, 16, 17, 40}) {
    for (std::int32_t const feature_tiles : {1, 5}) {
      tiling const tiles{.pairs = pairs, .feature_tiles = feature_tiles, .depth_tiles = 1};
      std::vector<int> visits(static_cast<std::size_t>(2 * pairs * feature_tiles));
      for (std::int32_t tile = 0; tile < tiles.count(); ++tile) {
        for (std::int32_t const rank : {0, 1}) {
          auto const place = tiles.at(tile, rank);
          BOOST_REQUIRE(place.row % 128 == 0);
          BOOST_REQUIRE(place.feature_tile < feature_tiles);
          ++visits.at(static_cast<std::size_t>(place.row / 128 * feature_tiles + place.feature_tile));
        }
      }
      BOOST_TEST((visits == std::vector<int>(visits.size(), 1)));
    }
  }
}

BOOST_AUTO_TEST_CASE(multiplies_any_number_of_rows) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const rows : {1, 64, 129, 300, 513}) {
    auto const out_features = static_cast<std::int32_t>(8 * (random() % 120 + 1));
    auto const in_features = static_cast<std::int32_t>(8 * (random() % 120 + 1));
    if (!check_sums<bf16>(random, rows, out_features, in_features)) {
      BOOST_TEST_MESSAGE("skipped: needs compute capability 9.0a");
      return;
    }
    check_sums<fp16>(random, rows, out_features, in_features);
  }
  check_sums<bf16>(random, 700, 3584, 2048);  // more tiles than blocks
  check_sums<bf16>(random, 4500, 640, 128);   // more than one band
}

BOOST_AUTO_TEST_SUITE_END()
