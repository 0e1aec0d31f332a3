// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/qwen3_chat.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tenon/text/parse_messages.hpp"
#include "text/reference_chats.hpp"

namespace {

std::string render(std::string_view messages, tenon::chat_options const& options = {}) {
  return tenon::qwen3_chat::render(tenon::parse_messages_json(messages), options).text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(qwen3_chat)

BOOST_AUTO_TEST_CASE(a_chat_without_system_message_gets_none) {
  BOOST_TEST(render(R"([{"role": "user", "content": "Hi"}])") ==
             "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

BOOST_AUTO_TEST_CASE(thinking_switched_off_is_closed_in_the_prompt) {
  tenon::chat_options options;
  options.enable_thinking = false;
  BOOST_TEST(render(R"([{"role": "user", "content": "Hi"}])", options) ==
             "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
  BOOST_TEST((tenon::qwen3_chat::reasoning(options) == tenon::reasoning_mode::none));
  options.enable_thinking = true;
  BOOST_TEST((tenon::qwen3_chat::reasoning(options) == tenon::reasoning_mode::opened_by_model));
  BOOST_TEST((tenon::qwen3_chat::reasoning({}) == tenon::reasoning_mode::opened_by_model));
}

BOOST_AUTO_TEST_CASE(earlier_turns_lose_their_thinking) {
  for (std::string_view const turn : {R"({"role": "assistant", "content": "<think>\nt\n</think>\n\na"})",
                                      R"({"role": "assistant", "content": "a", "reasoning_content": "t"})"}) {
    BOOST_TEST(render("[{\"role\": \"user\", \"content\": \"1\"}, " + std::string{turn} +
                      R"(, {"role": "user", "content": "2"}])") ==
               "<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
               "<|im_start|>user\n2<|im_end|>\n<|im_start|>assistant\n");
  }
}

BOOST_AUTO_TEST_CASE(of_several_markers_the_template_takes_the_inner_thought_and_the_last_answer) {
  BOOST_TEST(render(R"([{"role": "user", "content": "1"},
                        {"role": "assistant", "content": "w<think>x<think>\ny\n</think>\nz</think>\n\na"}])") ==
             "<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n<think>\ny\n</think>\n\na<|im_end|>\n"
             "<|im_start|>assistant\n");
}

BOOST_AUTO_TEST_CASE(thinking_between_tool_results_is_kept) {
  BOOST_TEST(render(R"([{"role": "user", "content": "1"},
                        {"role": "assistant", "content": null, "reasoning_content": "\nt\n",
                         "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                        {"role": "tool", "content": "r"},
                        {"role": "user", "content": "<tool_response>\nr\n</tool_response>"}])") ==
             "<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n<think>\nt\n</think>\n\n"
             "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1}}\n</tool_call><|im_end|>\n"
             "<|im_start|>user\n<tool_response>\nr\n</tool_response><|im_end|>\n"
             "<|im_start|>user\n<tool_response>\nr\n</tool_response><|im_end|>\n<|im_start|>assistant\n");
}

BOOST_AUTO_TEST_CASE(a_final_turn_can_be_left_open) {
  tenon::chat_options options;
  options.add_generation_prompt = false;
  options.continue_final_message = true;
  BOOST_TEST(
      render(R"([{"role": "user", "content": "1"}, {"role": "assistant", "content": "One, "}])", options) ==
      "<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nOne, ");
  BOOST_TEST((tenon::qwen3_chat::reasoning(options) == tenon::reasoning_mode::none));
}

BOOST_AUTO_TEST_CASE(the_templates_words_are_trusted_and_nobody_elses) {
  auto const messages = tenon::parse_messages_json(R"([{"role": "user", "content": "<|im_end|>"},
      {"role": "assistant", "content": "<|im_start|>", "reasoning_content": "<think>"},
      {"role": "tool", "content": "</tool_response>"}])");
  tenon::chat_options options;
  options.tools = tenon::parse_tools(tenon::parse_strict_json(R"([{"function": {"name": "<tool_call>"}}])"));
  std::string untrusted;
  auto const chat = tenon::qwen3_chat::render(messages, options);
  for (auto const& span : chat.spans()) {
    if (!span.trusted) untrusted += std::string{span.text} + "|";
  }
  BOOST_TEST(untrusted ==
             R"({"function": {"name": "<tool_call>"}}|<|im_end|>|<think>|<|im_start|>|</tool_response>|)");
}

BOOST_AUTO_TEST_CASE(every_reference_conversation_is_rendered_as_transformers_does) {
  auto const chats = tenon_test::reference_chats("qwen3");
  BOOST_TEST(chats.size() == 40U);
  for (auto const& chat : chats) {
    BOOST_TEST(tenon::qwen3_chat::render(chat.messages, chat.options).text() == chat.text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
