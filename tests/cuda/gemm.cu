// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/gemm.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

using namespace tenon;

namespace {

template <class P, class Result>
void check_product(testing::device_context& device, std::mt19937_64& random, std::int64_t rows,
                   std::int64_t out_features, std::int64_t in_features, bool accumulate) {
  testing::random_matrix<typename P::activation> const in{random, rows, in_features};
  testing::random_matrix<typename P::activation> const weights{random, out_features, in_features};
  testing::random_matrix<float> x{random, rows + 1, out_features};
  std::vector<Result> start;
  for (auto& value : x.values) {
    start.push_back(round_to<Result>(value));
    value = static_cast<float>(start.back());
  }
  testing::device_matrix const device_in{device.ctx, in};
  testing::device_matrix const device_weights{device.ctx, weights};
  testing::device_array const out{device.ctx, start};
  matrix_view<typename P::activation const> const input = device_in.view();
  cuda::multiply(device.ctx, input, device_weights.weights(), out.data(), accumulate);
  testing::reference::linear_residual<P>(in.view(), weights.weights(), x.view(), accumulate);
  std::vector<Result> expected;
  for (auto const value : x.values) expected.push_back(round_to<Result>(value));
  BOOST_TEST(testing::relative_error(out.values(), expected) <
                 (sizeof(Result) == 4 ? testing::summation_tolerance : testing::rounding_tolerance<P>),
             P::name << ", rows " << rows << ", out_features " << out_features << ", in_features "
                     << in_features << ", bytes of a result " << sizeof(Result));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gemm)

BOOST_AUTO_TEST_CASE(multiplies_any_number_of_rows) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  testing::device_context device{{.hidden = 8, .max_tokens = 1}};
  for (std::int64_t const rows : {1, 2, 7, 16, 17, 100, 129, 513}) {
    auto const out_features = static_cast<std::int64_t>(8 * (random() % 50 + 1));
    auto const in_features = static_cast<std::int64_t>(8 * (random() % 100 + 1));
    check_product<bf16, float>(device, random, rows, out_features, in_features, true);
    check_product<fp16, float>(device, random, rows, out_features, in_features, false);
    check_product<bf16, bf16_t>(device, random, rows, out_features, in_features, false);
    check_product<fp16, f16_t>(device, random, rows, out_features, in_features, false);
  }
  check_product<bf16, float>(device, random, 40, 128, 18944, true);
}

BOOST_AUTO_TEST_CASE(shares_an_algorithm_between_row_counts) {
  if (!testing::has_device()) return;
  std::mt19937_64 random{testing::seed()};
  testing::device_context device{{.hidden = 8, .max_tokens = 1}};
  for (std::int64_t rows = 257; rows <= 288; ++rows) {
    check_product<bf16, float>(device, random, rows, 64, 128, true);
  }
  BOOST_TEST(device.ctx.gemms().size() == 1u);
}

BOOST_AUTO_TEST_CASE(rounds_rows_up_to_four_binary_digits) {
  BOOST_TEST(cuda::gemm_cache::rounded_rows(1) == 16);
  BOOST_TEST(cuda::gemm_cache::rounded_rows(129) == 144);
  BOOST_TEST(cuda::gemm_cache::rounded_rows(511) == 512);
  BOOST_TEST(cuda::gemm_cache::rounded_rows(1025) == 1152);
  BOOST_TEST(cuda::gemm_cache::rounded_rows(8192) == 8192);
}

BOOST_AUTO_TEST_SUITE_END()
