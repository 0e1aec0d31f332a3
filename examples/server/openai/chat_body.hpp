// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/openai/generation_fields.hpp"
#include "tenon/text/chat_message.hpp"

namespace server {

/// Whether an answer calls tools.
enum class tool_use {
  none,       ///< tools are not shown to the model, and nothing in the answer is a call
  automatic,  ///< the model decides
  forced      ///< it calls one
};

/// What /v1/chat/completions and /tokenize read of a conversation.
struct conversation_fields {
  std::vector<tenon::chat_message> messages{};
  tenon::chat_options options{};
  std::vector<std::string> ignored{};  ///< paths in the messages that mean nothing here
};

/// The body of a chat request, understood.
struct chat_body {
  std::string model{};
  generation_fields generation{};
  conversation_fields conversation{};
  tool_use tools = tool_use::none;
  std::optional<std::string> forced_tool{};  ///< absent while forced: the model chooses which
  bool parallel_tool_calls = true;
  bool return_reasoning = true;
  bool echo = false;                              ///< the last message is the assistant's, and shown again
  std::optional<std::int32_t> thinking_budget{};  ///< tokens
  std::vector<std::string> ignored{};             ///< fields that nobody knows
};

/// Throws tenon::request_error.
chat_body read_chat_body(boost::json::object const& body, model_service const& service);

/// messages, tools and how they are rendered. Throws tenon::request_error.
conversation_fields read_conversation(body_fields& fields);

}  // namespace server
