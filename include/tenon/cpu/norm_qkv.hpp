// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/matrix_product.hpp"
#include "tenon/cpu/rms_norm.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::cpu {

/// Turns the pairs (i, i + head_dim / 2) of one head by the position's angles, NeoX style (Su et al. 2021,
/// arXiv:2104.09864; transformers' rotate_half). angles: cosines, then sines, head_dim / 2 of each.
inline void rotate_head(float* head, float const* angles, std::int32_t head_dim) {
  std::int32_t const half = head_dim / 2;
  for (std::int32_t i = 0; i < half; ++i) {
    float const first = head[i];
    float const second = head[i + half];
    head[i] = first * angles[i] - second * angles[half + i];
    head[i + half] = second * angles[i] + first * angles[half + i];
  }
}

/// RMSNorm of one head in float, where the model has it (`weight.data` is not null).
template <class Kernels>
void norm_head_in_place(float* head, vector_view<float const> weight, std::int32_t head_dim, float epsilon) {
  if (weight.data == nullptr) return;
  float const factor = inverse_rms<Kernels>(head, head_dim, epsilon);
  for (std::int32_t i = 0; i < head_dim; ++i) head[i] = head[i] * factor * weight.data[i];
}

/// Queries, keys and values of every token: n = RMSNorm(x[t, :]) * attention_norm; [q, k, v] = n * qkv^T +
/// bias; q and k: RMSNorm over each head, then rotary embedding at the token's position. Keys and values go
/// to the cache through kv.store, queries to `queries`.
///
/// batch    reads positions, token_rows and rope_sets, and what kv.store reads
/// x        [tokens or more, hidden]; must not alias `queries`
/// layer    reads attention_norm, qkv and, where not null, qkv_bias, query_norm and key_norm
/// rope     covers every position of the batch; head_dim equals View::head_dim
/// queries  [tokens or more, query heads * head_dim], activation type of P
/// Rounded to the activation type: n, twice as `rms_norm_row` says, and the queries, once, after the rotary
/// embedding; keys and values, once, to the cache's type by kv.store. All between is in float.
template <class P, class View>
void norm_qkv(context& ctx, batch_view const& batch, matrix_view<float const> x,
              layer_weights<P> const& layer, rope_view rope, float epsilon, std::int32_t layer_number,
              View const& kv, matrix_view<typename P::activation> queries) {
  constexpr std::int32_t head_dim = View::head_dim;
  std::int64_t const tokens = batch.shape.tokens;
  std::int64_t const width = layer.qkv.out_features;
  std::int64_t const query_width = queries.extent(1);
  std::int64_t const kv_width = (width - query_width) / 2;
  float const* const input = rms_norm_rows<typename P::activation>(
      ctx, x, tokens, [](std::int64_t row) { return row; }, layer.attention_norm, epsilon);
  float* const projected = ctx.output_scratch(tokens * width);
  matrix_product(ctx, input, tokens, layer.qkv, [&](product_tile const& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      float const* const sums = tile.values + i * tile.stride;
      float* const row = projected + (tile.row + i) * width + tile.feature;
      for (std::int64_t j = 0; j < tile.features; ++j) {
        row[j] = layer.qkv_bias.data == nullptr ? sums[j] : sums[j] + layer.qkv_bias.data[tile.feature + j];
      }
    }
  });
  for_each_row(ctx, tokens, width, [&](auto kernels, std::int64_t t) {
    using kernel_set = decltype(kernels);
    std::int32_t const row = batch.token_rows[t];
    std::int32_t const position = batch.positions[t];
    float const* const angles = rope.at(batch.rope_sets[row], position);
    float* const query = projected + t * width;
    for (std::int64_t i = 0; i < query_width; i += head_dim) {
      norm_head_in_place<kernel_set>(query + i, layer.query_norm, head_dim, epsilon);
      rotate_head(query + i, angles, head_dim);
    }
    kernels.round(query, queries[t], query_width);
    float* const key = query + query_width;
    for (std::int32_t head = 0; head < kv_width / head_dim; ++head) {
      float* const head_key = key + static_cast<std::int64_t>(head) * head_dim;
      norm_head_in_place<kernel_set>(head_key, layer.key_norm, head_dim, epsilon);
      rotate_head(head_key, angles, head_dim);
      kv.store(batch, layer_number, row, head, position, head_key, head_key + kv_width);
    }
  });
}

}  // namespace tenon::cpu
