// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/stream_launch.cuh"

namespace tenon::cuda {

/// x[row, feature] += sum, or = sum.
struct residual_sum : tile_epilogue {
  float* x = nullptr;  // [rows, features]
  std::int32_t features = 0;
  bool keep_residual = true;

  struct ahead {
    float first, second;
  };

  __device__ float* at(stream_plan const& plan, std::int32_t pair, std::int32_t row) const {
    return x + static_cast<std::int64_t>(row) * features + plan.first(pair);
  }
  __device__ ahead prefetch(stream_plan const& plan, row_state, std::int32_t pair, std::int32_t row) const {
    if (!keep_residual) return {0.0f, 0.0f};
    float const* const values = at(plan, pair, row);
    return {__ldcg(values), __ldcg(values + plan.half)};
  }
  __device__ void store(stream_plan const& plan, state&, row_state, ahead const& residual, std::int32_t,
                        std::int32_t pair, std::int32_t row, float first, float second, std::byte*) const {
    float* const values = at(plan, pair, row);
    values[0] = residual.first + first;
    values[plan.half] = residual.second + second;
  }
};

/// `linear_residual` for few rows, by a weight stream; false where it does not serve the shape.
template <class P, class Tuning = stream_tuning>
bool few_rows_linear_residual(context& ctx, matrix_view<typename P::activation const> in,
                              typename P::matrix const& matrix, matrix_view<float> x, bool keep_residual) {
  using element = typename P::activation;
  if constexpr (!streams_weights<P>) {
    return false;
  } else {
    auto const rows = static_cast<std::int32_t>(in.extent(0));
    if (rows < 1 || rows > few_rows_limit || matrix.out_features % 16 != 0) return false;
    stream_plan const plan{
        .pairs = matrix.out_features / 2, .half = 8, .in_features = matrix.in_features, .rows = rows};
    residual_sum epilogue;
    epilogue.x = x.data;
    epilogue.features = static_cast<std::int32_t>(x.extent(1));
    epilogue.keep_residual = keep_residual;
    std::int32_t const blocks = stream_blocks(ctx, plan.pairs);
    if (plan.pairs <= blocks * tile_pairs) {
      return launch_stream<element, Tuning>(ctx, plan, blocks, matrix.data,
                                            streamed_input<element, 1>{in.data}, epilogue);
    }
    return launch_stream<element, Tuning>(ctx, plan, blocks, matrix.data, streamed_input<element, 2>{in.data},
                                          epilogue);
  }
}

}  // namespace tenon::cuda
