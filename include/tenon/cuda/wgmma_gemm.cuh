// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/cluster.cuh"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/gemm_cache.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/tensor_map.cuh"
#include "tenon/cuda/wgmma.cuh"

// A product of many rows, in * W^T, whose epilogue is part of the kernel: for compute capability 9.0a.
//
// A block computes 128 rows x 256 features of the product at a time. One thread keeps the copy engine at
// work, four stages of 64 elements of in_features ahead; two warpgroups multiply, 64 rows each. The two
// blocks of a cluster share the 256 features: each brings half of their weights, to both. Blocks stay and
// take tile after tile, so that the copies of the next tile run during the epilogue of the last.
namespace tenon::cuda::wgmma_gemm {

inline constexpr std::int32_t tile_rows = 128;  ///< of one block
inline constexpr std::int32_t tile_depth = 64;  ///< of in_features: rows of 128 bytes
inline constexpr std::int32_t half_features = 128;
inline constexpr std::int32_t cluster_blocks = 2;
inline constexpr std::int32_t stages = 4;
inline constexpr std::int32_t warpgroup_rows = 64;
inline constexpr std::int32_t consumer_threads = 256;
inline constexpr std::int32_t threads = consumer_threads + 128;

inline constexpr std::uint32_t in_bytes = tile_rows * 128;
inline constexpr std::uint32_t half_bytes = half_features * 128;
inline constexpr std::uint32_t stage_bytes = in_bytes + 2 * half_bytes;
inline constexpr std::uint32_t panel_bytes = warpgroup_rows * 128;  ///< 64 rows of 128 bytes on their way out
inline constexpr std::uint32_t staging_bytes = 2 * panel_bytes;     ///< of one warpgroup
inline constexpr std::uint32_t alignment = 1024;                    ///< of what is swizzled
inline constexpr std::uint32_t barriers_at = stages * stage_bytes + 2 * staging_bytes;
inline constexpr std::uint32_t shared_bytes = barriers_at + 2 * stages * 8 + alignment;
static_assert(shared_bytes <= 232'448, "a block has 227 KiB of shared memory");

/// Pairs of row tiles that are worked on side by side: their input stays in the second-level cache while all
/// weights pass once.
inline constexpr std::int32_t band = 8;

/// Sizes of a product in tiles: what a cluster computes is one pair of row tiles and one tile of features.
struct tiling {
  std::int32_t pairs = 0;
  std::int32_t feature_tiles = 0;
  std::int32_t depth_tiles = 0;

  struct place {
    std::int32_t row;
    std::int32_t feature_tile;
  };

  __host__ __device__ constexpr std::int32_t count() const { return pairs * feature_tiles; }

  /// Bands of `band` pairs, one after the other; in a band rows change fastest.
  __host__ __device__ constexpr place at(std::int32_t tile, std::int32_t rank) const {
    std::int32_t const of_band = band * feature_tiles;
    std::int32_t const first = tile / of_band * band;
    std::int32_t const in_band = pairs - first < band ? pairs - first : band;
    std::int32_t const rest = tile % of_band;
    return {((first + rest % in_band) * cluster_blocks + rank) * tile_rows, rest / in_band};
  }
};

/// Shared memory of one block, by addresses.
struct shared_places {
  std::uint32_t begin;

  __device__ std::uint32_t in(std::int32_t stage) const {
    return begin + static_cast<std::uint32_t>(stage) * stage_bytes;
  }
  __device__ std::uint32_t weights(std::int32_t stage) const { return in(stage) + in_bytes; }
  __device__ std::uint32_t staging(std::int32_t warpgroup) const {
    return begin + stages * stage_bytes + static_cast<std::uint32_t>(warpgroup) * staging_bytes;
  }
  __device__ std::uint32_t full(std::int32_t stage) const {
    return begin + barriers_at + static_cast<std::uint32_t>(stage) * 8;
  }
  __device__ std::uint32_t empty(std::int32_t stage) const { return full(stage) + stages * 8; }
};

/// Walks the ring of stages: the parity changes with every round.
struct ring_place {
  std::int32_t stage = 0;
  std::uint32_t parity = 0;

  __device__ void advance() {
    if (++stage == stages) stage = 0, parity ^= 1;
  }
};

/// One thread's work: both halves of a stage's weights come from the two blocks of the cluster.
template <class Epilogue>
__device__ void produce(CUtensorMap const& in, CUtensorMap const& weights, tiling const& tiles,
                        shared_places const& shared, Epilogue const& epilogue) {
  auto const rank = cluster_rank();
  auto const clusters = static_cast<std::int32_t>(gridDim.x) / cluster_blocks;
  ring_place ring;
  for (std::int32_t tile = static_cast<std::int32_t>(blockIdx.x) / cluster_blocks; tile < tiles.count();
       tile += clusters) {
    auto const place = tiles.at(tile, rank);
    std::int32_t const feature = epilogue.first_feature(place.feature_tile, rank);
    for (std::int32_t k = 0; k < tiles.depth_tiles; ++k) {
      wait_for_end(shared.empty(ring.stage), ring.parity ^ 1);
      expect_bytes(shared.full(ring.stage), stage_bytes);
      load_box(in, shared.in(ring.stage), k * tile_depth, place.row, shared.full(ring.stage));
      load_box_for(weights, shared.weights(ring.stage) + static_cast<std::uint32_t>(rank) * half_bytes,
                   k * tile_depth, feature, shared.full(ring.stage), 0b11);
      ring.advance();
    }
  }
}

/// The sums of one tile: 64 rows of this warpgroup, 256 features. A stage is given back to both blocks once
/// the products that read it are done.
template <class Element>
__device__ void multiply_tile(float (&sums)[128], tiling const& tiles, shared_places const& shared,
                              ring_place& ring, std::int32_t warpgroup) {
  auto const thread = static_cast<std::uint32_t>(threadIdx.x) % 128;
  std::int32_t last = 0;
  for (std::int32_t k = 0; k < tiles.depth_tiles; ++k) {
    wait_for_end(shared.full(ring.stage), ring.parity);
    auto const in = wgmma_descriptor(shared.in(ring.stage) +
                                     static_cast<std::uint32_t>(warpgroup) * (warpgroup_rows * 128));
    auto const weights = wgmma_descriptor(shared.weights(ring.stage));
    wgmma_fence();
#pragma unroll
    for (std::uint32_t step = 0; step < tile_depth / 16; ++step) {
      wgmma<Element>(sums, in + 2 * step, weights + 2 * step, k > 0 || step > 0);
    }
    wgmma_commit();
    if (k > 0) {
      wgmma_wait<1>();
      if (thread < cluster_blocks) arrive_at_rank(shared.empty(last), thread);
    }
    last = ring.stage;
    ring.advance();
  }
  wgmma_wait<0>();
  wgmma_hold(sums);
  if (thread < cluster_blocks) arrive_at_rank(shared.empty(last), thread);
}

/// in * W^T, each finished tile handed to the epilogue by the warpgroup that holds its sums.
template <class Element, class Epilogue>
__global__ void __launch_bounds__(threads, 1)
    kernel(__grid_constant__ CUtensorMap const in, __grid_constant__ CUtensorMap const weights,
           tiling const tiles, __grid_constant__ Epilogue const epilogue) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ std::uint8_t memory[];
  shared_places const shared{(shared_address(memory) + alignment - 1) / alignment * alignment};
  // The same in every lane, and known to be: descriptors then stay in uniform registers.
  auto const warpgroup = __shfl_sync(0xffffffffu, static_cast<std::int32_t>(threadIdx.x) / 128, 0);
  let_next_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(in);
    prefetch_tensor_map(weights);
    for (std::int32_t stage = 0; stage < stages; ++stage) {
      init_barrier(shared.full(stage), 1);
      init_barrier(shared.empty(stage), cluster_blocks * consumer_threads / 128);
    }
    publish_barriers();
  }
  sync_cluster();
  wait_for_previous();
  if (warpgroup == consumer_threads / 128) {
    give_registers<40>();
    if (threadIdx.x == consumer_threads) produce(in, weights, tiles, shared, epilogue);
    __syncwarp();
  } else {
    take_registers<232>();
    auto const clusters = static_cast<std::int32_t>(gridDim.x) / cluster_blocks;
    ring_place ring;
    float sums[128];
    for (std::int32_t tile = static_cast<std::int32_t>(blockIdx.x) / cluster_blocks; tile < tiles.count();
         tile += clusters) {
      auto const place = tiles.at(tile, cluster_rank());
      std::int32_t const row = place.row + warpgroup * warpgroup_rows;
      auto const rows = epilogue.look_up(row, place.feature_tile);
      multiply_tile<Element>(sums, tiles, shared, ring, warpgroup);
      epilogue.finish(sums, rows, row, place.feature_tile, shared.staging(warpgroup), warpgroup);
    }
    if (threadIdx.x % 128 == 0) wait_for_stores();
    __syncwarp();
  }
  sync_cluster();  // no block ends while the other one writes to its shared memory
#else
  mark_as_absent();
#endif
}

/// Whether the tiles keep nearly all multiprocessors at work to the end. Where less than 85 % of them are,
/// cuBLASLt, which has more shapes of tiles, is faster even with kernels of their own for norm and epilogue;
/// H100, cuBLASLt's way and this one: qkv of 7B, 2048 rows (73 %) 117 and 132 us, 8192 rows (97 %) 502 and
/// 385 us; gate_up of 1.7B, 512 rows (73 %) 39 and 43 us, 1024 rows (97 %) 75 and 63 us; of 7B, 512 rows (90
/// %) 210 and 200 us. Row counts that share an algorithm of cuBLASLt share the answer.
constexpr bool fills(std::int32_t multiprocessors, std::int64_t rows, std::int32_t feature_tiles) {
  std::int64_t const clusters = multiprocessors / cluster_blocks;
  std::int64_t const tiles =
      ceil_div<std::int64_t>(gemm_cache::rounded_rows(rows), cluster_blocks * tile_rows) *
      static_cast<std::int64_t>(feature_tiles);
  return 100 * tiles >= 85 * clusters * ceil_div(tiles, clusters);
}

/// Enqueues the product for `in` [rows, in_features] and W [.., in_features], in_features a multiple of 8,
/// with an epilogue over `feature_tiles` tiles. Returns false, having done nothing, where this kernel does
/// not run.
template <class Element, class Epilogue>
bool run(context& ctx, matrix_view<Element const> in, dense_matrix<Element> const& weights,
         std::int32_t feature_tiles, Epilogue const& epilogue) {
  if (!is_compiled<kernel<Element, Epilogue>>(ctx)) return false;
  tiling const tiles{.pairs = ceil_div(static_cast<std::int32_t>(in.extent(0)), cluster_blocks * tile_rows),
                     .feature_tiles = feature_tiles,
                     .depth_tiles = ceil_div(weights.in_features, tile_depth)};
  auto const in_map = make_tensor_map(in, tile_rows);
  auto const weight_map = make_tensor_map(
      matrix_view<Element const>{weights.data, {weights.out_features, weights.in_features}}, half_features);
  auto const clusters = std::min(tiles.count(), ctx.properties().multiprocessors / cluster_blocks);
  launch_in_clusters<kernel<Element, Epilogue>>(
      ctx, cluster_blocks, static_cast<unsigned>(clusters * cluster_blocks), threads, shared_bytes,
      ordering::dependent, in_map, weight_map, tiles, epilogue);
  return true;
}

}  // namespace tenon::cuda::wgmma_gemm
