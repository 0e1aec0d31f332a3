// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "tenon/core/ids.hpp"
#include "tenon/sampling/block_team.cuh"
#include "tenon/sampling/candidate.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::block_sampling {

inline constexpr float never = -std::numeric_limits<float>::infinity();
inline constexpr token_id last_id = std::numeric_limits<token_id>::max();
inline constexpr int row_groups =
    row_blocks * block_warps;  ///< groups of ids, one a warp, whose best is known
inline constexpr int bin_bits = 10;
inline constexpr int histogram_bins = 1 << bin_bits;
static_assert(histogram_bins == 2 * block_threads, "a thread adds up two bins");
inline constexpr int list_capacity = 256;            ///< ids that one block can list
inline constexpr int pool_capacity = block_threads;  ///< ids that all lists of a row may hold: one a thread

/// Probability mass as an integer: weights from 0 to 1 in units of 2^-44. Sums
/// are exact and so independent of their order; a row's total stays below 2^62
/// up to 2^18 ids.
using mass_t = unsigned long long;
inline constexpr double mass_of_one = 0x1p44;

/// An order-preserving integer of a logit that is no NaN; both zeros have one
/// key.
__device__ inline std::uint32_t key_of(float logit) {
  std::uint32_t const bits = __float_as_uint(logit + 0.0f);
  return (bits & 0x8000'0000u) != 0 ? ~bits : bits | 0x8000'0000u;
}

__device__ inline float logit_of(std::uint32_t key) {
  return __uint_as_float((key & 0x8000'0000u) != 0 ? key & 0x7fff'ffffu : ~key);
}

/// `softmax_weight` of the host's sampler, with the device's exponential.
struct row_weight {
  float largest;
  float temperature;

  __device__ float operator()(float logit) const {
    return expf(__fdiv_rn(__fsub_rn(logit, largest), temperature));
  }
  /// Logits below it weigh less than half a unit.
  __device__ float floor() const { return largest - 32.0f * temperature; }

  /// What is lighter than half a unit counts nothing, and costs nothing.
  __device__ mass_t mass(float logit) const {
    if (logit - largest < -32.0f * temperature) return 0;
    return mass_of((*this)(logit));
  }
  __device__ static mass_t mass_of(float weight) {
    return __float2ull_rn(weight * static_cast<float>(mass_of_one));
  }
};

/// What a block tells the others of its row.
struct mailbox {
  candidate group_best[block_warps];
  mass_t histogram[histogram_bins];
  candidate lists[2][list_capacity];  // used in turn: the last one may still be read
  std::int32_t listed[2];             // may exceed the capacity
  mass_t normaliser;
  mass_t drawn;
  std::int32_t ties;
  std::uint32_t least_key, greatest_key;
  alignas(8) candidate tie;
};

/// One block's shared memory; the chunk of logits follows.
struct row_shared {
  mailbox mail;
  sampling_row row;
  candidate groups[row_groups];
  candidate pool[pool_capacity];
  mass_t masses[pool_capacity];
  mass_t warp_sums[block_warps];
  mass_t found_before;
  std::int32_t found_bin;
  candidate found;
  float threshold;
  std::int32_t turn;  // of the lists
};

/// Ids of the row that one block holds: a multiple of 4.
constexpr std::int32_t chunk_ids(std::int32_t vocabulary) {
  return (vocabulary + 4 * row_blocks - 1) / (4 * row_blocks) * 4;
}

inline constexpr std::size_t chunk_offset = (sizeof(row_shared) + 15) / 16 * 16;

/// Bytes of shared memory that a block needs.
constexpr std::size_t shared_bytes(std::int32_t vocabulary) {
  return chunk_offset + static_cast<std::size_t>(chunk_ids(vocabulary)) * sizeof(float);
}

/// The first of a warp's candidates in order of likelihood, for every lane.
__device__ inline candidate first_of_warp(candidate mine) {
  std::uint32_t const key = key_of(mine.logit);
  std::uint32_t const largest = __reduce_max_sync(~0u, key);
  auto const id = static_cast<std::uint32_t>(mine.id);
  std::uint32_t const lowest = __reduce_min_sync(~0u, key == largest ? id : ~0u);
  int const lane = __ffs(static_cast<int>(__ballot_sync(~0u, key == largest))) - 1;
  return {__shfl_sync(~0u, mine.logit, lane), static_cast<token_id>(lowest)};
}

struct block_sum {
  mass_t before;  ///< of the threads ahead of this one
  mass_t total;
};

/// Sums over the block's threads, in a `warp_sums` that nothing else uses.
__device__ inline block_sum sum_of_block(mass_t value, mass_t (&warp_sums)[block_warps]) {
  int const lane = static_cast<int>(threadIdx.x) % 32;
  int const warp = static_cast<int>(threadIdx.x) / 32;
  mass_t up_to = value;
  for (int step = 1; step < 32; step *= 2) {
    mass_t const below = __shfl_up_sync(~0u, up_to, static_cast<unsigned>(step));
    if (lane >= step) up_to += below;
  }
  __syncthreads();
  if (lane == 31) warp_sums[warp] = up_to;
  __syncthreads();
  block_sum sum{up_to - value, 0};
#pragma unroll
  for (int w = 0; w < block_warps; ++w) {
    mass_t const held = warp_sums[w];
    if (w < warp) sum.before += held;
    sum.total += held;
  }
  return sum;
}

/// A block's part of one row: logits [count] of the ids from `begin` on, in
/// shared memory, as samplers see them.
template <class Team> struct row_block {
  Team team;
  row_shared& shared;
  float* chunk;
  std::int32_t begin;
  std::int32_t count;

  /// f(candidate) for every id, four neighbours a thread, but for neighbours
  /// that are all below `floor`. The padding up to a multiple of 4 is
  /// -infinity.
  template <class F> __device__ void for_each(float floor, F const& f) const {
    std::int32_t const vectors = (count + 3) / 4;
#pragma unroll 1
    for (auto v = static_cast<std::int32_t>(threadIdx.x); v < vectors; v += block_threads) {
      float4 const four = reinterpret_cast<float4 const*>(chunk)[v];
      if (!(fmaxf(fmaxf(four.x, four.y), fmaxf(four.z, four.w)) >= floor)) continue;
      std::int32_t const id = begin + 4 * v;
      f(candidate{four.x, id});
      f(candidate{four.y, id + 1});
      f(candidate{four.z, id + 2});
      f(candidate{four.w, id + 3});
    }
  }

  /// f(candidate) for this thread's segment, all threads' segments in order of
  /// ids. Segments are of odd length, so that a warp's reads lie in different
  /// banks. Stops when f returns false.
  template <class F> __device__ void for_segment(F const& f) const {
    std::int32_t const length = (count + block_threads - 1) / block_threads | 1;
    std::int32_t const first = min(static_cast<std::int32_t>(threadIdx.x) * length, count);
    std::int32_t const last = min(first + length, count);
#pragma unroll 1
    for (std::int32_t i = first; i < last; ++i) {
      if (!f(candidate{chunk[i], begin + i})) return;
    }
  }

  /// Reads the row's logits into the chunk and finds this thread's best.
  __device__ candidate load(float const* logits) const {
    constexpr int in_flight = 10;  // a chunk of a vocabulary of 152,064 in one round
    candidate best{never, last_id};
    float const* const from = logits + begin;
    bool const aligned = (reinterpret_cast<std::uintptr_t>(from) & 15u) == 0;
    std::int32_t const vectors = (count + 3) / 4;
    auto const word = [&](std::int32_t i) { return i < count ? __ldcg(from + i) : never; };
    for (auto base = static_cast<std::int32_t>(threadIdx.x); base < vectors;
         base += in_flight * block_threads) {
      float4 four[in_flight];
#pragma unroll
      for (int j = 0; j < in_flight; ++j) {
        std::int32_t const v = base + j * block_threads;
        if (aligned && 4 * v + 3 < count) {
          four[j] = __ldcg(reinterpret_cast<float4 const*>(from) + v);
        } else {
          four[j] = {word(4 * v), word(4 * v + 1), word(4 * v + 2), word(4 * v + 3)};
        }
      }
#pragma unroll
      for (int j = 0; j < in_flight; ++j) {
        std::int32_t const v = base + j * block_threads;
        if (v >= vectors) break;
        float4 const usable{usable_logit(four[j].x), usable_logit(four[j].y), usable_logit(four[j].z),
                            usable_logit(four[j].w)};
        reinterpret_cast<float4*>(chunk)[v] = usable;
        keep_larger(best, {usable.x, begin + 4 * v});
        keep_larger(best, {usable.y, begin + 4 * v + 1});
        keep_larger(best, {usable.z, begin + 4 * v + 2});
        keep_larger(best, {usable.w, begin + 4 * v + 3});
      }
    }
    return best;
  }

  /// This thread's best of the chunk as it is now.
  __device__ candidate best_of_thread() const {
    candidate best{never, last_id};
    for_each(never, [&](candidate c) { keep_larger(best, c); });
    return best;
  }

  /// Makes every group's best known to the whole row.
  __device__ void exchange_best(candidate mine) const {
    candidate const best = first_of_warp(mine);
    if (threadIdx.x % 32 == 0) shared.mail.group_best[threadIdx.x / 32] = best;
    team.publish(shared.mail.group_best, block_warps);
    team.sync();
    static_assert(row_groups <= block_threads);
    if (auto const g = static_cast<int>(threadIdx.x); g < row_groups) {
      shared.groups[g] = team.read(g / block_warps, shared.mail.group_best[g % block_warps]);
    }
    __syncthreads();
  }

  /// The row's best; its logit is -infinity when no id can be chosen.
  __device__ candidate best() const {
    candidate mine = shared.groups[threadIdx.x % 32];
    for (int g = static_cast<int>(threadIdx.x % 32) + 32; g < row_groups; g += 32) {
      if (precedes(shared.groups[g], mine)) mine = shared.groups[g];
    }
    return first_of_warp(mine);
  }

  /// A logit that at least k ids reach, and not many more: the k-th largest of
  /// the groups' best. k from 1 to row_groups; -infinity when fewer ids can be
  /// chosen.
  __device__ float threshold(std::int32_t k) const {
    constexpr int parts = block_threads / row_groups;
    static_assert(parts * row_groups == block_threads && 32 % parts == 0);
    int const group = static_cast<int>(threadIdx.x) / parts;
    candidate const mine = shared.groups[group];
    int rank = 0;
#pragma unroll
    for (int i = 0; i < row_groups / parts; ++i) {
      int const g = i * parts + static_cast<int>(threadIdx.x) % parts;
      candidate const other = shared.groups[g];
      rank += precedes(other, mine) || (other == mine && g < group) ? 1 : 0;
    }
#pragma unroll
    for (int step = 1; step < parts; step *= 2) rank += __shfl_xor_sync(~0u, rank, step);
    if (rank == k - 1) shared.threshold = mine.logit;
    __syncthreads();
    return shared.threshold;
  }

  __device__ static void keep_larger(candidate& best, candidate c) {
    if (c.logit > best.logit) best = c;
  }
};

/// The kernel's dynamic shared memory. Functions that are called ask for it: through a pointer that they were
/// given, their loads would be generic ones.
__device__ inline unsigned char* block_memory() {
  extern __shared__ __align__(16) unsigned char row_memory[];
  return row_memory;
}
__device__ inline row_shared& shared_of_block() {
  return *reinterpret_cast<row_shared*>(block_memory());
}

/// This block's part, `count` ids from `begin` on.
template <class Team>
__device__ row_block<Team> row_block_of(Team const& team, std::int32_t begin, std::int32_t count) {
  return {team, shared_of_block(), reinterpret_cast<float*>(block_memory() + chunk_offset), begin, count};
}

}  // namespace tenon::block_sampling
