// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/scheduling/plan_rows.hpp"
#include "tenon/scheduling/roster.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"

namespace tenon {

struct chunked_prefill_options {
  std::int32_t ageing_steps = 256;  ///< steps of waiting that outweigh one level of priority
  std::int32_t spare_percent = 1;   ///< of all pages: left to those that run when somebody is admitted
};

/// Continuous batching with chunked prefill (Agrawal et al. 2023, "SARATHI"): every step first takes one
/// token of everybody who decodes, then fills its token budget with pieces of prompts, those that run before
/// those that wait. Decoding never pauses for a prompt, and a long prompt never exceeds a step.
///
/// Order is by `ticket`: priority with ageing, first in first out within a priority. Nobody who waits for
/// room is passed by a later one; only choices that wait for the first choice's prompt let others by. When a
/// decoding sequence finds no page, the last of those that run is preempted and later computed anew; so the
/// first one always advances.
class chunked_prefill {
 public:
  static constexpr std::string_view name = "chunked_prefill";

  explicit chunked_prefill(scheduler_limits const& limits, chunked_prefill_options const& options = {})
      : roster_{limits, options.ageing_steps}, options_{options} {}

  void admit(sequence& seq) { roster_.admit(seq); }

  template <cache_ledger Ledger>
  void cancel(Ledger& ledger, request_id id, std::int32_t choice, std::vector<event>& events) {
    roster_.cancel(ledger, id, choice, events);
  }

  template <cache_ledger Ledger> std::optional<step> next(Ledger& ledger) {
    step_builder plan{roster_.limits()};
    bool const preempted = plan_decoding(ledger, roster_, plan);
    plan_prompt_chunks(roster_, plan);
    if (!preempted) start_waiting(ledger, plan);
    return roster_.hand_out(std::move(plan));
  }

  template <cache_ledger Ledger>
  void commit(Ledger& ledger, step const& done, sampled const& result, std::vector<event>& events) {
    roster_.commit(ledger, done, result, events);
  }

  bool idle() const noexcept { return roster_.idle(); }
  scheduler_counts counts() const noexcept { return roster_.counts(); }

 private:
  template <cache_ledger Ledger> void start_waiting(Ledger& ledger, step_builder& plan) {
    std::int64_t const spare = spare_pages(ledger, roster_.limits(), options_.spare_percent);
    for (auto next = roster_.waiting().begin(); next != roster_.waiting().end() && plan.has_room();) {
      auto const place = next++;
      sequence& seq = *place->seq;
      std::int32_t const positions = room_to_sample(seq, roster_.limits());
      roster::outcome const result = roster_.start(ledger, place, positions, spare, plan);
      if (result == roster::outcome::no_room) return;
      if (result == roster::outcome::started) plan.add(seq, std::min(seq.remaining(), plan.tokens_left()));
    }
  }

  roster roster_;
  chunked_prefill_options options_;
};

}  // namespace tenon
