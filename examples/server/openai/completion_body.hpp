// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/openai/chat_body.hpp"
#include "server/openai/generation_fields.hpp"

namespace server {

/// A prompt as text or as ids.
using prompt_source = std::variant<std::string, std::vector<tenon::token_id>>;

/// The body of a completions request, understood.
struct completion_body {
  std::string model{};
  generation_fields generation{};
  std::vector<prompt_source> prompts{};
  bool echo = false;
  std::vector<std::string> ignored{};  ///< fields that nobody knows
};

/// Throws tenon::request_error.
completion_body read_completion_body(boost::json::object const& body, model_service const& service);

/// The body of /tokenize: a text or a conversation.
struct tokenize_body {
  std::variant<std::string, conversation_fields> source{};
  bool token_texts = false;
  std::vector<std::string> ignored{};
};
tokenize_body read_tokenize_body(boost::json::object const& body, model_service const& service);

struct detokenize_body {
  std::vector<tenon::token_id> tokens{};
  std::vector<std::string> ignored{};
};
detokenize_body read_detokenize_body(boost::json::object const& body, model_service const& service);

/// The ids of a prompt, in which `<|im_start|>` is one id and no text. Throws tenon::request_error.
std::vector<tenon::token_id> encode_text(std::string const& text, model_service const& service);

}  // namespace server
