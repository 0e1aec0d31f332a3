// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_qkv.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/cache/paged_view.hpp"

using namespace tenon;

namespace {

struct heads {
  std::int32_t kv;
  std::int32_t group;
  bool bias;
  bool norm;
};

template <class P, std::int32_t HeadDim>
void check_qkv(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden, heads shape) {
  using element = typename P::activation;
  using view = paged_view<element, HeadDim>;
  constexpr std::int32_t layers = 2;
  constexpr float epsilon = 0.02f;
  std::int32_t const query_width = shape.kv * shape.group * HeadDim;
  std::int32_t const width = query_width + 2 * shape.kv * HeadDim;
  std::int32_t const longest = 2 * tokens + 30;
  testing::device_context device{
      {.hidden = hidden, .query_width = query_width, .qkv_width = width, .max_tokens = tokens}};
  auto& ctx = device.ctx;
  testing::random_batch batch{random, tokens, 10, longest, 5};
  testing::random_matrix<float> const x{random, tokens, hidden, 0.2f, 2.0f};
  testing::random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  testing::random_matrix<float> const bias{random, 1, width, 0.0f, 2.0f};
  testing::random_matrix<float> const query_norm{random, 1, HeadDim, 1.0f, 0.3f};
  testing::random_matrix<float> const key_norm{random, 1, HeadDim, 1.0f, 0.3f};
  testing::random_matrix<float> const angles{random, 2 * longest, HeadDim};
  testing::random_matrix<typename P::weight> const weights{random, width, hidden, 0.0f, 0.1f};
  testing::random_matrix<element> queries{random, tokens + 1, query_width};
  view kv{nullptr, layers, shape.kv, batch.page_tokens};
  testing::random_matrix<element> cache{random, batch.pages(), kv.page_size()};

  testing::device_batch const device_batch{ctx, batch};
  testing::device_matrix const device_x{ctx, x}, device_norm{ctx, norm}, device_bias{ctx, bias},
      device_query_norm{ctx, query_norm}, device_key_norm{ctx, key_norm}, device_angles{ctx, angles};
  testing::device_matrix const device_weights{ctx, weights};
  testing::device_matrix const device_queries{ctx, queries}, device_cache{ctx, cache};
  layer_weights<P> layer;
  layer.attention_norm = device_norm.vector();
  layer.qkv = device_weights.weights();
  if (shape.bias) layer.qkv_bias = device_bias.vector();
  if (shape.norm) layer.query_norm = device_query_norm.vector(), layer.key_norm = device_key_norm.vector();
  kv.data = device_cache.array.data();
  BOOST_TEST(cuda::few_rows_norm_qkv<P>(ctx, device_batch.view(), device_x.view(), layer,
                                        rope_view{device_angles.array.data(), longest, HeadDim}, epsilon, 1,
                                        kv, device_queries.view()));

  layer.attention_norm = norm.vector();
  layer.qkv = weights.weights();
  if (shape.bias) layer.qkv_bias = bias.vector();
  if (shape.norm) layer.query_norm = query_norm.vector(), layer.key_norm = key_norm.vector();
  kv.data = cache.values.data();
  testing::reference::norm_qkv<P>(batch.view(), x.view(), layer,
                                  rope_view{angles.values.data(), longest, HeadDim}, epsilon, 1, kv,
                                  queries.view());
  BOOST_TEST_CONTEXT(P::name << ", head_dim " << HeadDim << ", tokens " << tokens << ", hidden " << hidden
                             << ", kv heads " << shape.kv << ", group " << shape.group) {
    double const tolerance = testing::rounding_tolerance<P>;
    BOOST_TEST(testing::relative_error(device_queries.array.values(), queries.values) < tolerance);
    BOOST_TEST(testing::relative_error(device_cache.array.values(), cache.values) < tolerance);
  }
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
