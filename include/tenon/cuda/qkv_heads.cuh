// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// What follows the projection of queries, keys and values, head by head, and where each head goes. Heads are
/// numbered as the features are: queries, then keys, then values.
template <class Element, class View> struct qkv_heads {
  static constexpr std::int32_t head_dim = View::head_dim;

  batch_view batch;
  View kv;
  rope_view rope;
  float const* bias = nullptr;        // [heads * head_dim] or null
  float const* query_norm = nullptr;  // [head_dim] or null
  float const* key_norm = nullptr;    // [head_dim] or null
  Element* queries = nullptr;         // [tokens, query_heads * head_dim]
  float epsilon = 0.0f;
  std::int32_t layer = 0;
  std::int32_t query_heads = 0;
  std::int32_t kv_heads = 0;

  /// Where a token stands.
  struct token_place {
    std::int32_t token, row, position;
    float const* angles;  // [head_dim] cosines, then sines
  };

  __device__ std::int32_t count() const { return query_heads + 2 * kv_heads; }
  __device__ bool is_query(std::int32_t head) const { return head < query_heads; }
  __device__ bool is_value(std::int32_t head) const { return head >= query_heads + kv_heads; }

  /// The weight of a head's norm, or null.
  __device__ float const* norm(std::int32_t head) const {
    return is_query(head) ? query_norm : is_value(head) ? nullptr : key_norm;
  }

  __device__ token_place place(std::int32_t token) const {
    std::int32_t const row = batch.token_rows[token];
    std::int32_t const position = batch.positions[token];
    return {token, row, position, rope.at(batch.rope_sets[row], position)};
  }

  /// The head_dim elements that a head of a token is stored to.
  __device__ Element* target(token_place const& place, std::int32_t head) const {
    if (is_query(head)) {
      return queries + (static_cast<std::int64_t>(place.token) * query_heads + head) * head_dim;
    }
    auto const found = kv.run(batch, layer, place.row, (head - query_heads) % kv_heads, place.position);
    return is_value(head) ? found.values : found.keys;
  }
};

}  // namespace tenon::cuda
