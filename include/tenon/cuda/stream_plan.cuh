// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/stream_ring.cuh"

namespace tenon::cuda {

/// Moments of a block's life, for a time line.
enum class stream_moment { started, filled, issued, released, prepared, summed, stored };

/// How a weight stream is cut. Two blocks of one multiprocessor must fit beside each other, so that the next
/// kernel fills its ring while this one drains: hence half of 228 KiB less 1 KiB that the system takes a
/// block.
///
/// H100, us a layer of Qwen3-1.7B and Qwen2.5-7B without attention, one row: as it is 44 and 168; with
/// 16-byte copies by 4 warps 45 and 172; with all tiles dealt 44 and 182; serial 51 and 172. One warp for the
/// bulk copies cannot ask for them fast enough: about 50 ns each.
struct stream_tuning {
  static constexpr std::int32_t chunk = 512;  ///< elements of k in a slot of the ring: a multiple of 256
  static constexpr std::int32_t shared_bytes = 115712;
  static constexpr keep weights = keep::briefly;
  static constexpr std::int32_t producers = 2;  ///< warps that fill the ring: 2 or 4
  static constexpr bool bulk = true;  ///< bulk copies of rows where there are such, else 16 bytes a lane
  static constexpr std::int32_t dealt = 50;  ///< percent of the tiles; any block takes the others, if it may
  static constexpr ordering order = ordering::dependent;
  __device__ static void mark(stream_moment) {}
};

/// What a weight stream covers: y[m, n] = sum over k of in[m, k] * weights[n, k], for `pairs` pairs of
/// features. Pair p is the features first(p) = p + (p / half) * half and first(p) + half. So a pair is a gate
/// and its up feature (half = ffn), the two that rotary embedding turns (half = head_dim / 2), or any (half =
/// 8).
struct stream_plan {
  std::int32_t pairs = 0;
  std::int32_t half = 8;
  std::int32_t in_features = 0;  ///< a multiple of 128
  std::int32_t rows = 0;
  std::int32_t slots = 0;            ///< of the ring of weights
  std::int32_t input_slots = 0;      ///< of the ring of activations, where the input is streamed
  std::int32_t cluster = 1;          ///< blocks that share their results before they store them
  std::int32_t fixed = 0;            ///< pairs that are dealt; blocks take the others when they get to them
  std::int32_t* counters = nullptr;  ///< tiles taken of those others, and blocks that take no more

  __host__ __device__ constexpr std::int32_t first(std::int32_t pair) const {
    return pair + pair / half * half;
  }
};

inline constexpr std::int32_t consumer_warps = 8;
inline constexpr std::int32_t consumer_threads = 32 * consumer_warps;
inline constexpr std::int32_t tile_pairs = 8;     ///< the 16 rows of an mma are 8 pairs
inline constexpr std::uint32_t row_padding = 64;  ///< bytes: neighbouring rows use different banks
inline constexpr std::int32_t most_weight_slots = 32;
inline constexpr std::int32_t most_input_slots = 8;
inline constexpr std::int32_t claim_slots = 32;  ///< more tiles than lie between a producer and a consumer

/// Shared memory of a block, in bytes from its start: barriers, sums of warps, the epilogue's, the input's
/// and the ring of weights.
struct stream_layout {
  static constexpr std::uint32_t row_sums = (2 * most_weight_slots + 2 * most_input_slots + claim_slots) * 8;
  static constexpr std::uint32_t claims = row_sums + 2 * consumer_warps * 4;
  static constexpr std::uint32_t tile_sums = (claims + claim_slots * 4 + 127) / 128 * 128;
  std::uint32_t epilogue = 0;
  std::uint32_t input = 0;
  std::uint32_t ring = 0;

  __host__ __device__ constexpr stream_layout(std::uint32_t epilogue_bytes, std::uint32_t input_bytes) {
    epilogue = tile_sums + static_cast<std::uint32_t>(consumer_warps * 128 * 4);
    input = epilogue + (epilogue_bytes + 127) / 128 * 128;
    ring = input + (input_bytes + 127) / 128 * 128;
  }
};
static_assert(stream_layout::tile_sums % 128 == 0);

template <class Tuning> constexpr std::uint32_t slot_stride() {
  return static_cast<std::uint32_t>(2 * Tuning::chunk) + row_padding;
}
template <class Tuning> constexpr std::uint32_t slot_bytes() {
  return 2 * tile_pairs * slot_stride<Tuning>();
}

/// The block's share of the pairs, cut into tiles of nearly the same size. From number `tiles` on, tiles are
/// those that any block may take.
struct stream_share {
  std::int32_t begin, pairs, tiles, fixed, all;

  __device__ explicit stream_share(stream_plan const& plan)
      : begin{bound(plan, blockIdx.x)},
        pairs{bound(plan, blockIdx.x + 1) - begin},
        tiles{(pairs + tile_pairs - 1) / tile_pairs},
        fixed{plan.fixed},
        all{plan.pairs} {}

  __device__ std::int32_t tile_begin(std::int32_t tile) const {
    return tile < tiles ? begin + pairs * tile / tiles : fixed + (tile - tiles) * tile_pairs;
  }
  __device__ std::int32_t tile_size(std::int32_t tile) const {
    if (tile < tiles) return begin + pairs * (tile + 1) / tiles - tile_begin(tile);
    return max(0, min(tile_pairs, all - tile_begin(tile)));
  }

 private:
  __device__ static std::int32_t bound(stream_plan const& plan, std::uint32_t block) {
    return static_cast<std::int32_t>(static_cast<std::int64_t>(plan.fixed) * block / gridDim.x);
  }
};

}  // namespace tenon::cuda
