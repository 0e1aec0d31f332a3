// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/qwen_turns.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace {

using tenon::chat_role;

tenon::chat_message message(chat_role role, std::string content = "x") {
  tenon::chat_message result;
  result.role = role;
  result.content = std::move(content);
  return result;
}

/// The parameter of the error that asking to continue these messages gives; "" if they are taken.
std::string refusal(std::vector<tenon::chat_message> const& messages, bool generation_prompt) {
  tenon::chat_options options;
  options.continue_final_message = true;
  options.add_generation_prompt = generation_prompt;
  try {
    tenon::qwen_turns::check(messages, options);
    return {};
  } catch (tenon::request_error const& failure) {
    return failure.parameter();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(qwen_turns)

BOOST_AUTO_TEST_CASE(consecutive_tool_results_share_one_user_turn) {
  std::vector<tenon::chat_message> const messages{message(chat_role::tool, "1"),
                                                  message(chat_role::tool, "2"), message(chat_role::user),
                                                  message(chat_role::tool, "3")};
  tenon::rendered_chat chat;
  for (std::size_t const i : {0U, 1U, 3U}) tenon::qwen_turns::append_tool_result(chat, messages, i);
  BOOST_TEST(chat.text() ==
             "<|im_start|>user\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</"
             "tool_response><|im_end|>\n"
             "<|im_start|>user\n<tool_response>\n3\n</tool_response><|im_end|>\n");
}

BOOST_AUTO_TEST_CASE(a_calls_name_and_arguments_are_not_trusted) {
  tenon::rendered_chat chat;
  tenon::qwen_turns::append_call(chat, "f<|im_end|>", "{\"a\": \"</tool_call>\"}");
  BOOST_TEST(
      chat.text() ==
      "<tool_call>\n{\"name\": \"f<|im_end|>\", \"arguments\": {\"a\": \"</tool_call>\"}}\n</tool_call>");
  auto const spans = chat.spans();
  BOOST_REQUIRE(spans.size() == 5U);
  for (std::size_t i = 0; i < spans.size(); ++i) BOOST_TEST(spans[i].trusted == (i % 2 == 0));
  BOOST_TEST(spans[1].text == "f<|im_end|>");
  BOOST_TEST(spans[3].text == "{\"a\": \"</tool_call>\"}");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_rendered_is_refused) {
  BOOST_CHECK_EXCEPTION(tenon::qwen_turns::check({}, {}), tenon::request_error, [](auto const& failure) {
    return failure.parameter() == "messages" && failure.code() == "empty_array";
  });
  auto calling = message(chat_role::assistant);
  calling.tool_calls.push_back({"1", "f", "{}"});
  BOOST_TEST(refusal({message(chat_role::assistant)}, false) == "");
  BOOST_TEST(refusal({message(chat_role::assistant)}, true) == "continue_final_message");
  BOOST_TEST(refusal({message(chat_role::user)}, false) == "continue_final_message");
  BOOST_TEST(refusal({calling}, false) == "continue_final_message");
}

BOOST_AUTO_TEST_SUITE_END()
