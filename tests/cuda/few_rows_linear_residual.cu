// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_linear_residual.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

using namespace tenon;

namespace {

template <class P>
void check_linear(std::mt19937_64& random, std::int32_t rows, std::int32_t out_features,
                  std::int32_t in_features) {
  testing::device_context device{{.hidden = out_features, .ffn = in_features, .max_tokens = rows}};
  testing::random_matrix<typename P::activation> const in{random, rows, in_features};
  testing::random_matrix<typename P::weight> const weights{random, out_features, in_features};
  testing::random_matrix<float> x{random, rows + 1, out_features};
  testing::device_matrix const device_in{device.ctx, in};
  testing::device_matrix const device_weights{device.ctx, weights};
  testing::device_matrix const device_x{device.ctx, x};
  for (bool const keep : {true, false}) {
    BOOST_TEST(cuda::few_rows_linear_residual<P>(device.ctx, device_in.view(), device_weights.weights(),
                                                 device_x.view(), keep));
    testing::reference::linear_residual<P>(in.view(), weights.weights(), x.view(), keep);
    BOOST_TEST(testing::relative_error(device_x.array.values(), x.values) < testing::summation_tolerance,
               P::name << ", rows " << rows << ", out_features " << out_features << ", in_features "
                       << in_features << ", keep_residual " << keep);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(few_rows_linear_residual)

BOOST_AUTO_TEST_CASE(adds_the_projection_or_replaces_the_residual) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t rows = 1; rows <= cuda::few_rows_limit; ++rows) {
    check_linear<bf16>(random, rows, 256, 256);
    check_linear<fp16>(random, rows, 2128, 128);
  }
  auto const up_to = [&](std::int32_t limit) {
    return 1 + static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(limit));
  };
  for (std::int32_t const in_features : {128, 768, 3072, 3584, 4096, 4864, 6144, 8960, 9728, 12288, 18944}) {
    check_linear<bf16>(random, up_to(8), 16 * up_to(60), in_features);
    check_linear<fp16>(random, up_to(8), 16 * up_to(60), in_features);
  }
  check_linear<bf16>(random, 2, 3584, 3584);
}

BOOST_AUTO_TEST_SUITE_END()
