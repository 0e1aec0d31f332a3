// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <span>
#include <string_view>

#include "tenon/core/error.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/text/python_json.hpp"
#include "tenon/text/rendered_chat.hpp"

namespace tenon {

/// What the chat templates of Qwen2.5 and Qwen3 have in common. Source of every text: `chat_template` of the
/// checkpoints' tokenizer_config.json.
namespace qwen_turns {

inline constexpr std::string_view end = "<|im_end|>\n";

/// Throws request_error for what no template can render.
inline void check(std::span<chat_message const> messages, chat_options const& options) {
  if (messages.empty()) {
    throw request_error{"messages", "empty_array", "messages: expected at least one message"};
  }
  if (!options.continue_final_message) return;
  if (options.add_generation_prompt) {
    throw request_error{"continue_final_message", "invalid_value",
                        "continue_final_message: excludes add_generation_prompt"};
  }
  auto const& last = messages.back();
  if (last.role != chat_role::assistant || !last.tool_calls.empty()) {
    throw request_error{
        "continue_final_message", "invalid_value",
        "continue_final_message: expected the last message to be the assistant's, without tool calls"};
  }
}

inline void begin(rendered_chat& out, chat_role role) {
  out.append_template("<|im_start|>");
  out.append_template(to_string(role));
}

/// A whole turn of plain text.
inline void append(rendered_chat& out, chat_role role, std::string_view content) {
  begin(out, role);
  out.append_template("\n");
  out.append_content(content);
  out.append_template(end);
}

/// The part of a system turn that lists the tools, to the end of the turn.
inline void append_tools(rendered_chat& out, std::span<boost::json::value const> tools) {
  out.append_template(
      "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
      "You are provided with function signatures within <tools></tools> XML tags:\n<tools>");
  for (auto const& tool : tools) {
    out.append_template("\n");
    out.append_content(python_json(tool));
  }
  out.append_template(
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
      "<tool_call></tool_call> XML tags:\n<tool_call>\n"
      "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n");
}

inline void append_call(rendered_chat& out, std::string_view name, std::string_view arguments) {
  out.append_template("<tool_call>\n{\"name\": \"");
  out.append_content(name);
  out.append_template("\", \"arguments\": ");
  out.append_content(arguments);
  out.append_template("}\n</tool_call>");
}

/// The tool result at `index`: consecutive ones share one user turn.
inline void append_tool_result(rendered_chat& out, std::span<chat_message const> messages,
                               std::size_t index) {
  auto const is_tool = [messages](std::size_t i) { return messages[i].role == chat_role::tool; };
  if (index == 0 || !is_tool(index - 1)) begin(out, chat_role::user);
  out.append_template("\n<tool_response>\n");
  out.append_content(messages[index].content);
  out.append_template("\n</tool_response>");
  if (index + 1 == messages.size() || !is_tool(index + 1)) out.append_template(end);
}

}  // namespace qwen_turns

}  // namespace tenon
