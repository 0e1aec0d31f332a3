// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/norm_gate_up.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/norm_gate_up_case.cuh"
#include "cuda/relative_error.hpp"

using namespace tenon;

namespace {

template <class P>
void check_gate_up(std::mt19937_64& random, std::int32_t rows, std::int32_t hidden, std::int32_t ffn) {
  testing::check_norm_gate_up<P>(random, rows, hidden, ffn,
                                 [](auto&&... arguments) { cuda::norm_gate_up<P>(arguments...); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(norm_gate_up)

BOOST_AUTO_TEST_CASE(agrees_with_the_cpu) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const rows : {1, 2, 3, 4, 8, 9, 16, 40, 200}) {
    check_gate_up<bf16>(random, rows, 256, 768);
    check_gate_up<fp16>(random, rows, 896, 640);
  }
  for (std::int32_t const rows : {1, 6, 150}) check_gate_up<bf16>(random, rows, 2048, 6144);
  check_gate_up<bf16>(random, 5, 3584, 18944);
}

BOOST_AUTO_TEST_CASE(one_kernel_gives_the_same_as_two) {
  if (!testing::has_device()) return;
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const rows : {1, 130, 300, 700}) {
    constexpr std::int32_t hidden_width = 200;
    constexpr std::int32_t ffn = 1664;
    testing::device_context device{{.hidden = hidden_width, .ffn = ffn, .max_tokens = rows}};
    testing::random_matrix<bf16_t> const in{random, rows, hidden_width};
    testing::random_matrix<bf16_t> const weights{random, 2 * ffn, hidden_width, 0.0f, 0.1f};
    testing::device_matrix const device_in{device.ctx, in}, device_weights{device.ctx, weights};
    auto const count = static_cast<std::size_t>(rows) * ffn;
    testing::device_array<bf16_t> const one{device.ctx, count}, two{device.ctx, count};
    testing::device_array<bf16_t> const projected{device.ctx, 2 * count};
    matrix_view<bf16_t const> const input = device_in.view();
    if (!cuda::wgmma_gate_up(device.ctx, input, device_weights.weights(),
                             matrix_view<bf16_t>{one.data(), {rows, ffn}})) {
      BOOST_TEST_MESSAGE("skipped: needs compute capability 9.0a");
      return;
    }
    cuda::multiply(device.ctx, input, device_weights.weights(), projected.data());
    cuda::swiglu(device.ctx, matrix_view<bf16_t const>{projected.data(), {rows, 2 * ffn}},
                 matrix_view<bf16_t>{two.data(), {rows, ffn}});
    BOOST_TEST(testing::relative_error(one.values(), two.values()) < testing::rounding_tolerance<bf16>,
               "rows " << rows);
  }
}

BOOST_AUTO_TEST_SUITE_END()
