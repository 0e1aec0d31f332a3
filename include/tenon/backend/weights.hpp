// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"

namespace tenon {

/// A weight matrix as stored by the checkpoint: row-major [out_features, in_features], y = x * W^T.
template <class Element> struct dense_matrix {
  using element_type = Element;

  Element const* data = nullptr;
  std::int32_t out_features = 0;
  std::int32_t in_features = 0;

  constexpr Element const* row(std::int64_t i) const noexcept { return data + i * in_features; }
};

/// One decoder layer's weights, in device memory; P is a precision policy. Norm weights and biases are kept
/// in float: exact for every checkpoint type. A null `data` means that the model has none of it.
template <class P> struct layer_weights {
  vector_view<float const> attention_norm;  // [hidden]
  typename P::matrix qkv;  // [query_width + 2 * kv_width, hidden]: query rows, key rows, value rows
  vector_view<float const> qkv_bias;    // [query_width + 2 * kv_width] or null
  vector_view<float const> query_norm;  // [head_dim] or null
  vector_view<float const> key_norm;    // [head_dim] or null
  typename P::matrix output;            // [hidden, query_width]
  vector_view<float const> ffn_norm;    // [hidden]
  typename P::matrix gate_up;           // [2 * ffn, hidden]: gate rows, then up rows
  typename P::matrix down;              // [hidden, ffn]
};

/// Cosines and sines of the rotary embedding, already times the attention scaling, in device memory.
///
/// Row p of set s holds head_dim floats: cos(p * f_i) for i < head_dim / 2, then sin(p * f_i).
struct rope_view {
  float const* data = nullptr;  // [sets, positions, head_dim]
  std::int32_t positions = 0;
  std::int32_t head_dim = 0;

  constexpr float const* at(std::int32_t set, std::int32_t position) const noexcept {
    return data + (static_cast<std::int64_t>(set) * positions + position) * head_dim;
  }
};

}  // namespace tenon
