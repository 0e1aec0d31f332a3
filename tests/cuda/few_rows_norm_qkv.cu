// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_qkv.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/norm_qkv_case.cuh"

using namespace tenon;

namespace {

template <class P, std::int32_t HeadDim>
void check_qkv(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden,
               testing::qkv_heads_case shape) {
  testing::random_batch const batch{random, tokens, 10, 2 * tokens + 30, 5};
  testing::check_norm_qkv<P, HeadDim>(random, batch, hidden, shape, [](auto&&... arguments) {
    bool const served = cuda::few_rows_norm_qkv<P>(arguments...);
    BOOST_TEST(served);
    return served;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(few_rows_norm_qkv)

BOOST_AUTO_TEST_CASE(agrees_with_the_cpu) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t tokens = 1; tokens <= cuda::few_rows_limit; ++tokens) {
    check_qkv<bf16, 64>(random, tokens, 256, {.kv = 2, .group = 2, .bias = false, .norm = true});
    check_qkv<bf16, 64>(random, tokens, 384, {.kv = 2, .group = 7, .bias = true, .norm = false});
    check_qkv<fp16, 64>(random, tokens, 256, {.kv = 1, .group = 1, .bias = true, .norm = true});
  }
  for (std::int32_t const tokens : {1, 2, 3, 6, 8}) {
    check_qkv<bf16, 128>(random, tokens, 1024, {.kv = 8, .group = 2, .bias = false, .norm = true});
    check_qkv<fp16, 128>(random, tokens, 1536, {.kv = 2, .group = 6, .bias = true, .norm = false});
  }
  for (std::int32_t const tokens : {1, 4, 7}) {
    check_qkv<bf16, 128>(random, tokens, 2048, {.kv = 8, .group = 2, .bias = false, .norm = true});
    check_qkv<bf16, 128>(random, tokens, 3584, {.kv = 4, .group = 7, .bias = true, .norm = false});
    check_qkv<fp16, 128>(random, tokens, 512, {.kv = 8, .group = 4, .bias = false, .norm = true});
    check_qkv<bf16, 128>(random, tokens, 256, {.kv = 16, .group = 7, .bias = false, .norm = true});
  }
}

BOOST_AUTO_TEST_SUITE_END()
