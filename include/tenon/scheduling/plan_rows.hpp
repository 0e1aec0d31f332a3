// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/scheduling/roster.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/scheduling/step_builder.hpp"
#include "tenon/work/sequence.hpp"

namespace tenon {

/// Whether a running sequence has something to compute now: ids sampled on the device suffice unless it needs
/// them on the host, and nothing lies beyond its last id or the context.
inline bool can_be_planned(sequence const& seq, scheduler_limits const& limits) noexcept {
  if (seq.needs_host && seq.pending > 0) return false;
  return !seq.fully_planned() && seq.length() <= limits.max_context;
}

/// The room that a sequence needs to compute all it has, and one position more where it will go on: whoever
/// is admitted should not be the first to run out of pages.
inline std::int32_t room_to_sample(sequence const& seq, scheduler_limits const& limits) noexcept {
  return std::max(seq.length(), std::min({seq.length() + 1, seq.longest(), limits.max_context}));
}

/// The pages that an admission leaves to those that run: a share of all, but none where a page is a whole
/// sequence and nobody ever needs a second one.
template <cache_ledger Ledger>
std::int64_t spare_pages(Ledger const& ledger, scheduler_limits const& limits,
                         std::int32_t percent) noexcept {
  std::int64_t const total = ledger.usage().total;
  return total <= limits.max_rows ? 0 : total * percent / 100;
}

/// Makes room for the sequence's next position, preempting from the end of the order of service; false when
/// the sequence itself had to go.
template <cache_ledger Ledger> bool make_room(Ledger& ledger, roster& all, sequence& seq, bool& preempted) {
  while (!ledger.reserve(seq.slot, seq.computed + 1)) {
    if (all.running().size() == 1) {
      all.fail_last(ledger);
      return false;
    }
    preempted = true;
    if (&all.preempt_last(ledger) == &seq) return false;
  }
  return true;
}

/// Plans one position of every running sequence that has just one left, in order of service. Says whether
/// somebody was preempted; never somebody who is planned already, because those come earlier in the order.
template <cache_ledger Ledger> bool plan_decoding(Ledger& ledger, roster& all, step_builder& plan) {
  bool preempted = false;
  for (std::size_t i = 0; i < all.running().size(); ++i) {
    sequence& seq = *all.running()[i].seq;
    if (seq.remaining() != 1 || !can_be_planned(seq, all.limits())) continue;
    if (make_room(ledger, all, seq, preempted)) plan.add(seq, 1);
  }
  return preempted;
}

/// Plans pieces of the running prompts, in order of service, until the budget is spent. Their room was
/// reserved when they were admitted.
inline void plan_prompt_chunks(roster const& all, step_builder& plan) {
  for (ticket const& held : all.running()) {
    if (!plan.has_room()) return;
    if (held.seq->remaining() > 1) plan.add(*held.seq, std::min(held.seq->remaining(), plan.tokens_left()));
  }
}

}  // namespace tenon
