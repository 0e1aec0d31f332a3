// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Who speaks in a turn. OpenAI's `developer` is `system` here: Qwen's templates know no other name for it.
enum class chat_role { system, user, assistant, tool };

/// The role as templates and OpenAI's JSON spell it.
constexpr std::string_view to_string(chat_role role) noexcept {
  switch (role) {
    case chat_role::system:
      return "system";
    case chat_role::user:
      return "user";
    case chat_role::assistant:
      return "assistant";
    case chat_role::tool:
      return "tool";
  }
  return "user";
}

/// One function call of an assistant's turn.
///
/// `arguments` is a JSON string when a client sent the text of the arguments, as OpenAI's API does, and the
/// parsed value (an object) otherwise. How either is written is the chat format's business.
struct chat_tool_call {
  std::string id;
  std::string name;
  boost::json::value arguments;
};

/// One message of a conversation, every string valid UTF-8.
///
/// An absent or null content is the empty string; content parts are joined without a separator. What a role
/// does not use (tool calls of a user) is not rendered.
struct chat_message {
  chat_role role = chat_role::user;
  std::string content;
  std::optional<std::string> reasoning_content;  // absent: the thinking, if any, is looked for in `content`
  std::vector<chat_tool_call> tool_calls;
  std::string tool_call_id;
  std::string name;
};

/// What a request asks of the rendering besides its messages.
struct chat_options {
  std::vector<boost::json::value> tools;  // whole OpenAI tool objects, key order kept
  std::optional<bool> enable_thinking;    // absent: the model decides
  bool add_generation_prompt = true;      // end with the opening of an assistant turn
  bool continue_final_message = false;    // leave the last assistant turn open; excludes a generation prompt
};

}  // namespace tenon
