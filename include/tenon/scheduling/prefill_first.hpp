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

struct prefill_first_options {
  std::int32_t ageing_steps = 256;  ///< steps of waiting that outweigh one level of priority
  std::int32_t spare_percent = 1;   ///< of all pages: left to those that run when somebody is admitted
};

/// Continuous batching that computes prompts first, as early serving engines did: while somebody can be
/// admitted, a step is made of whole prompts and nobody decodes. The first id comes early, and the others'
/// next id late: what chunked prefill is compared with.
///
/// A prompt longer than the token budget is computed alone, in pieces. Order, waiting and preemption are
/// those of chunked_prefill.
class prefill_first {
 public:
  static constexpr std::string_view name = "prefill_first";

  explicit prefill_first(scheduler_limits const& limits, prefill_first_options const& options = {})
      : roster_{limits, options.ageing_steps}, options_{options} {}

  void admit(sequence& seq) { roster_.admit(seq); }

  template <cache_ledger Ledger>
  void cancel(Ledger& ledger, request_id id, std::int32_t choice, std::vector<event>& events) {
    roster_.cancel(ledger, id, choice, events);
  }

  template <cache_ledger Ledger> std::optional<step> next(Ledger& ledger) {
    step_builder plan{roster_.limits()};
    if (plan_running_prompts(plan)) start_waiting(ledger, plan);
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
  /// Plans a prompt that fits whole, or a piece of one that is alone; false when it has to wait.
  static bool plan_whole(sequence& seq, step_builder& plan) {
    if (seq.remaining() > plan.tokens_left() && !plan.empty()) return false;
    plan.add(seq, std::min(seq.remaining(), plan.tokens_left()));
    return true;
  }

  bool plan_running_prompts(step_builder& plan) {
    for (ticket const& held : roster_.running())
      if (held.seq->remaining() > 1 && !plan_whole(*held.seq, plan)) return false;
    return true;
  }

  template <cache_ledger Ledger> void start_waiting(Ledger& ledger, step_builder& plan) {
    std::int64_t const spare = spare_pages(ledger, roster_.limits(), options_.spare_percent);
    for (auto next = roster_.waiting().begin(); next != roster_.waiting().end() && plan.has_room();) {
      auto const place = next++;
      sequence& seq = *place->seq;
      std::int32_t const positions = room_to_sample(seq, roster_.limits());
      roster::outcome const result = roster_.start(ledger, place, positions, spare, plan);
      if (result == roster::outcome::no_room) return;
      if (result == roster::outcome::started && !plan_whole(seq, plan)) return;
    }
  }

  roster roster_;
  prefill_first_options options_;
};

}  // namespace tenon
