// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>

#include <cstdint>

#include "tenon/attention/prefill_plan.hpp"
#include "tenon/attention/prefill_source.cuh"
#include "tenon/cuda/barrier.cuh"

namespace tenon::cuda {

/// Shared memory of a block: the queries of two tiles, and a ring of slots, each of which holds the keys or
/// the values of 128 positions. Every one of them is a row of panels of 64 columns, in the 128-byte swizzle.
template <class Element, std::int32_t HeadDim> struct wgmma_prefill_layout {
  static constexpr std::uint32_t queries = prefill_plan::tile_tokens;
  static constexpr std::uint32_t keys = 128;
  static constexpr std::uint32_t buffers = 2;
  static constexpr std::uint32_t slots = 5;
  static constexpr std::uint32_t chunks = HeadDim / 8;  ///< of 16 bytes, in a row
  static constexpr std::uint32_t query_panel = queries * 128;
  static constexpr std::uint32_t key_panel = keys * 128;
  static constexpr std::uint32_t query_bytes = HeadDim / 64 * query_panel;
  static constexpr std::uint32_t slot_bytes = HeadDim / 64 * key_panel;
  static constexpr std::uint32_t ring = buffers * query_bytes;
  static constexpr std::uint32_t assignments = ring + slots * slot_bytes;
  static constexpr std::uint32_t answers = assignments + buffers * 32;
  static constexpr std::uint32_t barriers = answers + 16;
  static constexpr std::uint32_t bytes = barriers + (buffers + slots) * 16;

  static constexpr std::uint32_t consumers = 256;  ///< threads 0 to 255
  static constexpr std::uint32_t producers = 128;  ///< the threads after them

  std::uint32_t base;  ///< in shared memory, aligned to 1024 bytes

  __device__ std::uint32_t queries_at(std::uint32_t buffer) const { return base + buffer * query_bytes; }
  __device__ std::uint32_t slot_at(std::uint32_t slot) const { return base + ring + slot * slot_bytes; }
  __device__ std::uint32_t assignment_at(std::uint32_t buffer) const {
    return base + assignments + buffer * 32;
  }
  __device__ std::uint32_t answer_at(std::uint32_t group) const { return base + answers + group * 4; }

  /// Barriers: a buffer or a slot is full; and 8 bytes further, it is free.
  __device__ std::uint32_t queries_have_come(std::uint32_t buffer) const {
    return base + barriers + buffer * 16;
  }
  __device__ std::uint32_t has_come(std::uint32_t slot) const { return queries_have_come(buffers + slot); }
  __device__ static std::uint32_t is_free(std::uint32_t has_come) { return has_come + 8; }

  __device__ void init_barriers() const {
    for (std::uint32_t i = 0; i < buffers + slots; ++i) {
      // Copies arrive for every producer, and with queries one of them brings their assignment.
      init_barrier(queries_have_come(i), producers + (i < buffers ? 1 : 0));
      init_barrier(is_free(queries_have_come(i)), consumers / 32);
    }
    publish_barriers();
  }

  /// Where 16-byte chunk `chunk` of a row lies in queries or a slot.
  __device__ static std::uint32_t place(std::uint32_t panel_bytes, std::uint32_t row, std::uint32_t chunk) {
    return chunk / 8 * panel_bytes + row * 128 + (((chunk ^ row) & 7) << 4);
  }
};

/// A place in a ring, and the parity of the phases of its barriers.
template <std::uint32_t Slots> struct ring_place {
  std::uint32_t slot = 0;
  std::uint32_t parity = 0;

  __device__ void advance() {
    if (++slot < Slots) return;
    slot = 0;
    parity ^= 1;
  }
};

/// What the producer tells the consumers: some consecutive tokens of a row, a query head, and a part of the
/// context.
struct prefill_assignment {
  std::int32_t token = 0;
  std::int32_t tokens = 0;    ///< 0: there is no more work
  std::int32_t position = 0;  ///< of the first token
  std::int32_t head = 0;
  std::int32_t first_step = 0;  ///< of 128 positions
  std::int32_t last_step = 0;
  std::int32_t parts = 1;  ///< into how many the context is cut
  std::int32_t number =
      0;  ///< of this part, among all that this launch can have: its place in scratch memory

  __device__ void store(std::uint32_t address) const {
    store_shared(address, make_uint4(word(token), word(tokens), word(position), word(head)));
    store_shared(address + 16, make_uint4(word(first_step), word(last_step), word(parts), word(number)));
  }

  /// The same numbers in every lane, and the compiler knows it.
  __device__ static prefill_assignment load(std::uint32_t address) {
    uint4 const a = load_shared(address);
    uint4 const b = load_shared(address + 16);
    return {of_all(a.x), of_all(a.y), of_all(a.z), of_all(a.w),
            of_all(b.x), of_all(b.y), of_all(b.z), of_all(b.w)};
  }

 private:
  __device__ static std::uint32_t word(std::int32_t number) { return static_cast<std::uint32_t>(number); }
  __device__ static std::int32_t of_all(std::uint32_t word) {
    return static_cast<std::int32_t>(__shfl_sync(0xffff'ffffu, word, 0));
  }
};

/// How the copy engine sees the cache: one matrix of rows of HeadDim elements, in boxes that lie in one page.
struct prefill_boxes {
  CUtensorMap cache{};
  std::int32_t rows = 0;  ///< of a box, which divide a page and 128; 0: pages are of another size
};

/// How contexts are cut where tiles and heads are too few for the device, and where the parts meet.
struct prefill_split {
  static constexpr std::int32_t most_parts = 8;
  /// Floats that one warpgroup of 128 threads leaves for a part: its sums, two maxima and two weights a
  /// thread.
  static constexpr std::int64_t part_floats(std::int32_t head_dim) { return 128 * (head_dim / 2 + 4); }

  std::int32_t parts = 1;           ///< at most, a tile and head
  float* partials = nullptr;        // [tiles * heads * parts, 2, part_floats]
  std::int32_t* arrived = nullptr;  // [tiles * heads, 2] zero before and after
};

}  // namespace tenon::cuda
