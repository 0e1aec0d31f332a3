// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a request and of an answer through the chat formats: JSON -> messages -> both families' rendering,
// then the answer, cut at will, through the stream splitters. Input: a JSON text, optionally a zero byte, and
// behind it the answer. A JSON object gives "messages", "tools" and settings, an array the messages alone.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tenon/text/any_chat_format.hpp"
#include "tenon/text/parse_messages.hpp"
#include "tenon/text/reasoning.hpp"
#include "tenon/text/stop_matcher.hpp"
#include "tenon/text/tool_calls.hpp"

namespace {

/// Ends the program where a promise is broken, so that the fuzzer keeps the input.
void demand(bool kept, char const* promise) {
  if (kept) return;
  std::cerr << "broken promise: " << promise << '\n';
  std::abort();
}

void render(std::vector<tenon::chat_message> const& messages, tenon::chat_options const& options) {
  for (tenon::any_chat_format const& format :
       {tenon::any_chat_format{tenon::qwen2_5_chat{}}, tenon::any_chat_format{tenon::qwen3_chat{}}}) {
    auto const chat = tenon::render(format, messages, options);
    std::string joined;
    bool trusted = false;
    for (auto const& span : chat.spans()) {
      demand(joined.empty() || span.trusted != trusted, "spans alternate in trust");
      demand(!span.text.empty(), "no span is empty");
      trusted = span.trusted;
      joined += span.text;
    }
    demand(joined == chat.text(), "spans add up to the text");
  }
}

void read_and_render(std::string_view json) {
  try {
    auto const value = tenon::parse_strict_json(json);
    tenon::chat_options options;
    if (!value.is_object()) return render(tenon::parse_messages(value), options);
    auto const& request = value.get_object();
    auto const flag = [&request](std::string_view key) {
      auto const* setting = request.if_contains(key);
      return setting != nullptr && *setting == true;
    };
    if (auto const* tools = request.if_contains("tools")) options.tools = tenon::parse_tools(*tools);
    if (request.contains("enable_thinking")) options.enable_thinking = flag("enable_thinking");
    options.continue_final_message = flag("continue_final_message");
    options.add_generation_prompt = !options.continue_final_message;
    if (auto const* messages = request.if_contains("messages")) {
      render(tenon::parse_messages(*messages), options);
    }
  } catch (tenon::request_error const&) {
    return;
  }
}

/// Cuts `text` into pieces whose lengths its own bytes choose.
std::vector<std::string_view> cut(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    auto const length = 1 + static_cast<std::size_t>(static_cast<unsigned char>(text.back())) % 16;
    pieces.push_back(text.substr(0, length));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

void check_reasoning(std::string_view answer, tenon::reasoning_mode mode) {
  tenon::reasoning_splitter splitter{mode};
  std::string thought;
  std::string content;
  auto const take = [&](tenon::reasoning_delta const& delta) {
    thought += delta.reasoning;
    content += delta.content;
  };
  for (auto const piece : cut(answer)) take(splitter.push(piece));
  take(splitter.flush());
  auto const whole = tenon::split_reasoning(answer, mode);
  demand(thought == whole.reasoning.value_or(""), "reasoning does not depend on the cut");
  demand(content == whole.content.value_or(""), "content beside reasoning does not depend on the cut");
}

void check_calls(std::string_view answer) {
  tenon::tool_call_splitter splitter;
  std::string content;
  std::size_t ended = 0;
  auto const take = [&](std::vector<tenon::tool_call_event> const& events) {
    for (auto const& event : events) {
      if (auto const* piece = std::get_if<tenon::content_delta>(&event)) content += piece->text;
      ended += std::holds_alternative<tenon::tool_call_end>(event) ? 1 : 0;
    }
  };
  for (auto const piece : cut(answer)) take(splitter.push(piece));
  take(splitter.flush());
  auto const whole = tenon::split_tool_calls(answer);
  demand(content == whole.content.value_or(""), "content beside calls does not depend on the cut");
  demand(ended == whole.calls.size(), "calls do not depend on the cut");
  for (auto const& call : whole.calls) {
    std::string_view const arguments = call.arguments.as_string().subview();
    demand(arguments.starts_with('{') && arguments.ends_with('}'), "arguments are an object");
  }
}

void check_stops(std::string_view answer) {
  auto const length = answer.size() / 8 + 1;
  auto const stop = std::string{answer.substr(answer.size() / 2, length)};
  if (stop.empty()) return;
  tenon::stop_matcher matcher{{stop, "\n\n"}};
  std::string text;
  for (auto const piece : cut(answer)) text += matcher.push(piece);
  text += matcher.flush();
  demand(answer.starts_with(text), "text before a stop string is the answer's own");
  demand(text.find(stop) == std::string::npos, "no stop string stays in the text");
  demand(matcher.stopped(), "a stop string taken from the answer ends it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const input(data, data + size);
  auto const border = input.find('\0');
  read_and_render(std::string_view{input}.substr(0, border));
  auto const answer = std::string_view{input}.substr(border == std::string::npos ? 0 : border + 1);
  check_reasoning(answer, tenon::reasoning_mode::opened_by_model);
  check_reasoning(answer, tenon::reasoning_mode::already_open);
  check_calls(answer);
  check_stops(answer);
  return 0;
}
