// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/scheduling/plan_rows.hpp"
#include "tenon/scheduling/roster.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"

namespace tenon {

struct static_batch_options {
  std::int32_t ageing_steps = 256;  ///< steps of waiting that outweigh one level of priority
};

/// Static batching: takes as many as fit, computes all their prompts, decodes until the last of them has
/// ended, and only then takes the next batch. What continuous batching is compared with: rows of those that
/// ended early stay empty, and newcomers wait for the longest.
///
/// Room for the whole length of everybody is reserved at admission, so nobody is ever preempted. Order
/// between batches is by `ticket`. Only further choices of the batch's own requests join later, once the
/// prompt that they share is computed.
class static_batch {
 public:
  static constexpr std::string_view name = "static_batch";

  explicit static_batch(scheduler_limits const& limits, static_batch_options const& options = {})
      : roster_{limits, options.ageing_steps} {}

  void admit(sequence& seq) { roster_.admit(seq); }

  template <cache_ledger Ledger>
  void cancel(Ledger& ledger, request_id id, std::int32_t choice, std::vector<event>& events) {
    roster_.cancel(ledger, id, choice, events);
  }

  template <cache_ledger Ledger> std::optional<step> next(Ledger& ledger) {
    step_builder plan{roster_.limits()};
    fill_batch(ledger, plan);
    plan_prompt_chunks(roster_, plan);
    if (plan.empty()) plan_decoding(ledger, roster_, plan);
    return roster_.hand_out(std::move(plan));
  }

  template <cache_ledger Ledger>
  void commit(Ledger& ledger, step const& done, sampled const& result, std::vector<event>& events) {
    roster_.commit(ledger, done, result, events);
  }

  bool idle() const noexcept { return roster_.idle(); }
  scheduler_counts counts() const noexcept { return roster_.counts(); }

 private:
  bool batch_has_choice_of(request_id id) const noexcept {
    return std::ranges::any_of(roster_.running(), [&](ticket const& held) { return held.seq->id == id; });
  }

  template <cache_ledger Ledger> void fill_batch(Ledger& ledger, step_builder& plan) {
    bool const new_batch = roster_.running().empty();
    bool const more_choices = std::ranges::any_of(
        roster_.running(), [](ticket const& held) { return held.seq->wish->choices > 1; });
    if (!new_batch && !more_choices) return;
    for (auto next = roster_.waiting().begin(); next != roster_.waiting().end();) {
      auto const place = next++;
      sequence const& seq = *place->seq;
      if (!new_batch && !batch_has_choice_of(seq.id)) continue;
      std::int32_t const whole = std::min(seq.longest(), roster_.limits().max_context);
      if (roster_.start(ledger, place, whole, 0, plan) == roster::outcome::no_room) return;
    }
  }

  roster roster_;
};

}  // namespace tenon
