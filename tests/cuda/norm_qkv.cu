// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/norm_qkv.cuh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <random>

#include "cuda/device.hpp"
#include "cuda/norm_qkv_case.cuh"

using namespace tenon;

namespace {

/// All tokens in one row, from position 3.
testing::random_batch one_row(std::mt19937_64& random, std::int32_t tokens) {
  testing::random_batch batch{random, 1, 10, tokens + 3, 16};
  auto const count = static_cast<std::size_t>(tokens);
  batch.ids.assign(count, 1);
  batch.id_slots.assign(count, no_slot);
  batch.positions.resize(count);
  std::iota(batch.positions.begin(), batch.positions.end(), 3);
  batch.token_rows.assign(count, 0);
  batch.row_begin = {0, tokens};
  batch.context = {tokens + 3};
  batch.table.resize(static_cast<std::size_t>((tokens + 3) / batch.page_tokens + 1));
  std::iota(batch.table.begin(), batch.table.end(), 0);
  std::shuffle(batch.table.begin(), batch.table.end(), random);
  batch.decode_rows = 0;
  return batch;
}

/// By the op, and where that exists by the one kernel for product and epilogue.
template <class P, std::int32_t HeadDim>
void check_qkv(std::mt19937_64& random, testing::random_batch const& batch, std::int32_t hidden,
               testing::qkv_heads_case shape) {
  testing::check_norm_qkv<P, HeadDim>(
      random, batch, hidden, shape,
      [](auto&&... arguments) {
        cuda::norm_qkv<P>(arguments...);
        return true;
      },
      [](cuda::context& ctx, batch_view const& on_device, matrix_view<float const> x,
         layer_weights<P> const& layer, rope_view rope, float epsilon, std::int32_t number, auto const& kv,
         matrix_view<typename P::activation> queries) {
        auto const heads = cuda::heads_of(on_device, layer, rope, epsilon, number, kv, queries);
        auto const normed = cuda::rms_norm_rows<typename P::activation>(
            ctx, x, nullptr, on_device.shape.tokens, layer.attention_norm, epsilon);
        return cuda::wgmma_qkv(ctx, normed, layer.qkv, heads);
      });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(norm_qkv)

BOOST_AUTO_TEST_CASE(agrees_with_the_cpu) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const tokens : {1, 2, 3, 4, 8, 9, 16, 40, 150}) {
    testing::random_batch const batch{random, tokens, 10, tokens + 15, 5};
    check_qkv<bf16, 64>(random, batch, 256, {.kv = 2, .group = 7, .bias = true, .norm = false});
    check_qkv<bf16, 128>(random, batch, 512, {.kv = 2, .group = 2, .bias = false, .norm = true});
    check_qkv<fp16, 64>(random, batch, 256, {.kv = 1, .group = 1, .bias = true, .norm = true});
    check_qkv<fp16, 128>(random, batch, 384, {.kv = 3, .group = 6, .bias = false, .norm = false});
  }
  for (std::int32_t const tokens : {1, 6, 130}) {
    testing::random_batch const batch{random, tokens, 10, tokens + 15, 16};
    check_qkv<bf16, 128>(random, batch, 2048, {.kv = 8, .group = 2, .bias = false, .norm = true});
    check_qkv<bf16, 128>(random, batch, 3584, {.kv = 4, .group = 7, .bias = true, .norm = false});
    check_qkv<fp16, 128>(random, batch, 512, {.kv = 8, .group = 8, .bias = false, .norm = true});
  }
}

BOOST_AUTO_TEST_CASE(agrees_with_the_cpu_for_thousands_of_tokens) {
  if (!testing::has_device()) return;
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const tokens : {300, 2600, 4700}) {
    check_qkv<bf16, 128>(random, one_row(random, tokens), 256,
                         {.kv = 2, .group = 3, .bias = true, .norm = true});
    check_qkv<fp16, 64>(random, one_row(random, tokens), 128,
                        {.kv = 3, .group = 1, .bias = false, .norm = true});
  }
  for (std::int32_t const group : {2, 3}) {  // 256 is too wide for one kernel to do it all
    check_qkv<bf16, 256>(random, one_row(random, 2600), 64,
                         {.kv = 1, .group = group, .bias = true, .norm = true});
  }
}

BOOST_AUTO_TEST_SUITE_END()
