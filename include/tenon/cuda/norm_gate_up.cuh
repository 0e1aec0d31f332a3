// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_norm_gate_up.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/many_rows_gate_up.cuh"

namespace tenon::cuda {

/// Rows up to which the weight stream is faster than norm, cuBLASLt and SwiGLU. H100: 18.4 and 24.1 us
/// (1.7B), 89.6 and 100.9 us (7B) for one row; 21.6 and 23.2, 98.1 and 103 us for 8.
inline constexpr std::int32_t streamed_gate_up_rows = 8;

/// `cpu::norm_gate_up` on the device: hidden[r, :] = silu(n * gate^T) * (n * up^T), n the norm of x[r, :].
template <class P>
  requires tensor_core_element<typename P::activation>
void norm_gate_up(context& ctx, matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
                  matrix_view<typename P::activation> hidden) {
  if (hidden.extent(0) <= streamed_gate_up_rows && few_rows_norm_gate_up<P>(ctx, x, layer, epsilon, hidden))
    return;
  many_rows_norm_gate_up(ctx, x, layer, epsilon, hidden);
}

}  // namespace tenon::cuda
