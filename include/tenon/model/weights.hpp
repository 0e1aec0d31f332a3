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

/// Weights on their way to memory whose addresses are in use already. Its end ends their coming.
class weight_arrival {
 public:
  weight_arrival() = default;
  weight_arrival(weight_arrival const&) = delete;
  weight_arrival& operator=(weight_arrival const&) = delete;
  virtual ~weight_arrival() = default;

  /// Waits until all are there; throws what went wrong on the way.
  virtual void wait() = 0;
};

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
  std::unique_ptr<weight_arrival> arrival;  ///< of weights that are on their way; null once they are there

  /// Waits for weights that are on their way, and throws what went wrong on it, every time that it is asked.
  /// Until then every address and all that stands in `parameters` is final, and the memory holds zeros or
  /// weights.
  void wait() {
    if (arrival) arrival->wait();
    arrival.reset();
  }

  /// Bytes of device memory that the weights take.
  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (auto const& part : storage) sum += part.size();
    return sum;
  }
};

}  // namespace tenon
