// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tenon/core/error.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

/// The most entries of `sampling_parameters::logit_bias`.
inline constexpr std::size_t max_logit_bias_entries = 1024;

namespace sampling_detail {

inline std::string shown(float value) {
  std::array<char, 32> text;
  auto const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

[[noreturn]] inline void refuse(std::string_view parameter, std::string_view expected,
                                std::string_view found) {
  std::string message{parameter};
  message.append(": expected ").append(expected).append(", found ").append(found);
  throw request_error{std::string{parameter}, "invalid_value", message};
}

/// Both ends included. NaN lies in no range.
inline void check_range(std::string_view parameter, float value, float least, float most) {
  if (value >= least && value <= most) return;
  refuse(parameter, "a number from " + shown(least) + " to " + shown(most), shown(value));
}

inline void check_above_zero(std::string_view parameter, float value, float most) {
  if (value > 0.0f && value <= most) return;
  refuse(parameter, "a number above 0 and at most " + shown(most), shown(value));
}

inline void check_bias(sampling_parameters const& parameters, std::int32_t vocabulary) {
  auto const& bias = parameters.logit_bias;
  if (bias.size() > max_logit_bias_entries) {
    refuse("logit_bias", "at most " + std::to_string(max_logit_bias_entries) + " entries",
           std::to_string(bias.size()));
  }
  for (auto const& [id, value] : bias) {
    if (id < 0 || id >= vocabulary) {
      refuse("logit_bias", "token ids from 0 to " + std::to_string(vocabulary - 1), std::to_string(id));
    }
    if (!(value >= -100.0f && value <= 100.0f)) {
      refuse("logit_bias", "values from -100 to 100", shown(value) + " for token " + std::to_string(id));
    }
  }
}

}  // namespace sampling_detail

/// Throws request_error, code "invalid_value", naming the first parameter that is out of its range. Every
/// sampler may rely on the ranges: temperature [0, 100], top_k >= 0, top_p (0, 1], min_p [0, 1],
/// repetition_penalty (0, 100], presence_penalty and frequency_penalty [-2, 2], logit_bias ids in the
/// vocabulary with values in [-100, 100], logprobs [-1, max_logprobs].
inline void check(sampling_parameters const& parameters, std::int32_t vocabulary) {
  using namespace sampling_detail;
  check_range("temperature", parameters.temperature, 0.0f, 100.0f);
  if (parameters.top_k < 0) refuse("top_k", "0 (off) or a count above 0", std::to_string(parameters.top_k));
  check_above_zero("top_p", parameters.top_p, 1.0f);
  check_range("min_p", parameters.min_p, 0.0f, 1.0f);
  check_above_zero("repetition_penalty", parameters.repetition_penalty, 100.0f);
  check_range("presence_penalty", parameters.presence_penalty, -2.0f, 2.0f);
  check_range("frequency_penalty", parameters.frequency_penalty, -2.0f, 2.0f);
  check_bias(parameters, vocabulary);
  if (parameters.logprobs < -1 || parameters.logprobs > max_logprobs) {
    refuse("logprobs", "-1 (none) to " + std::to_string(max_logprobs), std::to_string(parameters.logprobs));
  }
}

}  // namespace tenon
