// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "tenon/core/checked_size.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/error.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/launch.cuh"

namespace tenon::cuda {

/// The sum over all threads of a block of whole warps, in an order that depends on the block's size alone.
/// `partial` has room for 32 floats of shared memory.
__device__ inline float block_sum(float value, float* partial) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0.0f;
  for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) sum += partial[warp];
  return sum;
}

/// Vectors of four floats that one thread keeps in registers: 64 bytes a thread in flight.
inline constexpr int rms_norm_vectors = 4;

/// One block a row, which stays in registers between the sum of squares and the scaling.
template <class Element>
__global__ void __launch_bounds__(1024)
    rms_norm_kernel(float const* x, std::int32_t const* source_rows, float const* weight, std::int32_t width,
                    float epsilon, Element* out) {
  using traits = element_traits<Element>;
  __shared__ float partial[32];
  let_next_start();
  auto const index = [](int i) { return static_cast<int>(threadIdx.x + i * blockDim.x); };
  int const count = width / 4;
  float4 scale[rms_norm_vectors];
  float4 value[rms_norm_vectors];
#pragma unroll
  for (int i = 0; i < rms_norm_vectors; ++i) {
    if (index(i) < count) scale[i] = __ldg(reinterpret_cast<float4 const*>(weight) + index(i));
  }
  wait_for_previous();
  std::int64_t const row = source_rows == nullptr ? blockIdx.x : source_rows[blockIdx.x];
  auto const* const in = reinterpret_cast<float4 const*>(x + row * width);
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < rms_norm_vectors; ++i) {
    value[i] = index(i) < count ? in[index(i)] : float4{};
    sum +=
        value[i].x * value[i].x + value[i].y * value[i].y + value[i].z * value[i].z + value[i].w * value[i].w;
  }
  float const factor = 1.0f / sqrtf(block_sum(sum, partial) / static_cast<float>(width) + epsilon);
  auto* const to = reinterpret_cast<uint2*>(out + static_cast<std::int64_t>(blockIdx.x) * width);
#pragma unroll
  for (int i = 0; i < rms_norm_vectors; ++i) {
    if (index(i) >= count) break;
    float2 const low = traits::widen_pair(traits::round_pair(value[i].x * factor, value[i].y * factor));
    float2 const high = traits::widen_pair(traits::round_pair(value[i].z * factor, value[i].w * factor));
    to[index(i)] = {traits::round_pair(low.x * scale[i].x, low.y * scale[i].y),
                    traits::round_pair(high.x * scale[i].z, high.y * scale[i].w)};
  }
}

/// RMSNorm of x[source_rows[i], :], or of x[i, :] where source_rows is null, into row i of the context's
/// normed scratch, for i < rows; rounded twice, as `cpu::rms_norm_row` says.
///
/// x            [tokens, width], aligned to 16 bytes; width is a multiple of 8, at most 16384
/// source_rows  [rows] in device memory, or null
/// weight       [width]
/// Returns [rows, width], valid until the next op.
template <tensor_core_element Element>
matrix_view<Element const> rms_norm_rows(context& ctx, matrix_view<float const> x,
                                         std::int32_t const* source_rows, std::int64_t rows,
                                         vector_view<float const> weight, float epsilon) {
  constexpr std::int64_t widest = 1024 * 4 * rms_norm_vectors;
  std::int64_t const width = weight.extent(0);
  if (width % 8 != 0 || width > widest) {
    throw options_error{"rms_norm: expected a width that is a multiple of 8 and at most " +
                        std::to_string(widest) + ", found " + std::to_string(width)};
  }
  auto* const out =
      static_cast<Element*>(ctx.normed_scratch(static_cast<std::size_t>(rows * width) * sizeof(Element)));
  if (rows > 0) {
    auto const threads = round_up<std::int64_t>(ceil_div<std::int64_t>(width, 4 * rms_norm_vectors), 32);
    launch<rms_norm_kernel<Element>>(ctx, static_cast<unsigned>(rows), static_cast<unsigned>(threads), 0,
                                     ordering::dependent, x.data, source_rows, weight.data,
                                     static_cast<std::int32_t>(width), epsilon, out);
  }
  return {out, {rows, width}};
}

}  // namespace tenon::cuda
