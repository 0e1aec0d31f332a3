// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/core/steady_clock.hpp"
#include "tenon/engine/check_request.hpp"
#include "tenon/engine/engine_options.hpp"
#include "tenon/engine/random_seed.hpp"
#include "tenon/engine/recipe.hpp"
#include "tenon/runtime/model_runner.hpp"
#include "tenon/work/sequence.hpp"

namespace tenon {

/// The loop: requests in, steps through the model, events out. One thread at a time may use an engine.
///
///   engine<recipe> e{load_weights<recipe>(directory), {.max_rows = 32, .max_tokens = 2048}};
///   e.submit({.prompt = tokenizer.encode(text), .max_new_tokens = 64}, on_event);
///   while (e.run_one_step()) {}
template <recipe R> class engine {
 public:
  using recipe_type = R;
  using weights_type = typename model_runner<R>::weights_type;

  /// What `memory_bytes` must be for a cache of `positions` positions in all, besides the workspace of these
  /// options, whose max_context must be set.
  static std::size_t memory_for(engine_options const& options, std::int64_t positions) {
    return tenon::memory_for<R>(runner_sizes(options), positions);
  }

  /// Throws options_error for options that do not fit together or a budget that is too small; for weights
  /// that are on their way (`load_weights_in_background`), which it waits for, also load_error.
  explicit engine(weights_type weights, engine_options options = {})
      : options_{with_memory(checked(options, weights.parameters), *weights.context)},
        runner_{std::move(weights), runner_sizes(options_)},
        ledger_{runner_.ledger(options_.prefix_caching)},
        scheduler_{scheduler_limits{options_.max_rows, options_.max_tokens, options_.max_context}},
        seeds_{options_.seed ? *options_.seed : random_seed()} {}

  engine(engine const&) = delete;
  engine& operator=(engine const&) = delete;

  /// Takes a request; `handler` hears of every id and of every choice's end. The checkpoint's own stop ids
  /// are added to the request's. max_new_tokens is cut to what the context leaves. Throws request_error,
  /// naming the field, for a request that can never be served; nothing of it is taken then.
  request_id submit(request wish, event_handler handler) {
    auto const id = next_id();
    submit(id, std::move(wish), std::move(handler));
    return id;
  }

  /// A number for a later `submit(id, …)`. May be called from any thread.
  request_id next_id() noexcept {
    return request_id{last_request_.fetch_add(1, std::memory_order_relaxed) + 1};
  }

  /// Throws request_error if `wish` can never be served. May be called from any thread.
  void check(request const& wish) const { check_request<R>(wish, options_.max_context, ledger_); }

  /// Takes a request under a number from `next_id`.
  void submit(request_id id, request wish, event_handler handler) {
    check(wish);
    for (auto id : runner_.weights().parameters.stop_ids) {
      if (std::find(wish.stop_ids.begin(), wish.stop_ids.end(), id) == wish.stop_ids.end())
        wish.stop_ids.push_back(id);
    }
    wish.max_new_tokens = std::min(wish.max_new_tokens,
                                   options_.max_context - static_cast<std::int32_t>(wish.prompt.size()) + 1);
    auto& entry = entries_[id];
    entry.handler = std::make_shared<event_handler const>(std::move(handler));
    entry.wish = std::make_shared<request const>(std::move(wish));
    entry.open_choices = entry.wish->choices;
    std::uint64_t const seed = entry.wish->sampling.seed ? *entry.wish->sampling.seed : seeds_();
    for (std::int32_t choice = 0; choice < entry.wish->choices; ++choice) {
      entry.sequences.push_back(make_sequence(id, choice, entry.wish, seed));
      scheduler_.admit(*entry.sequences.back());
    }
  }

  /// Ends one choice of a request, or all that have not ended, with finish_reason::cancelled, and gives their
  /// pages back at once. False when there was nothing to end.
  bool cancel(request_id id, std::int32_t choice = every_choice) {
    if (!entries_.contains(id)) return false;
    std::vector<event> events;
    scheduler_.cancel(ledger_, id, choice, events);
    bool const ended = std::ranges::find(events, id, &event::request) != events.end();
    deliver(events);
    return ended;
  }

  /// Plans and runs until one step has been committed and its events delivered. False when there is nothing
  /// to do. After a device_error every choice has ended with finish_reason::failed: end the program then.
  bool run_one_step() {
    try {
      return run_next_step();
    } catch (device_error const& failure) {
      abandon(failure.what());
      throw;
    }
  }

  /// Ends every open choice with finish_reason::failed and `message`, touching neither device nor scheduler:
  /// for when a step has thrown and nothing more can be computed.
  void abandon(std::string const& message) {
    std::vector<event> events;
    for (auto const& [id, entry] : entries_) {
      for (auto const& seq : entry.sequences) {
        if (seq->state == sequence_state::finished) continue;
        seq->state = sequence_state::finished;
        events.push_back({.request = id,
                          .choice = seq->choice,
                          .finish = finish_reason::failed,
                          .usage = seq->usage(),
                          .times = seq->times(),
                          .message = message});
      }
    }
    deliver(events);
  }

  /// Nothing waits, nothing runs, nothing is in flight.
  bool idle() const { return scheduler_.idle() && in_flight_.empty(); }

  engine_stats stats() const {
    engine_stats now = totals_;
    now.requests = scheduler_.counts();
    now.pages = ledger_.usage();
    now.steps = runner_.counts();
    now.memory = runner_.memory();
    now.last_rows = last_rows_;
    now.last_tokens = last_tokens_;
    return now;
  }

  engine_options const& options() const noexcept { return options_; }
  decoder_parameters const& parameters() const noexcept { return runner_.weights().parameters; }

  /// For tests and research: what runs the steps.
  model_runner<R>& runner() noexcept { return runner_; }

 private:
  struct request_entry {
    std::shared_ptr<request const> wish;
    std::shared_ptr<event_handler const> handler;  ///< shared with a delivery that may end the request
    std::vector<std::unique_ptr<sequence>> sequences;
    std::int32_t open_choices = 0;
  };

  /// Sequences of an ended request that planned steps may still point to.
  struct retired {
    std::uint64_t last_step;
    std::vector<std::unique_ptr<sequence>> sequences;
  };

  static engine_options with_memory(engine_options options, typename R::backend::context const& context) {
    if (options.memory_fraction == 0.0) return options;
    if (!(options.memory_fraction > 0.0 && options.memory_fraction <= 1.0)) {
      throw options_error{"memory_fraction: expected 0 (use memory_bytes) to 1, found " +
                          std::to_string(options.memory_fraction)};
    }
    if constexpr (requires { context.free_bytes(); }) {
      std::size_t const free = context.free_bytes();
      std::size_t const least = tenon::memory_for<R>(runner_sizes(options), 1);
      options.memory_bytes = static_cast<std::size_t>(options.memory_fraction * static_cast<double>(free));
      if (options.memory_bytes >= least) return options;
      throw options_error{"memory_fraction: expected at least " + std::to_string(least) +
                          " bytes for workspace and cache, found " + std::to_string(options.memory_bytes) +
                          " of " + std::to_string(free) +
                          " free bytes: " + std::to_string(least - options.memory_bytes) + " are missing"};
    } else {
      throw options_error{"memory_fraction: backend '" + std::string{R::backend::name} +
                          "' does not say how much memory is free: expected memory_bytes"};
    }
  }

  static engine_options checked(engine_options options, decoder_parameters const& parameters) {
    if (options.max_context == 0) options.max_context = parameters.max_positions;
    auto const expect = [](bool good, std::string const& what, std::int64_t found) {
      if (!good) throw options_error{what + ", found " + std::to_string(found)};
    };
    expect(options.max_context >= 1 && options.max_context <= parameters.max_positions,
           "max_context: expected 1 to " + std::to_string(parameters.max_positions) +
               ", the checkpoint's max_position_embeddings",
           options.max_context);
    expect(options.max_rows >= 1 && options.max_rows <= 65536, "max_rows: expected 1 to 65536",
           options.max_rows);
    expect(options.max_tokens >= options.max_rows,
           "max_tokens: expected at least max_rows (" + std::to_string(options.max_rows) + ")",
           options.max_tokens);
    expect(options.depth >= 1 && options.depth <= 8, "depth: expected 1 to 8", options.depth);
    return options;
  }

  static runner_options runner_sizes(engine_options const& options) {
    return {.max_rows = options.max_rows,
            .max_tokens = options.max_tokens,
            .max_context = options.max_context,
            .depth = options.depth,
            .memory_bytes = options.memory_bytes};
  }

  std::unique_ptr<sequence> make_sequence(request_id id, std::int32_t choice,
                                          std::shared_ptr<request const> const& wish, std::uint64_t seed) {
    auto made = std::make_unique<sequence>();
    made->id = id;
    made->choice = choice;
    made->wish = wish;
    made->arrival = ++last_arrival_;
    made->seed = seed;
    made->tokens.reserve(wish->prompt.size() + static_cast<std::size_t>(wish->max_new_tokens));
    made->tokens = wish->prompt;
    made->prompt_tokens = static_cast<std::int32_t>(wish->prompt.size());
    made->submitted_at = steady_nanoseconds();
    return made;
  }

  void deliver(std::vector<event>& events) {
    std::exception_ptr failure;
    auto const now = steady_nanoseconds();
    for (auto& happened : events) {
      happened.at = now;
      auto const found = entries_.find(happened.request);
      if (found == entries_.end()) continue;  // its handler cancelled it a moment ago
      if (happened.finish != finish_reason::none) count(happened);
      auto const handler = found->second.handler;
      bool const last = happened.finish != finish_reason::none && --found->second.open_choices == 0;
      if (last) retire(found);
      try {
        if (*handler) (*handler)(happened);
      } catch (...) {
        failure = std::current_exception();
        cancel(happened.request);
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

  bool run_next_step() {
    while (static_cast<std::int32_t>(in_flight_.size()) < options_.depth) {
      auto planned = scheduler_.next(ledger_);
      if (!planned) break;
      planned->number = ++last_step_;
      if (in_flight_.empty()) busy_since_ = steady_nanoseconds();
      runner_.launch(*planned, ledger_);
      in_flight_.push_back(std::move(*planned));
    }
    if (in_flight_.empty()) return !scheduler_.idle() && report_failures();
    auto const result = runner_.wait();
    auto const now = steady_nanoseconds();
    totals_.busy_nanoseconds += now - std::exchange(busy_since_, now);
    auto const done = std::move(in_flight_.front());
    in_flight_.pop_front();
    std::vector<event> events;
    scheduler_.commit(ledger_, done, result, events);
    last_rows_ = static_cast<std::int32_t>(done.rows.size());
    last_tokens_ = done.tokens;
    deliver(events);
    std::erase_if(retired_, [&](retired const& entry) { return entry.last_step <= done.number; });
    return true;
  }

  void count(event const& last) {
    ++totals_.finished_choices;
    totals_.prompt_tokens += last.usage.prompt;
    totals_.cached_tokens += last.usage.cached;
    totals_.generated_tokens += last.usage.generated;
  }

  void retire(typename std::unordered_map<request_id, request_entry>::iterator ended) {
    if (!in_flight_.empty()) retired_.push_back({last_step_, std::move(ended->second.sequences)});
    entries_.erase(ended);
  }

  /// A scheduler that has requests and plans nothing has given some up; no row of a step will say so.
  bool report_failures() {
    std::vector<event> events;
    scheduler_.cancel(ledger_, request_id{}, every_choice, events);
    if (events.empty()) {
      throw error{"scheduler '" + std::string{R::scheduler::name} + "' has requests but planned no step"};
    }
    deliver(events);
    return true;
  }

  engine_options options_;
  model_runner<R> runner_;
  typename R::cache::ledger ledger_;
  typename R::scheduler scheduler_;
  seed_stream seeds_;
  std::unordered_map<request_id, request_entry> entries_;
  std::deque<step> in_flight_;
  std::vector<retired> retired_;
  std::atomic<std::uint64_t> last_request_ = 0;
  std::uint64_t last_arrival_ = 0;
  std::uint64_t last_step_ = 0;
  std::int32_t last_rows_ = 0;
  std::int32_t last_tokens_ = 0;
  std::int64_t busy_since_ = 0;  // of the time that totals_ does not yet hold; while steps are in flight
  engine_stats totals_;
};

}  // namespace tenon
