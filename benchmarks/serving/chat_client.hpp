// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "benchmarks/serving/http_client.hpp"
#include "benchmarks/serving/report.hpp"

namespace serving {

/// A streamed chat whose answer has a length of its own choosing: stop tokens are ignored.
inline std::string body_of(std::string const& model, boost::json::array const& messages,
                           std::int32_t max_tokens, bool greedy) {
  boost::json::object body{{"model", model},
                           {"messages", messages},
                           {"max_tokens", max_tokens},
                           {"ignore_eos", true},
                           {"stream", true},
                           {"stream_options", {{"include_usage", true}}},
                           {"chat_template_kwargs", {{"enable_thinking", false}}}};
  if (greedy) body["temperature"] = 0;
  return boost::json::serialize(body);
}

/// Adds an event of the stream to the record and its text to `answer`.
inline void hear(boost::json::object const& event, request_record& record, std::string& answer) {
  if (event.contains("error")) record.failure = "error event";
  if (auto const* usage = event.if_contains("usage"); usage != nullptr && usage->is_object()) {
    auto const& counts = usage->get_object();
    record.prompt_tokens = counts.at("prompt_tokens").to_number<std::int64_t>();
    record.generated_tokens = counts.at("completion_tokens").to_number<std::int64_t>();
    if (auto const* details = counts.if_contains("prompt_tokens_details");
        details != nullptr && details->is_object())
      record.cached_tokens = details->get_object().at("cached_tokens").to_number<std::int64_t>();
  }
  auto const* choices = event.if_contains("choices");
  if (choices == nullptr || choices->as_array().empty()) return;
  auto const& delta = choices->as_array()[0].at("delta").as_object();
  for (char const* field : {"content", "reasoning_content"}) {
    auto const* text = delta.if_contains(field);
    if (text == nullptr || !text->is_string() || text->get_string().empty()) continue;
    record.arrivals.push_back(tenon::steady_nanoseconds());
    answer += text->get_string();
  }
}

/// Sends a chat and reads its answer; whatever goes wrong stands in the record.
inline asio::awaitable<request_record> ask(http_client& connection, std::string body, std::string& answer) {
  request_record record;
  event_reader events{[&](boost::json::object const& event) { hear(event, record, answer); }};
  try {
    co_await connection.connect();
    record.sent = tenon::steady_nanoseconds();
    auto const status =
        co_await connection.exchange(http::verb::post, "/v1/chat/completions", std::move(body),
                                     [&](std::string_view piece) { events.feed(piece); });
    if (status != 200)
      record.failure = std::to_string(status);
    else if (record.failure.empty() && !events.done())
      record.failure = "truncated";
  } catch (boost::system::system_error const& failed) {
    record.failure = failed.code().message();
    connection.close();
  }
  record.ended = tenon::steady_nanoseconds();
  if (record.sent == 0) record.sent = record.ended;
  co_return record;
}

}  // namespace serving
