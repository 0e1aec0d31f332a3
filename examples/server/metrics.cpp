// SPDX-License-Identifier: Apache-2.0
// What happens to requests; metrics_page.cpp makes the page of it.
#include "server/metrics.hpp"

#include <utility>

#include "tenon/core/steady_clock.hpp"

namespace server {

namespace {

outcome outcome_of(tenon::finish_reason reason) {
  switch (reason) {
    case tenon::finish_reason::stop:
      return outcome::stop;
    case tenon::finish_reason::length:
      return outcome::length;
    case tenon::finish_reason::failed:
      return outcome::error;
    default:
      return outcome::abort;
  }
}

}  // namespace

serving_metrics::request serving_metrics::follow(std::chrono::steady_clock::time_point arrived,
                                                 std::int32_t prompt_tokens, std::int32_t choices) {
  auto const since = std::chrono::duration_cast<std::chrono::nanoseconds>(arrived.time_since_epoch());
  return request{*this, since.count(), prompt_tokens, choices};
}

serving_metrics::request::request(serving_metrics& all, std::int64_t arrived, std::int32_t prompt_tokens,
                                  std::int32_t choices)
    : all_{&all},
      arrived_{arrived},
      prompt_tokens_{prompt_tokens},
      choices_(static_cast<std::size_t>(choices)) {}

serving_metrics::request::request(request&& other) noexcept
    : all_{std::exchange(other.all_, nullptr)},
      arrived_{other.arrived_},
      prompt_tokens_{other.prompt_tokens_},
      prompt_counted_{other.prompt_counted_},
      choices_{std::move(other.choices_)} {}

serving_metrics::request::~request() {
  if (all_ == nullptr) return;
  for (auto& choice : choices_)
    if (!choice.ended) count_end(choice, outcome::abort, tenon::steady_nanoseconds());
}

void serving_metrics::request::hear(tenon::event const& happened) {
  auto& choice = choices_.at(static_cast<std::size_t>(happened.choice));
  if (choice.ended) return;
  if (happened.token) {
    all_->count_up(counter::generation_tokens);
    if (choice.tokens++ == 0) {
      choice.first_at = happened.at;
      count_first_token(happened);
    } else {
      all_->of(duration::inter_token).add(happened.at - choice.last_at);
    }
    choice.last_at = happened.at;
  }
  if (happened.finish != tenon::finish_reason::none)
    count_end(choice, outcome_of(happened.finish), happened.at);
}

void serving_metrics::request::end(std::int32_t choice, outcome how) {
  auto& record = choices_.at(static_cast<std::size_t>(choice));
  if (!record.ended) count_end(record, how, tenon::steady_nanoseconds());
}

void serving_metrics::request::count_first_token(tenon::event const& happened) {
  if (!std::exchange(prompt_counted_, true))
    all_->count_up(counter::prompt_tokens, static_cast<std::uint64_t>(prompt_tokens_));
  auto const& times = happened.times;
  all_->of(duration::first_token).add(happened.at - arrived_);
  all_->of(duration::queue).add(times.admitted - times.submitted);
  all_->of(duration::prefill).add(times.first_token - times.admitted);
}

void serving_metrics::request::count_end(choice_record& choice, outcome how, std::int64_t at) {
  choice.ended = true;
  all_->outcomes_[static_cast<std::size_t>(how)].fetch_add(1, std::memory_order_relaxed);
  all_->of(duration::whole).add(at - arrived_);
  if (choice.tokens > 0) all_->of(duration::decode).add(at - choice.first_at);
  if (choice.tokens > 1)
    all_->of(duration::per_token).add((choice.last_at - choice.first_at) / (choice.tokens - 1));
}

}  // namespace server
