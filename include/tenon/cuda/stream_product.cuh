// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/stream_plan.cuh"
#include "tenon/cuda/stream_ring.cuh"

namespace tenon::cuda {

/// Waits for all consumer warps of the block.
__device__ inline void meet_consumers() {
  wait_at_barrier(1, consumer_threads);
}

/// One block's work, for its consumer and producer warps. The order is: panels of `Input::tiles` tiles; in a
/// panel, chunks of k; in a chunk, tiles. A chunk of a tile is one slot of the ring.
///
/// Consumer warps cut each chunk's k among them, so that a warp's sums cover its part of k, and are added in
/// the order of warps. Which k meet in an mma is free as long as A and B agree: lane t of a quad takes 8
/// consecutive elements of k of its row with one 16-byte load, for two mma.
template <class Element, class Input, class Epilogue, class Tuning> class stream_block {
  static constexpr std::int32_t tiles = Input::tiles;
  static constexpr std::int32_t warp_k = Tuning::chunk / consumer_warps;
  static constexpr std::int32_t steps = warp_k / 32;
  static constexpr bool bulk = Tuning::bulk && has_bulk_copies();
  static constexpr bool dynamic =
      Tuning::dealt < 100 && Epilogue::any_block && tiles == 1 && !Input::streamed;
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
        layout_{Epilogue::shared_bytes(plan), Input::template shared_bytes<Tuning>(plan)},
        shared_{shared} {}

  __device__ std::uint32_t full(std::int32_t slot) const { return barrier(slot); }
  __device__ std::uint32_t empty(std::int32_t slot) const { return barrier(most_weight_slots + slot); }
  __device__ std::uint32_t input_full(std::int32_t slot) const {
    return barrier(2 * most_weight_slots + slot);
  }
  __device__ std::uint32_t input_empty(std::int32_t slot) const {
    return barrier(2 * most_weight_slots + most_input_slots + slot);
  }

  __device__ std::uint32_t claim_full(std::int32_t slot) const {
    return barrier(2 * most_weight_slots + 2 * most_input_slots + slot);
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
    for (std::int32_t i = 0; takes_more() && i < claim_slots; ++i) init_barrier(claim_full(i), 1);
    publish_barriers();
  }

  /// Streams the block's weights through the ring, by warp `producer` of `Tuning::producers`.
  __device__ void produce_weights(Element const* weights, std::int32_t producer) const {
    ring_position at;
    std::int32_t left = share_.tiles * ((plan_.in_features + Tuning::chunk - 1) / Tuning::chunk);
    std::int32_t const filled = left - plan_.slots;
    std::int32_t panel = panel_at(0);
    for (std::int32_t n = 0; panel >= 0; panel = panel_at(++n)) {
      bool const claims = takes_more() && producer == 0 && lane() == 0 && n + 1 >= share_.tiles;
      std::int32_t const claimed = claims ? claim(n + 1 == share_.tiles) : 0;
      lane_row rows[tiles];
#pragma unroll
      for (std::int32_t i = 0; i < tiles; ++i) rows[i] = row_of_lane(weights, producer, panel * tiles + i);
      for (std::int32_t k = 0; k < plan_.in_features; k += Tuning::chunk) {
#pragma unroll
        for (std::int32_t i = 0; i < tiles; ++i) {
          if (rows[i].size == 0) continue;
          if (left == filled) Tuning::mark(stream_moment::filled);
          await(empty(at.slot), at.parity ^ 1);
          copy_row(rows[i], producer, at.slot, k);
          at.advance(plan_.slots);
          --left;
        }
      }
      if (claims) publish(n + 1 - share_.tiles, claimed);
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
    typename Epilogue::row_state row_state;
    typename Epilogue::state state{};
    typename Epilogue::ahead ahead[tiles];
    Tuning::mark(stream_moment::started);
    auto const norm = input.before_wait(plan_);
    if constexpr (Epilogue::loads_before_wait) begin(epilogue, row_state, ahead);
    wait_for_previous();
    Tuning::mark(stream_moment::released);
    if constexpr (!Epilogue::loads_before_wait) begin(epilogue, row_state, ahead);
    input.prepare(plan_, norm, shared_ + layout_.input,
                  reinterpret_cast<float*>(shared_ + stream_layout::row_sums));
    Tuning::mark(stream_moment::prepared);
    ring_position weights_at;
    ring_position input_at;
    std::int32_t panel = panel_at(0);
    for (std::int32_t n = 0; panel >= 0; panel = panel_at(++n)) {
      if (n > 0) prefetch(epilogue, panel, row_state, ahead);
      float sums[tiles][2][4] = {};
      for (std::int32_t k = 0; k < plan_.in_features; k += Tuning::chunk) {
        sum_chunk(panel, k, weights_at, input_at, sums);
      }
      Tuning::mark(stream_moment::summed);
#pragma unroll
      for (std::int32_t i = 0; i < tiles; ++i) {
        std::int32_t const tile = panel * tiles + i;
        if (share_.tile_size(tile) == 0) continue;
        if (n + i > 0) meet_consumers();
        leave_sums(sums[i]);
        meet_consumers();
        if (!has_output(tile)) continue;
        auto const [first, second] = total();
        epilogue.store(plan_, state, row_state, ahead[i], tile, share_.tile_begin(tile) + pair_in_tile(),
                       row(), first, second, shared_ + layout_.epilogue);
      }
    }
    epilogue.finish(plan_, state, share_.begin, share_.tiles, shared_ + layout_.epilogue);
    Tuning::mark(stream_moment::stored);
  }

 private:
  struct both {
    float first, second;
  };

  /// Whether the block takes tiles beyond its share.
  __device__ bool takes_more() const { return dynamic && plan_.fixed < plan_.pairs; }

  /// The n-th panel of this block, or -1 behind the last.
  __device__ std::int32_t panel_at(std::int32_t n) const {
    if (n * tiles < share_.tiles) return n;
    if (!takes_more()) return -1;
    std::int32_t const i = n - share_.tiles;
    await(claim_full(i % claim_slots), static_cast<std::uint32_t>(i / claim_slots % 2));
    std::int32_t const tile = share_.tiles + claims()[i % claim_slots];
    return share_.tile_size(tile) > 0 ? tile : -1;
  }

  __device__ std::int32_t volatile* claims() const {
    return reinterpret_cast<std::int32_t volatile*>(shared_ + stream_layout::claims);
  }

  /// Takes one of the tiles that are not dealt out. The counters belong to the kernel ahead until it has
  /// ended.
  __device__ std::int32_t claim(bool first) const {
    if (first) wait_for_previous();
    return atomicAdd(plan_.counters, 1);
  }

  /// Tells all warps which tile was taken as the block's i-th. The last block that finds none left clears the
  /// counters for the next kernel.
  __device__ void publish(std::int32_t i, std::int32_t claimed) const {
    claims()[i % claim_slots] = claimed;
    arrive(claim_full(i % claim_slots));
    if (share_.tile_size(share_.tiles + claimed) > 0) return;
    if (atomicAdd(plan_.counters + 1, 1) + 1 == static_cast<std::int32_t>(gridDim.x)) {
      plan_.counters[0] = 0;
      plan_.counters[1] = 0;
    }
  }

  /// The row of a tile that a producer's lane copies, whole or, with seven other lanes, 16 bytes of each
  /// line.
  struct lane_row {
    Element const* source;
    std::int32_t row;   ///< in the slot: first features, then from row
                        ///< `tile_pairs` on the second ones; or -1
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

  __device__ static std::int32_t lane() { return static_cast<std::int32_t>(threadIdx.x % 32); }
  __device__ static std::int32_t warp() { return static_cast<std::int32_t>(threadIdx.x / 32); }

  /// Which result a consumer thread finishes: neighbouring threads take neighbouring pairs of one row.
  __device__ static std::int32_t pair_in_tile() {
    return static_cast<std::int32_t>(threadIdx.x % tile_pairs);
  }
  __device__ static std::int32_t row() { return static_cast<std::int32_t>(threadIdx.x / tile_pairs); }
  __device__ bool has_output(std::int32_t tile) const {
    return row() < plan_.rows && pair_in_tile() < share_.tile_size(tile);
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

  /// What the epilogue loads for this thread's row, and for its results of the first panel.
  __device__ void begin(Epilogue const& epilogue, typename Epilogue::row_state& row_state,
                        typename Epilogue::ahead (&ahead)[tiles]) const {
    if (row() < plan_.rows) row_state = epilogue.begin_row(row());
    prefetch(epilogue, 0, row_state, ahead);
  }
  __device__ void prefetch(Epilogue const& epilogue, std::int32_t panel,
                           typename Epilogue::row_state const& row_state,
                           typename Epilogue::ahead (&ahead)[tiles]) const {
#pragma unroll
    for (std::int32_t i = 0; i < tiles; ++i) {
      std::int32_t const tile = panel * tiles + i;
      if (!has_output(tile)) continue;
      ahead[i] = epilogue.prefetch(plan_, row_state, share_.tile_begin(tile) + pair_in_tile(), row());
    }
  }

  /// Adds this warp's part of one chunk to the sums of a panel's tiles.
  __device__ void sum_chunk(std::int32_t panel, std::int32_t k, ring_position& weights_at,
                            ring_position& input_at, float (&sums)[tiles][2][4]) const {
    if constexpr (Input::streamed) await(input_full(input_at.slot), input_at.parity);
    std::uint32_t const input = input_address(input_at.slot) + Input::template chunk_offset<Tuning>(k);
    uint4 b[steps];
#pragma unroll
    for (std::int32_t step = 0; step < steps; ++step) b[step] = input_words(input, step);
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
        mma_m16n8k16<Element>(sums[i][0], {a.x, c.x, a.y, c.y}, b[step].x, b[step].y);
        mma_m16n8k16<Element>(sums[i][1], {a.z, c.z, a.w, c.w}, b[step].z, b[step].w);
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

  /// This lane's elements of its row, those that meet the weights of this step.
  __device__ uint4 input_words(std::uint32_t input, std::int32_t step) const {
    auto const row = static_cast<std::uint32_t>(min(lane() / 4, plan_.rows - 1));
    return load_shared(input + row * Input::template row_stride<Tuning>(plan_) + in_chunk() +
                       static_cast<std::uint32_t>(64 * step));
  }

  /// Leaves this warp's sums of one tile in shared memory: [warp][first or second][pair][row].
  __device__ void leave_sums(float const (&sums)[2][4]) const {
    auto* const target = reinterpret_cast<float2*>(shared_ + stream_layout::tile_sums) + warp() * 64 + lane();
    target[0] = {sums[0][0] + sums[1][0], sums[0][1] + sums[1][1]};
    target[32] = {sums[0][2] + sums[1][2], sums[0][3] + sums[1][3]};
  }

  /// The sums of all warps for this thread's pair and row.
  __device__ both total() const {
    auto const* const sums =
        reinterpret_cast<float const*>(shared_ + stream_layout::tile_sums) + pair_in_tile() * 8 + row();
    both result{0.0f, 0.0f};
#pragma unroll
    for (std::int32_t w = 0; w < consumer_warps; ++w) {
      result.first += sums[w * 128];
      result.second += sums[w * 128 + 64];
    }
    return result;
  }
};

template <class Input, class Tuning> constexpr std::int32_t stream_threads() {
  return consumer_threads + 32 * (Tuning::producers + (Input::streamed ? 1 : 0));
}

/// The threads that the registers of two blocks are reckoned for. A block starts beside one of the kernel
/// ahead only if the 16,384 registers of each quarter of the multiprocessor suffice, where three warps of
/// either may meet. Those of `normed_input`, 10 warps, have 96 a thread. Inputs of two tiles, 11 warps, would
/// have 80, and fit beside them only where the odd warps happen to be in different quarters; with 72, which
/// 14 warps may have, they always do. Those of one tile need 64 anyway, and those of four start behind a
/// norm's kernel.
template <class Input, class Tuning> constexpr std::int32_t stream_bounds() {
  constexpr std::int32_t threads = stream_threads<Input, Tuning>();
  return Input::streamed && Input::tiles == 2 ? std::max(threads, 32 * 14) : threads;
}

/// One block a multiprocessor streams its share of the weights once.
template <class Element, class Input, class Epilogue, class Tuning>
__global__ void __launch_bounds__(stream_bounds<Input, Tuning>(), 2)
    stream_product_kernel(stream_plan plan, Element const* weights, Input input, Epilogue epilogue) {
  let_next_start();
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
