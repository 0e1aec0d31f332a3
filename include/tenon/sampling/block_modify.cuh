// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "tenon/sampling/block_row.cuh"
#include "tenon/sampling/seen_ids.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::block_sampling {

/// What a row's slot remembers, seen from one block: the counts of its own ids.
struct slot_counts {
  std::uint32_t* words = nullptr;  // [vocabulary] of the row's slot; null: the row penalises nothing
  bool any = false;                ///< whether a word may be other than zero
};

/// Forgets the slot's predecessor and counts the row's history, as far as its ids are this block's. `used` is
/// left as it is: others still read it.
template <class Team>
__device__ slot_counts recall_history(row_block<Team> const& block, batch_view const& batch,
                                      seen_ids const& seen) {
  sampling_row const& row = block.shared.row;
  if (row.slot == no_slot) return {};
  auto* const words =
      seen.words + static_cast<std::size_t>(row.slot) * static_cast<std::size_t>(seen.vocabulary);
  bool const used = seen.used[row.slot] != 0;
  if (row.resets_slot == 0) return row.penalises() ? slot_counts{words, used} : slot_counts{};
  auto const thread = static_cast<std::int32_t>(threadIdx.x);
  if (used) {
    for (std::int32_t i = thread; i < block.count; i += block_threads) words[block.begin + i] = 0;
    __syncthreads();
  }
  if (!row.penalises()) return {};
  for (std::int32_t i = row.history_begin + thread; i < row.history_end; i += block_threads) {
    token_id const id = batch.table[i];
    if (id < block.begin || id >= block.begin + block.count) continue;
    if (i - row.history_begin < row.history_prompt) {
      atomicOr(words + id, seen_ids::in_prompt);
    } else {
      atomicAdd(words + id, 1u);
    }
  }
  __syncthreads();
  return {words, true};
}

/// `seen_ids::penalise` for one logit, with the host's roundings.
__device__ inline float penalised(sampling_row const& row, float logit, std::uint32_t seen) {
  if (seen == 0) return logit;
  float const penalty = row.repetition_penalty;
  float result = logit > 0.0f ? __fdiv_rn(logit, penalty) : __fmul_rn(logit, penalty);
  std::uint32_t const generated = seen & ~seen_ids::in_prompt;
  if (generated > 0) {
    float const frequency = __fmul_rn(row.frequency_penalty, static_cast<float>(generated));
    result = __fsub_rn(result, __fadd_rn(frequency, row.presence_penalty));
  }
  return usable_logit(result);
}

/// Penalises this block's chunk; `words` [count] are the counts of its ids.
template <class Team>
__device__ void penalise(row_block<Team> const& block, sampling_row const& row, std::uint32_t const* words) {
  constexpr int in_flight = 8;
  for (auto base = static_cast<std::int32_t>(threadIdx.x); base < block.count;
       base += in_flight * block_threads) {
    std::uint32_t seen[in_flight];
#pragma unroll
    for (int j = 0; j < in_flight; ++j) {
      std::int32_t const i = base + j * block_threads;
      seen[j] = i < block.count ? words[i] : 0;
    }
#pragma unroll
    for (int j = 0; j < in_flight; ++j) {
      std::int32_t const i = base + j * block_threads;
      if (seen[j] != 0) block.chunk[i] = penalised(row, block.chunk[i], seen[j]);
    }
  }
}

/// Adds the row's logit_bias in the order of its list. One warp does it; of the entries of one round that
/// name the same id, the first thread adds all.
template <class Team>
__device__ void add_bias(row_block<Team> const& block, batch_view const& batch, sampling_row const& row) {
  if (threadIdx.x >= 32) return;
  auto const lane = static_cast<std::int32_t>(threadIdx.x);
  for (std::int32_t round = row.bias_begin; round < row.bias_end; round += 64) {
    std::int32_t const at = round + 2 * lane;
    token_id const id = at < row.bias_end ? batch.table[at] : no_token;
    unsigned same = __match_any_sync(~0u, id);
    std::int32_t const i = id - block.begin;
    if (id >= 0 && i >= 0 && i < block.count && __ffs(static_cast<int>(same)) - 1 == lane) {
      float logit = block.chunk[i];
      for (; same != 0; same &= same - 1) {
        std::int32_t const entry = round + 2 * (__ffs(static_cast<int>(same)) - 1);
        logit = usable_logit(__fadd_rn(logit, std::bit_cast<float>(batch.table[entry + 1])));
      }
      block.chunk[i] = logit;
    }
    __syncwarp();
  }
}

/// Whether the row's logits differ from the model's.
__device__ inline bool modifies(sampling_row const& row, slot_counts const& counts) {
  return counts.any || row.bias_end > row.bias_begin || row.banned_end > row.banned_begin || row.mask >= 0;
}

/// Penalties, then bias, then what must not be chosen, on this block's chunk.
template <class Team>
__device__ void modify(row_block<Team> const& block, batch_view const& batch, slot_counts const& counts,
                       std::int32_t vocabulary) {
  sampling_row const& row = block.shared.row;
  auto const thread = static_cast<std::int32_t>(threadIdx.x);
  std::uint32_t const* const mask =
      row.mask >= 0 ? batch.masks + static_cast<std::ptrdiff_t>(row.mask) * ((vocabulary + 31) / 32)
                    : nullptr;
  __syncthreads();
  if (counts.any) penalise(block, row, counts.words + block.begin);
  if (mask != nullptr) {
    for (std::int32_t i = thread; i < block.count; i += block_threads) {
      std::int32_t const id = block.begin + i;
      if (((mask[id / 32] >> (id % 32)) & 1u) == 0) block.chunk[i] = never;
    }
  }
  __syncthreads();
  add_bias(block, batch, row);
  __syncthreads();
  for (std::int32_t i = row.banned_begin + thread; i < row.banned_end; i += block_threads) {
    std::int32_t const place = batch.table[i] - block.begin;
    if (batch.table[i] >= 0 && place >= 0 && place < block.count) block.chunk[place] = never;
  }
  __syncthreads();
}

}  // namespace tenon::block_sampling
