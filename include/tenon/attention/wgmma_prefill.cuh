// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/attention/prefill_plan.hpp"
#include "tenon/attention/prefill_source.cuh"
#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/wgmma.cuh"

namespace tenon::cuda {

/// How one block lays out its shared memory: the queries of a tile, and a ring of slots, each of which holds
/// the keys or the values of 128 positions. Every one of them is a row of panels of 64 columns, in the
/// 128-byte swizzle.
template <class Element, std::int32_t HeadDim> struct wgmma_layout {
  static constexpr std::uint32_t queries = prefill_plan::tile_tokens;
  static constexpr std::uint32_t keys = 128;
  static constexpr std::uint32_t slots = 6;
  static constexpr std::uint32_t chunks = HeadDim / 8;  ///< of 16 bytes, in a row
  static constexpr std::uint32_t query_panel = queries * 128;
  static constexpr std::uint32_t key_panel = keys * 128;
  static constexpr std::uint32_t query_bytes = HeadDim / 64 * query_panel;
  static constexpr std::uint32_t slot_bytes = HeadDim / 64 * key_panel;
  static constexpr std::uint32_t barriers = query_bytes + slots * slot_bytes;
  static constexpr std::uint32_t bytes = barriers + (2 * slots + 1) * 8;

  static constexpr std::uint32_t consumers = 256;
  static constexpr std::uint32_t producers = 128;

  std::uint32_t base;  ///< in shared memory, aligned to 1024 bytes

  __device__ std::uint32_t slot(std::uint32_t number) const {
    return base + query_bytes + number * slot_bytes;
  }
  __device__ std::uint32_t queries_have_come() const { return base + barriers; }
  __device__ std::uint32_t has_come(std::uint32_t slot) const { return base + barriers + 8 + slot * 16; }
  __device__ std::uint32_t is_free(std::uint32_t slot) const { return base + barriers + 16 + slot * 16; }

  __device__ void init_barriers() const {
    init_barrier(queries_have_come(), producers);
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      init_barrier(has_come(slot), producers);
      init_barrier(is_free(slot), consumers / 32);
    }
    publish_barriers();
  }

  /// Where 16-byte chunk `chunk` of a row lies in queries or a slot.
  __device__ static std::uint32_t place(std::uint32_t panel_bytes, std::uint32_t row, std::uint32_t chunk) {
    return chunk / 8 * panel_bytes + row * 128 + (((chunk ^ row) & 7) << 4);
  }
};

/// A place in the ring, and the parity of the phases of its barriers.
template <std::uint32_t Slots> struct ring_place {
  std::uint32_t slot = 0;
  std::uint32_t parity = 0;

  __device__ void advance() {
    if (++slot < Slots) return;
    slot = 0;
    parity ^= 1;
  }
};

/// The warpgroup that brings queries, keys and values to shared memory, as far ahead as there is room.
template <class Element, std::int32_t HeadDim> class prefill_producer {
 public:
  using layout_type = wgmma_layout<Element, HeadDim>;

  __device__ prefill_producer(prefill_arguments<Element> const& arguments, prefill_tile const& tile,
                              std::int32_t head, std::int32_t kv_head, layout_type layout)
      : arguments_{arguments}, tile_{tile}, head_{head}, kv_head_{kv_head}, layout_{layout} {}

  __device__ void run() {
    load_queries();
    std::int32_t step = (tile_.context() - 1) / static_cast<std::int32_t>(layout_type::keys);
    std::uint32_t row = look_up(step);
    for (; step >= 0; --step) {
      load(row, 0);
      load(row, arguments_.values_row);
      if (step > 0) row = look_up(step - 1);
    }
    announce();
  }

 private:
  static constexpr std::uint32_t chunks = layout_type::chunks;
  static constexpr std::uint32_t rows_a_copy = 32 / chunks;
  static constexpr std::uint32_t nowhere = 0xffff'ffffu;
  static constexpr std::uint32_t nothing = 0;

  __device__ void load_queries() {
    std::uint32_t const chunk = lane_ % chunks;
    Element const* const source =
        arguments_.queries + tile_.token * arguments_.query_width + head_ * HeadDim + chunk * 8;
#pragma unroll 4
    for (std::uint32_t i = 0; i < 32; i += rows_a_copy) {
      std::uint32_t const row = warp_ * 32 + i + lane_ / chunks;
      bool const there = row < static_cast<std::uint32_t>(tile_.tokens);
      copy_async_16(layout_.base + layout_type::place(layout_type::query_panel, row, chunk),
                    source + (there ? row * arguments_.query_width : 0), there);
    }
    commit_copies();
    under_way_ = layout_.queries_have_come();
  }

  /// The cache row of this lane's key in a step, or nowhere if no query of the tile sees it.
  __device__ std::uint32_t look_up(std::int32_t step) const {
    std::int32_t const position =
        step * static_cast<std::int32_t>(layout_type::keys) + static_cast<std::int32_t>(threadIdx.x % 128);
    if (position >= tile_.context()) return nowhere;
    return arguments_.key_row(arguments_.table + tile_.page_begin, kv_head_, position);
  }

  /// Brings 128 cache rows to the next slot, zeros where there is none: what the cache holds there may be no
  /// number.
  __device__ void load(std::uint32_t mine, std::uint32_t offset) {
    std::uint32_t const barrier = layout_.is_free(place_.slot);
    if (!__all_sync(0xffff'ffffu, has_ended(barrier, place_.parity ^ 1))) {
      announce();
      wait_for_end(barrier, place_.parity ^ 1);
      __syncwarp();
    }
    std::uint32_t const chunk = lane_ % chunks;
    std::uint32_t const target = layout_.slot(place_.slot);
#pragma unroll 4
    for (std::uint32_t i = 0; i < 32; i += rows_a_copy) {
      std::uint32_t const from = __shfl_sync(0xffff'ffffu, mine, static_cast<int>(i + lane_ / chunks));
      bool const there = from != nowhere;
      std::uint64_t const row = there ? from + offset : 0;
      copy_async_16(
          target + layout_type::place(layout_type::key_panel, warp_ * 32 + i + lane_ / chunks, chunk),
          arguments_.cache + row * HeadDim + chunk * 8, there);
    }
    commit_copies();
    if (under_way_ != nothing) {
      wait_for_copies<1>();
      publish_shared();
      arrive(under_way_);
    }
    under_way_ = layout_.has_come(place_.slot);
    place_.advance();
  }

  /// Waits for the copies under way and says that they have come.
  __device__ void announce() {
    if (under_way_ == nothing) return;
    wait_for_copies<0>();
    publish_shared();
    arrive(under_way_);
    under_way_ = nothing;
  }

  prefill_arguments<Element> const& arguments_;
  prefill_tile const& tile_;
  std::int32_t head_;
  std::int32_t kv_head_;
  layout_type layout_;
  std::uint32_t warp_ = threadIdx.x / 32 % 4;
  std::uint32_t lane_ = threadIdx.x % 32;
  ring_place<layout_type::slots> place_;
  std::uint32_t under_way_ = nothing;  ///< the barrier of copies that have not been announced
};

/// A warpgroup that computes 64 queries. While it turns the scores of one step into weights, the tensor cores
/// add the values of the step before, and compute for the other warpgroup: the two take turns (Shah et al.
/// 2024, arXiv:2407.08608, algorithm 2).
template <class Element, std::int32_t HeadDim> class prefill_consumer {
 public:
  using layout_type = wgmma_layout<Element, HeadDim>;

  __device__ prefill_consumer(prefill_arguments<Element> const& arguments, prefill_tile const& tile,
                              std::int32_t head, layout_type layout)
      : arguments_{arguments}, tile_{tile}, head_{head}, layout_{layout} {}

  __device__ void run() {
    float scores[keys / 2];
    float sums[HeadDim / 2] = {};
    std::uint32_t weights[keys / 16][4];
    auto step = (tile_.context() - 1) / static_cast<std::int32_t>(keys);
    if (group_ == 1 && step > 0) pass_barrier(turn(0), layout_type::consumers);
    wait_for_end(layout_.queries_have_come(), 0);
    wait_for_end(layout_.has_come(place_.slot), place_.parity);
    score(scores, place_.slot);
    wgmma_wait<0>();
    wgmma_hold(scores);
    leave(place_.slot);
    weigh(scores, step);
    round(weights, scores);
    for (--step; step >= 0; --step) {
      std::uint32_t const values = next_slot();
      std::uint32_t const values_parity = place_.parity;
      std::uint32_t const next_keys = next_slot();
      wait_for_end(layout_.has_come(next_keys), place_.parity);
      wait_at_barrier(turn(group_), layout_type::consumers);
      score(scores, next_keys);
      wait_for_end(layout_.has_come(values), values_parity);
      add_values(sums, weights, values);
      if (group_ == 0 || step > 0) pass_barrier(turn(1 - group_), layout_type::consumers);
      wgmma_wait<1>();
      wgmma_hold(scores);
      leave(next_keys);
      weigh(scores, step);
      wgmma_wait<0>();
      wgmma_hold(sums);
      leave(values);
#pragma unroll
      for (std::int32_t i = 0; i < HeadDim / 2; ++i) sums[i] *= shrink_[i / 2 % 2];
      round(weights, scores);
    }
    std::uint32_t const values = next_slot();
    wait_for_end(layout_.has_come(values), place_.parity);
    add_values(sums, weights, values);
    wgmma_wait<0>();
    wgmma_hold(sums);
    store(sums);
  }

 private:
  static constexpr std::uint32_t keys = layout_type::keys;
  static constexpr float minus_infinity = -__builtin_huge_valf();

  /// Named barriers: one for each warpgroup's turn, and one for itself.
  __device__ static std::uint32_t turn(std::uint32_t group) { return 1 + group; }
  __device__ std::uint32_t own_barrier() const { return 3 + group_; }

  __device__ std::uint32_t next_slot() {
    place_.advance();
    return place_.slot;
  }

  __device__ void leave(std::uint32_t slot) const {
    if (lane_ == 0) arrive(layout_.is_free(slot));
  }

  /// Begins scores[64, 128] = queries * keys^T.
  __device__ void score(float (&scores)[keys / 2], std::uint32_t slot) const {
    std::uint32_t const query_at = layout_.base + group_ * 64 * 128;
    std::uint32_t const key_at = layout_.slot(slot);
    wgmma_hold(scores);
    wgmma_fence();
#pragma unroll
    for (std::uint32_t k = 0; k < HeadDim / 16; ++k) {
      wgmma<Element>(scores, wgmma_descriptor(query_at + k / 4 * layout_type::query_panel + k % 4 * 32),
                     wgmma_descriptor(key_at + k / 4 * layout_type::key_panel + k % 4 * 32), k > 0);
    }
    wgmma_commit();
  }

  /// Begins sums[64, HeadDim] += weights * values.
  __device__ static void add_values(float (&sums)[HeadDim / 2], std::uint32_t (&weights)[keys / 16][4],
                                    layout_type layout, std::uint32_t slot) {
    std::uint32_t const value_at = layout.slot(slot);
    wgmma_hold(sums);
    wgmma_fence();
#pragma unroll
    for (std::uint32_t k = 0; k < keys / 16; ++k) {
      wgmma_rows<Element>(sums, weights[k],
                          wgmma_descriptor(value_at + k * 16 * 128, layout_type::key_panel));
    }
    wgmma_commit();
  }
  __device__ void add_values(float (&sums)[HeadDim / 2], std::uint32_t (&weights)[keys / 16][4],
                             std::uint32_t slot) const {
    add_values(sums, weights, layout_, slot);
  }

  /// Minus infinity for positions after a query's own, where a step has such.
  __device__ void mask(float (&scores)[keys / 2], std::int32_t step) const {
    std::int32_t const first = step * static_cast<std::int32_t>(keys);
    if (first + static_cast<std::int32_t>(keys) <= tile_.position + 1) return;
    // Scores of half h at column c of 8 * n + i are seen if c <= visible + 8 * h.
    std::int32_t const visible = tile_.position + static_cast<std::int32_t>(query()) - first -
                                 static_cast<std::int32_t>(lane_ % 4 * 2);
#pragma unroll
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(keys / 2); ++i) {
      if (i / 4 * 8 + i % 2 > visible + i / 2 % 2 * 8) scores[i] = minus_infinity;
    }
  }

  /// Turns scores into weights relative to the largest score so far; `shrink_` is for what was summed before.
  __device__ void weigh(float (&scores)[keys / 2], std::int32_t step) {
    mask(scores, step);
#pragma unroll
    for (std::uint32_t half = 0; half < 2; ++half) {
      float largest = largest_[half];
#pragma unroll
      for (std::uint32_t i = 2 * half; i < keys / 2; i += 4) {
        largest = fmaxf(largest, fmaxf(scores[i], scores[i + 1]));
      }
      largest = fmaxf(largest, __shfl_xor_sync(0xffff'ffffu, largest, 1));
      largest = fmaxf(largest, __shfl_xor_sync(0xffff'ffffu, largest, 2));
      // No key seen yet: any finite number keeps differences of infinities away.
      float const offset = largest == minus_infinity ? 0.0f : largest * arguments_.log2_scale;
      shrink_[half] = exp2_approximate(largest_[half] * arguments_.log2_scale - offset);
      largest_[half] = largest;
      weight_[half] *= shrink_[half];
#pragma unroll
      for (std::uint32_t i = 2 * half; i < keys / 2; i += 4) {
#pragma unroll
        for (std::uint32_t j = i; j < i + 2; ++j) {
          scores[j] = exp2_approximate(scores[j] * arguments_.log2_scale - offset);
          weight_[half] += scores[j];
        }
      }
    }
  }

  __device__ static void round(std::uint32_t (&weights)[keys / 16][4], float const (&scores)[keys / 2]) {
#pragma unroll
    for (std::uint32_t i = 0; i < keys / 4; ++i) {
      weights[i / 4][i % 4] = element_traits<Element>::round_pair(scores[2 * i], scores[2 * i + 1]);
    }
  }

  /// Divides by the sums of weights, and writes through this warp's part of the queries' shared memory.
  __device__ void store(float const (&sums)[HeadDim / 2]) const {
    constexpr std::uint32_t chunks = layout_type::chunks;
    wait_at_barrier(own_barrier(), 128);  // nobody of the warpgroup reads queries any more
#pragma unroll
    for (std::uint32_t half = 0; half < 2; ++half) {
      float weight = weight_[half];
      weight += __shfl_xor_sync(0xffff'ffffu, weight, 1);
      weight += __shfl_xor_sync(0xffff'ffffu, weight, 2);
      float const factor = 1.0f / weight;
#pragma unroll
      for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        std::uint32_t const i = 4 * chunk + 2 * half;
        store_shared(layout_.base + layout_type::place(layout_type::query_panel, query() + 8 * half, chunk) +
                         lane_ % 4 * 4,
                     element_traits<Element>::round_pair(sums[i] * factor, sums[i + 1] * factor));
      }
    }
    __syncwarp();
    std::uint32_t const chunk = lane_ % chunks;
    Element* const target =
        arguments_.out + tile_.token * arguments_.query_width + head_ * HeadDim + chunk * 8;
#pragma unroll
    for (std::uint32_t i = 0; i < 16; i += 32 / chunks) {
      std::uint32_t const row = group_ * 64 + warp_ * 16 + i + lane_ / chunks;
      if (row >= static_cast<std::uint32_t>(tile_.tokens)) continue;
      *reinterpret_cast<uint4*>(target + row * arguments_.query_width) =
          load_shared(layout_.base + layout_type::place(layout_type::query_panel, row, chunk));
    }
  }

  /// The first of this thread's two queries in the tile; the other one is 8 later.
  __device__ std::uint32_t query() const { return group_ * 64 + warp_ * 16 + lane_ / 4; }

  prefill_arguments<Element> const& arguments_;
  prefill_tile const& tile_;
  std::int32_t head_;
  layout_type layout_;
  std::uint32_t group_ = threadIdx.x / 128;
  std::uint32_t warp_ = threadIdx.x / 32 % 4;
  std::uint32_t lane_ = threadIdx.x % 32;
  ring_place<layout_type::slots> place_;

  float largest_[2] = {minus_infinity, minus_infinity};
  float weight_[2] = {};  ///< of this lane's keys
  float shrink_[2] = {};
};

template <class Element, std::int32_t HeadDim>
__global__ void __launch_bounds__(384, 1)
    wgmma_prefill_kernel(__grid_constant__ prefill_arguments<Element> const arguments) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using layout_type = wgmma_layout<Element, HeadDim>;
  extern __shared__ __align__(1024) unsigned char shared[];
  let_next_start();
  layout_type const layout{shared_address(shared)};
  if (threadIdx.x == 0) layout.init_barriers();
  wait_for_previous();
  prefill_tile const tile = planned_tile(arguments.plan, blockIdx.y);
  if (tile.tokens == 0) return;
  __syncthreads();
  auto const head = static_cast<std::int32_t>(blockIdx.x);
  if (threadIdx.x >= layout_type::consumers) {
    give_registers<40>();
    prefill_producer<Element, HeadDim>{arguments, tile, head, head / arguments.group, layout}.run();
  } else {
    take_registers<232>();
    prefill_consumer<Element, HeadDim>{arguments, tile, head, layout}.run();
  }
#endif
}

}  // namespace tenon::cuda

namespace tenon {

/// `paged_prefill` with the matrix instructions of compute capability 9.0, and on other devices
/// `paged_prefill` itself.
struct wgmma_prefill {
  static constexpr std::string_view name = "wgmma_prefill";
  static constexpr bool capturable = true;

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = paged_prefill::supports<HeadDim, Group>;

  static std::size_t plan_words(batch_limits const& limits) { return prefill_plan::words(limits); }
  static void plan(batch_view const& batch, std::span<std::int32_t> words) {
    plan_rows(batch, words, 0, batch.shape.rows);
  }

  /// The same for rows [first_row, last_row) alone.
  static void plan_rows(batch_view const& batch, std::span<std::int32_t> words, std::int32_t first_row,
                        std::int32_t last_row) {
    prefill_plan::write(batch, words, first_row, last_row);
  }

  /// queries, out: [tokens or more, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class Element, std::int32_t HeadDim>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer,
                  paged_view<Element, HeadDim> const& kv,
                  matrix_view<std::type_identity_t<Element> const> queries,
                  matrix_view<std::type_identity_t<Element>> out) {
    run_rows<Group>(ctx, batch, layer, kv, queries, out, 0, batch.shape.rows, 0);
  }

  /// The same for rows [first_row, last_row) alone, the first of which begins with token `first_token` of the
  /// batch; `batch.plan` is what `plan_rows` wrote for them.
  template <std::int32_t Group, class Element, std::int32_t HeadDim>
  static void run_rows(cuda::context& ctx, batch_view const& batch, layer_index layer,
                       paged_view<Element, HeadDim> const& kv,
                       matrix_view<std::type_identity_t<Element> const> queries,
                       matrix_view<std::type_identity_t<Element>> out, std::int32_t first_row,
                       std::int32_t last_row, std::int32_t first_token) {
    if (ctx.properties().compute_capability != 90) {
      return paged_prefill::run_rows<Group>(ctx, batch, layer, kv, queries, out, first_row, last_row,
                                            first_token);
    }
    static_assert(supports<HeadDim, Group>, "wgmma_prefill needs a head_dim of 64 or 128");
    if (first_row == last_row) return;
    using layout_type = cuda::wgmma_layout<Element, HeadDim>;
    auto const tiles = prefill_plan::most_tiles(batch.shape.tokens - first_token, last_row - first_row);
    dim3 const grid(static_cast<unsigned>(kv.kv_heads * Group), static_cast<unsigned>(tiles));
    cuda::launch<cuda::wgmma_prefill_kernel<Element, HeadDim>>(
        ctx, grid, dim3(layout_type::consumers + layout_type::producers), layout_type::bytes,
        cuda::ordering::dependent,
        cuda::prefill_arguments<Element>::of(Group, batch, layer, kv, queries, out));
  }
};

}  // namespace tenon
