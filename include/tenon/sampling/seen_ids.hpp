// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/sampling/candidate.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// Which ids a slot's sequence has seen, and how often it generated them: what penalties are computed from.
/// A view of device memory that starts zeroed. Slots that no penalty touched cost nothing to forget.
struct seen_ids {
  static constexpr std::uint32_t in_prompt = 0x8000'0000u;  ///< the rest of the word counts generated ids

  std::uint32_t* words = nullptr;  // [slots, vocabulary]
  std::int32_t* used = nullptr;    // [slots] 0: the slot's words are all zero
  std::int32_t vocabulary = 0;

  static seen_ids make(carver& memory, std::int32_t slots, std::int32_t vocabulary) {
    seen_ids view;
    view.words = memory.take<std::uint32_t>(checked_size{slots} * vocabulary);
    view.used = memory.take<std::int32_t>(slots);
    view.vocabulary = vocabulary;
    return view;
  }

  std::span<std::uint32_t> of(slot_id slot) const noexcept {
    auto const width = static_cast<std::size_t>(vocabulary);
    return {words + static_cast<std::size_t>(slot) * width, width};
  }

  void forget(slot_id slot) const noexcept {
    if (used[slot] == 0) return;
    for (auto& count : of(slot)) count = 0;
    used[slot] = 0;
  }

  /// Ids outside the vocabulary have no logit to penalise and are passed over.
  void count_prompt(slot_id slot, std::span<token_id const> ids) const noexcept {
    auto const row = of(slot);
    for (auto const id : ids) {
      if (holds(id)) row[static_cast<std::size_t>(id)] |= in_prompt;
    }
    used[slot] = 1;
  }

  void count_generated(slot_id slot, std::span<token_id const> ids) const noexcept {
    auto const row = of(slot);
    for (auto const id : ids) {
      if (holds(id)) ++row[static_cast<std::size_t>(id)];
    }
    used[slot] = 1;
  }

  /// Repetition penalty (Keskar et al., "CTRL", 2019, section 4.1) on every seen id; then presence and
  /// frequency penalty on generated ids, as the OpenAI API defines them: l -= frequency * count + presence.
  void penalise(sampling_row const& row, std::span<float> logits) const noexcept {
    if (used[row.slot] == 0) return;
    auto const seen = of(row.slot);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (seen[i] == 0) continue;
      float const penalty = row.repetition_penalty;
      float logit = logits[i] > 0.0f ? logits[i] / penalty : logits[i] * penalty;
      std::uint32_t const generated = seen[i] & ~in_prompt;
      if (generated > 0) {
        logit -= row.frequency_penalty * static_cast<float>(generated) + row.presence_penalty;
      }
      logits[i] = usable_logit(logit);
    }
  }

 private:
  bool holds(token_id id) const noexcept { return id >= 0 && id < vocabulary; }
};

}  // namespace tenon
