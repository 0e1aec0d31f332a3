// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tenon/cuda/element.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/stream_ring.cuh"

namespace tenon::cuda {

/// Moments of a block's life, for a time line.
enum class stream_moment { started, filled, issued, released, prepared, summed, stored };

/// How a weight stream is cut. Two blocks of one multiprocessor must fit beside each other, so that the next
/// kernel fills its ring while this one drains: hence half of 228 KiB less 1 KiB that the system takes a
/// block.
struct stream_tuning {
  static constexpr std::int32_t chunk = 512;  ///< elements of k in a slot of the ring: a multiple of 256
  static constexpr std::int32_t shared_bytes = 115712;
  static constexpr keep weights = keep::briefly;
  static constexpr std::int32_t producers = 2;  ///< warps that fill the ring
  static constexpr bool bulk = true;  ///< whole rows by bulk copies where there are such, or 16 bytes a lane
  static constexpr std::int32_t prefetched = 0;  ///< elements of a row behind a full ring to bring to the L2
  static constexpr std::int32_t left = 1 << 30;  ///< slots still to be filled when the next kernel may start
  static constexpr std::int32_t norm_rows = 8;   ///< at most so many are normalised by each block, at most 8
  static constexpr std::int32_t most_rows = 8;   ///< kernels for more rows are not compiled
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
  std::int32_t slots = 0;        ///< of the ring of weights
  std::int32_t input_slots = 0;  ///< of the ring of activations, where the input is streamed
  std::int32_t cluster = 1;      ///< blocks that share their results before they store them

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

/// Shared memory of a block, in bytes from its start: barriers, sums of warps, the epilogue's, the input's
/// and the ring of weights.
struct stream_layout {
  static constexpr std::uint32_t barriers = 0;
  static constexpr std::uint32_t row_sums = (2 * most_weight_slots + 2 * most_input_slots) * 8;
  static constexpr std::uint32_t tile_sums = row_sums + 2 * consumer_warps * 4 + 64;
  std::uint32_t epilogue = 0;
  std::uint32_t input = 0;
  std::uint32_t ring = 0;

  __host__ __device__ constexpr stream_layout(std::int32_t row_tiles, std::uint32_t epilogue_bytes,
                                              std::uint32_t input_bytes) {
    epilogue = tile_sums + static_cast<std::uint32_t>(consumer_warps * row_tiles * 128 * 4);
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

/// Waits for all consumer warps of the block.
__device__ inline void meet_consumers() {
  wait_at_barrier(1, consumer_threads);
}

/// The block's share of the pairs, cut into tiles of nearly the same size.
struct stream_share {
  std::int32_t begin, pairs, tiles;

  __device__ explicit stream_share(stream_plan const& plan)
      : begin{bound(plan, blockIdx.x)},
        pairs{bound(plan, blockIdx.x + 1) - begin},
        tiles{(pairs + tile_pairs - 1) / tile_pairs} {}

  __device__ std::int32_t tile_begin(std::int32_t tile) const { return begin + pairs * tile / tiles; }
  __device__ std::int32_t tile_size(std::int32_t tile) const {
    return tile < tiles ? tile_begin(tile + 1) - tile_begin(tile) : 0;
  }

 private:
  __device__ static std::int32_t bound(stream_plan const& plan, std::uint32_t block) {
    return static_cast<std::int32_t>(static_cast<std::int64_t>(plan.pairs) * block / gridDim.x);
  }
};

/// One block's work, for its consumer and producer warps. The order is: panels of `Input::tiles` tiles; in a
/// panel, chunks of k; in a chunk, tiles. A chunk of a tile is one slot of the ring.
///
/// Consumer warps cut each chunk's k among them, so that a warp's sums cover its part of k, and are added in
/// the order of warps. Which k meet in an mma is free as long as A and B agree: lane t of a quad takes 8
/// consecutive elements of k of its row with one 16-byte load, for two mma.
template <class Element, class Input, class Epilogue, class Tuning> class stream_block {
  static constexpr std::int32_t row_tiles = Input::row_tiles;
  static constexpr std::int32_t tiles = Input::tiles;
  static constexpr std::int32_t warp_k = Tuning::chunk / consumer_warps;
  static constexpr std::int32_t steps = warp_k / 32;
  static constexpr std::int32_t outputs = row_tiles > 4 ? row_tiles / 4 : 1;
  static constexpr std::int32_t chains = row_tiles == 1 ? 2 : 1;  ///< of dependent mma
  static constexpr bool early = row_tiles == 1;        ///< the epilogue loads before the sums, not after
  static constexpr bool holds_input = row_tiles <= 2;  ///< one load of activations serves a panel's tiles
  static constexpr bool bulk = Tuning::bulk && has_bulk_copies();
  static_assert(Tuning::chunk % (32 * consumer_warps) == 0);
  static_assert(bulk || Tuning::producers == 2 || Tuning::producers == 4, "a warp copies four or eight rows");

  stream_plan const& plan_;
  stream_share share_;
  stream_layout layout_;
  std::byte* shared_;

 public:
  __device__ stream_block(stream_plan const& plan, std::byte* shared)
      : plan_{plan},
        share_{plan},
        layout_{row_tiles, Epilogue::shared_bytes(plan), Input::template shared_bytes<Tuning>(plan)},
        shared_{shared} {}

  __device__ std::uint32_t full(std::int32_t slot) const { return barrier(slot); }
  __device__ std::uint32_t empty(std::int32_t slot) const { return barrier(most_weight_slots + slot); }
  __device__ std::uint32_t input_full(std::int32_t slot) const {
    return barrier(2 * most_weight_slots + slot);
  }
  __device__ std::uint32_t input_empty(std::int32_t slot) const {
    return barrier(2 * most_weight_slots + most_input_slots + slot);
  }

  __device__ void init_barriers() const {
    for (std::int32_t i = 0; i < plan_.slots; ++i) {
      init_barrier(full(i), Tuning::producers * copy_arrivals<bulk>());
      init_barrier(empty(i), consumer_warps);
    }
    for (std::int32_t i = 0; i < plan_.input_slots; ++i) {
      init_barrier(input_full(i), copy_arrivals<bulk>());
      init_barrier(input_empty(i), consumer_warps);
    }
    publish_barriers();
  }

  /// Streams the block's weights through the ring, by warp `producer` of `Tuning::producers`.
  __device__ void produce_weights(Element const* weights, std::int32_t producer) const {
    ring_position at;
    std::int32_t left = share_.tiles * ((plan_.in_features + Tuning::chunk - 1) / Tuning::chunk);
    std::int32_t const filled = left - plan_.slots;
    std::int32_t const allows = min(left, Tuning::left);
    for (std::int32_t panel = 0; panel * tiles < share_.tiles; ++panel) {
      lane_row rows[tiles];
#pragma unroll
      for (std::int32_t i = 0; i < tiles; ++i) rows[i] = row_of_lane(weights, producer, panel * tiles + i);
      for (std::int32_t k = 0; k < plan_.in_features; k += Tuning::chunk) {
#pragma unroll
        for (std::int32_t i = 0; i < tiles; ++i) {
          if (rows[i].size == 0) continue;
          if (left == allows) let_next_start();
          if (left == filled) prefetch_weights(rows[i], k);
          await(empty(at.slot), at.parity ^ 1);
          copy_row(rows[i], producer, at.slot, k);
          at.advance(plan_.slots);
          --left;
        }
      }
    }
    Tuning::mark(stream_moment::issued);
  }

  /// Streams the activations through their ring, by one warp, where the input is streamed.
  __device__ void produce_input(Input const& input) const {
    wait_for_previous();
    ring_position at;
    for (std::int32_t panel = 0; panel * tiles < share_.tiles; ++panel) {
      for (std::int32_t k = 0; k < plan_.in_features; k += Tuning::chunk) {
        await(input_empty(at.slot), at.parity ^ 1);
        input.template copy<Tuning>(plan_, input_address(at.slot), input_full(at.slot), k,
                                    min(Tuning::chunk, plan_.in_features - k));
        at.advance(plan_.input_slots);
      }
    }
  }

  /// Everything that the consumer warps do.
  __device__ void consume(Input const& input, Epilogue const& epilogue) {
    constexpr bool before = early && Epilogue::loads_before_wait;
    typename Epilogue::row_state rows[outputs];
    typename Epilogue::state states[outputs] = {};
    typename Epilogue::ahead ahead[early ? tiles : 1][outputs];
    Tuning::mark(stream_moment::started);
    auto const norm = input.before_wait(plan_);
    if constexpr (before) begin(epilogue, rows, ahead);
    wait_for_previous();
    Tuning::mark(stream_moment::released);
    if constexpr (!before) begin(epilogue, rows, ahead);
    input.prepare(plan_, norm, shared_ + layout_.input,
                  reinterpret_cast<float*>(shared_ + stream_layout::row_sums));
    Tuning::mark(stream_moment::prepared);
    ring_position weights_at;
    ring_position input_at;
    for (std::int32_t panel = 0; panel * tiles < share_.tiles; ++panel) {
      if (early && panel > 0) prefetch(epilogue, panel, rows, ahead);
      float sums[tiles][row_tiles][chains][4] = {};
      for (std::int32_t k = 0; k < plan_.in_features; k += Tuning::chunk) {
        sum_chunk(panel, k, weights_at, input_at, sums);
      }
      Tuning::mark(stream_moment::summed);
#pragma unroll
      for (std::int32_t i = 0; i < tiles; ++i) {
        std::int32_t const tile = panel * tiles + i;
        if (share_.tile_size(tile) == 0) continue;
        if (tile > 0) meet_consumers();
        leave_sums(sums[i]);
        if constexpr (!early) prefetch_tile(epilogue, tile, rows, ahead[0]);
        meet_consumers();
#pragma unroll
        for (std::int32_t o = 0; o < outputs; ++o) {
          if (!has_output(tile, o)) continue;
          auto const [first, second] = total(row(o));
          epilogue.store(plan_, states[o], rows[o], ahead[early ? i : 0][o], tile,
                         share_.tile_begin(tile) + pair_in_tile(), row(o), first, second,
                         shared_ + layout_.epilogue);
        }
      }
    }
    epilogue.template finish<outputs>(plan_, states, rows, share_.begin, share_.tiles,
                                      shared_ + layout_.epilogue);
    Tuning::mark(stream_moment::stored);
  }

 private:
  struct both {
    float first, second;
  };

  /// The row of a tile that a producer's lane copies, whole or, with seven other lanes, 16
  /// bytes of each line.
  struct lane_row {
    Element const* source;
    std::int32_t row;   ///< in the slot: first features, then from row `tile_pairs` on the
                        ///< second ones; or -1
    std::int32_t size;  ///< pairs of the tile
  };

  __device__ lane_row row_of_lane(Element const* weights, std::int32_t producer, std::int32_t tile) const {
    std::int32_t const size = share_.tile_size(tile);
    if (size == 0) return {nullptr, -1, 0};
    std::int32_t row;
    if constexpr (bulk) {
      std::int32_t const place = producer + lane() * Tuning::producers;
      row = place < size ? place : place < 2 * size ? place - size + tile_pairs : -1;
    } else {
      row = 4 * producer + lane() / 8;
      if (row % tile_pairs >= size) row = -1;
    }
    if (row < 0) return {nullptr, -1, size};
    std::int32_t const feature =
        plan_.first(share_.tile_begin(tile) + row % tile_pairs) + row / tile_pairs * plan_.half;
    return {weights + static_cast<std::int64_t>(feature) * plan_.in_features, row, size};
  }

  /// Starts the copies of this warp's rows of one slot.
  __device__ void copy_row(lane_row const& from, std::int32_t producer, std::int32_t slot,
                           std::int32_t k) const {
    std::int32_t const count = min(Tuning::chunk, plan_.in_features - k);
    std::uint32_t const to =
        ring_address(slot) + static_cast<std::uint32_t>(from.row) * slot_stride<Tuning>();
    if constexpr (bulk) {
      auto const bytes = static_cast<std::uint32_t>(2 * count);
      auto const rows =
          static_cast<std::uint32_t>((2 * from.size - producer + Tuning::producers - 1) / Tuning::producers);
      if (lane() == 0) arrive_expecting(full(slot), rows * bytes);
      __syncwarp();
      if (from.row >= 0) copy_bulk<Tuning::weights>(to, from.source + k, bytes, full(slot));
    } else {
      std::int32_t const within = lane() % 8 * 8;
      for (std::int32_t second = 0; from.row >= 0 && second < 4 / Tuning::producers; ++second) {
        std::uint32_t const row =
            to + static_cast<std::uint32_t>(second * tile_pairs) * slot_stride<Tuning>();
        Element const* const source =
            from.source + static_cast<std::int64_t>(second) * plan_.half * plan_.in_features + k + within;
#pragma unroll
        for (std::int32_t i = 0; i < Tuning::chunk; i += 64) {
          if (i < count) copy_async_16(row + static_cast<std::uint32_t>(2 * (i + within)), source + i);
        }
      }
      arrive_after_copies(full(slot));
    }
  }

  /// Brings what comes next of a row to the second-level cache, once the ring is full.
  __device__ void prefetch_weights(lane_row const& from, std::int32_t k) const {
    Tuning::mark(stream_moment::filled);
    if (from.row < 0) return;
    if constexpr (bulk) {
      auto const bytes = 2 * min(Tuning::prefetched, plan_.in_features - k);
      if (bytes > 0) prefetch_bulk(from.source + k, static_cast<std::uint32_t>(bytes));
    } else {
      for (std::int32_t i = lane() % 8 * 64; i < Tuning::prefetched && k + i < plan_.in_features; i += 512) {
        prefetch_to_l2(from.source + k + i);
      }
    }
  }

  __device__ static std::int32_t lane() { return static_cast<std::int32_t>(threadIdx.x % 32); }
  __device__ static std::int32_t warp() { return static_cast<std::int32_t>(threadIdx.x / 32); }

  /// Which result a consumer thread finishes: neighbouring threads take neighbouring pairs of
  /// one row.
  __device__ static std::int32_t pair_in_tile() {
    return static_cast<std::int32_t>(threadIdx.x % tile_pairs);
  }
  __device__ static std::int32_t row(std::int32_t o) {
    return static_cast<std::int32_t>(threadIdx.x / tile_pairs) + o * (consumer_threads / tile_pairs);
  }
  __device__ bool has_row(std::int32_t o) const { return row(o) < plan_.rows; }
  __device__ bool has_output(std::int32_t tile, std::int32_t o) const {
    return has_row(o) && pair_in_tile() < share_.tile_size(tile);
  }

  __device__ std::uint32_t barrier(std::int32_t i) const {
    return shared_address(shared_) + static_cast<std::uint32_t>(8 * i);
  }
  __device__ std::uint32_t ring_address(std::int32_t slot) const {
    return shared_address(shared_) + layout_.ring + static_cast<std::uint32_t>(slot) * slot_bytes<Tuning>();
  }
  __device__ std::uint32_t input_address(std::int32_t slot) const {
    return shared_address(shared_) + layout_.input +
           static_cast<std::uint32_t>(slot) * Input::template input_slot_bytes<Tuning>(plan_);
  }

  using row_states = typename Epilogue::row_state[outputs];
  using loaded = typename Epilogue::ahead[outputs];

  /// What the epilogue loads for this thread's rows, and for its results of the first panel.
  __device__ void begin(Epilogue const& epilogue, row_states& rows,
                        loaded (&ahead)[early ? tiles : 1]) const {
#pragma unroll
    for (std::int32_t o = 0; o < outputs; ++o) {
      if (has_row(o)) rows[o] = epilogue.begin_row(row(o));
    }
    if constexpr (early) prefetch(epilogue, 0, rows, ahead);
  }
  __device__ void prefetch(Epilogue const& epilogue, std::int32_t panel, row_states const& rows,
                           loaded (&ahead)[early ? tiles : 1]) const {
#pragma unroll
    for (std::int32_t i = 0; i < (early ? tiles : 1); ++i) {
      prefetch_tile(epilogue, panel * tiles + i, rows, ahead[i]);
    }
  }
  __device__ void prefetch_tile(Epilogue const& epilogue, std::int32_t tile, row_states const& rows,
                                loaded& ahead) const {
#pragma unroll
    for (std::int32_t o = 0; o < outputs; ++o) {
      if (!has_output(tile, o)) continue;
      ahead[o] = epilogue.prefetch(plan_, rows[o], share_.tile_begin(tile) + pair_in_tile(), row(o));
    }
  }

  /// Adds this warp's part of one chunk to the sums of a panel's tiles.
  __device__ void sum_chunk(std::int32_t panel, std::int32_t k, ring_position& weights_at,
                            ring_position& input_at, float (&sums)[tiles][row_tiles][chains][4]) const {
    if constexpr (Input::streamed) await(input_full(input_at.slot), input_at.parity);
    std::uint32_t const input = input_address(input_at.slot) + Input::template chunk_offset<Tuning>(k);
    uint4 held[holds_input ? row_tiles : 1][holds_input ? steps : 1];
    if constexpr (holds_input) {
#pragma unroll
      for (std::int32_t n = 0; n < row_tiles; ++n) {
#pragma unroll
        for (std::int32_t step = 0; step < steps; ++step) held[n][step] = input_words(input, n, step);
      }
    }
    std::int32_t const valid = plan_.in_features - k - warp() * warp_k;
#pragma unroll
    for (std::int32_t i = 0; i < tiles; ++i) {
      if (share_.tile_size(panel * tiles + i) == 0) continue;
      await(full(weights_at.slot), weights_at.parity);
      std::uint32_t const first = ring_address(weights_at.slot) +
                                  static_cast<std::uint32_t>(lane() / 4) * slot_stride<Tuning>() + in_chunk();
#pragma unroll
      for (std::int32_t step = 0; step < steps; ++step) {
        if (step * 32 >= valid) break;
        uint4 const a = load_shared(first + static_cast<std::uint32_t>(64 * step));
        uint4 const c =
            load_shared(first + tile_pairs * slot_stride<Tuning>() + static_cast<std::uint32_t>(64 * step));
#pragma unroll
        for (std::int32_t n = 0; n < row_tiles; ++n) {
          uint4 const b =
              holds_input ? held[holds_input ? n : 0][holds_input ? step : 0] : input_words(input, n, step);
          mma_m16n8k16<Element>(sums[i][n][0], {a.x, c.x, a.y, c.y}, b.x, b.y);
          mma_m16n8k16<Element>(sums[i][n][chains - 1], {a.z, c.z, a.w, c.w}, b.z, b.w);
        }
      }
      __syncwarp();
      if (lane() == 0) arrive(empty(weights_at.slot));
      weights_at.advance(plan_.slots);
    }
    if constexpr (Input::streamed) {
      if (lane() == 0) arrive(input_empty(input_at.slot));
      input_at.advance(plan_.input_slots);
    }
  }

  /// Where this lane's first element of k stands in a row of a chunk, in bytes.
  __device__ static std::uint32_t in_chunk() {
    return static_cast<std::uint32_t>(2 * (warp() * warp_k + lane() % 4 * 8));
  }

  /// This lane's elements of row tile n, those that meet the weights of this step.
  __device__ uint4 input_words(std::uint32_t input, std::int32_t n, std::int32_t step) const {
    auto const row = static_cast<std::uint32_t>(min(8 * n + lane() / 4, plan_.rows - 1));
    return load_shared(input + row * Input::template row_stride<Tuning>(plan_) + in_chunk() +
                       static_cast<std::uint32_t>(64 * step));
  }

  /// Leaves this warp's sums of one tile in shared memory: [warp][row tile][first or
  /// second][pair][row].
  __device__ void leave_sums(float const (&sums)[row_tiles][chains][4]) const {
    auto* const target =
        reinterpret_cast<float2*>(shared_ + stream_layout::tile_sums) + warp() * row_tiles * 64;
#pragma unroll
    for (std::int32_t n = 0; n < row_tiles; ++n) {
      auto const& a = sums[n][0];
      auto const& b = sums[n][chains - 1];
      bool const both = chains == 2;
      target[n * 64 + lane()] = {both ? a[0] + b[0] : a[0], both ? a[1] + b[1] : a[1]};
      target[n * 64 + 32 + lane()] = {both ? a[2] + b[2] : a[2], both ? a[3] + b[3] : a[3]};
    }
  }

  /// The sums of all warps for this thread's pair.
  __device__ both total(std::int32_t row) const {
    auto const* const sums = reinterpret_cast<float const*>(shared_ + stream_layout::tile_sums) +
                             row / 8 * 128 + pair_in_tile() * 8 + row % 8;
    both result{0.0f, 0.0f};
#pragma unroll
    for (std::int32_t w = 0; w < consumer_warps; ++w) {
      result.first += sums[w * row_tiles * 128];
      result.second += sums[w * row_tiles * 128 + 64];
    }
    return result;
  }
};

template <class Input, class Tuning> constexpr std::int32_t stream_threads() {
  return consumer_threads + 32 * (Tuning::producers + (Input::streamed ? 1 : 0));
}

/// Blocks whose registers must fit into one multiprocessor.
template <class Input> constexpr std::int32_t stream_blocks_together() {
  return Input::row_tiles > 4 ? 1 : 2;
}

/// One block a multiprocessor streams its share of the weights once.
template <class Element, class Input, class Epilogue, class Tuning>
__global__ void __launch_bounds__(stream_threads<Input, Tuning>(), stream_blocks_together<Input>())
    stream_product_kernel(stream_plan plan, Element const* weights, Input input, Epilogue epilogue) {
  extern __shared__ __align__(128) std::byte stream_memory[];
  stream_block<Element, Input, Epilogue, Tuning> block{plan, stream_memory};
  if (threadIdx.x == 0) block.init_barriers();
  Epilogue::start();
  auto const warp = static_cast<std::int32_t>(threadIdx.x / 32);
  if (warp < consumer_warps) {
    block.consume(input, epilogue);
  } else if (warp < consumer_warps + Tuning::producers) {
    block.produce_weights(weights, warp - consumer_warps);
  } else if constexpr (Input::streamed) {
    block.produce_input(input);
  }
}

}  // namespace tenon::cuda
