// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/core/error.hpp"
#include "tenon/core/steady_clock.hpp"
#include "tenon/scheduling/prefix_scope.hpp"
#include "tenon/scheduling/sampled_events.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/scheduling/slot_pool.hpp"
#include "tenon/scheduling/step_builder.hpp"
#include "tenon/scheduling/ticket.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// Who waits, who runs and in which slot: the bookkeeping that schedulers share. A scheduler adds the one
/// decision which rows make the next step.
///
/// Steps run in order on the device, so a slot and its pages may go to a successor while steps that were
/// planned earlier are still under way. A sequence must outlive its last event and every step that names it.
class roster {
 public:
  using waiting_queue = std::multiset<ticket, served_before>;

  enum class outcome : std::uint8_t {
    started,    ///< it runs: slot and room are its own, nothing is planned for it yet
    not_yet,    ///< its first choice is still computing the prompt that it will share: others may go first
    no_room,    ///< it stays the next in line
    impossible  ///< it ended as failed: it could not run even alone
  };

  /// Throws options_error unless max_rows, max_context and ageing_steps are positive and max_tokens covers
  /// max_rows.
  roster(scheduler_limits const& limits, std::int32_t ageing_steps)
      : limits_{checked(limits, ageing_steps)},
        ageing_steps_{ageing_steps},
        slots_{limits.max_rows},
        since_(static_cast<std::size_t>(limits.max_rows)) {
    running_.reserve(since_.size());
  }

  scheduler_limits const& limits() const noexcept { return limits_; }
  waiting_queue const& waiting() const noexcept { return waiting_; }
  std::vector<ticket> const& running() const noexcept { return running_; }  ///< in order of turn
  bool has_free_slot() const noexcept { return slots_.free_slots() > 0; }

  bool idle() const noexcept { return waiting_.empty() && running_.empty() && failures_.empty(); }
  scheduler_counts counts() const noexcept {
    return {.waiting = static_cast<std::int64_t>(waiting_.size()),
            .running = static_cast<std::int64_t>(running_.size()),
            .preemptions = preemptions_};
  }

  void admit(sequence& seq) {
    std::int64_t const turn =
        std::int64_t{seq.wish->priority} * ageing_steps_ + static_cast<std::int64_t>(planned_);
    seq.state = sequence_state::waiting;
    waiting_.insert({turn, &seq});
  }

  /// Ends one choice of the request, or every_choice; rows already planned for it are dropped when they are
  /// committed.
  template <cache_ledger Ledger>
  void cancel(Ledger& ledger, request_id id, std::int32_t choice, std::vector<event>& events) {
    report_failures(events);
    auto const ends = [&](sequence& seq) {
      if (seq.id != id || (choice != every_choice && seq.choice != choice)) return false;
      leave(ledger, seq);
      seq.state = sequence_state::finished;
      events.push_back(final_event(seq, finish_reason::cancelled));
      return true;
    };
    std::erase_if(running_, [&](ticket const& held) { return ends(*held.seq); });
    std::erase_if(waiting_, [&](ticket const& held) { return ends(*held.seq); });
  }

  /// Publishes the pages that became final, appends ids, reports and lets finished sequences go. Called once
  /// for every step handed out, in order: steps are counted here, whatever their `number` says.
  template <cache_ledger Ledger>
  void commit(Ledger& ledger, step const& done, sampled const& result, std::vector<event>& events) {
    report_failures(events);
    ++committed_;
    std::size_t entries = 0;
    for (step_row const& row : done.rows) {
      sequence& seq = *row.seq;
      std::size_t const entry = entries;
      if (row.samples) ++entries, --seq.pending;
      if (seq.state == sequence_state::finished) continue;
      if (still_holds(row)) ledger.publish(seq.slot, computed_ids(row), prefix_scope(*seq.wish));
      if (!row.samples) continue;
      if (append_sampled(seq, result, entry, limits_.max_context, events) != finish_reason::none)
        end(ledger, seq);
    }
  }

  /// Tries to give a waiting sequence a slot, the cached or shared part of its prompt, and room for
  /// `positions` in all; while others run, `spare` pages are left over for them to grow.
  template <cache_ledger Ledger>
  outcome start(Ledger& ledger, waiting_queue::iterator place, std::int32_t positions, std::int64_t spare,
                step_builder& plan) {
    sequence& seq = *place->seq;
    if (seq.pending > 0 || !has_free_slot() || blocked(ledger, seq)) return outcome::no_room;
    if (!fits(ledger, seq)) return fail(place, "it can never fit: " + demand(seq));
    sequence const* first = first_choice(seq);
    if (first != nullptr && plan.computed_before(*first) < seq.prompt_tokens - 1) return outcome::not_yet;
    slot_id const slot = slots_.lowest();
    std::int32_t const covered = share_prompt(ledger, seq, first, slot, plan, positions, spare);
    if (covered < 0) {
      ledger.release(slot);
      if (running_.empty()) return fail(place, "the cache has no room for it alone: " + demand(seq));
      blocked_ = key_of(seq);
      blocked_at_ = available(ledger);
      return outcome::no_room;
    }
    take_slot(seq, slot, covered, first);
    running_.insert(std::upper_bound(running_.begin(), running_.end(), *place, served_before{}), *place);
    waiting_.erase(place);
    return outcome::started;
  }

  /// Takes slot and pages from the last of those that run, and puts it back in line: it will compute
  /// everything anew. Its sampled ids that are still on the device are appended when they are committed.
  template <cache_ledger Ledger> sequence& preempt_last(Ledger& ledger) {
    ticket const last = running_.back();
    running_.pop_back();
    leave(ledger, *last.seq);
    last.seq->state = sequence_state::waiting;
    last.seq->computed = 0;
    ++last.seq->preemptions;
    ++preemptions_;
    waiting_.insert(last);
    return *last.seq;
  }

  /// Ends the last of those that run: it is alone and still has no room, which a sound ledger never says.
  template <cache_ledger Ledger> void fail_last(Ledger& ledger) {
    sequence& seq = *running_.back().seq;
    running_.pop_back();
    leave(ledger, seq);
    seq.state = sequence_state::finished;
    failures_.push_back(
        final_event(seq, finish_reason::failed, "the cache has no room for it alone: " + demand(seq)));
  }

  /// The plan as a step, or nothing. A step without rows only carries failures to its commit.
  std::optional<step> hand_out(step_builder&& plan) {
    if (plan.empty() && failures_.empty()) return std::nullopt;
    return std::move(plan).finish(++planned_);
  }

 private:
  static scheduler_limits const& checked(scheduler_limits const& limits, std::int32_t ageing_steps) {
    if (limits.max_rows <= 0 || limits.max_tokens < limits.max_rows || limits.max_context <= 0)
      throw options_error{
          "a scheduler needs max_rows >= 1, max_tokens >= max_rows and max_context >= 1, found max_rows = " +
          std::to_string(limits.max_rows) + ", max_tokens = " + std::to_string(limits.max_tokens) +
          ", max_context = " + std::to_string(limits.max_context)};
    if (ageing_steps <= 0)
      throw options_error{"a scheduler needs ageing_steps >= 1, found " + std::to_string(ageing_steps)};
    return limits;
  }

  static std::span<token_id const> computed_ids(step_row const& row) noexcept {
    return std::span{row.seq->tokens}.first(static_cast<std::size_t>(row.begin + row.count));
  }

  std::string demand(sequence const& seq) const {
    return "a prompt of " + std::to_string(seq.prompt_tokens) + " and at most " +
           std::to_string(seq.wish->max_new_tokens) + " new tokens in a context of " +
           std::to_string(limits_.max_context);
  }

  template <cache_ledger Ledger> static std::int64_t available(Ledger const& ledger) noexcept {
    cache_usage const usage = ledger.usage();
    return usage.free + usage.cached;
  }

  using choice_key = std::pair<request_id, std::int32_t>;
  static choice_key key_of(sequence const& seq) noexcept { return {seq.id, seq.choice}; }

  /// Whether it failed to start before and no page was given up since: another try would only cost time.
  template <cache_ledger Ledger> bool blocked(Ledger const& ledger, sequence const& seq) const noexcept {
    return blocked_ == key_of(seq) && !running_.empty() && available(ledger) <= blocked_at_;
  }

  template <cache_ledger Ledger> bool fits(Ledger const& ledger, sequence const& seq) const noexcept {
    return seq.prompt_tokens <= limits_.max_context &&
           ledger.can_ever_hold(std::min(seq.longest(), limits_.max_context));
  }

  /// The running first choice of the same request, whose prompt a newcomer shares.
  sequence const* first_choice(sequence const& seq) const noexcept {
    if (seq.choice == 0 || seq.preemptions > 0 || seq.prompt_tokens < 2) return nullptr;
    auto const found = std::find_if(running_.begin(), running_.end(), [&](ticket const& held) {
      return held.seq->id == seq.id && held.seq->choice == 0;
    });
    return found == running_.end() ? nullptr : found->seq;
  }

  /// Fills the empty slot and returns how many positions are in it already, or -1: no room.
  template <cache_ledger Ledger>
  std::int32_t share_prompt(Ledger& ledger, sequence const& seq, sequence const* first, slot_id slot,
                            step_builder& plan, std::int32_t positions, std::int64_t spare) {
    std::vector<page_copy> copies;
    std::int32_t covered = 0;
    if (first == nullptr) {
      covered = ledger.attach_prefix(slot, seq.tokens, prefix_scope(*seq.wish));
    } else {
      covered = seq.prompt_tokens - 1;
      auto shared = ledger.fork(first->slot, slot, covered);
      if (!shared) return -1;
      copies = std::move(*shared);
    }
    if (!ledger.reserve(slot, positions)) return -1;
    if (!running_.empty() && available(ledger) < spare) return -1;
    plan.copy_pages(copies);
    return covered;
  }

  void take_slot(sequence& seq, slot_id slot, std::int32_t covered, sequence const* first) {
    slots_.take(slot);
    since_[static_cast<std::size_t>(slot)] = planned_ + 1;
    seq.slot = slot;
    seq.fresh_slot = true;
    seq.computed = covered;
    seq.state = sequence_state::running;
    if (seq.preemptions > 0) return;
    seq.cached = first != nullptr ? first->cached : covered;
    seq.first_scheduled_at = steady_nanoseconds();
  }

  /// Whether the row's sequence still has the slot, and the pages in it, for which the row was planned.
  bool still_holds(step_row const& row) const noexcept {
    return row.seq->slot == row.slot && since_[static_cast<std::size_t>(row.slot)] <= committed_;
  }

  template <cache_ledger Ledger> void leave(Ledger& ledger, sequence& seq) {
    if (seq.slot == no_slot) return;
    ledger.release(seq.slot);
    slots_.give_back(seq.slot);
    seq.slot = no_slot;
  }

  template <cache_ledger Ledger> void end(Ledger& ledger, sequence& seq) {
    auto const is_seq = [&](ticket const& held) { return held.seq == &seq; };
    if (seq.state == sequence_state::running)
      running_.erase(std::find_if(running_.begin(), running_.end(), is_seq));
    else  // preempted after it was planned
      waiting_.erase(std::find_if(waiting_.begin(), waiting_.end(), is_seq));
    leave(ledger, seq);
    seq.state = sequence_state::finished;
  }

  outcome fail(waiting_queue::iterator place, std::string message) {
    sequence& seq = *place->seq;
    waiting_.erase(place);
    seq.state = sequence_state::finished;
    failures_.push_back(final_event(seq, finish_reason::failed, std::move(message)));
    return outcome::impossible;
  }

  void report_failures(std::vector<event>& events) {
    for (auto& failure : failures_) events.push_back(std::move(failure));
    failures_.clear();
  }

  scheduler_limits limits_;
  std::int32_t ageing_steps_;
  slot_pool slots_;
  std::vector<std::uint64_t> since_;  // [slots], the first step that a slot's present owner can be in
  std::vector<ticket> running_;
  waiting_queue waiting_;
  std::vector<event> failures_;  // not yet reported: planning has no events of its own
  std::uint64_t planned_ = 0;    // steps handed out, numbered from 1
  std::uint64_t committed_ = 0;
  std::int64_t preemptions_ = 0;
  std::optional<choice_key> blocked_;  // it may be gone, and its address be another's
  std::int64_t blocked_at_ = 0;
};

}  // namespace tenon
