// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_norm_qkv.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/many_rows_qkv.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Rows up to which the weight stream is faster than norm, cuBLASLt and epilogue. H100: 9.4 and 11.9 us
/// (1.7B), 14.1 and 16.8 us (7B) for one row; 13.9 and 11.9, 22.1 and 17.5 us for 8.
inline constexpr std::int32_t streamed_qkv_rows = 4;

/// `cpu::norm_qkv` on the device: queries, keys and values of every token. The cache holds the activation
/// type; head_dim is 64, 128 or 256.
template <class P, class View>
  requires tensor_core_element<typename P::activation> &&
           std::same_as<typename View::element_type, typename P::activation>
void norm_qkv(context& ctx, batch_view const& batch, matrix_view<float const> x,
              layer_weights<P> const& layer, rope_view rope, float epsilon, std::int32_t layer_number,
              View const& kv, matrix_view<typename P::activation> queries) {
  if (batch.shape.tokens <= streamed_qkv_rows &&
      few_rows_norm_qkv<P>(ctx, batch, x, layer, rope, epsilon, layer_number, kv, queries)) {
    return;
  }
  many_rows_norm_qkv(ctx, batch, x, layer, rope, epsilon, layer_number, kv, queries);
}

}  // namespace tenon::cuda
