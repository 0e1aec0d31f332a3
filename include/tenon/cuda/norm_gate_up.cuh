// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_norm_gate_up.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/many_rows_gate_up.cuh"

namespace tenon::cuda {

/// `cpu::norm_gate_up` on the device: hidden[r, :] = silu(n * gate^T) * (n * up^T), n the norm of x[r, :].
template <class P>
  requires tensor_core_element<typename P::activation>
void norm_gate_up(context& ctx, matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
                  matrix_view<typename P::activation> hidden) {
  if (hidden.extent(0) <= few_rows_limit && few_rows_norm_gate_up<P>(ctx, x, layer, epsilon, hidden)) return;
  many_rows_norm_gate_up(ctx, x, layer, epsilon, hidden);
}

}  // namespace tenon::cuda
