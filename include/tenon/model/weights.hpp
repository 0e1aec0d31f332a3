// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/model/model_spec.hpp"
#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// One decoder layer's weights, in device memory. Norm weights and biases are kept in float: exact for every
/// checkpoint type. A null `data` means that the model has none of it.
template <precision_policy P> struct layer_weights {
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

/// All weights of one model on one rank, and what the checkpoint said besides. Owns the context and the
/// memory.
template <model_spec M, precision_policy P, backend B> struct model_weights {
  using model = M;
  using precision = P;
  using backend_type = B;

  std::unique_ptr<typename B::context> context;
  std::vector<buffer<B>> storage;  // released before the context: declared after it

  dense_matrix<typename P::activation> embedding;  // [vocabulary, hidden]
  std::array<layer_weights<P>, M::shape.layers> layers;
  vector_view<float const> final_norm;  // [hidden]
  typename P::matrix head;              // [vocabulary, hidden]; the embedding's memory when tied
  decoder_parameters parameters;

  /// Bytes of device memory that the weights take.
  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (auto const& part : storage) sum += part.size();
    return sum;
  }
};

}  // namespace tenon
