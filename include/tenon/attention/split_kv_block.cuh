// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/attention/split_kv_plan.hpp"
#include "tenon/cuda/cluster.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::cuda {

/// What the decode kernel is given. Workers are blocks, or clusters of them.
template <class Element, class View> struct split_kv_arguments {
  View kv;
  std::int32_t layer = 0;
  std::int32_t rows = 0;
  std::int32_t kv_heads = 0;
  std::int32_t least = 1;               ///< units that a worker has at least, where there is any work
  split_kv_row const* plan = nullptr;   // [rows + 1]
  std::int32_t const* table = nullptr;  // the batch's
  Element const* queries = nullptr;     // [rows, kv_heads * group * head_dim]
  Element* out = nullptr;               // the same
  float4* part_sums = nullptr;          // [workers, 2, group, head_dim / 4] weighted values
  float2* part_scales = nullptr;        // [workers, 2, group] largest score, sum of weights
  std::int32_t* arrived = nullptr;  // [rows, kv_heads] workers whose parts are written, zero before and after
};

/// How the decode kernel is cut: warps a block, blocks a multiprocessor, blocks a cluster.
template <std::int32_t Warps, std::int32_t Blocks, std::int32_t Cluster> struct split_kv_tuning {
  static constexpr std::int32_t warps = Warps;
  static constexpr std::int32_t threads = Warps * 32;
  static constexpr std::int32_t blocks = Blocks;
  static constexpr std::int32_t cluster = Cluster;
  /// Units that keep every warp of a worker busy once.
  static constexpr std::int32_t step = Warps * Cluster < 4 ? 1 : Warps * Cluster / 4;
};

/// One block's part of decode attention. A warp walks over tiles of 16 positions, straight from memory to
/// registers, which the tensor cores take as they come: scores^T = keys * queries^T, out^T = values^T *
/// weights^T, with the query heads of a group as the (at most eight) columns. Whatever order the inner
/// dimension of a product has, it has on both sides, so that every load is of 16 bytes.
///
/// Softmax is in float, base 2. A weight goes into its product as two 16-bit numbers, its rounding and the
/// rest, so that only the result is rounded.
template <class Element, std::int32_t HeadDim, std::int32_t Group, class View, class Tuning>
class split_kv_block {
  static_assert(HeadDim == 64 || HeadDim == 128, "split_kv_decode has code for head_dim 64 and 128");
  static_assert(Group >= 1 && Group <= 8, "split_kv_decode has code for groups of 1 to 8");
  static_assert(std::is_same_v<typename View::element_type, Element>,
                "split_kv_decode reads a cache of the activation type");

 public:
  static constexpr std::int32_t vectors = HeadDim / 4;

  struct shared_storage {
    float4 sums[Tuning::warps][Group][vectors + 1];
    float2 scales[Tuning::warps][Group];
    float4 block_sums[Tuning::cluster > 1 ? Group : 1][vectors];
    float2 block_scales[Group];
    std::int32_t is_last;
  };

  __device__ split_kv_block(split_kv_arguments<Element, View> const& arguments, shared_storage& shared)
      : arguments_{arguments}, shared_{shared}, rank_{Tuning::cluster > 1 ? cluster_rank() : 0} {}

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
  static constexpr std::int32_t unit_tiles = split_kv_plan::unit_tokens / tile_tokens;
  static constexpr std::int32_t tile_step = Tuning::warps * Tuning::cluster;

  using run_type = decltype(std::declval<View const&>().run(batch_view{}, 0, 0, 0, 0));

  __device__ static float minus_infinity() { return __int_as_float(0xff800000); }

  // ---- which rows, heads and positions ----

  /// Whether this worker has work; then the first piece is selected. Reads the plan alone.
  __device__ bool find_work() {
    worker_ = static_cast<std::int32_t>(blockIdx.x) / Tuning::cluster;
    auto const workers = static_cast<std::int32_t>(gridDim.x) / Tuning::cluster;
    std::int32_t const units = arguments_.plan[arguments_.rows].first_unit * arguments_.kv_heads;
    deal_ = split_kv_deal::among(workers, units, arguments_.least, Tuning::step);
    unit_ = deal_.first_of(worker_);
    end_unit_ = deal_.end_of(worker_);
    if (unit_ >= end_unit_) return false;
    std::int32_t const wanted = unit_ / arguments_.kv_heads;
    std::int32_t before = 0;
#pragma unroll 4
    for (std::int32_t row = lane_; row < arguments_.rows; row += 32) {
      before += arguments_.plan[row].first_unit <= wanted ? 1 : 0;
    }
    for (std::int32_t step = 16; step > 0; step /= 2) before += __shfl_xor_sync(0xffffffffu, before, step);
    select_row(before - 1);
    select_piece((unit_ - first_unit_) / row_units_);
    return true;
  }

  /// The next piece of this worker's range, if there is one.
  __device__ bool find_next() {
    unit_ += end_tile_units();
    if (unit_ >= end_unit_) return false;
    if (head_ + 1 == arguments_.kv_heads) {
      select_row(row_ + 1);
      select_piece(0);
    } else {
      select_piece(head_ + 1);
    }
    return true;
  }

  __device__ void select_row(std::int32_t row) {
    row_ = row;
    split_kv_row const entry = arguments_.plan[row];
    context_ = entry.context;
    page_begin_ = entry.page_begin;
    first_unit_ = entry.first_unit * arguments_.kv_heads;
    row_units_ = (context_ + split_kv_plan::unit_tokens - 1) / split_kv_plan::unit_tokens;
  }

  /// The units of `head` that are this worker's, and who else has units of it.
  __device__ void select_piece(std::int32_t head) {
    head_ = head;
    std::int32_t const head_unit = first_unit_ + head * row_units_;
    begin_ = unit_ - head_unit;
    end_ = min(row_units_, begin_ + end_unit_ - unit_);
    first_worker_ = deal_.worker_of(head_unit);
    parts_ = deal_.worker_of(head_unit + row_units_ - 1) - first_worker_ + 1;
  }

  __device__ std::int32_t end_tile_units() const { return end_ - begin_; }
  __device__ std::int32_t first_tile() const { return begin_ * unit_tiles + rank_ * Tuning::warps + warp_; }
  __device__ std::int32_t end_tile() const {
    return min(end_ * unit_tiles, (context_ + tile_tokens - 1) / tile_tokens);
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
    std::int32_t const tile = first_tile();
    if (tile >= end_tile()) return;
    auto const run = find(tile * tile_tokens);
    std::int32_t const tokens = min(tile_tokens, min(run.tokens, context_ - tile * tile_tokens));
    std::int32_t const element = lane_ * 64;  // 128 bytes
    if (element < tokens * HeadDim) {
      prefetch_to_l2(run.keys + element);
      prefetch_to_l2(run.values + element);
    }
  }

  /// f(i, key, value) for tokens that a lane reads of the tile: i-th of `Count`, its number in the tile given
  /// by `number(i)`; past the context the last token instead.
  template <std::int32_t Count, class Number, class F>
  __device__ void for_tokens(std::int32_t tile, run_type const& run, Number const& number, F const& f) const {
    std::int32_t const tokens = min(tile_tokens, context_ - tile * tile_tokens);
    if (run.tokens >= tokens) {
#pragma unroll
      for (std::int32_t i = 0; i < Count; ++i) {
        std::int32_t const offset = min(number(i), tokens - 1) * HeadDim;
        f(i, run.keys + offset, run.values + offset);
      }
    } else {  // the tile lies in several pages
#pragma unroll
      for (std::int32_t i = 0; i < Count; ++i) {
        auto const token = find(tile * tile_tokens + min(number(i), tokens - 1));
        f(i, token.keys, token.values);
      }
    }
  }

  __device__ void load_keys(std::int32_t tile, run_type const& run) {
    for_tokens<2>(
        tile, run, [&](std::int32_t i) { return group_ + 8 * i; },
        [&](std::int32_t i, Element const* key, Element const*) {
#pragma unroll
          for (std::int32_t chunk = 0; chunk < chunks; ++chunk) {
            keys_[i][chunk] = load_streaming(key + chunk * 32 + quad_ * 8);
          }
        });
  }

  __device__ void load_values(std::int32_t tile, run_type const& run) {
    for_tokens<4>(
        tile, run, [&](std::int32_t i) { return 2 * quad_ + (i & 1) + 4 * (i & 2); },
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
    std::int32_t tile = first_tile();
    std::int32_t const end = end_tile();
    if (tile >= end) return;
    auto run = find(tile * tile_tokens);
    load_keys(tile, run);
    load_queries();
    load_values(tile, run);
    run = find(min(tile + tile_step, end - 1) * tile_tokens);
    while (true) {
      std::int32_t const next = tile + tile_step;
      float scores[4];
      score(scores);
      if (next < end) load_keys(next, run);
      std::uint32_t weights[2];
      std::uint32_t rests[2];
      weigh(scores, context_ - tile * tile_tokens, weights, rests);
      add_values(weights, rests);
      if (next >= end) break;
      load_values(next, run);
      run = find(min(next + tile_step, end - 1) * tile_tokens);
      tile = next;
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

  struct merged {
    float4 sum;
    float2 scale;  // largest score, sum of weights
  };

  /// Parts of one head, in order: scale(p) its scale, sum(p) four of its weighted values.
  template <class Scale, class Sum>
  __device__ static merged merge(std::int32_t parts, Scale const& scale, Sum const& sum) {
    float largest = minus_infinity();
#pragma unroll 8
    for (std::int32_t p = 0; p < parts; ++p) largest = fmaxf(largest, scale(p).x);
    float const base = largest == minus_infinity() ? 0.0f : largest;
    merged all{{0.0f, 0.0f, 0.0f, 0.0f}, {largest, 0.0f}};
#pragma unroll 8
    for (std::int32_t p = 0; p < parts; ++p) {
      float2 const part = scale(p);
      float4 const values = sum(p);
      float const factor = exp2f(part.x - base);
      all.scale.y += factor * part.y;
      all.sum.x += factor * values.x;
      all.sum.y += factor * values.y;
      all.sum.z += factor * values.z;
      all.sum.w += factor * values.w;
    }
    return all;
  }

  /// f(head of the group, four dimensions) for this thread's share of the result among `Count` * threads.
  template <std::int32_t Count, class F> __device__ void for_vectors(std::int32_t rank, F const& f) const {
    constexpr std::int32_t all = Group * vectors;
    constexpr std::int32_t share = (all + Count - 1) / Count;
    auto const thread = static_cast<std::int32_t>(threadIdx.x);
    std::int32_t const end = min(all, (rank + 1) * share);
    for (std::int32_t v = rank * share + thread; v < end; v += Tuning::threads) f(v / vectors, v % vectors);
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

  __device__ merged merge_warps(std::int32_t head, std::int32_t vector) const {
    return merge(
        Tuning::warps, [&](std::int32_t p) { return shared_.scales[p][head]; },
        [&](std::int32_t p) { return shared_.sums[p][head][vector]; });
  }

  __device__ merged merge_blocks(std::int32_t head, std::int32_t vector) const {
    return merge(
        Tuning::cluster, [&](std::int32_t p) { return load_of_rank(&shared_.block_scales[head], p); },
        [&](std::int32_t p) { return load_of_rank(&shared_.block_sums[head][vector], p); });
  }

  /// Where a worker's part of a head stands: a worker shares at most the first and the last of its pieces.
  __device__ std::int64_t part_of(std::int32_t part) const {
    return (2 * static_cast<std::int64_t>(first_worker_ + part) + (part == 0 ? 1 : 0)) * Group;
  }

  __device__ merged merge_workers(std::int32_t head, std::int32_t vector) const {
    return merge(
        parts_, [&](std::int32_t p) { return __ldcg(arguments_.part_scales + part_of(p) + head); },
        [&](std::int32_t p) {
          return __ldcg(arguments_.part_sums + (part_of(p) + head) * vectors + vector);
        });
  }

  __device__ void store(std::int32_t head, std::int32_t vector, merged const& all) const {
    float const factor = __fdividef(1.0f, all.scale.y);
    uint2 const words{traits::round_pair(all.sum.x * factor, all.sum.y * factor),
                      traits::round_pair(all.sum.z * factor, all.sum.w * factor)};
    std::int64_t const column =
        (static_cast<std::int64_t>(row_) * arguments_.kv_heads + head_) * Group + head;
    reinterpret_cast<uint2*>(arguments_.out)[column * vectors + vector] = words;
  }

  /// To the output if the piece is all of its head, else to this worker's part.
  __device__ void give(std::int32_t head, std::int32_t vector, merged const& all) const {
    if (parts_ == 1) {
      store(head, vector, all);
    } else {
      std::int64_t const part = part_of(worker_ - first_worker_) + head;
      arguments_.part_sums[part * vectors + vector] = all.sum;
      if (vector == 0) arguments_.part_scales[part] = all.scale;
    }
  }

  __device__ void sync_worker() const {
    if constexpr (Tuning::cluster > 1) {
      sync_cluster();
    } else {
      __syncthreads();
    }
  }

  /// The warps' sums of a piece become one.
  __device__ void combine() {
    store_warp();
    __syncthreads();
    if constexpr (Tuning::cluster > 1) {
      for_vectors<1>(0, [&](std::int32_t head, std::int32_t vector) {
        auto const all = merge_warps(head, vector);
        shared_.block_sums[head][vector] = all.sum;
        if (vector == 0) shared_.block_scales[head] = all.scale;
      });
      sync_cluster();
      for_vectors<Tuning::cluster>(rank_, [&](std::int32_t head, std::int32_t vector) {
        give(head, vector, merge_blocks(head, vector));
      });
    } else {
      for_vectors<1>(
          0, [&](std::int32_t head, std::int32_t vector) { give(head, vector, merge_warps(head, vector)); });
    }
    if (parts_ > 1) merge_if_last();
    sync_worker();
  }

  /// How many arrived before. What this worker wrote before its barrier is seen by whoever arrives later.
  __device__ static std::int32_t arrive(std::int32_t* arrived) {
    std::int32_t before;
    asm volatile("atom.add.acq_rel.gpu.global.s32 %0, [%1], 1;"
                 : "=r"(before)
                 : "l"(__cvta_generic_to_global(arrived))
                 : "memory");
    return before;
  }

  /// The worker whose part of a head is written last merges all of them.
  __device__ void merge_if_last() {
    std::int32_t* const arrived = arguments_.arrived + row_ * arguments_.kv_heads + head_;
    sync_worker();
    if (rank_ == 0 && threadIdx.x == 0) shared_.is_last = arrive(arrived) == parts_ - 1 ? 1 : 0;
    sync_worker();
    std::int32_t const is_last = Tuning::cluster > 1 ? load_of_rank(&shared_.is_last, 0) : shared_.is_last;
    if (is_last == 0) return;
    for_vectors<Tuning::cluster>(rank_, [&](std::int32_t head, std::int32_t vector) {
      store(head, vector, merge_workers(head, vector));
    });
    if (rank_ == 0 && threadIdx.x == 0) *arrived = 0;
  }

  split_kv_arguments<Element, View> const& arguments_;
  shared_storage& shared_;
  std::int32_t const rank_;
  std::int32_t const lane_ = static_cast<std::int32_t>(threadIdx.x) % 32;
  std::int32_t const warp_ = static_cast<std::int32_t>(threadIdx.x) / 32;
  std::int32_t const group_ = lane_ / 4;
  std::int32_t const quad_ = lane_ % 4;

  // This worker's units, and the row and piece that it is at.
  split_kv_deal deal_;
  std::int32_t worker_ = 0, unit_ = 0, end_unit_ = 0;
  std::int32_t row_ = 0, context_ = 0, page_begin_ = 0, first_unit_ = 0, row_units_ = 0;
  std::int32_t head_ = 0, begin_ = 0, end_ = 0, first_worker_ = 0, parts_ = 0;

  uint4 queries_[chunks];
  uint4 keys_[2][chunks];
  uint4 values_[4][halves];
  float sums_[sum_tiles][4];
  float largest_[2];
  float weight_[2];  // of the tokens that this lane has seen
};

}  // namespace tenon::cuda
