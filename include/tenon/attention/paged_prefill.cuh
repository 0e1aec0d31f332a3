// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/attention/planned_prefill.cuh"
#include "tenon/attention/prefill_plan.hpp"
#include "tenon/attention/prefill_source.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::cuda {

/// One query head of one tile of tokens: four warps hold 32 queries each, with their sums, and walk over the
/// context from its end, 64 positions at a time, which two stages of shared memory bring (Dao 2023,
/// arXiv:2307.08691).
template <class Element, std::int32_t HeadDim> class prefill_block {
 public:
  static constexpr std::int32_t queries = prefill_plan::tile_tokens;
  static constexpr std::int32_t keys = 64;
  static constexpr std::int32_t warps = 4;
  static constexpr std::size_t shared_bytes = (queries + 4 * keys) * HeadDim * sizeof(Element);

  __device__ prefill_block(prefill_arguments<Element> const& arguments, prefill_tile const& tile,
                           std::int32_t head, std::int32_t kv_head, std::uint32_t shared)
      : arguments_{arguments},
        tile_{tile},
        pages_{arguments.table + tile.page_begin},
        column_{head * HeadDim},
        kv_head_{kv_head},
        shared_{shared} {}

  __device__ void run() {
    std::int32_t step = (tile_.context() - 1) / keys;
    load_queries();
    load_keys_and_values(step);
    commit_copies();
    for (; step >= 0; --step) {
      wait_for_copies<0>();
      __syncthreads();  // this stage has come, and the other one is free
      if (step > 0) load_keys_and_values(step - 1);
      commit_copies();
      float scores[2][keys / 8][4] = {};
      score(scores, stage(step));
      if ((step + 1) * keys > tile_.position + 1) mask(scores, step * keys);
      weigh(scores);
      add_values(scores, stage(step) + keys * row_bytes);
    }
    store();
  }

 private:
  static constexpr std::int32_t row_bytes = HeadDim * sizeof(Element);
  static constexpr std::int32_t chunks = row_bytes / 16;
  static constexpr std::int32_t rows_a_copy = 32 / chunks;

  /// Rows of 16-byte chunks, permuted so that eight rows' chunks of one number lie in different banks.
  __device__ static std::uint32_t place(std::int32_t row, std::int32_t chunk) {
    return static_cast<std::uint32_t>(row * row_bytes + ((chunk ^ (row & 7)) << 4));
  }

  __device__ std::uint32_t stage(std::int32_t step) const {
    return shared_ + static_cast<std::uint32_t>((queries + (step & 1) * 2 * keys) * row_bytes);
  }

  __device__ void load_queries() const {
    std::int32_t const chunk = lane_ % chunks;
    Element const* const source =
        arguments_.queries + tile_.token * arguments_.query_width + column_ + chunk * 8;
#pragma unroll 2
    for (std::int32_t i = 0; i < 32; i += rows_a_copy) {
      std::int32_t const row = warp_ * 32 + i + lane_ / chunks;
      bool const there = row < tile_.tokens;
      copy_async_16(shared_ + place(row, chunk), source + (there ? row * arguments_.query_width : 0), there);
    }
  }

  /// Positions [step * keys, (step + 1) * keys), zeros where the last query sees none: what the cache holds
  /// there may be no number. A warp brings 16 of them, and a lane looks one of these up.
  __device__ void load_keys_and_values(std::int32_t step) const {
    constexpr std::uint32_t nowhere = 0xffff'ffffu;
    std::int32_t const position = step * keys + warp_ * 16 + lane_ % 16;
    std::uint32_t const mine =
        position < tile_.context() ? arguments_.key_row(pages_, kv_head_, position) : nowhere;
    std::int32_t const chunk = lane_ % chunks;
    std::uint32_t const target = stage(step);
#pragma unroll
    for (std::int32_t i = 0; i < 16; i += rows_a_copy) {
      std::uint32_t const row = __shfl_sync(0xffff'ffffu, mine, i + lane_ / chunks);
      bool const there = row != nowhere;
      Element const* const key =
          arguments_.cache + static_cast<std::uint64_t>(there ? row : 0) * HeadDim + chunk * 8;
      Element const* const value = key + static_cast<std::uint64_t>(arguments_.values_row) * HeadDim;
      std::uint32_t const at = target + place(warp_ * 16 + i + lane_ / chunks, chunk);
      copy_async_16(at, key, there);
      copy_async_16(at + keys * row_bytes, value, there);
    }
  }

  /// scores[m][n] = queries . keys of tile m of 16 queries and tile n of 8 keys.
  __device__ void score(float (&scores)[2][keys / 8][4], std::uint32_t key_tile) const {
    std::int32_t const inner = lane_ & 7;
    std::uint32_t const query_at = shared_ + place(warp_ * 32 + (lane_ & 8) + inner, lane_ >> 4);
    std::uint32_t const key_at = key_tile + place(((lane_ >> 4) << 3) + inner, (lane_ >> 3) & 1);
#pragma unroll
    for (std::int32_t k = 0; k < HeadDim / 16; ++k) {
      std::uint32_t query[2][4];
#pragma unroll
      for (std::int32_t m = 0; m < 2; ++m)
        load_matrices(query[m], (query_at + m * 16 * row_bytes) ^ (k << 5));
#pragma unroll
      for (std::int32_t n = 0; n < keys / 8; n += 2) {
        std::uint32_t key[4];
        load_matrices(key, (key_at + n * 8 * row_bytes) ^ (k << 5));
#pragma unroll
        for (std::int32_t m = 0; m < 2; ++m) {
          mma_m16n8k16<Element>(scores[m][n], query[m], key[0], key[1]);
          mma_m16n8k16<Element>(scores[m][n + 1], query[m], key[2], key[3]);
        }
      }
    }
  }

  /// Minus infinity for positions after a query's own; `first` is the position of the first key.
  __device__ void mask(float (&scores)[2][keys / 8][4], std::int32_t first) const {
    std::int32_t const query = tile_.position + warp_ * 32 + lane_ / 4;
    std::int32_t const key = first + lane_ % 4 * 2;
#pragma unroll
    for (std::int32_t m = 0; m < 2; ++m) {
#pragma unroll
      for (std::int32_t n = 0; n < keys / 8; ++n) {
#pragma unroll
        for (std::int32_t i = 0; i < 4; ++i) {
          if (key + n * 8 + (i & 1) > query + m * 16 + (i & 2) * 4) scores[m][n][i] = minus_infinity;
        }
      }
    }
  }

  /// Turns scores into weights relative to the largest score so far, and what has been summed with them.
  __device__ void weigh(float (&scores)[2][keys / 8][4]) {
#pragma unroll
    for (std::int32_t m = 0; m < 2; ++m) {
#pragma unroll
      for (std::int32_t half = 0; half < 2; ++half) {
        float largest = largest_[m][half];
#pragma unroll
        for (std::int32_t n = 0; n < keys / 8; ++n) {
          largest = fmaxf(largest, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        }
        largest = fmaxf(largest, __shfl_xor_sync(0xffff'ffffu, largest, 1));
        largest = fmaxf(largest, __shfl_xor_sync(0xffff'ffffu, largest, 2));
        // No key seen yet: any finite number keeps differences of infinities away.
        float const offset = largest == minus_infinity ? 0.0f : largest * arguments_.log2_scale;
        float const shrink = exp2_approximate(largest_[m][half] * arguments_.log2_scale - offset);
        float sum = 0.0f;
#pragma unroll
        for (std::int32_t n = 0; n < keys / 8; ++n) {
#pragma unroll
          for (std::int32_t i = 2 * half; i < 2 * half + 2; ++i) {
            scores[m][n][i] = exp2_approximate(scores[m][n][i] * arguments_.log2_scale - offset);
            sum += scores[m][n][i];
          }
        }
        largest_[m][half] = largest;
        weight_[m][half] = weight_[m][half] * shrink + sum;
#pragma unroll
        for (std::int32_t d = 0; d < HeadDim / 8; ++d) {
          sums_[m][d][2 * half] *= shrink;
          sums_[m][d][2 * half + 1] *= shrink;
        }
      }
    }
  }

  __device__ void add_values(float const (&weights)[2][keys / 8][4], std::uint32_t value_tile) {
    using traits = element_traits<Element>;
    std::uint32_t const value_at = value_tile + place(lane_ & 15, lane_ >> 4);
#pragma unroll
    for (std::int32_t k = 0; k < keys / 16; ++k) {
      std::uint32_t weight[2][4];
#pragma unroll
      for (std::int32_t m = 0; m < 2; ++m) {
#pragma unroll
        for (std::int32_t i = 0; i < 4; ++i) {
          float const* const pair = &weights[m][2 * k + i / 2][i % 2 * 2];
          weight[m][i] = traits::round_pair(pair[0], pair[1]);
        }
      }
#pragma unroll
      for (std::int32_t d = 0; d < HeadDim / 8; d += 2) {
        std::uint32_t value[4];
        load_matrices_transposed(value, (value_at + k * 16 * row_bytes) ^ (d << 4));
#pragma unroll
        for (std::int32_t m = 0; m < 2; ++m) {
          mma_m16n8k16<Element>(sums_[m][d], weight[m], value[0], value[1]);
          mma_m16n8k16<Element>(sums_[m][d + 1], weight[m], value[2], value[3]);
        }
      }
    }
  }

  /// Divides by the sums of weights, and writes through the warp's own part of the queries' shared memory.
  __device__ void store() {
    using traits = element_traits<Element>;
    __syncwarp();  // all lanes have read the queries
#pragma unroll
    for (std::int32_t m = 0; m < 2; ++m) {
#pragma unroll
      for (std::int32_t half = 0; half < 2; ++half) {
        float weight = weight_[m][half];
        weight += __shfl_xor_sync(0xffff'ffffu, weight, 1);
        weight += __shfl_xor_sync(0xffff'ffffu, weight, 2);
        float const factor = __fdividef(1.0f, weight);
        std::uint32_t const at =
            shared_ + place(warp_ * 32 + m * 16 + half * 8 + lane_ / 4, 0) + lane_ % 4 * 4;
#pragma unroll
        for (std::int32_t d = 0; d < HeadDim / 8; ++d) {
          store_shared(at ^ (d << 4), traits::round_pair(sums_[m][d][2 * half] * factor,
                                                         sums_[m][d][2 * half + 1] * factor));
        }
      }
    }
    __syncwarp();
    std::int32_t const chunk = lane_ % chunks;
    Element* const target = arguments_.out + tile_.token * arguments_.query_width + column_ + chunk * 8;
#pragma unroll 2
    for (std::int32_t i = 0; i < 32; i += rows_a_copy) {
      std::int32_t const row = warp_ * 32 + i + lane_ / chunks;
      if (row >= tile_.tokens) continue;
      *reinterpret_cast<uint4*>(target + row * arguments_.query_width) =
          load_shared(shared_ + place(row, chunk));
    }
  }

  static constexpr float minus_infinity = -__builtin_huge_valf();

  prefill_arguments<Element> const& arguments_;
  prefill_tile const& tile_;
  std::int32_t const* pages_;
  std::int32_t column_;
  std::int32_t kv_head_;
  std::uint32_t shared_;
  std::int32_t warp_ = of_first_lane(static_cast<std::int32_t>(threadIdx.x / 32));
  std::int32_t lane_ = static_cast<std::int32_t>(threadIdx.x % 32);

  // Of query m * 16 + half * 8 + lane / 4 of the warp.
  float largest_[2][2] = {{minus_infinity, minus_infinity}, {minus_infinity, minus_infinity}};
  float weight_[2][2] = {};  ///< of this lane's keys
  float sums_[2][HeadDim / 8][4] = {};
};

template <class Element, std::int32_t HeadDim>
__global__ void __launch_bounds__(128, 2)
    paged_prefill_kernel(__grid_constant__ prefill_arguments<Element> const arguments) {
  extern __shared__ __align__(1024) unsigned char shared[];
  let_next_start();
  wait_for_previous();
  prefill_tile const tile = planned_tile(arguments.plan, static_cast<std::int32_t>(blockIdx.y));
  if (tile.tokens == 0) return;
  auto const head = static_cast<std::int32_t>(blockIdx.x);
  prefill_block<Element, HeadDim>{arguments, tile, head, head / arguments.group, shared_address(shared)}
      .run();
}

}  // namespace tenon::cuda

namespace tenon {

/// Attention for pieces of prompts on tensor cores (compute capability 8.0 and later): tiles of 128 tokens of
/// one row and one query head. Rows of one token are served too, but slowly.
///
/// A token's bits depend neither on pages nor on neighbours, but on where its row's piece begins: a tile
/// walks over its context from the last token's position.
struct paged_prefill : planned_prefill<paged_prefill> {
  static constexpr std::string_view name = "paged_prefill";

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = (HeadDim == 64 || HeadDim == 128) && Group > 0 && Group <= 32;

  /// `run` for rows [first_row, last_row) alone, the first of which begins with token `first_token` of the
  /// batch; `batch.plan` is what `plan_rows` wrote for them.
  template <std::int32_t Group, class Element, std::int32_t HeadDim>
  static void run_rows(cuda::context& ctx, batch_view const& batch, layer_index layer,
                       paged_view<Element, HeadDim> const& kv,
                       matrix_view<std::type_identity_t<Element> const> queries,
                       matrix_view<std::type_identity_t<Element>> out, std::int32_t first_row,
                       std::int32_t last_row, std::int32_t first_token) {
    static_assert(supports<HeadDim, Group>, "paged_prefill needs a head_dim of 64 or 128");
    if (first_row == last_row) return;
    using block_type = cuda::prefill_block<Element, HeadDim>;
    auto const tiles = prefill_plan::most_tiles(batch.shape.tokens - first_token, last_row - first_row);
    dim3 const grid(static_cast<unsigned>(kv.kv_heads * Group), static_cast<unsigned>(tiles));
    cuda::launch<cuda::paged_prefill_kernel<Element, HeadDim>>(
        ctx, grid, dim3(block_type::warps * 32), block_type::shared_bytes, cuda::ordering::dependent,
        cuda::prefill_arguments<Element>::of(Group, batch, layer, kv, queries, out));
  }
};

}  // namespace tenon
