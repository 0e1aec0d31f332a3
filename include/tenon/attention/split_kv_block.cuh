// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/attention/split_kv_plan.hpp"
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
  float2* part_scales = nullptr;        // [blocks, 2, group] largest score, sum of weights
  std::int32_t* arrived = nullptr;  // [rows, kv_heads] blocks whose parts are written, zero before and after
};

/// One block's part of decode attention. A warp walks over tiles of 16 positions, straight from memory to
/// registers, which the tensor cores take as they come: scores^T = keys * queries^T, out^T = values^T *
/// weights^T, with the query heads of a group as the (at most eight) columns. Whatever order the inner
/// dimension of a product has, it has on both sides, so that every load is of 16 bytes.
///
/// Softmax is in float, base 2. A weight goes into its product as two 16-bit numbers, its rounding and the
/// rest, so that only the result is rounded.
template <class Element, std::int32_t HeadDim, std::int32_t Group, class View, std::int32_t Warps>
class split_kv_block {
  static_assert(HeadDim == 64 || HeadDim == 128, "split_kv_decode has code for head_dim 64 and 128");
  static_assert(Group >= 1 && Group <= 8, "split_kv_decode has code for groups of 1 to 8");
  static_assert(std::is_same_v<typename View::element_type, Element>,
                "split_kv_decode reads a cache of the activation type");

 public:
  static constexpr std::int32_t vectors = HeadDim / 4;

  struct shared_storage {
    float4 sums[Warps][Group][vectors + 1];
    float2 scales[Warps][Group];
    std::int32_t is_last;
  };

  static constexpr std::int32_t threads = Warps * 32;

  __device__ split_kv_block(split_kv_arguments<Element, View> const& arguments, shared_storage& shared)
      : arguments_{arguments}, shared_{shared} {}

  __device__ void run() {
    if (!find_work()) {
      if (blockIdx.x == 0)
        wait_for_previous();  // so that this kernel does not end before the one ahead of it
      return;
    }
    prefetch();
    wait_for_previous();
    do {
      attend();
      combine();
    } while (find_next());
  }

 private:
  using traits = element_traits<Element>;
  static constexpr std::int32_t tile_tokens = 16;
  static constexpr std::int32_t chunks = HeadDim / 32;  // of 16 bytes that a lane has of a key
  static constexpr std::int32_t halves = HeadDim / 64;  // of 16 bytes that a lane has of a value
  static constexpr std::int32_t sum_tiles = HeadDim / 16;
  static constexpr std::int32_t parts_at_once = 16;
  static constexpr std::int32_t unit_tiles = split_kv_plan::unit_tokens / tile_tokens;

  using run_type = decltype(std::declval<View const&>().run(batch_view{}, 0, 0, 0, 0));

  __device__ static float minus_infinity() { return __int_as_float(0xff800000); }

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
    row_units_ = (context_ + split_kv_plan::unit_tokens - 1) / split_kv_plan::unit_tokens;
  }

  /// The units of `head` that are this block's, who else has units of it, and where this warp begins.
  __device__ void select_piece(std::int32_t head) {
    head_ = head;
    std::int32_t const head_unit = first_unit_ + head * row_units_;
    begin_ = unit_ - head_unit;
    end_ = min(row_units_, begin_ + end_unit_ - unit_);
    first_block_ = deal_.worker_of(head_unit);
    parts_ = deal_.worker_of(head_unit + row_units_ - 1) - first_block_ + 1;
    tile_ = begin_ * unit_tiles + warp_;
    end_tile_ = min(end_ * unit_tiles, (context_ + tile_tokens - 1) / tile_tokens);
    if (tile_ < end_tile_) run_ = find(tile_ * tile_tokens);
  }

  // ---- keys and values ----

  __device__ run_type find(std::int32_t position) const {
    batch_view one_row;
    one_row.page_begin = &page_begin_;
    one_row.table = arguments_.table;
    return arguments_.kv.run(one_row, arguments_.layer, 0, head_, position);
  }

  /// Asks for this warp's first tile. Its page numbers are the host's, and nothing of the cache is read.
  __device__ void prefetch() const {
    if (tile_ >= end_tile_) return;
    std::int32_t const tokens = min(tile_tokens, min(run_.tokens, context_ - tile_ * tile_tokens));
    std::int32_t const element = lane_ * 64;  // 128 bytes
    if (element < tokens * HeadDim) {
      prefetch_to_l2(run_.keys + element);
      prefetch_to_l2(run_.values + element);
    }
  }

  /// f(i, key, value) for tokens that a lane reads of the tile: i-th of `Count`, its number in the tile given
  /// by `number(i)`; past the context the last token instead.
  template <std::int32_t Count, class Number, class F>
  __device__ void for_tokens(Number const& number, F const& f) const {
    std::int32_t const tokens = min(tile_tokens, context_ - tile_ * tile_tokens);
    if (run_.tokens >= tokens) {
#pragma unroll
      for (std::int32_t i = 0; i < Count; ++i) {
        std::int32_t const offset = min(number(i), tokens - 1) * HeadDim;
        f(i, run_.keys + offset, run_.values + offset);
      }
    } else {  // the tile lies in several pages
#pragma unroll
      for (std::int32_t i = 0; i < Count; ++i) {
        auto const token = find(tile_ * tile_tokens + min(number(i), tokens - 1));
        f(i, token.keys, token.values);
      }
    }
  }

  __device__ void load_keys() {
    for_tokens<2>([&](std::int32_t i) { return group_ + 8 * i; },
                  [&](std::int32_t i, Element const* key, Element const*) {
#pragma unroll
                    for (std::int32_t chunk = 0; chunk < chunks; ++chunk) {
                      keys_[i][chunk] = load_streaming(key + chunk * 32 + quad_ * 8);
                    }
                  });
  }

  __device__ void load_values() {
    for_tokens<4>([&](std::int32_t i) { return 2 * quad_ + (i & 1) + 4 * (i & 2); },
                  [&](std::int32_t i, Element const*, Element const* value) {
#pragma unroll
                    for (std::int32_t half = 0; half < halves; ++half) {
                      values_[i][half] = load_streaming(value + half * 64 + group_ * 8);
                    }
                  });
  }

  __device__ void load_queries() {
    std::int64_t const width = static_cast<std::int64_t>(arguments_.kv_heads) * Group * HeadDim;
    Element const* const query =
        arguments_.queries + row_ * width + (head_ * Group + group_) * HeadDim + quad_ * 8;
#pragma unroll
    for (std::int32_t chunk = 0; chunk < chunks; ++chunk) {
      queries_[chunk] = group_ < Group ? load_streaming(query + chunk * 32) : uint4{0, 0, 0, 0};
    }
  }

  // ---- softmax and products ----

  /// This warp's tiles of the piece.
  __device__ void attend() {
#pragma unroll
    for (std::int32_t t = 0; t < sum_tiles; ++t) {
      for (float& sum : sums_[t]) sum = 0.0f;
    }
    largest_[0] = largest_[1] = minus_infinity();
    weight_[0] = weight_[1] = 0.0f;
    if (tile_ >= end_tile_) return;
    load_keys();
    load_queries();
    load_values();
    run_ = find(min(tile_ + Warps, end_tile_ - 1) * tile_tokens);
    while (true) {
      std::int32_t const tokens = context_ - tile_ * tile_tokens;
      float scores[4];
      score(scores);
      tile_ += Warps;
      bool const goes_on = tile_ < end_tile_;
      if (goes_on) load_keys();
      std::uint32_t weights[2];
      std::uint32_t rests[2];
      weigh(scores, tokens, weights, rests);
      add_values(weights, rests);
      if (!goes_on) break;
      load_values();
      run_ = find(min(tile_ + Warps, end_tile_ - 1) * tile_tokens);
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

  /// Scores become weights relative to the largest score so far, and so does what has been summed. `tokens`
  /// of the tile are visible.
  __device__ void weigh(float (&scores)[4], std::int32_t tokens, std::uint32_t (&weights)[2],
                        std::uint32_t (&rests)[2]) {
    constexpr float scale = (HeadDim == 64 ? 0.125f : 0.08838834764831845f) * 1.4426950408889634f;
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) {
      scores[i] = group_ + 4 * (i & 2) < tokens ? scores[i] * scale : minus_infinity();
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

  /// sums^T[head_dim, 8 heads] += values^T * weights^T. Tile 4 * half + word has dimensions 64 * half + 8 *
  /// group
  /// + 2 * word, + 1 as its rows group, group + 8.
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

  // ---- merging ----

  /// Of one head, over some positions.
  struct partial {
    float4 sum;    // four dimensions of its weighted values
    float2 scale;  // largest score, sum of weights
  };

  /// Adds part(0) to part(Count - 1), in order. All are read at once.
  template <std::int32_t Count, class Part> __device__ static void add_parts(partial& all, Part const& part) {
    partial parts[Count];
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) parts[p] = part(p);
    float largest = all.scale.x;
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) largest = fmaxf(largest, parts[p].scale.x);
    float const keep = exp2f(all.scale.x - largest);
    all = {{all.sum.x * keep, all.sum.y * keep, all.sum.z * keep, all.sum.w * keep},
           {largest, all.scale.y * keep}};
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) {
      float const factor = exp2f(parts[p].scale.x - largest);
      all.sum.x += factor * parts[p].sum.x;
      all.sum.y += factor * parts[p].sum.y;
      all.sum.z += factor * parts[p].sum.z;
      all.sum.w += factor * parts[p].sum.w;
      all.scale.y += factor * parts[p].scale.y;
    }
  }

  __device__ static partial nothing() { return {{0.0f, 0.0f, 0.0f, 0.0f}, {minus_infinity(), 0.0f}}; }

  /// f(head of the group, vector of four dimensions) for this thread's share of the result.
  template <class F> __device__ static void for_vectors(F const& f) {
    for (auto v = static_cast<std::int32_t>(threadIdx.x); v < Group * vectors; v += threads) {
      f(v / vectors, v % vectors);
    }
  }

  __device__ void store_warp() {
#pragma unroll
    for (std::int32_t i = 0; i < 2; ++i) {
#pragma unroll
      for (std::int32_t step = 4; step < 32; step *= 2) {
        weight_[i] += __shfl_xor_sync(0xffffffffu, weight_[i], step);
      }
      std::int32_t const head = 2 * quad_ + i;
      if (head >= Group) continue;
      if (group_ == 0) shared_.scales[warp_][head] = {largest_[i], weight_[i]};
#pragma unroll
      for (std::int32_t t = 0; t < sum_tiles; t += 2) {
        shared_.sums[warp_][head][t / 4 * 16 + group_ * 2 + t % 4 / 2] = {
            sums_[t][i], sums_[t][i + 2], sums_[t + 1][i], sums_[t + 1][i + 2]};
      }
    }
  }

  __device__ partial merge_warps(std::int32_t head, std::int32_t vector) const {
    partial all = nothing();
    add_parts<Warps>(all, [&](std::int32_t p) {
      return partial{shared_.sums[p][head][vector], shared_.scales[p][head]};
    });
    return all;
  }

  /// Where a block's part of a head stands: a block shares at most the first and the last of its pieces.
  __device__ std::int32_t part_of(std::int32_t part) const {
    return (2 * (first_block_ + part) + (part == 0 ? 1 : 0)) * Group;
  }

  __device__ partial merge_blocks(std::int32_t head, std::int32_t vector) const {
    partial all = nothing();
    for (std::int32_t first = 0; first < parts_; first += parts_at_once) {
      add_parts<parts_at_once>(all, [&](std::int32_t p) {
        std::int32_t const at = part_of(min(first + p, parts_ - 1)) + head;
        partial part{__ldcg(arguments_.part_sums + at * vectors + vector),
                     __ldcg(arguments_.part_scales + at)};
        if (first + p >= parts_) part.scale = {minus_infinity(), 0.0f};
        return part;
      });
    }
    return all;
  }

  __device__ void store(std::int32_t head, std::int32_t vector, partial const& all) const {
    float const factor = __fdividef(1.0f, all.scale.y);
    uint2 const words{traits::round_pair(all.sum.x * factor, all.sum.y * factor),
                      traits::round_pair(all.sum.z * factor, all.sum.w * factor)};
    std::int64_t const column =
        (static_cast<std::int64_t>(row_) * arguments_.kv_heads + head_) * Group + head;
    reinterpret_cast<uint2*>(arguments_.out)[column * vectors + vector] = words;
  }

  /// The warps' sums of a piece become one: the result if the piece is all of its head, else a part. The
  /// block whose part of a head is written last merges all of them.
  __device__ void combine() {
    store_warp();
    __syncthreads();
    if (parts_ == 1) {
      for_vectors(
          [&](std::int32_t head, std::int32_t vector) { store(head, vector, merge_warps(head, vector)); });
      __syncthreads();  // the next piece overwrites what has been read
      return;
    }
    std::int32_t const part = part_of(static_cast<std::int32_t>(blockIdx.x) - first_block_);
    for_vectors([&](std::int32_t head, std::int32_t vector) {
      auto const all = merge_warps(head, vector);
      arguments_.part_sums[(part + head) * vectors + vector] = all.sum;
      if (vector == 0) arguments_.part_scales[part + head] = all.scale;
    });
    std::int32_t* const arrived = arguments_.arrived + row_ * arguments_.kv_heads + head_;
    __syncthreads();
    if (threadIdx.x == 0) shared_.is_last = arrive(arrived) == parts_ - 1 ? 1 : 0;
    __syncthreads();
    if (shared_.is_last == 0) return;
    for_vectors(
        [&](std::int32_t head, std::int32_t vector) { store(head, vector, merge_blocks(head, vector)); });
    if (threadIdx.x == 0) *arrived = 0;
  }

  /// How many arrived before. What this block wrote before its barrier is seen by whoever arrives later.
  __device__ static std::int32_t arrive(std::int32_t* arrived) {
    std::int32_t before;
    asm volatile("atom.add.acq_rel.gpu.global.s32 %0, [%1], 1;"
                 : "=r"(before)
                 : "l"(__cvta_generic_to_global(arrived))
                 : "memory");
    return before;
  }

  split_kv_arguments<Element, View> const& arguments_;
  shared_storage& shared_;
  std::int32_t const lane_ = static_cast<std::int32_t>(threadIdx.x) % 32;
  std::int32_t const warp_ = static_cast<std::int32_t>(threadIdx.x) / 32;
  std::int32_t const group_ = lane_ / 4;
  std::int32_t const quad_ = lane_ % 4;

  // This block's units; the row and piece that it is at; the tile that this warp is at.
  split_kv_deal deal_;
  std::int32_t unit_ = 0, end_unit_ = 0;
  std::int32_t row_ = 0, context_ = 0, page_begin_ = 0, first_unit_ = 0, row_units_ = 0;
  std::int32_t head_ = 0, begin_ = 0, end_ = 0, first_block_ = 0, parts_ = 0;
  std::int32_t tile_ = 0, end_tile_ = 0;
  run_type run_{};

  uint4 queries_[chunks];
  uint4 keys_[2][chunks];
  uint4 values_[4][halves];
  float sums_[sum_tiles][4];
  float largest_[2];
  float weight_[2];  // of the tokens that this lane has seen
};

}  // namespace tenon::cuda
