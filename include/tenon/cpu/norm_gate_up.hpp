// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/matrix_product.hpp"
#include "tenon/cpu/rms_norm.hpp"

namespace tenon::cpu {

/// The first half of a SwiGLU block (Shazeer 2020, arXiv:2002.05202):
///   hidden[r, :] = silu(n * gate^T) * (n * up^T) with n = RMSNorm(x[r, :]) * ffn_norm.
///
/// x        [rows or more, hidden width]; must not alias `hidden`
/// layer    reads ffn_norm and gate_up = [gate rows; up rows]
/// hidden   [rows, ffn], activation type of P; its extent says how many rows are computed
/// Rounded to the activation type: n, twice as `rms_norm_row` says, and the product; gate, up and silu stay
/// in float.
template <class P>
void norm_gate_up(context& ctx, matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
                  matrix_view<typename P::activation> hidden) {
  std::int64_t const rows = hidden.extent(0);
  float const* const input = rms_norm_rows<typename P::activation>(
      ctx, x, rows, [](std::int64_t row) { return row; }, layer.ffn_norm, epsilon);
  paired_matrix_product(ctx, input, rows, layer.gate_up,
                        [&](auto kernels, product_tile const& gate, product_tile const& up) {
                          for (std::int64_t i = 0; i < gate.rows; ++i) {
                            float* const values = gate.values + i * gate.stride;
                            kernels.gate(values, up.values + i * up.stride, values, gate.features);
                            kernels.round(values, hidden[gate.row + i] + gate.feature, gate.features);
                          }
                        });
}

}  // namespace tenon::cpu
