// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/stream_product.cuh"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/cuda/few_rows_linear_residual.cuh"
#include "tenon/cuda/few_rows_norm_gate_up.cuh"

using namespace tenon;

namespace {

struct lines : cuda::stream_tuning {
  static constexpr bool bulk = false;
  static constexpr std::int32_t producers = 4;
};
struct small_chunks : cuda::stream_tuning {
  static constexpr std::int32_t chunk = 256;
};
struct serial : lines {
  static constexpr cuda::ordering order = cuda::ordering::serial;
};

/// Ten products in a row, each adding to what the one before left, in every way to fill the ring.
template <class Tuning>
void check_chain(std::mt19937_64& random, std::int32_t rows, std::int32_t in_features) {
  std::int32_t const features = 16 * (1 + static_cast<std::int32_t>(random() % 200));
  testing::device_context device{{.hidden = features, .ffn = in_features, .max_tokens = rows}};
  testing::random_matrix<bf16_t> const in{random, rows, in_features};
  testing::random_matrix<bf16_t> const weights{random, features, in_features};
  testing::random_matrix<float> x{random, rows, features};
  testing::device_matrix const device_in{device.ctx, in};
  testing::device_matrix const device_weights{device.ctx, weights};
  testing::device_matrix const once{device.ctx, x};
  testing::device_matrix const again{device.ctx, x};
  for (auto const* const to : {&once, &again}) {
    for (int i = 0; i < 10; ++i) {
      BOOST_TEST((cuda::few_rows_linear_residual<bf16, Tuning>(device.ctx, device_in.view(),
                                                               device_weights.weights(), to->view(), true)));
    }
  }
  for (int i = 0; i < 10; ++i) {
    testing::reference::linear_residual<bf16>(in.view(), weights.weights(), x.view(), true);
  }
  BOOST_TEST(testing::relative_error(once.array.values(), x.values) < testing::summation_tolerance,
             "rows " << rows << ", features " << features << ", in_features " << in_features);
  auto const first = once.array.values();
  auto const second = again.array.values();
  BOOST_TEST(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stream_product)

BOOST_AUTO_TEST_CASE(gives_the_same_by_every_way_of_copying) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const rows : {1, 4, 8}) {
    for (std::int32_t const in_features : {128, 896, 4864}) {
      check_chain<cuda::stream_tuning>(random, rows, in_features);
      check_chain<lines>(random, rows, in_features);
      check_chain<small_chunks>(random, rows, in_features);
      check_chain<serial>(random, rows, in_features);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
