// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/few_rows_linear_residual.cuh"
#include "tenon/cuda/gemm.hpp"

namespace tenon::cuda {

/// `cpu::linear_residual` on the device: x[r, :] += in[r, :] * W^T, or = without keep_residual, summed in
/// float.
template <class P>
  requires tensor_core_element<typename P::activation>
void linear_residual(context& ctx, matrix_view<typename P::activation const> in,
                     typename P::matrix const& matrix, matrix_view<float> x, bool keep_residual) {
  if (in.extent(0) <= few_rows_limit && few_rows_linear_residual<P>(ctx, in, matrix, x, keep_residual))
    return;
  multiply(ctx, in, matrix, x.data, keep_residual);
}

}  // namespace tenon::cuda
