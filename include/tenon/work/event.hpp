// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Why a choice ended.
enum class finish_reason : std::uint8_t {
  none,       ///< it goes on
  stop,       ///< a stop id was sampled
  length,     ///< max_new_tokens, or the context is full
  cancelled,  ///< its owner asked for it
  failed      ///< the engine could not go on; `event::message` says why
};

constexpr std::string_view name_of(finish_reason reason) noexcept {
  switch (reason) {
    case finish_reason::none:
      return "none";
    case finish_reason::stop:
      return "stop";
    case finish_reason::length:
      return "length";
    case finish_reason::cancelled:
      return "cancelled";
    case finish_reason::failed:
      return "failed";
  }
  return "?";
}

/// An id and the natural logarithm of its probability under the unmodified logits.
struct token_logprob {
  token_id id = 0;
  float logprob = 0.0f;

  friend bool operator==(token_logprob const&, token_logprob const&) = default;
};

/// What a finished choice cost.
struct token_usage {
  std::int32_t prompt = 0;
  std::int32_t cached = 0;  ///< of the prompt, taken from the prefix cache when it was first admitted
  std::int32_t generated = 0;

  friend bool operator==(token_usage const&, token_usage const&) = default;
};

/// When a choice got on, in nanoseconds of steady_nanoseconds(); 0: it did not get there.
struct choice_times {
  std::int64_t submitted = 0;    ///< the engine took its request
  std::int64_t admitted = 0;     ///< it was first given a slot and pages
  std::int64_t first_token = 0;  ///< its first id was there

  friend bool operator==(choice_times const&, choice_times const&) = default;
};

/// One thing that happened to one choice of a request: an id was sampled, or the choice ended, or both.
///
/// Every choice gets zero or more events with `finish == none` and then exactly one with another value.
struct event {
  request_id request{};
  std::int32_t choice = 0;
  std::optional<token_id> token{};            ///< absent when the choice ended without a new id
  float logprob = 0.0f;                       ///< of `token`; only if the request asked for logprobs
  std::vector<token_logprob> alternatives{};  ///< most likely first; only as many as the request asked for
  finish_reason finish = finish_reason::none;
  std::int64_t at = 0;    ///< nanoseconds of steady_nanoseconds() when the engine delivered it
  token_usage usage{};    ///< meaningful in the last event
  choice_times times{};   ///< meaningful in a choice's first and last event
  std::string message{};  ///< only with finish_reason::failed

  friend bool operator==(event const&, event const&) = default;
};

}  // namespace tenon
