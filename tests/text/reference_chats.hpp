// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/text/chat_message.hpp"
#include "tenon/text/parse_messages.hpp"
#include "tenon/text/strict_json.hpp"

namespace tenon_test {

/// A conversation of tests/reference/chats.jsonl and the text that transformers renders for it.
struct reference_chat {
  std::vector<tenon::chat_message> messages;
  tenon::chat_options options;
  std::string text;
};

/// The conversations of one family; none if TENON_SOURCE_DIR is not set.
inline std::vector<reference_chat> reference_chats(std::string_view family) {
  std::vector<reference_chat> result;
  auto const* root = std::getenv("TENON_SOURCE_DIR");
  std::ifstream file{std::filesystem::path{root == nullptr ? "" : root} / "tests" / "reference" /
                     "chats.jsonl"};
  for (std::string line; std::getline(file, line);) {
    auto const value = tenon::parse_strict_json(line);
    auto const& fields = value.as_object();
    if (fields.at("family").as_string() != family) continue;
    auto const flag = [&fields](std::string_view key) {
      return fields.contains(key) && fields.at(key) == true;
    };
    reference_chat chat;
    chat.messages = tenon::parse_messages(fields.at("messages"));
    if (fields.contains("tools")) chat.options.tools = tenon::parse_tools(fields.at("tools"));
    auto const& thinking = fields.at("enable_thinking");
    if (thinking.is_bool()) chat.options.enable_thinking = thinking.as_bool();
    chat.options.add_generation_prompt = flag("add_generation_prompt");
    chat.options.continue_final_message = flag("continue_final_message");
    chat.text = std::string_view{fields.at("text").as_string().subview()};
    result.push_back(std::move(chat));
  }
  return result;
}

}  // namespace tenon_test
