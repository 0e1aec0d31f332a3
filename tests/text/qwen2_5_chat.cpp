// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/qwen2_5_chat.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tenon/text/parse_messages.hpp"
#include "text/reference_chats.hpp"

namespace {

std::string render(std::string_view messages, tenon::chat_options const& options = {}) {
  return tenon::qwen2_5_chat::render(tenon::parse_messages_json(messages), options).text();
}

constexpr std::string_view default_turn =
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(qwen2_5_chat)

BOOST_AUTO_TEST_CASE(a_chat_without_system_message_gets_the_default) {
  BOOST_TEST(render(R"([{"role": "user", "content": "Hi"}])") ==
             std::string{default_turn} + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  BOOST_TEST(render(R"([{"role": "system", "content": ""}])") ==
             "<|im_start|>system\n<|im_end|>\n<|im_start|>assistant\n");
}

BOOST_AUTO_TEST_CASE(thinking_is_neither_rendered_nor_expected) {
  tenon::chat_options options;
  options.enable_thinking = false;
  BOOST_TEST(render(R"([{"role": "assistant", "content": "a", "reasoning_content": "t"}])", options) ==
             std::string{default_turn} + "<|im_start|>assistant\na<|im_end|>\n<|im_start|>assistant\n");
  BOOST_TEST((tenon::qwen2_5_chat::reasoning({}) == tenon::reasoning_mode::none));
}

BOOST_AUTO_TEST_CASE(arguments_that_arrive_as_text_are_spelled_once_more) {
  auto const call = [](std::string const& arguments) {
    return render(R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": )" +
                  arguments + "}}]}]")
        .substr(default_turn.size());
  };
  std::string const before = "<|im_start|>assistant\n<tool_call>\n{\"name\": \"f\", \"arguments\": ";
  std::string const after = "}\n</tool_call><|im_end|>\n<|im_start|>assistant\n";
  BOOST_TEST(call(R"({"b":1,"a":[1e16]})") == before + R"({"b": 1, "a": [1e+16]})" + after);
  BOOST_TEST(call(R"("{\"b\":1,\"a\":[1e16]}")") == before + R"({"b": 1, "a": [1e+16]})" + after);
  BOOST_TEST(call(R"("{\"b\":1,")") == before + R"({"b":1,)" + after);
}

BOOST_AUTO_TEST_CASE(every_reference_conversation_is_rendered_as_transformers_does) {
  auto const chats = tenon_test::reference_chats("qwen2.5");
  BOOST_TEST(chats.size() == 40U);
  for (auto const& chat : chats) {
    BOOST_TEST(tenon::qwen2_5_chat::render(chat.messages, chat.options).text() == chat.text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
