// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/attention/prefill_source.cuh"
#include "tenon/attention/wgmma_prefill_layout.cuh"
#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/counter.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/wgmma.cuh"

namespace tenon::cuda {

/// A warpgroup that computes 64 queries of a tile. While it turns the scores of one step into weights, the
/// tensor cores add the values of the step before, and compute for the other warpgroup: the two take turns
/// (Shah et al. 2024, arXiv:2407.08608, algorithm 2). Turns give 626 TFLOP/s in place of 570.
template <class Element, std::int32_t HeadDim> class wgmma_prefill_consumer {
 public:
  using layout_type = wgmma_prefill_layout<Element, HeadDim>;

  __device__ wgmma_prefill_consumer(prefill_arguments<Element> const& arguments, prefill_split const& split,
                                    layout_type layout)
      : arguments_{arguments}, split_{split}, layout_{layout} {}

  __device__ void run() {
    for (;;) {
      wait_for_end(layout_.queries_have_come(buffer_.slot), buffer_.parity);
      work_ = prefill_assignment::load(layout_.assignment_at(buffer_.slot));
      if (work_.tokens == 0) return;
      float sums[HeadDim / 2] = {};
      attend(sums);
      if (merge(sums)) store(sums);
      __syncwarp();  // every lane has read what it wrote to the queries' place
      leave(layout_.queries_have_come(buffer_.slot));
      buffer_.advance();
    }
  }

 private:
  static constexpr std::uint32_t keys = layout_type::keys;
  static constexpr float minus_infinity = -__builtin_huge_valf();

  __device__ void attend(float (&sums)[HeadDim / 2]) {
    float scores[keys / 2];
    std::uint32_t weights[keys / 16][4];
    std::int32_t step = work_.last_step;
    if (group_ == 1 && step > work_.first_step) pass_barrier(turn(0), layout_type::consumers);
    largest_[0] = largest_[1] = minus_infinity;
    weight_[0] = weight_[1] = 0.0f;
    wait_for(place_);
    publish_shared();
    score(scores, place_.slot);
    wgmma_wait<0>();
    wgmma_hold(scores);
    leave_slot();
    weigh(scores, step);
    round(weights, scores);
    while (--step >= work_.first_step) {
      ring_place<layout_type::slots> const values = place_;
      place_.advance();
      wait_for(values);
      wait_for(place_);
      publish_shared();
      wait_at_barrier(turn(group_), layout_type::consumers);
      score(scores, place_.slot);
      add_values(sums, weights, values.slot);
      if (group_ == 0 || step > work_.first_step) pass_barrier(turn(1 - group_), layout_type::consumers);
      wgmma_wait<1>();
      wgmma_hold(scores);
      weigh(scores, step);
      leave_slot(after_weights());
      wgmma_wait<0>();
      wgmma_hold(sums);
      leave(layout_.has_come(values.slot));
      shrink(sums);
      round(weights, scores);
    }
    wait_for(place_);
    publish_shared();
    add_values(sums, weights, place_.slot);
    wgmma_wait<0>();
    wgmma_hold(sums);
    leave_slot();
#pragma unroll
    for (float& weight : weight_) {
      weight += __shfl_xor_sync(0xffff'ffffu, weight, 1);
      weight += __shfl_xor_sync(0xffff'ffffu, weight, 2);
    }
  }

  /// Named barriers: one for each warpgroup's turn, and one for itself.
  __device__ static std::uint32_t turn(std::uint32_t group) { return 1 + group; }
  __device__ void wait_for_warpgroup() const { wait_at_barrier(3 + group_, 128); }

  __device__ void wait_for(ring_place<layout_type::slots> const& place) const {
    wait_for_end(layout_.has_come(place.slot), place.parity);
  }

  __device__ void leave_slot(std::uint32_t zero = 0) {
    leave(layout_.has_come(place_.slot) + zero);
    place_.advance();
  }

  __device__ void leave(std::uint32_t has_come) const {
    if (lane_ == 0) arrive(layout_type::is_free(has_come));
  }

  /// 0, computed from all weights of the step: what depends on it comes after them, and so does the wait for
  /// the sums that follows. Without it nvcc 13.0 waits before it computes weights, and nothing overlaps.
  /// (Weights are not negative, and a NaN that arithmetic gives has no sign.)
  __device__ std::uint32_t after_weights() const {
    return (__float_as_uint(weight_[0]) | __float_as_uint(weight_[1])) >> 31;
  }

  /// Begins scores[64, 128] = queries * keys^T.
  __device__ void score(float (&scores)[keys / 2], std::uint32_t slot) const {
    std::uint64_t const query = wgmma_descriptor(layout_.queries_at(buffer_.slot) + group_ * 64 * 128);
    std::uint64_t const key = wgmma_descriptor(layout_.slot_at(slot));
    wgmma_hold(scores);
    wgmma_fence();
#pragma unroll
    for (std::uint32_t k = 0; k < HeadDim / 16; ++k) {
      wgmma<Element>(scores, wgmma_advance(query, k / 4 * layout_type::query_panel + k % 4 * 32),
                     wgmma_advance(key, k / 4 * layout_type::key_panel + k % 4 * 32), k > 0);
    }
    wgmma_commit();
  }

  /// Begins sums[64, HeadDim] += weights * values.
  __device__ void add_values(float (&sums)[HeadDim / 2], std::uint32_t const (&weights)[keys / 16][4],
                             std::uint32_t slot) const {
    std::uint64_t const value = wgmma_descriptor(layout_.slot_at(slot), layout_type::key_panel);
    wgmma_hold(sums);
    wgmma_fence();
#pragma unroll
    for (std::uint32_t k = 0; k < keys / 16; ++k) {
      wgmma_rows<Element>(sums, weights[k], wgmma_advance(value, k * 16 * 128));
    }
    wgmma_commit();
  }

  /// Minus infinity for positions after a query's own, where a step has such.
  __device__ void mask(float (&scores)[keys / 2], std::int32_t step) const {
    std::int32_t const first = step * static_cast<std::int32_t>(keys);
    if (first + static_cast<std::int32_t>(keys) <= work_.position + 1) return;
    // Scores of half h at column c of 8 * n + i are seen if c <= visible + 8 * h.
    std::int32_t const visible = work_.position + static_cast<std::int32_t>(query()) - first -
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

  /// Most steps of a long context find no larger score.
  __device__ void shrink(float (&sums)[HeadDim / 2]) const {
    if (!__any_sync(0xffff'ffffu, shrink_[0] != 1.0f || shrink_[1] != 1.0f)) return;
#pragma unroll
    for (std::int32_t i = 0; i < HeadDim / 2; ++i) sums[i] *= shrink_[i / 2 % 2];
  }

  __device__ static void round(std::uint32_t (&weights)[keys / 16][4], float const (&scores)[keys / 2]) {
#pragma unroll
    for (std::uint32_t i = 0; i < keys / 4; ++i) {
      weights[i / 4][i % 4] = element_traits<Element>::round_pair(scores[2 * i], scores[2 * i + 1]);
    }
  }

  /// Whether this warpgroup has the sums over the whole context: if there are several parts, the one that
  /// comes last merges them, in order.
  __device__ bool merge(float (&sums)[HeadDim / 2]) {
    if (work_.parts == 1) return true;
    auto const heads = static_cast<std::int32_t>(arguments_.query_width / HeadDim);
    std::int32_t const tile_and_head = work_.number / heads / split_.parts * heads + work_.head;
    leave_part(sums);
    wait_for_warpgroup();
    if (thread_ == 0) {
      std::int32_t* const arrived = split_.arrived + 2 * tile_and_head + group_;
      bool const last = count_in(arrived) == work_.parts - 1;
      if (last) *arrived = 0;
      store_shared(layout_.answer_at(group_), last ? 1u : 0u);
    }
    wait_for_warpgroup();
    if (load_shared_word(layout_.answer_at(group_)) == 0) return false;
    merge_parts(sums, tile_and_head / heads * heads * split_.parts + work_.head, heads);
    return true;
  }

  __device__ float* part_at(std::int32_t number) const {
    return split_.partials +
           (2 * number + static_cast<std::int32_t>(group_)) * prefill_split::part_floats(HeadDim) + thread_;
  }

  __device__ void leave_part(float const (&sums)[HeadDim / 2]) const {
    float* const part = part_at(work_.number);
#pragma unroll
    for (std::int32_t half = 0; half < 2; ++half) {
      part[128 * half] = largest_[half];
      part[128 * (2 + half)] = weight_[half];
    }
#pragma unroll
    for (std::int32_t i = 0; i < HeadDim / 2; ++i) part[128 * (4 + i)] = sums[i];
  }

  /// Parts are `stride` apart.
  __device__ void merge_parts(float (&sums)[HeadDim / 2], std::int32_t first, std::int32_t stride) {
    largest_[0] = largest_[1] = minus_infinity;
    weight_[0] = weight_[1] = 0.0f;
    for (std::int32_t part = 0; part < work_.parts; ++part) {
      float const* const at = part_at(first + part * stride);
      largest_[0] = fmaxf(largest_[0], __ldcg(at));
      largest_[1] = fmaxf(largest_[1], __ldcg(at + 128));
    }
#pragma unroll
    for (std::int32_t i = 0; i < HeadDim / 2; ++i) sums[i] = 0.0f;
    for (std::int32_t part = 0; part < work_.parts; ++part) {
      float const* const at = part_at(first + part * stride);
      float factor[2];
#pragma unroll
      for (std::int32_t half = 0; half < 2; ++half) {
        factor[half] = exp2_approximate((__ldcg(at + 128 * half) - largest_[half]) * arguments_.log2_scale);
        weight_[half] += factor[half] * __ldcg(at + 128 * (2 + half));
      }
#pragma unroll
      for (std::int32_t i = 0; i < HeadDim / 2; ++i)
        sums[i] += factor[i / 2 % 2] * __ldcg(at + 128 * (4 + i));
    }
  }

  /// Divides by the sums of weights, and writes through this warp's part of the queries' shared memory.
  __device__ void store(float const (&sums)[HeadDim / 2]) const {
    constexpr std::uint32_t chunks = layout_type::chunks;
    std::uint32_t const buffer = layout_.queries_at(buffer_.slot);
    wait_for_warpgroup();  // nobody of it reads queries any more
#pragma unroll
    for (std::uint32_t half = 0; half < 2; ++half) {
      float const factor = __fdividef(1.0f, weight_[half]);
#pragma unroll
      for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        std::uint32_t const i = 4 * chunk + 2 * half;
        store_shared(
            buffer + layout_type::place(layout_type::query_panel, query() + 8 * half, chunk) + lane_ % 4 * 4,
            element_traits<Element>::round_pair(sums[i] * factor, sums[i + 1] * factor));
      }
    }
    __syncwarp();
    std::uint32_t const chunk = lane_ % chunks;
    Element* const target =
        arguments_.out + work_.token * arguments_.query_width + work_.head * HeadDim + chunk * 8;
#pragma unroll
    for (std::uint32_t i = 0; i < 16; i += 32 / chunks) {
      std::uint32_t const row = group_ * 64 + thread_ / 32 * 16 + i + lane_ / chunks;
      if (row >= static_cast<std::uint32_t>(work_.tokens)) continue;
      *reinterpret_cast<uint4*>(target + row * arguments_.query_width) =
          load_shared(buffer + layout_type::place(layout_type::query_panel, row, chunk));
    }
  }

  /// The first of this thread's two queries in the tile; the other one is 8 later.
  __device__ std::uint32_t query() const { return group_ * 64 + thread_ / 32 * 16 + lane_ / 4; }

  prefill_arguments<Element> const& arguments_;
  prefill_split const& split_;
  layout_type layout_;
  prefill_assignment work_;
  std::uint32_t group_ = __shfl_sync(0xffff'ffffu, threadIdx.x / 128, 0);
  std::uint32_t thread_ = threadIdx.x % 128;
  std::uint32_t lane_ = threadIdx.x % 32;
  ring_place<layout_type::buffers> buffer_;
  ring_place<layout_type::slots> place_;

  float largest_[2] = {};
  float weight_[2] = {};  ///< of this lane's keys
  float shrink_[2] = {};
};

}  // namespace tenon::cuda
