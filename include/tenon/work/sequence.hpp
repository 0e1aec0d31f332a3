// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tenon/core/ids.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

enum class sequence_state : std::uint8_t { waiting, running, finished };

/// One choice of one request on its way through the engine. Owned and changed by the engine's thread alone.
///
/// Positions 0 … tokens.size()-1 have known ids. A step that was planned but not yet committed adds `pending`
/// ids that exist on the device only. `computed` counts the positions whose keys and values are in the cache
/// once all planned steps have run, so `length() - computed` positions remain to be computed before the next
/// id can be sampled.
struct sequence {
  request_id id{};
  std::int32_t choice = 0;
  std::shared_ptr<request const> wish;
  std::uint64_t arrival = 0;  ///< order of submission; ties of priority are served in this order
  std::uint64_t seed = 0;     ///< the request's, or the engine's draw

  std::vector<token_id> tokens;  ///< prompt, then generated ids
  std::int32_t prompt_tokens = 0;
  std::int32_t pending = 0;
  std::int32_t computed = 0;
  std::int32_t cached = 0;  ///< prompt positions taken from the prefix cache at first admission
  slot_id slot = no_slot;
  sequence_state state = sequence_state::waiting;
  bool fresh_slot = false;  ///< the slot's sampler state is a predecessor's: the next sampled row resets it
  bool needs_host = false;  ///< not planned ahead until its last id is committed (structured output)
  std::int32_t preemptions = 0;

  std::int64_t submitted_at = 0;        ///< nanoseconds of steady_nanoseconds()
  std::int64_t first_scheduled_at = 0;  ///< the same; 0 while it never ran
  std::int64_t first_token_at = 0;      ///< the same; 0 while no id was sampled

  std::int32_t known() const noexcept { return static_cast<std::int32_t>(tokens.size()); }
  std::int32_t length() const noexcept { return known() + pending; }
  std::int32_t generated() const noexcept { return known() - prompt_tokens; }

  /// Positions that are left to compute before an id can be sampled: 1 in plain decoding.
  std::int32_t remaining() const noexcept { return length() - computed; }

  /// The most positions that this choice can ever hold keys and values for: the last sampled id is never fed
  /// back.
  std::int32_t longest() const noexcept { return prompt_tokens + wish->max_new_tokens - 1; }

  /// Whether ids sampled so far, committed or pending, already reach max_new_tokens: nothing is left to plan.
  bool fully_planned() const noexcept { return length() - prompt_tokens >= wish->max_new_tokens; }

  /// Appends a sampled id; says whether that ends the choice.
  finish_reason append(token_id id_sampled) {
    tokens.push_back(id_sampled);
    bool const may_stop = !wish->ignore_stop_ids && generated() > wish->min_new_tokens;
    if (may_stop &&
        std::find(wish->stop_ids.begin(), wish->stop_ids.end(), id_sampled) != wish->stop_ids.end())
      return finish_reason::stop;
    return generated() >= wish->max_new_tokens ? finish_reason::length : finish_reason::none;
  }

  token_usage usage() const noexcept {
    return {.prompt = prompt_tokens, .cached = cached, .generated = generated()};
  }
  choice_times times() const noexcept {
    return {.submitted = submitted_at, .admitted = first_scheduled_at, .first_token = first_token_at};
  }
};

}  // namespace tenon
