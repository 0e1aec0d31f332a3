// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/string.hpp>
#include <cstddef>
#include <span>
#include <string_view>

#include "tenon/text/chat_format.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/text/python_json.hpp"
#include "tenon/text/qwen_turns.hpp"
#include "tenon/text/rendered_chat.hpp"

namespace tenon {

/// The chat format of Qwen3: no default system message, thinking kept only after the last question, and a
/// generation prompt that can close the thinking before it begins.
struct qwen3_chat {
  static constexpr std::string_view name = "qwen3";

  static constexpr reasoning_mode reasoning(chat_options const& options) noexcept {
    bool const off = options.continue_final_message || !options.enable_thinking.value_or(true);
    return off ? reasoning_mode::none : reasoning_mode::opened_by_model;
  }

  /// Throws request_error.
  static rendered_chat render(std::span<chat_message const> messages, chat_options const& options) {
    qwen_turns::check(messages, options);
    rendered_chat out;
    append_system(out, messages.front(), options);
    auto const question = last_question(messages);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      auto const& message = messages[i];
      bool const last = i + 1 == messages.size();
      switch (message.role) {
        case chat_role::system:
          if (i > 0) qwen_turns::append(out, message.role, message.content);
          break;
        case chat_role::user:
          qwen_turns::append(out, message.role, message.content);
          break;
        case chat_role::assistant:
          append_assistant(out, message, i > question, last);
          if (!(last && options.continue_final_message)) out.append_template(qwen_turns::end);
          break;
        case chat_role::tool:
          qwen_turns::append_tool_result(out, messages, i);
          break;
      }
    }
    if (options.add_generation_prompt) {
      out.append_template("<|im_start|>assistant\n");
      if (!options.enable_thinking.value_or(true)) out.append_template("<think>\n\n</think>\n\n");
    }
    return out;
  }

 private:
  struct thought_and_answer {
    std::string_view thought;
    std::string_view answer;
  };

  static void append_system(rendered_chat& out, chat_message const& first, chat_options const& options) {
    bool const present = first.role == chat_role::system;
    if (options.tools.empty()) {
      if (present) qwen_turns::append(out, first.role, first.content);
      return;
    }
    out.append_template("<|im_start|>system\n");
    if (present) {
      out.append_content(first.content);
      out.append_template("\n\n");
    }
    qwen_turns::append_tools(out, options.tools);
  }

  /// The last user turn that is not a tool result in disguise; the last message if there is none.
  static std::size_t last_question(std::span<chat_message const> messages) {
    for (auto i = messages.size(); i-- > 0;) {
      std::string_view const content = messages[i].content;
      bool const disguised = content.starts_with("<tool_response>") && content.ends_with("</tool_response>");
      if (messages[i].role == chat_role::user && !disguised) return i;
    }
    return messages.size() - 1;
  }

  static void append_assistant(rendered_chat& out, chat_message const& message, bool after_question,
                               bool last) {
    auto const [thought, answer] = split(message);
    qwen_turns::begin(out, message.role);
    if (after_question && (last || !thought.empty())) {
      out.append_template("\n<think>\n");
      out.append_content(strip_newlines(thought));
      out.append_template("\n</think>\n\n");
      out.append_content(strip_leading_newlines(answer));
    } else {
      out.append_template("\n");
      out.append_content(answer);
    }
    bool separate = !answer.empty();
    for (auto const& call : message.tool_calls) {
      if (separate) out.append_template("\n");
      separate = true;
      if (call.arguments.is_string()) {
        qwen_turns::append_call(out, call.name, std::string_view{call.arguments.get_string().subview()});
      } else {
        qwen_turns::append_call(out, call.name, python_json(call.arguments));
      }
    }
  }

  /// Thinking that arrived apart from the content is taken as it is; else the content is split at its
  /// markers: the answer is what follows the last `</think>`, the thought what lies between the first one and
  /// the `<think>` nearest before it.
  static thought_and_answer split(chat_message const& message) {
    if (message.reasoning_content) return {*message.reasoning_content, message.content};
    constexpr std::string_view open = "<think>";
    constexpr std::string_view close = "</think>";
    std::string_view const content = message.content;
    auto const first_close = content.find(close);
    if (first_close == std::string_view::npos) return {{}, content};
    auto thought = strip_trailing_newlines(content.substr(0, first_close));
    if (auto const at = thought.rfind(open); at != std::string_view::npos) {
      thought.remove_prefix(at + open.size());
    }
    auto const answer = content.substr(content.rfind(close) + close.size());
    return {strip_leading_newlines(thought), strip_leading_newlines(answer)};
  }

  static std::string_view strip_leading_newlines(std::string_view text) noexcept {
    auto const first = text.find_first_not_of('\n');
    return first == std::string_view::npos ? std::string_view{} : text.substr(first);
  }

  static std::string_view strip_trailing_newlines(std::string_view text) noexcept {
    return text.substr(0, text.find_last_not_of('\n') + 1);
  }

  static std::string_view strip_newlines(std::string_view text) noexcept {
    return strip_trailing_newlines(strip_leading_newlines(text));
  }
};

static_assert(chat_format<qwen3_chat>);

}  // namespace tenon
