// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <random>

#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/cache/paged_view.hpp"

namespace tenon::testing {

struct qkv_heads_case {
  std::int32_t kv;
  std::int32_t group;
  bool bias;
  bool norm;
};

/// Compares ops, each of which is or is part of `norm_qkv`, with the CPU's for random numbers. An op is
/// called as op(ctx, batch, x, layer, rope, epsilon, layer_number, kv, queries) on memory of its own, and
/// returns whether it serves the shape.
template <class P, std::int32_t HeadDim, class... Ops>
void check_norm_qkv(std::mt19937_64& random, random_batch batch, std::int32_t hidden, qkv_heads_case shape,
                    Ops const&... ops) {
  using element = typename P::activation;
  using view = paged_view<element, HeadDim>;
  constexpr std::int32_t layers = 2;
  constexpr float epsilon = 0.02f;
  std::int32_t const query_width = shape.kv * shape.group * HeadDim;
  std::int32_t const width = query_width + 2 * shape.kv * HeadDim;
  auto const tokens = static_cast<std::int32_t>(batch.ids.size());
  std::int32_t const longest = *std::max_element(batch.context.begin(), batch.context.end());
  device_context device{
      {.hidden = hidden, .query_width = query_width, .qkv_width = width, .max_tokens = tokens}};
  auto& ctx = device.ctx;
  random_matrix<float> const x{random, tokens, hidden, 0.2f, 2.0f};
  random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  random_matrix<float> const bias{random, 1, width, 0.0f, 2.0f};
  random_matrix<float> const query_norm{random, 1, HeadDim, 1.0f, 0.3f};
  random_matrix<float> const key_norm{random, 1, HeadDim, 1.0f, 0.3f};
  random_matrix<float> const angles{random, 2 * longest, HeadDim};
  random_matrix<typename P::weight> const weights{random, width, hidden, 0.0f, 0.1f};
  random_matrix<element> const queries{random, tokens + 1, query_width};
  view kv{nullptr, layers, shape.kv, batch.page_tokens};
  random_matrix<element> const cache{random, batch.pages(), kv.page_size()};

  auto expected_queries = queries;
  auto expected_cache = cache;
  layer_weights<P> layer;
  layer.attention_norm = norm.vector();
  layer.qkv = weights.weights();
  if (shape.bias) layer.qkv_bias = bias.vector();
  if (shape.norm) layer.query_norm = query_norm.vector(), layer.key_norm = key_norm.vector();
  kv.data = expected_cache.values.data();
  reference::norm_qkv<P>(batch.view(), x.view(), layer, rope_view{angles.values.data(), longest, HeadDim},
                         epsilon, 1, kv, expected_queries.view());

  device_batch const device_batch{ctx, batch};
  device_matrix const device_x{ctx, x}, device_norm{ctx, norm}, device_bias{ctx, bias},
      device_query_norm{ctx, query_norm}, device_key_norm{ctx, key_norm}, device_angles{ctx, angles};
  device_matrix const device_weights{ctx, weights};
  layer.attention_norm = device_norm.vector();
  layer.qkv = device_weights.weights();
  if (shape.bias) layer.qkv_bias = device_bias.vector();
  if (shape.norm) layer.query_norm = device_query_norm.vector(), layer.key_norm = device_key_norm.vector();
  auto const check = [&](auto const& op) {
    device_matrix const found_queries{ctx, queries}, found_cache{ctx, cache};
    kv.data = found_cache.array.data();
    if (!op(ctx, device_batch.view(), device_x.view(), layer,
            rope_view{device_angles.array.data(), longest, HeadDim}, epsilon, 1, kv, found_queries.view())) {
      return;
    }
    BOOST_TEST_CONTEXT(P::name << ", head_dim " << HeadDim << ", tokens " << tokens << ", hidden " << hidden
                               << ", kv heads " << shape.kv << ", group " << shape.group) {
      double const tolerance = rounding_tolerance<P>;
      BOOST_TEST(relative_error(found_queries.array.values(), expected_queries.values) < tolerance);
      BOOST_TEST(relative_error(found_cache.array.values(), expected_cache.values) < tolerance);
    }
  };
  (check(ops), ...);
}

}  // namespace tenon::testing
