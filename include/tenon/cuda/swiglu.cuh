// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/checked_size.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"

namespace tenon::cuda {

/// silu(gate) * up, where silu(g) = g / (1 + exp(-g)); within a few units in the last place of a float.
__device__ inline float swiglu(float gate, float up) {
  float power, sigmoid;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(gate * -1.44269504f));
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(sigmoid) : "f"(1.0f + power));
  return gate * sigmoid * up;
}

template <class Element> __device__ std::uint32_t swiglu_pair(std::uint32_t gate, std::uint32_t up) {
  using traits = element_traits<Element>;
  float2 const g = traits::widen_pair(gate);
  float2 const u = traits::widen_pair(up);
  return traits::round_pair(swiglu(g.x, u.x), swiglu(g.y, u.y));
}

/// Vectors of eight elements that one thread takes: 2 * 16 bytes each in flight.
inline constexpr int swiglu_vectors = 4;

/// hidden[r, i] = silu(projected[r, i]) * projected[r, ffn + i]. A block takes a part of one row.
template <class Element>
__global__ void swiglu_kernel(Element const* projected, std::int32_t ffn, Element* hidden) {
  let_next_start();
  wait_for_previous();
  int const count = ffn / 8;
  auto const row = static_cast<std::int64_t>(blockIdx.x);
  auto const* const gates = reinterpret_cast<uint4 const*>(projected + 2 * row * ffn);
  auto const* const ups = gates + count;
  auto* const to = reinterpret_cast<uint4*>(hidden + row * ffn);
  auto const index = [](int i) {
    return static_cast<int>((blockIdx.y * swiglu_vectors + i) * blockDim.x + threadIdx.x);
  };
  uint4 gate[swiglu_vectors];
  uint4 up[swiglu_vectors];
#pragma unroll
  for (int i = 0; i < swiglu_vectors; ++i) {
    if (index(i) >= count) break;
    gate[i] = gates[index(i)];
    up[i] = ups[index(i)];
  }
#pragma unroll
  for (int i = 0; i < swiglu_vectors; ++i) {
    if (index(i) >= count) break;
    to[index(i)] = {swiglu_pair<Element>(gate[i].x, up[i].x), swiglu_pair<Element>(gate[i].y, up[i].y),
                    swiglu_pair<Element>(gate[i].z, up[i].z), swiglu_pair<Element>(gate[i].w, up[i].w)};
  }
}

/// hidden[r, :] = silu(projected[r, :ffn]) * projected[r, ffn:], rounded once. ffn is a multiple of 8.
template <class Element>
void swiglu(context& ctx, matrix_view<Element const> projected, matrix_view<Element> hidden) {
  auto const ffn = static_cast<std::int32_t>(hidden.extent(1));
  auto const parts = ceil_div(ffn / 8, 256 * swiglu_vectors);
  auto const threads = round_up(ceil_div(ffn / 8, parts * swiglu_vectors), 32);
  dim3 const grid{static_cast<unsigned>(hidden.extent(0)), static_cast<unsigned>(parts)};
  launch<swiglu_kernel<Element>>(ctx, grid, static_cast<unsigned>(threads), 0, ordering::dependent,
                                 projected.data, ffn, hidden.data);
}

}  // namespace tenon::cuda
