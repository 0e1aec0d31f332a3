// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "tenon/sampling/block_row.cuh"

namespace tenon::block_sampling {

/// The cut that leaves every id that can be chosen.
__device__ inline candidate no_cut() {
  return {std::numeric_limits<float>::lowest(), last_id};
}

/// Whether `c` is `cut` or comes before it in order of likelihood.
__device__ inline bool kept_by(candidate cut, candidate c) {
  return !precedes(cut, c);
}

/// Collects the ids for which wanted(candidate) holds into `shared.pool`, in
/// any order. Returns how many there are, or -1 when they do not fit; the same
/// in every block of the row. Blocks of the row meet here.
template <class Team, class Wanted>
__device__ int gather(row_block<Team> const& block, float floor, Wanted const& wanted) {
  auto& shared = block.shared;
  auto& mail = shared.mail;
  int const turn = shared.turn;
  if (threadIdx.x == 0) mail.listed[turn] = 0;
  __syncthreads();
  block.for_each(floor, [&](candidate c) {
    if (!(c.logit > never) || !wanted(c)) return;
    int const place = atomicAdd(&mail.listed[turn], 1);
    if (place < list_capacity) mail.lists[turn][place] = c;
  });
  block.team.publish(&mail.listed[turn], 1);
  block.team.publish(mail.lists[turn], list_capacity);
  block.team.sync();

  if (threadIdx.x == 0) shared.turn = turn ^ 1;
  constexpr int readers = block_warps / row_blocks;
  int const rank = static_cast<int>(threadIdx.x) / 32 % row_blocks;
  int total = 0;
  int before = 0;
  int length = 0;
  bool fits = true;
#pragma unroll
  for (int r = 0; r < row_blocks; ++r) {
    int const held = block.team.read(r, mail.listed[turn]);
    if (r < rank) before += held;
    if (r == rank) length = held;
    fits = fits && held <= list_capacity;
    total += held;
  }
  if (!fits || total > pool_capacity) total = -1;
  for (int i = static_cast<int>(threadIdx.x) % 32 + static_cast<int>(threadIdx.x) / 32 / row_blocks * 32;
       total >= 0 && i < length; i += 32 * readers) {
    shared.pool[before + i] = block.team.read(rank, mail.lists[turn][i]);
  }
  __syncthreads();
  return total;
}

/// What a selection adds up: ids, or their probability mass.
struct measure {
  bool is_mass;
  row_weight weight;

  __device__ mass_t operator()(float logit) const { return is_mass ? weight.mass(logit) : mass_t{1}; }

  /// Logits below it count nothing.
  __device__ float floor() const { return is_mass ? weight.floor() : never; }
};

/// How much of it: `count`, or this share of all, at least 1.
struct goal {
  mass_t count;
  float share;

  __device__ mass_t of(mass_t total) const {
    if (count != 0) return count;
    return max(__double2ull_ru(static_cast<double>(share) * static_cast<double>(total)), mass_t{1});
  }
};

/// Splits logits into `histogram_bins` bins, the most likely first: at first by
/// distance from the largest, then, within one bin of before, by key.
struct bin_split {
  float largest = 0.0f;
  float scale = 0.0f;  ///< bins a unit of distance; 0: by key
  std::uint32_t greatest = ~0u;
  int shift = 32 - bin_bits;

  __device__ int operator()(float logit) const {
    if (scale == 0.0f) return static_cast<int>((greatest - key_of(logit)) >> shift);
    return __float2int_rz(fminf((largest - logit) * scale, histogram_bins - 1.0f));
  }
};

/// The best of a thousand random logits is about as far from the mean as from
/// the best of all, so that four times the widest distance between groups'
/// bests covers most logits. Others share the last bin.
template <class Team> __device__ bin_split split_by_distance(row_block<Team> const& block) {
  float const largest = block.best().logit;
  float least = largest;
  for (int g = static_cast<int>(threadIdx.x) % 32; g < row_groups; g += 32) {
    float const logit = block.shared.groups[g].logit;
    if (logit > never) least = fminf(least, logit);
  }
  least = logit_of(__reduce_min_sync(~0u, key_of(least)));
  return {.largest = largest, .scale = histogram_bins / (4.0f * fabsf(largest - least))};
}

/// The candidates that a selection still has to look at.
struct key_range {
  candidate cut;
  std::uint32_t least;
  std::uint32_t greatest;

  __device__ float floor() const { return cut.logit; }

  __device__ bool holds(candidate c) const {
    std::uint32_t const key = key_of(c.logit);
    return kept_by(cut, c) && key >= least && key <= greatest;
  }
};

/// Adds without order: 64-bit atomics in shared memory are loops, two of 32
/// bits are not.
__device__ inline void add_mass(mass_t& bin, mass_t mass) {
  auto* const words = reinterpret_cast<std::uint32_t*>(&bin);
  auto const low = static_cast<std::uint32_t>(mass);
  auto high = static_cast<std::uint32_t>(mass >> 32);
  if (low != 0 && atomicAdd(words, low) + low < low) ++high;
  if (high != 0) atomicAdd(words + 1, high);
}

/// Fills this block's histogram; neighbours of one bin are added up first,
/// since many logits may be equal.
template <class Team>
__device__ void fill_histogram(row_block<Team> const& block, key_range const& range, bin_split const& split,
                               measure const& held_by) {
  auto& histogram = block.shared.mail.histogram;
  for (int i = static_cast<int>(threadIdx.x); i < histogram_bins; i += block_threads) histogram[i] = 0;
  __syncthreads();
  int bin = 0;
  mass_t held = 0;
  block.for_each(fmaxf(held_by.floor(), range.floor()), [&](candidate c) {
    if (!range.holds(c)) return;
    mass_t const more = held_by(c.logit);
    if (more == 0) return;
    int const next = split(c.logit);
    if (next != bin) {
      if (held != 0) add_mass(histogram[bin], held);
      bin = next;
      held = 0;
    }
    held += more;
  });
  if (held != 0) add_mass(histogram[bin], held);
  block.team.publish(histogram, histogram_bins);
  block.team.sync();
}

struct bin_found {
  int bin;  ///< -1: the measure of all ids does not reach what is wanted
  mass_t before;
  mass_t wanted;
};

/// The bin in which the row's measure reaches the goal.
template <class Team> __device__ bin_found find_bin(row_block<Team> const& block, goal const& aim) {
  auto& shared = block.shared;
  int const first = 2 * static_cast<int>(threadIdx.x);
  mass_t held[2] = {};
#pragma unroll
  for (int r = 0; r < row_blocks; ++r) {
    held[0] += block.team.read(r, shared.mail.histogram[first]);
    held[1] += block.team.read(r, shared.mail.histogram[first + 1]);
  }
  if (threadIdx.x == 0) shared.found_bin = -1;
  auto const sum = sum_of_block(held[0] + held[1], shared.warp_sums);
  mass_t const wanted = aim.of(sum.total);
  if (sum.before < wanted && wanted <= sum.before + held[0] + held[1]) {
    bool const second = sum.before + held[0] < wanted;
    shared.found_bin = first + (second ? 1 : 0);
    shared.found_before = sum.before + (second ? held[0] : 0);
  }
  __syncthreads();
  return {shared.found_bin, shared.found_before, wanted};
}

/// Of a pool of `size` ids the one at which `before` plus the measure, in order
/// of likelihood, reaches `wanted`.
template <class Team>
__device__ candidate find_in_pool(row_block<Team> const& block, int size, bin_found const& found,
                                  measure const& held_by) {
  auto& shared = block.shared;
  auto const i = static_cast<int>(threadIdx.x);
  candidate const mine = i < size ? shared.pool[i] : no_cut();
  mass_t const held = i < size ? held_by(mine.logit) : 0;
  if (i < size) shared.masses[i] = held;
  __syncthreads();
  if (i < size) {
    mass_t before = found.before;
    for (int j = 0; j < size; ++j) {
      if (precedes(shared.pool[j], mine)) before += shared.masses[j];
    }
    if (before < found.wanted && found.wanted <= before + held) shared.found = mine;
  }
  __syncthreads();
  return shared.found;
}

/// Narrows `range` to the keys that its ids in one bin have. Blocks of the row
/// meet here.
template <class Team>
__device__ void narrow(row_block<Team> const& block, key_range& range, bin_split const& split, int bin) {
  auto& mail = block.shared.mail;
  if (threadIdx.x == 0) {
    mail.least_key = ~0u;
    mail.greatest_key = 0;
  }
  __syncthreads();
  std::uint32_t least = ~0u;
  std::uint32_t greatest = 0;
  block.for_each(range.floor(), [&](candidate c) {
    if (!range.holds(c) || split(c.logit) != bin) return;
    least = min(least, key_of(c.logit));
    greatest = max(greatest, key_of(c.logit));
  });
  least = __reduce_min_sync(~0u, least);
  greatest = __reduce_max_sync(~0u, greatest);
  if (threadIdx.x % 32 == 0) {
    atomicMin(&mail.least_key, least);
    atomicMax(&mail.greatest_key, greatest);
  }
  block.team.publish(&mail.least_key, 1);
  block.team.publish(&mail.greatest_key, 1);
  block.team.sync();
  range.least = ~0u;
  range.greatest = 0;
  for (int r = 0; r < row_blocks; ++r) {
    range.least = min(range.least, block.team.read(r, mail.least_key));
    range.greatest = max(range.greatest, block.team.read(r, mail.greatest_key));
  }
}

/// All ids of `range` have one logit: the n-th of them in order of ids, n
/// from 1. Blocks of the row meet here.
template <class Team>
__device__ candidate nth_tie(row_block<Team> const& block, key_range const& range, mass_t n) {
  auto& shared = block.shared;
  auto& mail = shared.mail;
  mass_t mine = 0;
  block.for_segment([&](candidate c) {
    mine += range.holds(c) ? 1 : 0;
    return true;
  });
  auto const sum = sum_of_block(mine, shared.warp_sums);
  if (threadIdx.x == 0) mail.ties = static_cast<std::int32_t>(sum.total);
  block.team.publish(&mail.ties, 1);
  block.team.sync();
  mass_t before = 0;
  mass_t before_mine = 0;
  int owner = 0;
  for (int r = 0; r < row_blocks; ++r) {
    auto const held = static_cast<mass_t>(block.team.read(r, mail.ties));
    if (r == block.team.rank()) before_mine = before;
    if (before < n && n <= before + held) owner = r;
    before += held;
  }
  mass_t reached = before_mine + sum.before;
  if (reached < n && n <= reached + mine) {
    block.for_segment([&](candidate c) {
      if (range.holds(c) && ++reached == n) mail.tie = c;
      return reached < n;
    });
  }
  block.team.publish(&mail.tie, 1);
  block.team.sync();
  return block.team.read(owner, mail.tie);
}

/// The id at which the measure, summed in order of likelihood over the ids that
/// `cut` keeps, reaches the goal; `cut` itself when it does not. The same in
/// every block of the row.
///
/// A histogram says in which bin that is; a bin of many ids is split again, by
/// key, until its ids fit the pool or are all equal. Random logits take one
/// round, any logits at most five.
///
/// A call: a sampler searches in four places, and one copy of this in place of
/// four halves the time that the kernel takes to compile.
template <class Team>
__device__ __noinline__ candidate last_within(row_block<Team> of_caller, candidate cut, measure held_by,
                                              goal aim) {
  auto const block = row_block_of(of_caller.team, of_caller.begin, of_caller.count);
  key_range range{cut, 0, ~0u};
  bin_split split = split_by_distance(block);
  for (;;) {
    fill_histogram(block, range, split, held_by);
    bin_found const found = find_bin(block, aim);
    if (found.bin < 0) {  // in the first round, if ever
      block.team.sync();  // others may still read this block's histogram
      return cut;
    }
    int const size = gather(block, range.floor(),
                            [&](candidate c) { return range.holds(c) && split(c.logit) == found.bin; });
    if (size >= 0) return find_in_pool(block, size, found, held_by);
    narrow(block, range, split, found.bin);
    mass_t const left = found.wanted - found.before;
    std::uint32_t const width = range.greatest - range.least;
    if (width == 0) {
      mass_t const each = held_by(logit_of(range.least));
      return nth_tie(block, range, (left + each - 1) / each);
    }
    split = {.greatest = range.greatest, .shift = max(0, 32 - __clz(static_cast<int>(width)) - bin_bits)};
    aim = {.count = left};
  }
}

}  // namespace tenon::block_sampling
