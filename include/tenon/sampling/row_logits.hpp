// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "tenon/core/ids.hpp"
#include "tenon/sampling/candidate.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// The ids that `row` must not choose whatever their logits: a host batch's list and mask block.
struct allowed_ids {
  std::span<token_id const> banned;
  std::uint32_t const* mask = nullptr;  // [ceil(vocabulary / 32)] bit set: allowed; null: all are

  static allowed_ids of(batch_view const& batch, sampling_row const& row, std::int64_t vocabulary) noexcept {
    allowed_ids result;
    if (row.banned_end > row.banned_begin) {
      result.banned = {batch.table + row.banned_begin,
                       static_cast<std::size_t>(row.banned_end - row.banned_begin)};
    }
    if (row.mask >= 0) result.mask = batch.masks + row.mask * ((vocabulary + 31) / 32);
    return result;
  }

  bool contains(token_id id) const noexcept {
    if (mask != nullptr && ((mask[id / 32] >> (id % 32)) & 1u) == 0) return false;
    return std::find(banned.begin(), banned.end(), id) == banned.end();
  }

  /// Sets every logit that must not be chosen to -infinity.
  void apply(std::span<float> logits) const noexcept {
    constexpr float never = -std::numeric_limits<float>::infinity();
    if (mask != nullptr) {
      for (std::size_t i = 0; i < logits.size(); ++i) {
        if (((mask[i / 32] >> (i % 32)) & 1u) == 0) logits[i] = never;
      }
    }
    for (auto const id : banned) {
      if (id >= 0 && static_cast<std::size_t>(id) < logits.size())
        logits[static_cast<std::size_t>(id)] = never;
    }
  }
};

/// Leaves an id where the next step may read it; a row without one leaves 0, for a step planned ahead reads
/// it as an input. Rows of padding share one slot, whose id nobody uses: hence an atomic store, by the
/// compilers' builtin because <atomic> would be the most expensive header of all that include this one.
inline void leave_in_slot(batch_view const& batch, sampling_row const& row, token_id id) noexcept {
  if (row.slot == no_slot) return;
  __atomic_store_n(&batch.slot_ids[row.slot], id == no_token ? token_id{0} : id, __ATOMIC_RELAXED);
}

/// Adds the row's logit_bias, pairs of an id and the bit pattern of a float.
inline void add_bias(batch_view const& batch, sampling_row const& row, std::span<float> logits) noexcept {
  for (std::int32_t i = row.bias_begin; i < row.bias_end; i += 2) {
    token_id const id = batch.table[i];
    if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) continue;
    auto& logit = logits[static_cast<std::size_t>(id)];
    logit = usable_logit(logit + std::bit_cast<float>(batch.table[i + 1]));
  }
}

/// Writes the k most likely ids and the chosen id's log-probability of one row.
///
/// logits    [vocabulary] unmodified but for `usable_logit`
/// room      [vocabulary] overwritten
/// k         0 … max_logprobs; entries past the ids that can be chosen get no_token and -infinity
/// returns the logarithm of sum(exp(logits)), accumulated in double in order of ids
inline double write_alternatives(std::span<float const> logits, std::int32_t k, std::span<candidate> room,
                                 token_id* ids, float* logprobs) noexcept {
  constexpr float never = -std::numeric_limits<float>::infinity();
  float const largest = best_candidate(logits).logit;
  double sum = 0.0;
  for (float const logit : logits) {
    if (logit != never) sum += std::exp(static_cast<double>(logit) - static_cast<double>(largest));
  }
  double const normaliser = static_cast<double>(largest) + std::log(sum);
  auto const best = k_best(logits, static_cast<std::size_t>(k), room);
  std::sort(best.begin(), best.end(), precedes);
  for (std::int32_t i = 0; i < k; ++i) {
    bool const exists = static_cast<std::size_t>(i) < best.size();
    auto const at = static_cast<std::size_t>(i);
    ids[i] = exists ? best[at].id : no_token;
    logprobs[i] = exists ? static_cast<float>(static_cast<double>(best[at].logit) - normaliser) : never;
  }
  return normaliser;
}

}  // namespace tenon
