// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/qkv_heads.cuh"
#include "tenon/cuda/wgmma_epilogues.cuh"
#include "tenon/cuda/wgmma_gemm.cuh"

namespace tenon::cuda::wgmma_gemm {

/// Bias, norm, rotary embedding and stores of the heads of a tile. Four lanes share a row of the tile, each
/// of them holding both elements of every pair that rotates.
template <class Element, class View> struct qkv_epilogue {
  static constexpr std::int32_t head_dim = View::head_dim;
  static constexpr std::int32_t heads_a_tile = 2 * half_features / head_dim;
  static constexpr int columns = head_dim / 8;  ///< of 8 features, of one head
  static_assert(head_dim == 64 || head_dim == 128);

  qkv_heads<Element, View> heads;

  __device__ std::int32_t first_feature(std::int32_t feature_tile, std::int32_t half) const {
    return (2 * feature_tile + half) * half_features;
  }

  /// What is looked up of the two rows of this thread; rows after the last token look at that one.
  struct two_rows {
    float const* angles[2];
    Element* targets[heads_a_tile][2];  // where the tile's heads go
  };

  __device__ two_rows look_up(std::int32_t row, std::int32_t feature_tile) const {
    two_rows found;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      std::int32_t const token = row + static_cast<std::int32_t>(threadIdx.x) % 128 / 32 * 16 +
                                 static_cast<std::int32_t>(threadIdx.x) % 32 / 4 + 8 * half;
      auto const place = heads.place(min(token, heads.batch.shape.tokens - 1));
      found.angles[half] = place.angles;
#pragma unroll
      for (int h = 0; h < heads_a_tile; ++h) {
        std::int32_t const head = feature_tile * heads_a_tile + h;
        found.targets[h][half] = head < heads.count() ? heads.target(place, head) : nullptr;
      }
    }
    return found;
  }

  __device__ void finish(float (&sums)[128], two_rows rows, std::int32_t row, std::int32_t feature_tile,
                         std::uint32_t staging, std::int32_t /*warpgroup*/) const {
    auto const warp = static_cast<std::int32_t>(threadIdx.x) % 128 / 32;
    auto const lane = static_cast<std::int32_t>(threadIdx.x) % 32;
    std::int32_t const last = heads.batch.shape.tokens - 1 - (row + 16 * warp);
    if (last < 0) return;
      // One head after the other moves to the front, so that there is one copy of the code for all of them.
#pragma unroll 1
    for (std::int32_t h = 0; h < heads_a_tile; ++h) {
      std::int32_t const head = feature_tile * heads_a_tile + h;
      if (head >= heads.count()) break;
      auto const* const norm = heads.norm(head);
      if (heads.bias != nullptr) add_bias(sums, heads.bias + head * head_dim, lane % 4);
      if (norm != nullptr) scale(sums, norm, lane % 4);
      if (!heads.is_value(head)) rotate(sums, rows, lane % 4);
      stage(sums, staging, warp, lane);
      __syncwarp();
      store(rows.targets[0][0], rows.targets[0][1], last, staging, warp, lane);
      __syncwarp();
#pragma unroll
      for (int i = 0; i + 4 * columns < 128; ++i) sums[i] = sums[i + 4 * columns];
#pragma unroll
      for (int i = 0; i + 1 < heads_a_tile; ++i) {
        rows.targets[i][0] = rows.targets[i + 1][0];
        rows.targets[i][1] = rows.targets[i + 1][1];
      }
    }
  }

 private:
  /// Elements 8 * n + 2 * quad and the next one of a vector in memory.
  __device__ static float2 two_of(float const* vector, int n, std::int32_t quad) {
    return reinterpret_cast<float2 const*>(vector)[4 * n + quad];
  }

  __device__ static void add_bias(float* values, float const* bias, std::int32_t quad) {
#pragma unroll
    for (int n = 0; n < columns; ++n) {
      float2 const two = two_of(bias, n, quad);
      values[4 * n] += two.x, values[4 * n + 1] += two.y;
      values[4 * n + 2] += two.x, values[4 * n + 3] += two.y;
    }
  }

  /// RMSNorm of the head in both rows of this thread.
  __device__ void scale(float* values, float const* weight, std::int32_t quad) const {
    float squares[2] = {0.0f, 0.0f};
#pragma unroll
    for (int i = 0; i < 4 * columns; ++i) squares[i % 4 / 2] += values[i] * values[i];
    float factors[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float sum = squares[half];
      sum += __shfl_xor_sync(0xffffffffu, sum, 1);
      sum += __shfl_xor_sync(0xffffffffu, sum, 2);
      factors[half] = 1.0f / sqrtf(sum / static_cast<float>(head_dim) + heads.epsilon);
    }
#pragma unroll
    for (int n = 0; n < columns; ++n) {
      float2 const two = two_of(weight, n, quad);
      values[4 * n] *= factors[0] * two.x, values[4 * n + 1] *= factors[0] * two.y;
      values[4 * n + 2] *= factors[1] * two.x, values[4 * n + 3] *= factors[1] * two.y;
    }
  }

  __device__ static void rotate(float (&sums)[128], two_rows const& rows, std::int32_t quad) {
#pragma unroll
    for (int i = 0; i < columns; ++i) {
      float2 const cosine = two_of(rows.angles[i % 2], i / 2, quad);
      float2 const sine = two_of(rows.angles[i % 2], columns / 2 + i / 2, quad);
      float* const low = sums + 4 * (i / 2) + 2 * (i % 2);
      turn(low, low + 2 * columns, cosine, sine);
    }
  }

  /// Two pairs: element i of the first half of the head with element i of the second.
  __device__ static void turn(float* low, float* high, float2 cosine, float2 sine) {
    float const a = low[0], b = low[1];
    low[0] = a * cosine.x - high[0] * sine.x;
    low[1] = b * cosine.y - high[1] * sine.y;
    high[0] = high[0] * cosine.x + a * sine.x;
    high[1] = high[1] * cosine.y + b * sine.y;
  }

  /// The 16 rows of a warp to shared memory, rounded.
  __device__ static void stage(float const* values, std::uint32_t staging, std::int32_t warp,
                               std::int32_t lane) {
    auto const row = static_cast<std::uint32_t>(16 * warp + lane / 8 % 2 * 8 + lane % 8);
    auto const pair = [&](int i) { return element_traits<Element>::round_pair(values[i], values[i + 1]); };
#pragma unroll
    for (int n = 0; n < columns; n += 2) {
      auto const to = panel_place(staging, row, static_cast<std::uint32_t>(n + lane / 16));
      store_matrices(to, pair(4 * n), pair(4 * n + 2), pair(4 * n + 4), pair(4 * n + 6));
    }
  }

  /// From there to their places, 16 bytes a lane: lane 4 * i knows where rows i and i + 8 go.
  __device__ static void store(Element* low, Element* high, std::int32_t last, std::uint32_t staging,
                               std::int32_t warp, std::int32_t lane) {
    constexpr std::int32_t rows_at_once = 32 / columns;
#pragma unroll
    for (std::int32_t first = 0; first < 16; first += rows_at_once) {
      std::int32_t const row = first + lane / columns;
      auto const target =
          __shfl_sync(0xffffffffu, reinterpret_cast<std::uint64_t>(first < 8 ? low : high), row % 8 * 4);
      auto const from = panel_place(staging, static_cast<std::uint32_t>(16 * warp + row),
                                    static_cast<std::uint32_t>(lane % columns));
      if (row <= last) reinterpret_cast<uint4*>(target)[lane % columns] = load_shared(from);
    }
  }
};

}  // namespace tenon::cuda::wgmma_gemm
