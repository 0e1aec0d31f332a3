// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/model/model_spec.hpp"
#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// All weights of one model on one rank, and what the checkpoint said besides. Owns the context and the
/// memory.
template <model_spec M, precision_policy P, backend B> struct model_weights {
  using model = M;
  using precision = P;
  using backend_type = B;

  std::unique_ptr<typename B::context> context;
  std::vector<buffer<B>> storage;  ///< declared after the context, so released before it

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
