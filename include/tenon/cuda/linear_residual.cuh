// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_linear_residual.cuh"
#include "tenon/cuda/gemm.hpp"

namespace tenon::cuda {

/// Rows up to which the weight stream is faster than cuBLASLt. H100, o + down of one layer: 17.3 and 17.8 us
/// (1.7B), 59.5 and 64.7 us (7B) at 8 rows.
inline constexpr std::int32_t streamed_linear_rows = 8;

/// `cpu::linear_residual` on the device: x[r, :] += in[r, :] * W^T, or = without keep_residual, summed in
/// float.
template <class P>
  requires tensor_core_element<typename P::activation>
void linear_residual(context& ctx, matrix_view<typename P::activation const> in,
                     typename P::matrix const& matrix, matrix_view<float> x, bool keep_residual) {
  if (in.extent(0) <= streamed_linear_rows && few_rows_linear_residual<P>(ctx, in, matrix, x, keep_residual))
    return;
  multiply(ctx, in, matrix, x.data, keep_residual);
}

}  // namespace tenon::cuda
