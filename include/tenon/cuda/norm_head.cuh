// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_norm_head.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Rows up to which the weight stream is faster than cuBLASLt.
inline constexpr std::int32_t streamed_head_rows = 8;

/// `cpu::norm_head` on the device: logits of the tokens that want them, in float.
template <class P>
  requires tensor_core_element<typename P::activation>
void norm_head(context& ctx, batch_view const& batch, matrix_view<float const> x,
               vector_view<float const> norm, typename P::matrix const& head, float epsilon,
               matrix_view<float> logits) {
  if (batch.shape.logit_rows <= streamed_head_rows &&
      few_rows_norm_head<P>(ctx, batch, x, norm, head, epsilon, logits)) {
    return;
  }
  auto const normed = rms_norm_rows<typename P::activation>(ctx, x, batch.logit_tokens,
                                                            batch.shape.logit_rows, norm, epsilon);
  multiply(ctx, normed, head, logits.data);
}

}  // namespace tenon::cuda
