// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_gate_up.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/norm_gate_up_case.cuh"

using namespace tenon;

namespace {

template <class P>
void check_gate_up(std::mt19937_64& random, std::int32_t rows, std::int32_t hidden, std::int32_t ffn) {
  testing::check_norm_gate_up<P>(random, rows, hidden, ffn, [](auto&&... arguments) {
    BOOST_TEST(cuda::few_rows_norm_gate_up<P>(arguments...));
  });
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
