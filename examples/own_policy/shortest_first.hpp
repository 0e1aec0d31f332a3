// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/core/steady_clock.hpp"
#include "tenon/scheduling/prefix_scope.hpp"
#include "tenon/scheduling/sampled_events.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/scheduling/step_builder.hpp"

/// A scheduler of one's own: one sequence at a time, of those that wait the one with the shortest prompt. It
/// has the least mean waiting time of all schedulers without batching, and lets long prompts starve.
class shortest_first {
 public:
  static constexpr std::string_view name = "shortest_first";

  explicit shortest_first(tenon::scheduler_limits const& limits) : limits_{limits} {}

  void admit(tenon::sequence& seq) { waiting_.push_back(&seq); }

  template <tenon::cache_ledger Ledger>
  void cancel(Ledger& ledger, tenon::request_id id, std::int32_t choice, std::vector<tenon::event>& events) {
    auto const unwanted = [&](tenon::sequence const& seq) {
      return seq.id == id && (choice == tenon::every_choice || seq.choice == choice);
    };
    if (running_ != nullptr && unwanted(*running_)) {
      events.push_back(tenon::final_event(*running_, tenon::finish_reason::cancelled));
      end(ledger);
    }
    std::erase_if(waiting_, [&](tenon::sequence* seq) {
      if (!unwanted(*seq)) return false;
      seq->state = tenon::sequence_state::finished;
      events.push_back(tenon::final_event(*seq, tenon::finish_reason::cancelled));
      return true;
    });
  }

  template <tenon::cache_ledger Ledger> std::optional<tenon::step> next(Ledger& ledger) {
    if (running_ == nullptr && !waiting_.empty()) start(ledger);
    tenon::step_builder plan{limits_};
    if (running_ != nullptr && can_go_on()) {
      plan.add(*running_, std::min(running_->remaining(), plan.tokens_left()));
    }
    // A step without rows carries failures to its commit, where events can be told.
    if (plan.empty() && failures_.empty()) return std::nullopt;
    return std::move(plan).finish(++steps_);
  }

  template <tenon::cache_ledger Ledger>
  void commit(Ledger& ledger, tenon::step const& done, tenon::sampled const& result,
              std::vector<tenon::event>& events) {
    std::ranges::move(failures_, std::back_inserter(events));
    failures_.clear();
    for (tenon::step_row const& row : done.rows) {  // at most one
      tenon::sequence& seq = *row.seq;
      if (row.samples) --seq.pending;
      if (seq.state == tenon::sequence_state::finished) continue;  // it ended while this step ran
      auto const computed = static_cast<std::size_t>(row.begin + row.count);
      ledger.publish(seq.slot, std::span{seq.tokens}.first(computed), tenon::prefix_scope(*seq.wish));
      if (!row.samples) continue;
      auto const reason = tenon::append_sampled(seq, result, 0, limits_.max_context, events);
      if (reason != tenon::finish_reason::none) end(ledger);
    }
  }

  bool idle() const noexcept { return running_ == nullptr && waiting_.empty() && failures_.empty(); }

  tenon::scheduler_counts counts() const noexcept {
    return {.waiting = static_cast<std::int64_t>(waiting_.size()), .running = running_ != nullptr ? 1 : 0};
  }

 private:
  /// Takes the shortest of those that wait, with room for its whole length: it will never have to give way.
  template <tenon::cache_ledger Ledger> void start(Ledger& ledger) {
    auto const shortest = std::ranges::min_element(waiting_, {}, &tenon::sequence::prompt_tokens);
    tenon::sequence& seq = **shortest;
    waiting_.erase(shortest);
    std::int32_t const longest = std::min(seq.longest(), limits_.max_context);
    bool room = seq.prompt_tokens <= limits_.max_context && ledger.can_ever_hold(longest);
    if (room) {
      seq.computed = seq.cached = ledger.attach_prefix(only_slot, seq.tokens, tenon::prefix_scope(*seq.wish));
      room = ledger.reserve(only_slot, longest);
      if (!room) ledger.release(only_slot);
    }
    if (!room) {
      seq.state = tenon::sequence_state::finished;
      failures_.push_back(
          tenon::final_event(seq, tenon::finish_reason::failed, "the cache has no room for this sequence"));
      return;
    }
    seq.slot = only_slot;
    seq.fresh_slot = true;
    seq.state = tenon::sequence_state::running;
    seq.first_scheduled_at = tenon::steady_nanoseconds();
    running_ = &seq;
  }

  bool can_go_on() const noexcept {
    if (running_->needs_host && running_->pending > 0) return false;
    return !running_->fully_planned() && running_->length() <= limits_.max_context;
  }

  template <tenon::cache_ledger Ledger> void end(Ledger& ledger) {
    ledger.release(only_slot);
    running_->slot = tenon::no_slot;
    running_->state = tenon::sequence_state::finished;
    running_ = nullptr;
  }

  static constexpr tenon::slot_id only_slot = 0;

  tenon::scheduler_limits limits_;
  std::vector<tenon::sequence*> waiting_;
  tenon::sequence* running_ = nullptr;
  std::vector<tenon::event> failures_;
  std::uint64_t steps_ = 0;
};
