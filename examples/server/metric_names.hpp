// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// Every metric's name, type and meaning: the one table. A name stands on the page twice, as vllm:<name>,
/// which dashboards and routers know, and as tenon:<name>; those of `own` as tenon:<name> alone.
namespace server {

struct metric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};

namespace metric_names {

inline constexpr metric running{"num_requests_running", "gauge", "Choices in the running batch."};
inline constexpr metric waiting{"num_requests_waiting", "gauge", "Choices that wait for room."};
inline constexpr metric cache_usage{"kv_cache_usage_perc", "gauge", "Part of the cache in use, 0 to 1."};
inline constexpr metric cache_config{"cache_config_info", "gauge", "Size of the cache, in blocks of tokens."};
inline constexpr metric prefix_queries{"prefix_cache_queries_total", "counter",
                                       "Prompt tokens of ended choices, looked up in the prefix cache."};
inline constexpr metric prefix_hits{"prefix_cache_hits_total", "counter",
                                    "Prompt tokens of ended choices, found in the prefix cache."};
inline constexpr metric preemptions{"num_preemptions_total", "counter",
                                    "Choices that gave their place up to be computed anew."};
inline constexpr metric success{"request_success_total", "counter", "Choices that ended, by reason."};

inline constexpr metric steps{
    "step_total", "counter",
    "Steps run, replayed or launched piece by piece (eager), by rows; rows=\"prompt\": "
    "a step with parts of prompts, rows=\"other\": decoding with no size of its own."};
inline constexpr metric batch_rows{"batch_rows", "gauge", "Rows of the latest step; 0 when nothing runs."};
inline constexpr metric batch_tokens{"batch_tokens", "gauge",
                                     "Tokens of the latest step; 0 when nothing runs."};
inline constexpr metric memory{"device_memory_bytes", "gauge", "Device memory by what it is for."};
inline constexpr metric busy_ratio{"device_busy_ratio", "gauge",
                                   "Part of the last seconds in which a step was under way."};
inline constexpr metric busy_seconds{"device_busy_seconds_total", "counter",
                                     "Seconds in which a step was under way."};

}  // namespace metric_names

/// How a choice ended. An end by a tool call is a stop.
enum class outcome : std::uint8_t { stop, length, abort, error };
inline constexpr std::array<std::string_view, 4> outcome_labels{
    ",finished_reason=\"stop\"", ",finished_reason=\"length\"", ",finished_reason=\"abort\"",
    ",finished_reason=\"error\""};

/// Counters that requests add to.
enum class counter : std::uint8_t { prompt_tokens, generation_tokens };
inline constexpr std::array counter_names{
    metric{"prompt_tokens_total", "counter", "Prompt tokens of requests that got their first token."},
    metric{"generation_tokens_total", "counter", "Tokens generated."},
};
inline constexpr std::size_t counters = counter_names.size();

/// Durations that requests add to.
enum class duration : std::uint8_t { first_token, inter_token, per_token, whole, queue, prefill, decode };
inline constexpr std::array duration_names{
    metric{"time_to_first_token_seconds", "histogram", "From a request's arrival to its first token."},
    metric{"inter_token_latency_seconds", "histogram", "From one token of a choice to the next."},
    metric{"time_per_output_token_seconds", "histogram",
           "Mean time between the tokens of a choice, once a choice."},
    metric{"e2e_request_latency_seconds", "histogram", "From a request's arrival to a choice's end."},
    metric{"request_queue_time_seconds", "histogram", "From submission until a choice is given a place."},
    metric{"request_prefill_time_seconds", "histogram", "From then to its first token."},
    metric{"request_decode_time_seconds", "histogram", "From there to its end."},
};
inline constexpr std::size_t durations = duration_names.size();

/// Upper bounds in seconds: vLLM's, and finer ones below.
inline constexpr std::array token_bounds{0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05,
                                         0.075,  0.1,   0.15,   0.2,   0.3,    0.4,  0.5,   0.75,  1.0,
                                         2.5,    5.0,   7.5,    10.0,  20.0,   40.0, 80.0};
inline constexpr std::array first_token_bounds{0.001, 0.0025, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08,
                                               0.1,   0.25,   0.5,   0.75, 1.0,   2.5,   5.0,   7.5,
                                               10.0,  20.0,   40.0,  80.0, 160.0, 640.0, 2560.0};
inline constexpr std::array request_bounds{
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1,  0.2,  0.3,  0.5,   0.8,   1.0,   1.5,   2.0,    2.5,
    5.0,   10.0,  15.0, 20.0,  30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};

constexpr std::span<double const> bounds_of(duration which) noexcept {
  switch (which) {
    case duration::first_token:
      return first_token_bounds;
    case duration::inter_token:
    case duration::per_token:
      return token_bounds;
    default:
      return request_bounds;
  }
}

}  // namespace server
