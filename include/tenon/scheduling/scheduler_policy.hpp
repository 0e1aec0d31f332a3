// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// What every scheduler must stay within.
struct scheduler_limits {
  std::int32_t max_rows = 0;     ///< sequences in one step, and slots in all
  std::int32_t max_tokens = 0;   ///< tokens in one step, at least max_rows
  std::int32_t max_context = 0;  ///< positions of one sequence
};

/// Sequences by where they stand.
struct scheduler_counts {
  std::int64_t waiting = 0;
  std::int64_t running = 0;
  std::int64_t preemptions = 0;  ///< since the start

  friend bool operator==(scheduler_counts const&, scheduler_counts const&) = default;
};

namespace requirement {

template <class S>
concept made_from_limits = std::constructible_from<S, scheduler_limits>;

/// `admit` queues a sequence, which stays the caller's and must outlive its last event and every step that
/// names it. `cancel` ends one choice of a request, or every_choice, at once, whatever its state, and
/// reports one final event a choice that had not ended; pages go back at once.
template <class S, class Ledger>
concept takes_and_cancels = requires(S& scheduler, sequence& seq, Ledger& ledger, request_id id,
                                     std::int32_t choice, std::vector<event>& events) {
  { scheduler.admit(seq) };
  { scheduler.cancel(ledger, id, choice, events) };
};

/// `next` plans one step, or nothing when no row can run now. Steps may be planned before earlier ones are
/// committed; `commit` is called once for each, in order, and appends what happened to `events`.
template <class S, class Ledger>
concept plans_and_commits = requires(S& scheduler, Ledger& ledger, step const& done, sampled const& result,
                                     std::vector<event>& events) {
  { scheduler.next(ledger) } -> std::same_as<std::optional<step>>;
  { scheduler.commit(ledger, done, result, events) };
};

template <class S>
concept tells_its_state = requires(S const& scheduler) {
  { scheduler.idle() } -> std::same_as<bool>;  // nothing waits and nothing runs
  { scheduler.counts() } -> std::same_as<scheduler_counts>;
  { S::name } -> std::convertible_to<std::string_view>;
};

}  // namespace requirement

/// Decides which tokens of which sequences make the next step. Host only.
template <class S, class Ledger>
concept scheduler_policy =
    cache_ledger<Ledger> && requirement::made_from_limits<S> && requirement::takes_and_cancels<S, Ledger> &&
    requirement::plans_and_commits<S, Ledger> && requirement::tells_its_state<S>;

template <class S, class Ledger>
  requires scheduler_policy<S, Ledger>
inline constexpr bool is_scheduler_policy = true;

}  // namespace tenon
