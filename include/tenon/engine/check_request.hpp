// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/runtime/batch_layout.hpp"
#include "tenon/sampling/check_parameters.hpp"
#include "tenon/work/batch.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

/// The most continuations of one prompt.
inline constexpr std::int32_t max_choices = 64;

namespace engine_detail {

inline void expect_range(std::string_view field, std::int64_t found, std::int64_t least, std::int64_t most) {
  if (found >= least && found <= most) return;
  throw request_error{std::string{field}, "invalid_value",
                      std::string{field} + ": expected " + std::to_string(least) + " to " +
                          std::to_string(most) + ", found " + std::to_string(found)};
}

inline void expect_ids(std::string_view field, std::span<token_id const> ids, std::int32_t vocabulary) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    throw request_error{std::string{field}, "invalid_value",
                        std::string{field} + "[" + std::to_string(i) + "]: expected a token id from 0 to " +
                            std::to_string(vocabulary - 1) + ", found " + std::to_string(ids[i])};
  }
}

}  // namespace engine_detail

/// Throws request_error, naming the field, what was expected and what was found, for a request that an engine
/// of recipe R could never serve. Reads only what is fixed for the engine's life.
template <class R>
void check_request(request const& wish, std::int32_t max_context, typename R::cache::ledger const& ledger) {
  using engine_detail::expect_ids;
  using engine_detail::expect_range;
  constexpr std::int32_t vocabulary = R::model::shape.vocabulary;
  if (wish.prompt.empty())
    throw request_error{"prompt", "invalid_value", "prompt: expected at least one token, found none"};
  auto const prompt = static_cast<std::int64_t>(wish.prompt.size());
  if (prompt > max_context) {
    throw request_error{"prompt", "context_length_exceeded",
                        "prompt: expected at most " + std::to_string(max_context) +
                            " tokens, the longest context, found " + std::to_string(prompt)};
  }
  expect_ids("prompt", wish.prompt, vocabulary);
  expect_range("max_new_tokens", wish.max_new_tokens, 1, std::int64_t{1} << 30);
  expect_range("min_new_tokens", wish.min_new_tokens, 0, wish.max_new_tokens);
  expect_range("choices", wish.choices, 1, max_choices);
  expect_range("stop_ids", static_cast<std::int64_t>(wish.stop_ids.size()), 0, max_stop_ids / 2);
  expect_ids("stop_ids", wish.stop_ids, vocabulary);
  expect_ids("forced", wish.forced, vocabulary);
  expect_range("adapter", wish.adapter, 0, 0);
  expect_range("rope_set", wish.rope_set, 0, 0);
  tenon::check(wish.sampling, vocabulary);

  auto const longest = std::min<std::int64_t>(prompt + wish.max_new_tokens - 1, max_context);
  if (!ledger.can_ever_hold(static_cast<std::int32_t>(longest))) {
    throw request_error{"max_new_tokens", "cache_too_small",
                        "prompt and max_new_tokens: " + std::to_string(longest) +
                            " positions are needed, and the whole cache holds fewer (" +
                            std::to_string(ledger.usage().total) +
                            " pages): raise memory_bytes or ask for less"};
  }
  sampling_row const row{.temperature = wish.sampling.temperature,
                         .top_p = wish.sampling.top_p,
                         .min_p = wish.sampling.min_p,
                         .repetition_penalty = wish.sampling.repetition_penalty,
                         .presence_penalty = wish.sampling.presence_penalty,
                         .frequency_penalty = wish.sampling.frequency_penalty,
                         .top_k = wish.sampling.top_k,
                         .logprobs = wish.sampling.logprobs,
                         .bias_end = static_cast<std::int32_t>(2 * wish.sampling.logit_bias.size())};
  if (!R::sampler::serves(row)) {
    throw request_error{"sampling", "unsupported_value",
                        "sampling: the engine's sampler '" + std::string{R::sampler::name} +
                            "' does not serve these parameters"};
  }
}

}  // namespace tenon
