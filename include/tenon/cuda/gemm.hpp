// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>

#include <concepts>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/gemm_cache.hpp"

namespace tenon::cuda {

/// What tensor cores multiply: the activation types that the CUDA backend has.
template <class Element>
concept tensor_core_element = std::same_as<Element, bf16_t> || std::same_as<Element, f16_t>;

/// cuBLASLt's name of an element type.
template <class Element> inline constexpr cudaDataType_t blas_type = CUDA_R_32F;
template <> inline constexpr cudaDataType_t blas_type<bf16_t> = CUDA_R_16BF;
template <> inline constexpr cudaDataType_t blas_type<f16_t> = CUDA_R_16F;

/// out[r, :] = in[r, :] * W^T, or += with `accumulate`, for every row of `in`; sums in float.
///
/// in      [rows, in_features], aligned to 256 bytes as `matrix` is
/// matrix  [out_features, in_features], both multiples of 8
/// out     [rows, out_features], float or Element; must not alias `in`
template <tensor_core_element Element, class Result>
void multiply(context& ctx, matrix_view<Element const> in, dense_matrix<Element> const& matrix, Result* out,
              bool accumulate = false) {
  if (in.extent(0) == 0) return;
  gemm_product const product{.rows = in.extent(0),
                             .out_features = matrix.out_features,
                             .in_features = matrix.in_features,
                             .operand = blas_type<Element>,
                             .result = blas_type<Result>};
  ctx.gemms().run(ctx.products_place(), product,
                  gemm_operands{.in = in.data, .weights = matrix.data, .out = out, .accumulate = accumulate});
}

}  // namespace tenon::cuda
