// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// How the next id is chosen from the logits. The defaults are the plain distribution, nothing cut off.
///
/// Order of application: penalties and bias on the logits, then temperature, then top_k, top_p, min_p.
struct sampling_parameters {
  float temperature = 1.0f;  ///< 0 chooses the largest logit
  std::int32_t top_k = 0;    ///< keep the k most likely ids; 0 keeps all
  float top_p = 1.0f;        ///< keep the least set of most likely ids whose mass reaches top_p
  float min_p = 0.0f;        ///< drop ids below min_p times the most likely one's probability
  float repetition_penalty =
      1.0f;  ///< Keskar et al. 2019: divides positive, multiplies negative logits of seen ids
  float presence_penalty = 0.0f;  ///< subtracted once from every generated id's logit
  float frequency_penalty =
      0.0f;  ///< subtracted from a generated id's logit, times how often it was generated
  std::vector<std::pair<token_id, float>> logit_bias{};
  std::optional<std::uint64_t>
      seed{};  ///< absent: drawn by the engine; equal seeds give equal ids, whatever else runs
  std::int32_t logprobs =
      -1;  ///< -1: none; k >= 0: the chosen id's log-probability and the k best alternatives

  friend bool operator==(sampling_parameters const&, sampling_parameters const&) = default;
};

/// One user's wish, immutable once submitted. The engine knows ids only: stop strings belong to `text/`.
struct request {
  std::vector<token_id> prompt{};     ///< not empty
  std::int32_t max_new_tokens = 256;  ///< at least 1
  std::int32_t min_new_tokens = 0;    ///< stop ids cannot be sampled before
  std::vector<token_id> stop_ids{};   ///< end a choice; the stop id itself is the last event's id
  bool ignore_stop_ids = false;       ///< keep on to max_new_tokens
  std::vector<token_id> forced{};     ///< ids that the first steps emit, in place of sampling
  sampling_parameters sampling{};
  std::int32_t choices = 1;   ///< n: continuations of one prompt, which share its pages
  std::int32_t priority = 0;  ///< smaller goes first
  cache_scope scope{};        ///< prompts share cached pages only within one scope
  std::int32_t adapter = 0;   ///< 0: the base model
  std::int32_t rope_set = 0;  ///< index into the engine's rope tables

  friend bool operator==(request const&, request const&) = default;
};

}  // namespace tenon
