// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/cuda/swiglu.cuh"
#include "tenon/cuda/wgmma_epilogues.cuh"
#include "tenon/cuda/wgmma_gemm.cuh"

namespace tenon::cuda {

/// hidden = silu(in * gate^T) * (in * up^T) in one kernel, rounded once; false where it does not serve.
template <class Element>
bool wgmma_gate_up(context& ctx, matrix_view<Element const> in, dense_matrix<Element> const& gate_up,
                   matrix_view<Element> hidden) {
  auto const ffn = static_cast<std::int32_t>(hidden.extent(1));
  using epilogue_type = wgmma_gemm::swiglu_epilogue<Element>;
  if (ffn % wgmma_gemm::half_features != 0) return false;
  if (!is_compiled<wgmma_gemm::kernel<Element, epilogue_type>>(ctx)) return false;
  epilogue_type const epilogue{.hidden = make_tensor_map(hidden, wgmma_gemm::warpgroup_rows), .ffn = ffn};
  return wgmma_gemm::run(ctx, in, gate_up, ffn / wgmma_gemm::half_features, epilogue);
}

/// The many-row path of `norm_gate_up`: norm, then one kernel for product and SwiGLU, or a GEMM and a kernel
/// for SwiGLU; the latter rounds gate and up once on their way through memory, beside the roundings of the
/// contract.
template <class P>
void many_rows_norm_gate_up(context& ctx, matrix_view<float const> x, layer_weights<P> const& layer,
                            float epsilon, matrix_view<typename P::activation> hidden) {
  using element = typename P::activation;
  std::int64_t const rows = hidden.extent(0);
  std::int64_t const width = 2 * hidden.extent(1);
  if (rows == 0) return;
  auto const normed = rms_norm_rows<element>(ctx, x, nullptr, rows, layer.ffn_norm, epsilon);
  bool const fills = wgmma_gemm::fills(ctx.properties().multiprocessors, rows,
                                       static_cast<std::int32_t>(width / 2 / wgmma_gemm::half_features));
  if (fills && wgmma_gate_up(ctx, normed, layer.gate_up, hidden)) return;
  auto* const projected =
      static_cast<element*>(ctx.projected_scratch(static_cast<std::size_t>(rows * width) * sizeof(element)));
  multiply(ctx, normed, layer.gate_up, projected);
  swiglu(ctx, matrix_view<element const>{projected, {rows, width}}, hidden);
}

}  // namespace tenon::cuda
