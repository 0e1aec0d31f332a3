// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/chat_message.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(chat_message)

BOOST_AUTO_TEST_CASE(roles_are_spelled_as_templates_spell_them) {
  BOOST_TEST(tenon::to_string(tenon::chat_role::system) == "system");
  BOOST_TEST(tenon::to_string(tenon::chat_role::user) == "user");
  BOOST_TEST(tenon::to_string(tenon::chat_role::assistant) == "assistant");
  BOOST_TEST(tenon::to_string(tenon::chat_role::tool) == "tool");
}

BOOST_AUTO_TEST_CASE(a_chat_asks_for_an_answer_and_leaves_thinking_to_the_model) {
  tenon::chat_options const options;
  BOOST_TEST(options.add_generation_prompt);
  BOOST_TEST(!options.continue_final_message);
  BOOST_TEST(!options.enable_thinking.has_value());
  BOOST_TEST(options.tools.empty());
}

BOOST_AUTO_TEST_SUITE_END()
