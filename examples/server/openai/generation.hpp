// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/metrics.hpp"
#include "server/openai/choice_answer.hpp"
#include "server/openai/model_service.hpp"
#include "tenon/asio/token_channel.hpp"
#include "tenon/text/answer_stream.hpp"

namespace server {

/// The answers that one HTTP request asks for: `wish.choices` of each prompt.
struct generation_plan {
  tenon::request wish{};  ///< without the prompt; max_new_tokens 0: nothing is generated
  std::vector<std::vector<tenon::token_id>> prompts{};
  tenon::answer_options answer{};
  token_rules tokens{};
  std::optional<std::int32_t> thinking_budget{};
  std::vector<tenon::token_id> end_of_thinking{};  ///< what ends the thinking when its budget is spent
  std::chrono::steady_clock::time_point arrived{};
};

/// What the answers cost, OpenAI's way: a prompt counts once, however many choices it has.
struct generation_usage {
  std::int64_t prompt = 0;
  std::int64_t completion = 0;
  std::int64_t cached = 0;
  std::int64_t reasoning = 0;
};

/// The engine could not go on.
struct generation_error : tenon::error {
  using error::error;
};

/// Runs a plan: submits all prompts at once, makes text of the tokens, ends choices at stop strings, sees to
/// the budget of thinking. Whatever is open when this object goes is cancelled.
///
/// The end of one choice leaves its request running for the others; what it still samples is dropped.
class generation {
 public:
  using places = std::vector<tenon::engine_thread::reservation>;

  /// How many places a plan of so many prompts needs.
  static std::size_t places_for(std::size_t prompts, generation_plan const& plan);
  /// How many tokens of the queue it takes, prompts and answers.
  static std::int64_t tokens_for(generation_plan const& plan);

  /// Throws request_error, overloaded_error and stopped_error, and has then submitted nothing that stays.
  generation(boost::asio::any_io_executor executor, model_service const& service, generation_plan plan,
             places reserved);

  /// Waits for tokens; at most one delta a choice. Empty when every choice has ended. Throws
  /// generation_error.
  boost::asio::awaitable<std::vector<choice_delta>> next();

  /// Once every choice has ended. Waits for what the engine says of those that it did not end itself.
  boost::asio::awaitable<generation_usage> usage();

  std::size_t choices() const noexcept { return choices_.size(); }

 private:
  /// One request of the engine: a prompt with all its choices, or with one of them.
  struct submission {
    tenon::request_id first_id{};
    tenon::request_id id{};
    std::size_t prompt = 0;
    std::size_t first_choice = 0;
    std::int32_t cached = 0;
    bool budget_spent = false;     // its thinking was ended for it
    bool to_be_continued = false;  // and it waits to be submitted again
    std::optional<serving_metrics::request> metrics{};
  };

  bool alone() const noexcept { return plan_.thinking_budget.has_value(); }
  void submit_all(places reserved);
  void hear(tenon::event const& happened, std::vector<choice_delta>& deltas);
  void hear_end(tenon::event const& happened);
  void count_end(submission& part, std::int32_t choice);
  void check_budget(submission& part);
  bool continue_answers();

  model_service const& service_;
  generation_plan plan_;
  tenon::token_channel channel_;
  std::vector<submission> submissions_;
  std::vector<choice_answer> choices_;
  std::size_t open_choices_ = 0;
};

}  // namespace server
