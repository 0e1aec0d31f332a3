// SPDX-License-Identifier: Apache-2.0
#include "server/openai/answer_json.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <random>
#include <utility>

#include "tenon/text/utf8.hpp"

namespace server {

answer_identity new_identity(std::string_view prefix, std::string model) {
  static thread_local std::random_device source;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id{prefix};
  for (int word = 0; word < 4; ++word) {
    auto bits = source();
    for (int i = 0; i < 8; ++i, bits >>= 4) id += digits[bits & 15];
  }
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return {std::move(id), std::chrono::duration_cast<std::chrono::seconds>(now).count(), std::move(model)};
}

boost::json::object answer_object(answer_identity const& identity, std::string_view object) {
  boost::json::object result;
  result["id"] = identity.id;
  result["object"] = object;
  result["created"] = identity.created;
  result["model"] = identity.model;
  return result;
}

boost::json::object to_json(generation_usage const& usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.completion},
          {"total_tokens", usage.prompt + usage.completion},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
}

boost::json::value to_json(finish ended) {
  switch (ended) {
    case finish::none:
      return nullptr;
    case finish::stop:
      return "stop";
    case finish::length:
      return "length";
    case finish::tool_calls:
      return "tool_calls";
  }
  return nullptr;
}

boost::json::array to_json(std::span<tenon::token_id const> ids) {
  boost::json::array result;
  result.reserve(ids.size());
  for (auto const id : ids) result.emplace_back(id);
  return result;
}

boost::json::array ids_of(std::span<tenon::event const> tokens) {
  boost::json::array result;
  result.reserve(tokens.size());
  for (auto const& token : tokens) result.emplace_back(*token.token);
  return result;
}

void append_event(std::string& events, boost::json::object const& data) {
  events += "data: ";
  events += boost::json::serialize(data);
  events += "\n\n";
}

double shown_logprob(float logprob) {
  return std::isfinite(logprob) ? static_cast<double>(logprob) : -9999.0;
}

std::string token_text(std::string_view bytes) {
  std::string text;
  if (tenon::utf8::append_repaired(text, bytes) > 0) text += tenon::utf8::replacement;
  return text;
}

}  // namespace server
