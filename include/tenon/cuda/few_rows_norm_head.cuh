// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/cuda/stream_launch.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// logits[row, feature] = sum.
struct logits_store : tile_epilogue {
  float* logits = nullptr;  // [rows, features]
  std::int32_t features = 0;

  __device__ ahead prefetch(stream_plan const&, row_state, std::int32_t, std::int32_t) const { return {}; }
  __device__ void store(stream_plan const& plan, state&, row_state, ahead, std::int32_t, std::int32_t pair,
                        std::int32_t row, float first, float second, std::byte*) const {
    float* const values = logits + static_cast<std::int64_t>(row) * features + plan.first(pair);
    values[0] = first;
    values[plan.half] = second;
  }
};

/// `norm_head` for few rows, by a weight stream; false where it does not serve the shape.
template <class P, class Tuning = stream_tuning>
bool few_rows_norm_head(context& ctx, batch_view const& batch, matrix_view<float const> x,
                        vector_view<float const> norm, typename P::matrix const& head, float epsilon,
                        matrix_view<float> logits) {
  using element = typename P::activation;
  if constexpr (!streams_weights<P>) {
    return false;
  } else {
    std::int32_t const rows = batch.shape.logit_rows;
    using input = normed_input<element>;
    if (rows < 1 || rows > few_rows_limit || head.in_features % 128 != 0) return false;
    if (head.out_features % 16 != 0) return false;
    stream_plan const plan{
        .pairs = head.out_features / 2, .half = 8, .in_features = head.in_features, .rows = rows};
    logits_store epilogue;
    epilogue.logits = logits.data;
    epilogue.features = static_cast<std::int32_t>(logits.extent(1));
    std::int32_t const blocks = stream_blocks(ctx, plan.pairs);
    if (input::serves(plan) &&
        launch_stream<element, Tuning>(ctx, plan, blocks, head.data,
                                       input{x.data, batch.logit_tokens, norm.data, epsilon}, epilogue)) {
      return true;
    }
    auto const normed = rms_norm_rows<element>(ctx, x, batch.logit_tokens, rows, norm, epsilon);
    return launch_stream<element, Tuning>(ctx, plan, blocks, head.data,
                                          streamed_input<element, 4>{normed.data}, epilogue);
  }
}

}  // namespace tenon::cuda
