// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/attention/split_kv_partial.cuh"
#include "tenon/attention/split_kv_plan.hpp"
#include "tenon/attention/split_kv_tile.cuh"
#include "tenon/cuda/counter.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::cuda {

/// What the decode kernel is given.
template <class Element, class View> struct split_kv_arguments {
  View kv;
  std::int32_t layer = 0;
  std::int32_t rows = 0;
  std::int32_t kv_heads = 0;
  std::int32_t least = 1;               ///< units that a block has at least, where there is any work
  split_kv_row const* plan = nullptr;   // [rows + 1]
  std::int32_t const* table = nullptr;  // the batch's
  Element const* queries = nullptr;     // [rows, kv_heads * group * head_dim]
  Element* out = nullptr;               // the same
  float4* part_sums = nullptr;          // [blocks, 2, group, head_dim / 4] weighted values
  float2* part_scales = nullptr;        // the same: largest score, sum of weights
  std::int32_t* arrived = nullptr;      // [rows, kv_heads] parts that are written, zero before and after
};

/// One block's part of decode attention: pieces of one row and one key/value head each. Its warps share the
/// tiles of a piece.
template <class Element, std::int32_t HeadDim, std::int32_t Group, class View, class Tuning>
class split_kv_block {
  static_assert(std::is_same_v<typename View::element_type, Element>,
                "split_kv_decode reads a cache of the activation type");
  using tile_type = split_kv_tile<Element, HeadDim, Group>;
  static constexpr std::int32_t warps = Tuning::warps;
  static constexpr std::int32_t vectors = Group * tile_type::vectors;  // of four dimensions, of a piece

 public:
  static constexpr std::int32_t threads = warps * 32;

  struct shared_storage {
    typename tile_type::warp_sums sums[warps];
    typename tile_type::warp_scales scales[warps];
    std::int32_t is_last;
  };

  __device__ split_kv_block(split_kv_arguments<Element, View> const& arguments, shared_storage& shared)
      : arguments_{arguments}, shared_{shared} {}

  __device__ void run() {
    if (!find_work()) {
      // one waits, so that this kernel does not end before the one ahead of it
      if (Tuning::idle_blocks_wait || blockIdx.x == 0) wait_for_previous();
      return;
    }
    prefetch();
    do {
      attend();
      combine();
    } while (find_next());
  }

 private:
  static constexpr std::int32_t parts_at_once = 16;
  static constexpr std::int32_t unit_tiles = split_kv_plan::unit_tokens / tile_type::tokens;

  using run_type = decltype(std::declval<View const&>().run(batch_view{}, 0, 0, 0, 0));

  // ---- which rows, heads and positions ----

  /// Whether this block has work; then the first piece is selected. Reads the host's words alone: those of up
  /// to 31 rows at once.
  __device__ bool find_work() {
    std::int32_t const rows = arguments_.rows;
    split_kv_row const mine = arguments_.plan[min(lane_, rows)];
    std::int32_t const row_units =
        rows < 32 ? of_lane(mine.first_unit, rows) : arguments_.plan[rows].first_unit;
    deal_ = split_kv_deal::among(static_cast<std::int32_t>(gridDim.x), row_units * arguments_.kv_heads,
                                 arguments_.least);
    unit_ = deal_.first_of(static_cast<std::int32_t>(blockIdx.x));
    end_unit_ = deal_.end_of(static_cast<std::int32_t>(blockIdx.x));
    if (unit_ >= end_unit_) return false;
    std::int32_t const wanted = unit_ / arguments_.kv_heads;
    if (rows < 32) {
      std::int32_t const row =
          __popc(__ballot_sync(0xffffffffu, lane_ < rows && mine.first_unit <= wanted)) - 1;
      select_row(row,
                 {of_lane(mine.first_unit, row), of_lane(mine.context, row), of_lane(mine.page_begin, row)});
    } else {
      std::int32_t before = 0;
#pragma unroll 4
      for (std::int32_t row = lane_; row < rows; row += 32) {
        before += arguments_.plan[row].first_unit <= wanted ? 1 : 0;
      }
      for (std::int32_t step = 16; step > 0; step /= 2) before += __shfl_xor_sync(0xffffffffu, before, step);
      select_row(before - 1, arguments_.plan[before - 1]);
    }
    select_piece((unit_ - first_unit_) / row_units_);
    return true;
  }

  __device__ static std::int32_t of_lane(std::int32_t word, std::int32_t lane) {
    return __shfl_sync(0xffffffffu, word, lane);
  }

  /// Whether this block has another piece; then it is selected.
  __device__ bool find_next() {
    unit_ += end_ - begin_;
    if (unit_ >= end_unit_) return false;
    if (head_ + 1 == arguments_.kv_heads) {
      select_row(row_ + 1, arguments_.plan[row_ + 1]);
      select_piece(0);
    } else {
      select_piece(head_ + 1);
    }
    return true;
  }

  __device__ void select_row(std::int32_t row, split_kv_row const& entry) {
    row_ = row;
    context_ = entry.context;
    page_begin_ = entry.page_begin;
    first_unit_ = entry.first_unit * arguments_.kv_heads;
    row_units_ = split_kv_plan::units(context_);
  }

  /// The units of a head that are this block's, who else has units of it, and where this warp begins.
  __device__ void select_piece(std::int32_t head) {
    head_ = head;
    std::int32_t const head_unit = first_unit_ + head * row_units_;
    begin_ = unit_ - head_unit;
    end_ = min(row_units_, begin_ + end_unit_ - unit_);
    first_block_ = deal_.worker_of(head_unit);
    parts_ = deal_.worker_of(head_unit + row_units_ - 1) - first_block_ + 1;
    tile_ = begin_ * unit_tiles + warp_;
    end_tile_ = min(end_ * unit_tiles, (context_ + tile_type::tokens - 1) / tile_type::tokens);
    if (tile_ < end_tile_) run_ = find(tile_ * tile_type::tokens);
  }

  // ---- keys and values ----

  __device__ run_type find(std::int32_t position) const {
    batch_view one_row;
    one_row.page_begin = &page_begin_;
    one_row.table = arguments_.table;
    return arguments_.kv.run(one_row, arguments_.layer, 0, head_, position);
  }

  /// Asks for this warp's first tiles. Their page numbers are the host's, and nothing of the cache is read.
  __device__ void prefetch() const {
    auto run = run_;
    for (std::int32_t i = 0, tile = tile_; i < Tuning::prefetched && tile < end_tile_; ++i, tile += warps) {
      if (i > 0) run = find(tile * tile_type::tokens);
      std::int32_t const tokens =
          min(tile_type::tokens, min(run.tokens, context_ - tile * tile_type::tokens));
      std::int32_t const element = lane_ * 64;  // 128 bytes
      if (element < tokens * HeadDim) {
        prefetch_to_l2(run.keys + element);
        prefetch_to_l2(run.values + element);
      }
    }
  }

  /// load(address), where address(i) is that of the key or value of the tile's i-th token; past the context
  /// that of the last.
  template <class Load>
  __device__ void load_tile(Element const* (*of)(run_type const&), Load const& load) const {
    std::int32_t const tokens = min(tile_type::tokens, context_ - tile_ * tile_type::tokens);
    if (run_.tokens >= tokens) {
      Element const* const first = of(run_);
      load([&](std::int32_t i) { return first + min(i, tokens - 1) * HeadDim; });
    } else {  // the tile lies in several pages
      load([&](std::int32_t i) { return of(find(tile_ * tile_type::tokens + min(i, tokens - 1))); });
    }
  }

  __device__ void load_keys() {
    load_tile([](run_type const& run) -> Element const* { return run.keys; },
              [&](auto const& address) { warp_tile_.load_keys(address); });
  }
  __device__ void load_values() {
    load_tile([](run_type const& run) -> Element const* { return run.values; },
              [&](auto const& address) { warp_tile_.load_values(address); });
  }
  __device__ void load_queries() {
    std::int64_t const column =
        (static_cast<std::int64_t>(row_) * arguments_.kv_heads + head_) * Group * HeadDim;
    warp_tile_.load_queries(arguments_.queries + column);
  }

  /// This warp's tiles of the piece. Of keys and values, this step has written those of the last position
  /// alone: all others may be read before its kernels are complete.
  __device__ void attend() {
    warp_tile_.clear();
    if (tile_ >= end_tile_) {
      wait_for_previous();
      return;
    }
    if ((tile_ + 1) * tile_type::tokens >= context_) wait_for_previous();
    load_keys();
    load_values();
    wait_for_previous();
    load_queries();
    run_ = find(min(tile_ + warps, end_tile_ - 1) * tile_type::tokens);
    while (true) {
      std::int32_t const visible = context_ - tile_ * tile_type::tokens;
      float scores[4];
      warp_tile_.score(scores);
      tile_ += warps;
      bool const goes_on = tile_ < end_tile_;
      if (goes_on) load_keys();
      warp_tile_.add(scores, visible);
      if (!goes_on) break;
      load_values();
      run_ = find(min(tile_ + warps, end_tile_ - 1) * tile_type::tokens);
    }
  }

  // ---- merging ----

  __device__ split_kv_partial merge_warps(std::int32_t vector) const {
    std::int32_t const head = vector / tile_type::vectors;
    split_kv_partial all;
    all.template add<warps>([&](std::int32_t p) {
      return split_kv_partial{shared_.sums[p][head][vector % tile_type::vectors], shared_.scales[p][head]};
    });
    return all;
  }

  /// Where a block's part of a head stands: a block shares at most the first and the last of its pieces.
  __device__ std::int32_t part_of(std::int32_t part) const {
    return (2 * (first_block_ + part) + (part == 0 ? 1 : 0)) * vectors;
  }

  __device__ split_kv_partial merge_parts(std::int32_t vector) const {
    split_kv_partial all;
    for (std::int32_t first = 0; first < parts_; first += parts_at_once) {
      all.template add<parts_at_once>([&](std::int32_t p) {
        std::int32_t const at = part_of(min(first + p, parts_ - 1)) + vector;
        split_kv_partial part{__ldcg(arguments_.part_sums + at), __ldcg(arguments_.part_scales + at)};
        if (first + p >= parts_) part = {};
        return part;
      });
    }
    return all;
  }

  __device__ void store(std::int32_t vector, split_kv_partial const& all) const {
    using traits = element_traits<Element>;
    float const factor = __fdividef(1.0f, all.scale.y);
    uint2 const words{traits::round_pair(all.sum.x * factor, all.sum.y * factor),
                      traits::round_pair(all.sum.z * factor, all.sum.w * factor)};
    std::int64_t const piece = static_cast<std::int64_t>(row_) * arguments_.kv_heads + head_;
    reinterpret_cast<uint2*>(arguments_.out)[piece * vectors + vector] = words;
  }

  /// f(vector) for this thread's share of a piece's dimensions.
  template <class F> __device__ static void for_vectors(F const& f) {
    for (auto v = static_cast<std::int32_t>(threadIdx.x); v < vectors; v += threads) f(v);
  }

  /// The warps' sums of a piece become one: the result if the piece is all of its head, else a part. The
  /// block whose part of a head is written last merges all of them.
  __device__ void combine() {
    warp_tile_.store(shared_.sums[warp_], shared_.scales[warp_]);
    __syncthreads();
    if (parts_ == 1) {
      for_vectors([&](std::int32_t vector) { store(vector, merge_warps(vector)); });
      __syncthreads();  // the next piece overwrites what has been read
      return;
    }
    std::int32_t const part = part_of(static_cast<std::int32_t>(blockIdx.x) - first_block_);
    for_vectors([&](std::int32_t vector) {
      auto const all = merge_warps(vector);
      arguments_.part_sums[part + vector] = all.sum;
      arguments_.part_scales[part + vector] = all.scale;
    });
    std::int32_t* const arrived = arguments_.arrived + row_ * arguments_.kv_heads + head_;
    __syncthreads();
    if (threadIdx.x == 0) shared_.is_last = count_in(arrived) == parts_ - 1 ? 1 : 0;
    __syncthreads();
    if (shared_.is_last == 0) return;
    for_vectors([&](std::int32_t vector) { store(vector, merge_parts(vector)); });
    if (threadIdx.x == 0) *arrived = 0;
  }

  split_kv_arguments<Element, View> const& arguments_;
  shared_storage& shared_;
  std::int32_t const lane_ = static_cast<std::int32_t>(threadIdx.x) % 32;
  std::int32_t const warp_ = static_cast<std::int32_t>(threadIdx.x) / 32;

  // This block's units; the row and piece that it is at; the tile that this warp is at.
  split_kv_deal deal_;
  std::int32_t unit_ = 0, end_unit_ = 0;
  std::int32_t row_ = 0, context_ = 0, page_begin_ = 0, first_unit_ = 0, row_units_ = 0;
  std::int32_t head_ = 0, begin_ = 0, end_ = 0, first_block_ = 0, parts_ = 0;
  std::int32_t tile_ = 0, end_tile_ = 0;
  run_type run_{};
  tile_type warp_tile_;
};

}  // namespace tenon::cuda
