// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/attention/split_kv_partial.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::cuda {

/// One warp's decode attention, a tile of 16 positions of one key/value head at a time, straight from memory
/// to registers, which the tensor cores take as they come: scores^T = keys * queries^T, out^T = values^T *
/// weights^T, with the query heads of a group as the (at most eight) columns. Whatever order the inner
/// dimension of a product has, it has on both sides, so that every load is of 16 bytes.
///
/// Softmax is in float, base 2. A weight goes into its product as two 16-bit numbers, its rounding and the
/// rest, so that only the result is rounded.
template <class Element, std::int32_t HeadDim, std::int32_t Group> class split_kv_tile {
  static_assert(HeadDim == 64 || HeadDim == 128, "split_kv_decode has code for head_dim 64 and 128");
  static_assert(Group >= 1 && Group <= 8, "split_kv_decode has code for groups of 1 to 8");

 public:
  static constexpr std::int32_t tokens = 16;
  static constexpr std::int32_t vectors = HeadDim / 4;
  using warp_sums = float4[Group][vectors + 1];  ///< padded: neighbouring heads use different banks
  using warp_scales = float2[Group];

  __device__ void clear() {
#pragma unroll
    for (std::int32_t t = 0; t < sum_tiles; ++t) {
      for (float& sum : sums_[t]) sum = 0.0f;
    }
    largest_[0] = largest_[1] = __int_as_float(0xff800000);
    weight_[0] = weight_[1] = 0.0f;
  }

  /// `address(i)` is that of the key of the tile's i-th token.
  template <class Address> __device__ void load_keys(Address const& address) {
#pragma unroll
    for (std::int32_t i = 0; i < 2; ++i) {
      Element const* const key = address(group_ + 8 * i) + quad_ * 8;
#pragma unroll
      for (std::int32_t chunk = 0; chunk < chunks; ++chunk)
        keys_[i][chunk] = load_streaming(key + chunk * 32);
    }
  }

  /// `address(i)` is that of the value of the tile's i-th token.
  template <class Address> __device__ void load_values(Address const& address) {
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) {
      Element const* const value = address(2 * quad_ + (i & 1) + 4 * (i & 2)) + group_ * 8;
#pragma unroll
      for (std::int32_t half = 0; half < halves; ++half) values_[i][half] = load_streaming(value + half * 64);
    }
  }

  /// The queries of the group, [Group, HeadDim].
  __device__ void load_queries(Element const* queries) {
    Element const* const query = queries + group_ * HeadDim + quad_ * 8;
#pragma unroll
    for (std::int32_t chunk = 0; chunk < chunks; ++chunk) {
      queries_[chunk] = group_ < Group ? load_streaming(query + chunk * 32) : uint4{0, 0, 0, 0};
    }
  }

  /// scores^T[16 tokens, 8 heads] of the keys held.
  __device__ void score(float (&scores)[4]) const {
    float other[4] = {};
    for (float& each : scores) each = 0.0f;
#pragma unroll
    for (std::int32_t chunk = 0; chunk < chunks; ++chunk) {
      uint4 const& a = keys_[0][chunk];
      uint4 const& b = keys_[1][chunk];
      std::uint32_t const low[4] = {a.x, b.x, a.y, b.y};
      std::uint32_t const high[4] = {a.z, b.z, a.w, b.w};
      mma_m16n8k16<Element>(scores, low, queries_[chunk].x, queries_[chunk].y);
      mma_m16n8k16<Element>(other, high, queries_[chunk].z, queries_[chunk].w);
    }
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) scores[i] += other[i];
  }

  /// Adds the values held, by their scores. `visible` tokens of the tile count.
  __device__ void add(float (&scores)[4], std::int32_t visible) {
    std::uint32_t weights[2];
    std::uint32_t rests[2];
    weigh(scores, visible, weights, rests);
    add_values(weights, rests);
  }

  /// Leaves what this warp has summed in shared memory.
  __device__ void store(warp_sums& sums, warp_scales& scales) {
#pragma unroll
    for (std::int32_t i = 0; i < 2; ++i) {
#pragma unroll
      for (std::int32_t step = 4; step < 32; step *= 2) {
        weight_[i] += __shfl_xor_sync(0xffffffffu, weight_[i], step);
      }
      std::int32_t const head = 2 * quad_ + i;
      if (head >= Group) continue;
      if (group_ == 0) scales[head] = {largest_[i], weight_[i]};
#pragma unroll
      for (std::int32_t t = 0; t < sum_tiles; t += 2) {
        sums[head][t / 4 * 16 + group_ * 2 + t % 4 / 2] = {sums_[t][i], sums_[t][i + 2], sums_[t + 1][i],
                                                           sums_[t + 1][i + 2]};
      }
    }
  }

 private:
  using traits = element_traits<Element>;
  static constexpr std::int32_t chunks = HeadDim / 32;  // of 16 bytes that a lane has of a key
  static constexpr std::int32_t halves = HeadDim / 64;  // of 16 bytes that a lane has of a value
  static constexpr std::int32_t sum_tiles = HeadDim / 16;

  /// Scores become weights relative to the largest score so far, and so does what has been summed.
  __device__ void weigh(float (&scores)[4], std::int32_t visible, std::uint32_t (&weights)[2],
                        std::uint32_t (&rests)[2]) {
    constexpr float scale = (HeadDim == 64 ? 0.125f : 0.08838834764831845f) * 1.4426950408889634f;
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) {
      scores[i] = group_ + 4 * (i & 2) < visible ? scores[i] * scale : __int_as_float(0xff800000);
    }
    float keep[2];
#pragma unroll
    for (std::int32_t i = 0; i < 2; ++i) {
      float largest = fmaxf(scores[i], scores[i + 2]);
#pragma unroll
      for (std::int32_t step = 4; step < 32; step *= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, step));
      }
      largest = fmaxf(largest, largest_[i]);
      keep[i] = exp2f(largest_[i] - largest);
      largest_[i] = largest;
      scores[i] = exp2f(scores[i] - largest);
      scores[i + 2] = exp2f(scores[i + 2] - largest);
      weight_[i] = weight_[i] * keep[i] + (scores[i] + scores[i + 2]);
    }
#pragma unroll
    for (std::int32_t t = 0; t < sum_tiles; ++t) {
#pragma unroll
      for (std::int32_t i = 0; i < 4; ++i) sums_[t][i] *= keep[i & 1];
    }
#pragma unroll
    for (std::int32_t i = 0; i < 2; ++i) {
      std::uint32_t const rounded = traits::round_pair(scores[2 * i], scores[2 * i + 1]);
      float2 const back = traits::widen_pair(rounded);
      rests[i] = transpose_matrix(traits::round_pair(scores[2 * i] - back.x, scores[2 * i + 1] - back.y));
      weights[i] = transpose_matrix(rounded);
    }
  }

  /// sums^T[head_dim, 8 heads] += values^T * weights^T. Tile 4 * half + word has dimensions 64 * half +
  /// 8 * group + 2 * word, + 1 as its rows group, group + 8.
  __device__ void add_values(std::uint32_t const (&weights)[2], std::uint32_t const (&rests)[2]) {
#pragma unroll
    for (std::int32_t half = 0; half < halves; ++half) {
      auto const add = [&](std::int32_t tile, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                           std::uint32_t d) {
        std::uint32_t const matrix[4] = {__byte_perm(a, b, 0x5410), __byte_perm(a, b, 0x7632),
                                         __byte_perm(c, d, 0x5410), __byte_perm(c, d, 0x7632)};
        mma_m16n8k16<Element>(sums_[tile], matrix, weights[0], weights[1]);
        mma_m16n8k16<Element>(sums_[tile], matrix, rests[0], rests[1]);
      };
      add(4 * half, values_[0][half].x, values_[1][half].x, values_[2][half].x, values_[3][half].x);
      add(4 * half + 1, values_[0][half].y, values_[1][half].y, values_[2][half].y, values_[3][half].y);
      add(4 * half + 2, values_[0][half].z, values_[1][half].z, values_[2][half].z, values_[3][half].z);
      add(4 * half + 3, values_[0][half].w, values_[1][half].w, values_[2][half].w, values_[3][half].w);
    }
  }

  std::int32_t const group_ = static_cast<std::int32_t>(threadIdx.x) % 32 / 4;
  std::int32_t const quad_ = static_cast<std::int32_t>(threadIdx.x) % 4;
  uint4 queries_[chunks];
  uint4 keys_[2][chunks];
  uint4 values_[4][halves];
  float sums_[sum_tiles][4];
  float largest_[2];
  float weight_[2];  // of the tokens that this lane has seen
};

}  // namespace tenon::cuda
