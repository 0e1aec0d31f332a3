// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/attention/prefill_plan.hpp"
#include "tenon/attention/prefill_source.cuh"
#include "tenon/attention/wgmma_prefill_layout.cuh"
#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/tensor_map.cuh"

namespace tenon::cuda {

/// The warpgroup that brings queries, keys and values to shared memory, as far ahead as there is room: while
/// the last steps of a tile are computed, the next tile comes.
template <class Element, std::int32_t HeadDim> class wgmma_prefill_producer {
 public:
  using layout_type = wgmma_prefill_layout<Element, HeadDim>;

  __device__ wgmma_prefill_producer(prefill_arguments<Element> const& arguments, prefill_boxes const& boxes,
                                    std::int32_t parts, layout_type layout)
      : arguments_{arguments}, boxes_{boxes}, parts_{parts}, layout_{layout} {}

  __device__ void run() {
    auto const heads = static_cast<std::int32_t>(arguments_.query_width / HeadDim);
    std::int32_t const items = arguments_.plan[0] * parts_ * heads;
    for (std::int32_t round = 0;; ++round) {
      std::int32_t const item = item_of(round);
      if (item >= items) break;
      bring(item, heads);
    }
    assign({});
    arrive_after_copies(layout_.queries_have_come(buffer_.slot));
    commit_copies();
    wait_for_copies<0>();
  }

 private:
  static constexpr std::uint32_t chunks = layout_type::chunks;
  static constexpr std::uint32_t rows_a_copy = 32 / chunks;
  static constexpr std::int32_t keys = layout_type::keys;
  static constexpr std::uint32_t nowhere = 0xffff'ffffu;

  /// This block's work, to and fro: items get shorter, so that every second round goes to the blocks in
  /// reverse.
  __device__ static std::int32_t item_of(std::int32_t round) {
    auto const blocks = static_cast<std::int32_t>(gridDim.x);
    auto const block = static_cast<std::int32_t>(blockIdx.x);
    return round * blocks + (round % 2 == 0 ? block : blocks - 1 - block);
  }

  /// Heads are next to each other, then parts of a context: blocks that share keys and values run at one
  /// time.
  __device__ void bring(std::int32_t item, std::int32_t heads) {
    std::int32_t const head = item % heads;
    std::int32_t const part = item / heads % parts_;
    prefill_tile const tile = planned_tile(arguments_.plan, item / heads / parts_);
    std::int32_t const steps = (tile.context() + keys - 1) / keys;
    std::int32_t const parts = min(parts_, steps);
    if (part >= parts) return;
    std::int32_t const first_step = part * steps / parts;
    std::int32_t step = (part + 1) * steps / parts - 1;
    std::uint32_t row = look_up(tile, head, step);
    assign({tile.token, tile.tokens, tile.position, head, first_step, step, parts, item});
    load_queries(tile, head);
    for (; step >= first_step; --step) {
      bool const whole = is_whole(tile, step);
      load(row, 0, whole);
      load(row, arguments_.values_row, whole);
      if (step > first_step) row = look_up(tile, head, step - 1);
    }
  }

  /// Whether the copy engine brings a step: it cannot leave out what the cache holds after the context.
  __device__ bool is_whole(prefill_tile const& tile, std::int32_t step) const {
    return boxes_.rows > 0 && (step + 1) * keys <= tile.context();
  }

  /// Leaves word of the next work once its buffer is free.
  __device__ void assign(prefill_assignment const& next) {
    std::uint32_t const have_come = layout_.queries_have_come(buffer_.slot);
    wait_for_end(layout_type::is_free(have_come), buffer_.parity ^ 1);
    if (threadIdx.x != layout_type::consumers) return;
    next.store(layout_.assignment_at(buffer_.slot));
    arrive(have_come);
  }

  __device__ void load_queries(prefill_tile const& tile, std::int32_t head) {
    std::uint32_t const chunk = lane_ % chunks;
    Element const* const source =
        arguments_.queries + tile.token * arguments_.query_width + head * HeadDim + chunk * 8;
#pragma unroll 4
    for (std::uint32_t i = 0; i < 32; i += rows_a_copy) {
      std::uint32_t const row = warp_ * 32 + i + lane_ / chunks;
      bool const there = row < static_cast<std::uint32_t>(tile.tokens);
      copy_async_16(
          layout_.queries_at(buffer_.slot) + layout_type::place(layout_type::query_panel, row, chunk),
          source + (there ? row * arguments_.query_width : 0), there);
    }
    arrive_after_copies(layout_.queries_have_come(buffer_.slot));
    buffer_.advance();
  }

  /// The cache row of this thread's key in a step, or nowhere if no query of the tile sees it; of a whole
  /// step, the first row of this lane's box.
  __device__ std::uint32_t look_up(prefill_tile const& tile, std::int32_t head, std::int32_t step) const {
    auto const key = static_cast<std::int32_t>(threadIdx.x % 128);
    std::int32_t const position =
        step * keys + (is_whole(tile, step) ? static_cast<std::int32_t>(box_key()) % keys : key);
    if (position >= tile.context()) return nowhere;
    return arguments_.key_row(arguments_.table + tile.page_begin, head / arguments_.group, position);
  }

  /// Brings 128 cache rows, `offset` after those looked up, to the next slot.
  __device__ void load(std::uint32_t row, std::uint32_t offset, bool whole) {
    std::uint32_t const has_come = layout_.has_come(place_.slot);
    wait_for_end(layout_type::is_free(has_come), place_.parity ^ 1);
    __syncwarp();
    if (whole) {
      load_boxes(row + offset, has_come);
    } else {
      load_rows(row, offset);
      arrive_after_copies(has_come);
    }
    place_.advance();
  }

  /// The first key of this thread's box, all panels counted. Boxes are dealt to the four warps: one alone
  /// takes longer to ask for 16 of them than the copy engine to bring them (504 in place of 626 TFLOP/s).
  __device__ std::uint32_t box_key() const {
    return (lane_ * 4 + warp_) * static_cast<std::uint32_t>(boxes_.rows);
  }

  /// The copy engine brings the part of a page that is in a panel for each lane that has one to ask for.
  /// Bytes may come before they are expected: the phase cannot end before that thread arrives.
  __device__ void load_boxes(std::uint32_t row, std::uint32_t has_come) const {
    if (threadIdx.x == layout_type::consumers) {
      expect_bytes(has_come, layout_type::slot_bytes);
    } else {
      arrive(has_come);
    }
    if (box_key() >= HeadDim / 64 * layout_type::keys) return;
    std::uint32_t const key = box_key() % layout_type::keys;
    std::uint32_t const panel = box_key() / layout_type::keys;
    load_box(boxes_.cache, layout_.slot_at(place_.slot) + panel * layout_type::key_panel + key * 128,
             static_cast<std::int32_t>(panel * 64), static_cast<std::int32_t>(row), has_come);
  }

  /// Row by row, zeros where there is none: what the cache holds there may be no number.
  __device__ void load_rows(std::uint32_t mine, std::uint32_t offset) const {
    std::uint32_t const chunk = lane_ % chunks;
    std::uint32_t const target = layout_.slot_at(place_.slot);
#pragma unroll 4
    for (std::uint32_t i = 0; i < 32; i += rows_a_copy) {
      std::uint32_t const from = __shfl_sync(0xffff'ffffu, mine, static_cast<int>(i + lane_ / chunks));
      bool const there = from != nowhere;
      std::uint64_t const row = there ? from + offset : 0;
      copy_async_16(
          target + layout_type::place(layout_type::key_panel, warp_ * 32 + i + lane_ / chunks, chunk),
          arguments_.cache + row * HeadDim + chunk * 8, there);
    }
  }

  prefill_arguments<Element> const& arguments_;
  prefill_boxes const& boxes_;
  std::int32_t parts_;
  layout_type layout_;
  std::uint32_t warp_ = threadIdx.x / 32 % 4;
  std::uint32_t lane_ = threadIdx.x % 32;
  ring_place<layout_type::buffers> buffer_;
  ring_place<layout_type::slots> place_;
};

}  // namespace tenon::cuda
