// SPDX-License-Identifier: Apache-2.0
#include "server/openai/generation.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace server {

using namespace std::chrono_literals;

namespace {

/// Choices that are requests of their own differ by their seeds; the first has the one that was asked for.
void set_seed(tenon::request& wish, std::size_t choice) {
  if (wish.sampling.seed) *wish.sampling.seed += std::uint64_t{0x9e3779b97f4a7c15} * choice;
}

}  // namespace

std::size_t generation::places_for(std::size_t prompts, generation_plan const& plan) {
  if (plan.wish.max_new_tokens == 0) return 0;
  return prompts * (plan.thinking_budget ? static_cast<std::size_t>(plan.wish.choices) : 1);
}

std::int64_t generation::tokens_for(generation_plan const& plan) {
  auto const answers = std::int64_t{plan.wish.choices} * plan.wish.max_new_tokens;
  std::int64_t tokens = 0;
  for (auto const& prompt : plan.prompts)
    tokens += static_cast<std::int64_t>(prompt.size() * places_for(1, plan)) + answers;
  return tokens;
}

generation::generation(boost::asio::any_io_executor executor, model_service const& service,
                       generation_plan plan, places reserved)
    : service_{service}, plan_{std::move(plan)}, channel_{std::move(executor), service.engine} {
  auto const all = plan_.prompts.size() * static_cast<std::size_t>(plan_.wish.choices);
  choices_.reserve(all);
  for (std::size_t i = 0; i < all; ++i) {
    auto options = plan_.answer;
    options.call_ids += std::to_string(i) + "_";
    choices_.emplace_back(service.tokenizer, std::move(options), plan_.tokens);
  }
  open_choices_ = all;
  if (plan_.wish.max_new_tokens > 0) submit_all(std::move(reserved));
}

/// A budget ends one choice's thinking by submitting it again, so that each choice is a request of its own
/// then. Their seeds differ as choices do; the first choice's ids are those of a request with n = 1.
void generation::submit_all(places reserved) {
  auto const n = static_cast<std::size_t>(plan_.wish.choices);
  auto const together = alone() ? 1 : n;
  for (std::size_t first = 0; first < choices_.size(); first += together) {
    auto wish = plan_.wish;
    auto const prompt = first / n;
    wish.prompt = plan_.prompts[prompt];
    wish.choices = static_cast<std::int32_t>(together);
    if (alone()) set_seed(wish, first % n);
    auto& part = submissions_.emplace_back(submission{.prompt = prompt, .first_choice = first});
    part.first_id = part.id =
        channel_.submit(std::move(reserved.at(submissions_.size() - 1)), std::move(wish));
    if (service_.metrics == nullptr) continue;
    auto const tokens = static_cast<std::int32_t>(plan_.prompts[prompt].size());
    part.metrics.emplace(
        service_.metrics->follow(plan_.arrived, tokens, static_cast<std::int32_t>(together)));
  }
}

boost::asio::awaitable<std::vector<choice_delta>> generation::next() {
  std::vector<choice_delta> deltas;
  if (plan_.wish.max_new_tokens == 0) {
    for (; open_choices_ > 0; --open_choices_)
      deltas.push_back({.choice = choices_.size() - open_choices_, .ended = finish::length});
  }
  while (deltas.empty() && open_choices_ > 0) {
    if (!continue_answers() && channel_.ended()) {  // the queue is full: try again soon
      auto const executor = co_await boost::asio::this_coro::executor;
      boost::asio::steady_timer soon{executor, 20ms};
      co_await soon.async_wait(boost::asio::use_awaitable);
      continue;
    }
    for (auto const& happened : co_await channel_.next()) hear(happened, deltas);
  }
  co_return deltas;
}

void generation::hear(tenon::event const& happened, std::vector<choice_delta>& deltas) {
  if (happened.finish != tenon::finish_reason::none) hear_end(happened);
  auto const part = std::find_if(submissions_.begin(), submissions_.end(),
                                 [&](submission const& each) { return each.id == happened.request; });
  if (part == submissions_.end() || part->to_be_continued) return;  // what a spent budget left behind
  if (part->metrics) part->metrics->hear(happened);
  auto const index = part->first_choice + static_cast<std::size_t>(happened.choice);
  auto& choice = choices_[index];
  if (choice.ended()) return;
  if (happened.finish == tenon::finish_reason::failed) throw generation_error{happened.message};
  choice_delta fresh;
  auto const known = std::find_if(deltas.begin(), deltas.end(),
                                  [&](choice_delta const& each) { return each.choice == index; });
  auto& delta = known == deltas.end() ? fresh : *known;
  delta.choice = index;
  choice.hear(happened, delta);
  if (choice.ended()) {
    count_end(*part, happened.choice);
  } else {
    check_budget(*part);
  }
  bool const said = !delta.text.empty() || delta.ended != finish::none;
  if (known == deltas.end() && said) deltas.push_back(std::move(fresh));
}

/// What was cached of a prompt is known at the end of its first request.
void generation::hear_end(tenon::event const& happened) {
  for (auto& part : submissions_) {
    if (part.first_id == happened.request) part.cached = happened.usage.cached;
  }
}

void generation::count_end(submission& part, std::int32_t choice) {
  auto const& ended = choices_[part.first_choice + static_cast<std::size_t>(choice)];
  if (part.metrics)
    part.metrics->end(choice, ended.how_it_ended() == finish::length ? outcome::length : outcome::stop);
  if (ended.ended_by_text()) channel_.cancel(part.id, choice);  // the engine does not know
  --open_choices_;
}

void generation::check_budget(submission& part) {
  if (!alone() || part.budget_spent) return;
  if (!choices_[part.first_choice].thought_for(*plan_.thinking_budget)) return;
  part.budget_spent = part.to_be_continued = true;
  channel_.cancel(part.id);
}

/// Submits answers whose thinking is over again, behind all that they have said, most of which is in the
/// prefix cache. False if the queue is full.
bool generation::continue_answers() {
  for (auto& part : submissions_) {
    if (!part.to_be_continued) continue;
    auto const& said = choices_[part.first_choice].ids();
    auto const tokens = static_cast<std::int32_t>(said.size());
    auto wish = plan_.wish;
    wish.prompt = plan_.prompts[part.prompt];
    wish.prompt.insert(wish.prompt.end(), said.begin(), said.end());
    wish.forced = plan_.end_of_thinking;
    wish.max_new_tokens -= tokens;
    wish.min_new_tokens = std::max(0, wish.min_new_tokens - tokens);
    wish.choices = 1;
    set_seed(wish, part.first_choice % static_cast<std::size_t>(plan_.wish.choices));
    try {
      part.id = channel_.submit(std::move(wish));
    } catch (tenon::overloaded_error const&) {
      return false;
    } catch (tenon::stopped_error const& ended) {
      throw generation_error{ended.what()};
    }
    part.to_be_continued = false;
  }
  return true;
}

boost::asio::awaitable<generation_usage> generation::usage() {
  while (!channel_.ended()) {
    for (auto const& happened : co_await channel_.next()) {
      if (happened.finish != tenon::finish_reason::none) hear_end(happened);
    }
  }
  generation_usage sum;
  for (auto const& prompt : plan_.prompts) sum.prompt += static_cast<std::int64_t>(prompt.size());
  for (auto const& part : submissions_) {
    bool const first = part.first_choice % static_cast<std::size_t>(plan_.wish.choices) == 0;
    if (first) sum.cached += part.cached;
  }
  for (auto const& choice : choices_) {
    sum.completion += static_cast<std::int64_t>(choice.ids().size());
    sum.reasoning += choice.reasoning_tokens();
  }
  co_return sum;
}

}  // namespace server
