// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon::test {

inline std::unique_ptr<sequence> make_sequence(std::shared_ptr<request const> wish, std::uint64_t id,
                                               std::int32_t choice = 0) {
  auto made = std::make_unique<sequence>();
  made->id = static_cast<request_id>(id);
  made->choice = choice;
  made->arrival = id;
  made->tokens = wish->prompt;
  made->prompt_tokens = static_cast<std::int32_t>(wish->prompt.size());
  made->wish = std::move(wish);
  return made;
}

/// A request whose prompt is `first`, `first` + 1, ...
inline request wish_of(std::int32_t prompt, std::int32_t max_new_tokens, std::int32_t priority = 0,
                       token_id first = 0) {
  request wish;
  for (std::int32_t i = 0; i < prompt; ++i) wish.prompt.push_back(first + i);
  wish.max_new_tokens = max_new_tokens;
  wish.priority = priority;
  return wish;
}

/// A scheduler and a ledger stepped by hand; every sampled id is `next_id`.
template <class Scheduler, class Ledger> struct table_run {
  Scheduler scheduler;
  Ledger ledger;
  token_id next_id = 7;
  std::uint64_t requests = 0;
  std::deque<std::unique_ptr<sequence>> sequences{};
  std::deque<step> in_flight{};
  std::vector<event> events{};

  /// Admits every choice of the request and returns the first.
  sequence& submit(request wish) {
    auto const shared = std::make_shared<request const>(std::move(wish));
    std::size_t const first = sequences.size();
    for (std::int32_t choice = 0; choice < shared->choices; ++choice) {
      sequences.push_back(make_sequence(shared, ++requests, choice));
      if (choice > 0) sequences.back()->id = sequences[first]->id;
      scheduler.admit(*sequences.back());
    }
    return *sequences[first];
  }

  /// Plans a step; absent when there is none.
  step const* plan() {
    auto planned = scheduler.next(ledger);
    if (!planned) return nullptr;
    in_flight.push_back(std::move(*planned));
    return &in_flight.back();
  }

  void commit() {
    step const done = std::move(in_flight.front());
    in_flight.pop_front();
    std::vector<token_id> ids;
    for (step_row const& row : done.rows)
      if (row.samples) ids.push_back(next_id);
    std::vector<std::int32_t> const counts(ids.size(), 1);
    sampled result;
    result.ids = ids;
    result.counts = counts;
    scheduler.commit(ledger, done, result, events);
  }

  /// Plans and commits one step; absent when there was none.
  std::optional<step> advance() {
    step const* planned = plan();
    if (planned == nullptr) return std::nullopt;
    step const copy = *planned;
    commit();
    return copy;
  }

  /// The sequence's whole request, or its choice alone.
  void cancel(sequence const& seq) { scheduler.cancel(ledger, seq.id, every_choice, events); }
  void cancel_choice(sequence const& seq) { scheduler.cancel(ledger, seq.id, seq.choice, events); }
};

/// How many positions the step computes of the sequence.
inline std::int32_t planned_for(step const& planned, sequence const& seq) {
  for (step_row const& row : planned.rows)
    if (row.seq == &seq) return row.count;
  return 0;
}

}  // namespace tenon::test
