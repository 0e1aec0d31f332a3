// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tenon/text/chat_format.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/text/python_json.hpp"
#include "tenon/text/qwen_turns.hpp"
#include "tenon/text/rendered_chat.hpp"
#include "tenon/text/strict_json.hpp"

namespace tenon {

/// The chat format of Qwen2.5-Instruct: a default system message, tool calls always written as JSON, no
/// thinking.
struct qwen2_5_chat {
  static constexpr std::string_view name = "qwen2.5";
  static constexpr std::string_view default_system_message =
      "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";

  static constexpr reasoning_mode reasoning(chat_options const&) noexcept { return reasoning_mode::none; }

  /// Throws request_error.
  static rendered_chat render(std::span<chat_message const> messages, chat_options const& options) {
    qwen_turns::check(messages, options);
    rendered_chat out;
    append_system(out, messages.front(), options);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      auto const& message = messages[i];
      bool const open = options.continue_final_message && i + 1 == messages.size();
      switch (message.role) {
        case chat_role::system:
          if (i > 0) qwen_turns::append(out, message.role, message.content);
          break;
        case chat_role::user:
          qwen_turns::append(out, message.role, message.content);
          break;
        case chat_role::assistant:
          append_assistant(out, message, open);
          break;
        case chat_role::tool:
          qwen_turns::append_tool_result(out, messages, i);
          break;
      }
    }
    if (options.add_generation_prompt) out.append_template("<|im_start|>assistant\n");
    return out;
  }

 private:
  static void append_system(rendered_chat& out, chat_message const& first, chat_options const& options) {
    out.append_template("<|im_start|>system\n");
    if (first.role == chat_role::system) {
      out.append_content(first.content);
    } else {
      out.append_template(default_system_message);
    }
    if (options.tools.empty()) {
      out.append_template(qwen_turns::end);
    } else {
      out.append_template("\n\n");
      qwen_turns::append_tools(out, options.tools);
    }
  }

  static void append_assistant(rendered_chat& out, chat_message const& message, bool open) {
    qwen_turns::begin(out, message.role);
    if (message.tool_calls.empty() || !message.content.empty()) {
      out.append_template("\n");
      out.append_content(message.content);
    }
    for (auto const& call : message.tool_calls) {
      out.append_template("\n");
      qwen_turns::append_call(out, call.name, arguments_text(call.arguments));
    }
    if (!open) out.append_template(qwen_turns::end);
  }

  /// The template would encode a string a second time, so its text is parsed first; a text that is no JSON,
  /// which models do write, stands as it is.
  static std::string arguments_text(boost::json::value const& arguments) {
    if (!arguments.is_string()) return python_json(arguments);
    std::string_view const text = arguments.get_string().subview();
    try {
      return python_json(parse_strict_json(text));
    } catch (json_error const&) {
      return std::string{text};
    }
  }
};

static_assert(chat_format<qwen2_5_chat>);

}  // namespace tenon
