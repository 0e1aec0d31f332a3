// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/cuda/stream_launch.cuh"

namespace tenon::cuda {

/// hidden[row, pair] = silu(gate) * up.
template <class Element> struct gated_product : tile_epilogue {
  Element* hidden = nullptr;  // [rows, pairs]

  __device__ ahead prefetch(stream_plan const&, row_state, std::int32_t, std::int32_t) const { return {}; }
  __device__ void store(stream_plan const& plan, state&, row_state, ahead, std::int32_t, std::int32_t pair,
                        std::int32_t row, float gate, float up, std::byte*) const {
    hidden[static_cast<std::int64_t>(row) * plan.pairs + pair] =
        element_traits<Element>::round(gate / (1.0f + __expf(-gate)) * up);
  }
};

/// `norm_gate_up` for few rows, by a weight stream; false where it does not serve the shape.
template <class P, class Tuning = stream_tuning>
bool few_rows_norm_gate_up(context& ctx, matrix_view<float const> x, layer_weights<P> const& layer,
                           float epsilon, matrix_view<typename P::activation> hidden) {
  using element = typename P::activation;
  if constexpr (!streams_weights<P>) {
    return false;
  } else {
    auto const rows = static_cast<std::int32_t>(hidden.extent(0));
    auto const& matrix = layer.gate_up;
    using input = normed_input<element>;
    if (rows < 1 || rows > few_rows_limit || matrix.in_features % 128 != 0) return false;
    std::int32_t const ffn = matrix.out_features / 2;
    stream_plan const plan{.pairs = ffn, .half = ffn, .in_features = matrix.in_features, .rows = rows};
    gated_product<element> epilogue;
    epilogue.hidden = hidden.data;
    std::int32_t const blocks = stream_blocks(ctx, ffn);
    if (input::serves(plan) &&
        launch_stream<element, Tuning>(ctx, plan, blocks, matrix.data,
                                       input{x.data, nullptr, layer.ffn_norm.data, epsilon}, epilogue)) {
      return true;
    }
    auto const normed = rms_norm_rows<element>(ctx, x, nullptr, rows, layer.ffn_norm, epsilon);
    return launch_stream<element, Tuning>(ctx, plan, blocks, matrix.data,
                                          streamed_input<element, 4>{normed.data}, epilogue);
  }
}

}  // namespace tenon::cuda
