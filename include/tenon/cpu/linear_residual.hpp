// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/matrix_product.hpp"
#include "tenon/cpu/rms_norm.hpp"

namespace tenon::cpu {

/// `in` as floats: itself, or widened into the context's input scratch.
template <class Element> float const* widened(context& ctx, matrix_view<Element const> in) {
  if constexpr (std::is_same_v<Element, float>) {
    return in.data;
  } else {
    std::int64_t const width = in.extent(1);
    float* const out = ctx.input_scratch(in.size());
    for_each_row(ctx, in.extent(0), width,
                 [&](auto kernels, std::int64_t row) { kernels.widen(in[row], out + row * width, width); });
    return out;
  }
}

/// Adds a projection to the residual stream: x[r, :] += in[r, :] * W^T, summed in float.
///
/// in             [rows, in_features], activation type of P
/// matrix         logical shape [out_features, in_features]
/// x              [rows or more, out_features]; must not alias `in`
/// keep_residual  false: x[r, :] = in[r, :] * W^T, for ranks whose sum is added to the residual elsewhere
template <class P>
void linear_residual(context& ctx, matrix_view<typename P::activation const> in,
                     typename P::matrix const& matrix, matrix_view<float> x, bool keep_residual) {
  float const* const input = widened<typename P::activation>(ctx, in);
  matrix_product(ctx, input, in.extent(0), matrix, [&](product_tile const& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      float const* const sums = tile.values + i * tile.stride;
      float* const row = x[tile.row + i] + tile.feature;
      if (keep_residual) {
        for (std::int64_t j = 0; j < tile.features; ++j) row[j] += sums[j];
      } else {
        for (std::int64_t j = 0; j < tile.features; ++j) row[j] = sums[j];
      }
    }
  });
}

}  // namespace tenon::cpu
