// SPDX-License-Identifier: Apache-2.0
//
// Reads conversations, one JSON object a line, and writes what tenon renders for each, one JSON object a
// line: text, spans ([text, trusted]) and ids. The family is the object's "family". A refused conversation
// gives
// {"error": message}. Usage: render_chats TOKENIZER_DIRECTORY <conversations
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "tenon/text/byte_level_bpe.hpp"
#include "tenon/text/parse_messages.hpp"
#include "tenon/text/qwen2_5_chat.hpp"
#include "tenon/text/qwen3_chat.hpp"
#include "tenon/text/strict_json.hpp"

namespace {

bool flag(boost::json::object const& request, char const* key) {
  auto const* value = request.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

tenon::chat_options read_options(boost::json::object const& request) {
  tenon::chat_options options;
  if (auto const* tools = request.if_contains("tools")) options.tools = tenon::parse_tools(*tools);
  auto const* thinking = request.if_contains("enable_thinking");
  if (thinking != nullptr && thinking->is_bool()) options.enable_thinking = thinking->get_bool();
  options.add_generation_prompt = flag(request, "add_generation_prompt");
  options.continue_final_message = flag(request, "continue_final_message");
  return options;
}

boost::json::object answer(tenon::byte_level_bpe const& tokenizer, std::string const& line) {
  auto const value = tenon::parse_strict_json(line);
  auto const& request = value.as_object();
  auto const messages = tenon::parse_messages(request.at("messages"));
  auto const options = read_options(request);
  auto const chat = request.at("family").as_string() == "qwen3"
                        ? tenon::qwen3_chat::render(messages, options)
                        : tenon::qwen2_5_chat::render(messages, options);
  auto const pieces = chat.spans();
  boost::json::array spans;
  for (auto const& span : pieces) {
    spans.push_back(boost::json::array{boost::json::string_view{span.text}, span.trusted});
  }
  boost::json::array ids;
  for (auto const id : tokenizer.encode(pieces)) ids.push_back(id);
  return {{"text", chat.text()}, {"spans", std::move(spans)}, {"ids", std::move(ids)}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: render_chats TOKENIZER_DIRECTORY <conversations\n";
    return 2;
  }
  auto const tokenizer = tenon::byte_level_bpe::load(argv[1]);
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    boost::json::object result;
    try {
      result = answer(tokenizer, line);
    } catch (std::exception const& failure) {
      result["error"] = failure.what();
    }
    std::cout << boost::json::serialize(result) << '\n';
  }
}
