// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_head.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/norm_head_case.cuh"

using namespace tenon;

namespace {

template <class P>
void check_head(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden, std::int32_t vocabulary) {
  testing::check_norm_head<P>(
      random, tokens, hidden, vocabulary, cuda::few_rows_limit,
      [](auto&&... arguments) { BOOST_TEST(cuda::few_rows_norm_head<P>(arguments...)); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(few_rows_norm_head)

BOOST_AUTO_TEST_CASE(gives_logits_of_the_wanted_tokens) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t tokens = 1; tokens <= 30; ++tokens) {
    check_head<bf16>(random, tokens, 256, 4224);
    check_head<fp16>(random, 5 * tokens, 896, 640);
  }
  for (std::int32_t const tokens : {1, 5, 11, 100}) {
    check_head<bf16>(random, tokens, 2048, 4224);
    check_head<bf16>(random, tokens, 3584, 2112);
    check_head<fp16>(random, tokens, 4096, 1056);
  }
  check_head<bf16>(random, 3, 256, 151936);
}

BOOST_AUTO_TEST_SUITE_END()
