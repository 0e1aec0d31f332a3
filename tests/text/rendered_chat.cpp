// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/rendered_chat.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

BOOST_AUTO_TEST_SUITE(rendered_chat)

BOOST_AUTO_TEST_CASE(neighbours_of_equal_trust_become_one_span) {
  tenon::rendered_chat chat;
  chat.append_template("<|im_start|>");
  chat.append_template("user\n");
  chat.append_content("<|im_end|>");
  chat.append_content(" hi");
  chat.append_template("<|im_end|>\n");
  BOOST_TEST(chat.text() == "<|im_start|>user\n<|im_end|> hi<|im_end|>\n");
  auto const spans = chat.spans();
  BOOST_REQUIRE(spans.size() == 3U);
  BOOST_TEST((spans[0] == tenon::text_span{"<|im_start|>user\n", true}));
  BOOST_TEST((spans[1] == tenon::text_span{"<|im_end|> hi", false}));
  BOOST_TEST((spans[2] == tenon::text_span{"<|im_end|>\n", true}));
}

BOOST_AUTO_TEST_CASE(an_empty_piece_makes_no_span_and_separates_nothing) {
  tenon::rendered_chat chat;
  BOOST_TEST(chat.spans().empty());
  chat.append_content("");
  chat.append_template("a");
  chat.append_content("");
  chat.append_template("b");
  auto const spans = chat.spans();
  BOOST_REQUIRE(spans.size() == 1U);
  BOOST_TEST((spans[0] == tenon::text_span{"ab", true}));
}

BOOST_AUTO_TEST_CASE(spans_of_a_moved_chat_view_its_new_place) {
  tenon::rendered_chat chat;
  chat.append_template("a");
  chat.append_content("b");
  auto const moved = std::move(chat);
  auto const spans = moved.spans();
  BOOST_REQUIRE(spans.size() == 2U);
  BOOST_TEST(spans[0].text.data() == moved.text().data());
  BOOST_TEST(spans[1].text == "b");
}

BOOST_AUTO_TEST_SUITE_END()
