// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tenon/core/steady_clock.hpp"
#include "tenon/work/batch.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// A choice's last event, without a new id.
inline event final_event(sequence const& seq, finish_reason reason, std::string message = {}) {
  event last;
  last.request = seq.id;
  last.choice = seq.choice;
  last.finish = reason;
  last.message = std::move(message);
  last.usage = seq.usage();
  last.times = seq.times();
  return last;
}

/// The event of id `index` of sampling row `entry`; log-probabilities only if the request asked for them.
inline event token_event(sequence const& seq, sampled const& result, std::size_t entry, std::size_t index,
                         finish_reason reason) {
  std::size_t const at = entry * static_cast<std::size_t>(result.ids_per_row) + index;
  event happened;
  happened.request = seq.id;
  happened.choice = seq.choice;
  happened.token = result.ids[at];
  happened.finish = reason;
  if (reason != finish_reason::none) happened.usage = seq.usage();
  if (reason != finish_reason::none || seq.generated() == 1) happened.times = seq.times();
  std::int32_t const asked = seq.wish->sampling.logprobs;
  if (asked < 0) return happened;
  if (at < result.logprobs.size()) happened.logprob = result.logprobs[at];
  auto const width = static_cast<std::size_t>(result.top_per_row);
  std::size_t const most = index == 0 ? std::min(static_cast<std::size_t>(asked), width) : 0;
  for (std::size_t i = 0; i < most; ++i)
    happened.alternatives.push_back(
        {.id = result.top_ids[entry * width + i], .logprob = result.top_logprobs[entry * width + i]});
  return happened;
}

/// Appends what a sampling row yielded to its sequence, up to the choice's end, and reports it.
///
/// result: entry `entry` belongs to this row. max_context: a choice whose next id would stand beyond it ends
/// with `length`, and one for which the sampler found no id (`no_token`) with `failed`. Returns why the
/// choice ended, or `none`.
inline finish_reason append_sampled(sequence& seq, sampled const& result, std::size_t entry,
                                    std::int32_t max_context, std::vector<event>& events) {
  auto const yielded = static_cast<std::size_t>(result.counts[entry]);
  finish_reason reason = finish_reason::none;
  for (std::size_t i = 0; i < yielded && reason == finish_reason::none; ++i) {
    token_id const id = result.ids[entry * static_cast<std::size_t>(result.ids_per_row) + i];
    if (id == no_token) {
      events.push_back(final_event(seq, finish_reason::failed,
                                   "no token can be sampled: every logit is NaN, banned or masked"));
      return finish_reason::failed;
    }
    reason = seq.append(id);
    if (seq.first_token_at == 0) seq.first_token_at = steady_nanoseconds();
    if (reason == finish_reason::none && seq.known() > max_context) reason = finish_reason::length;
    events.push_back(token_event(seq, result, entry, i, reason));
  }
  return reason;
}

}  // namespace tenon
