// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/reasoning.hpp"

#include <boost/test/unit_test.hpp>
#include <span>
#include <string>
#include <string_view>

#include "text/random_pieces.hpp"

namespace {

using tenon::reasoning_mode;

tenon::reasoning_delta streamed(std::span<std::string_view const> pieces, reasoning_mode mode) {
  tenon::reasoning_splitter splitter{mode};
  tenon::reasoning_delta all;
  auto const add = [&all](tenon::reasoning_delta const& piece) {
    all.reasoning += piece.reasoning;
    all.content += piece.content;
  };
  for (auto const piece : pieces) add(splitter.push(piece));
  add(splitter.flush());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reasoning)

BOOST_AUTO_TEST_CASE(thinking_and_answer_lose_the_markers_and_their_newlines) {
  auto const answer = tenon::split_reasoning("<think>\nfirst\n\nsecond\n</think>\n\nThe answer.\n",
                                             reasoning_mode::opened_by_model);
  BOOST_TEST(answer.reasoning.value() == "first\n\nsecond");
  BOOST_TEST(answer.content.value() == "The answer.\n");
}

BOOST_AUTO_TEST_CASE(an_answer_without_thinking_is_content_verbatim) {
  for (std::string_view const text :
       {"Hello.", "\n\n Hello", "", "<thin", "<thinking> a </think> b", " \n"}) {
    auto const answer = tenon::split_reasoning(text, reasoning_mode::opened_by_model);
    BOOST_TEST(!answer.reasoning.has_value());
    BOOST_TEST(answer.content.value() == text);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_thought_is_none) {
  auto const answer = tenon::split_reasoning("<think>\n\n</think>\n\nHi", reasoning_mode::opened_by_model);
  BOOST_TEST(!answer.reasoning.has_value());
  BOOST_TEST(answer.content.value() == "Hi");
}

BOOST_AUTO_TEST_CASE(with_thinking_off_markers_are_content) {
  auto const answer = tenon::split_reasoning("<think>\na\n</think>\n\nb", reasoning_mode::none);
  BOOST_TEST(!answer.reasoning.has_value());
  BOOST_TEST(answer.content.value() == "<think>\na\n</think>\n\nb");
}

BOOST_AUTO_TEST_CASE(an_answer_cut_off_while_thinking_has_no_content) {
  auto const answer = tenon::split_reasoning("<think>\nso far\n</thi", reasoning_mode::opened_by_model);
  BOOST_TEST(answer.reasoning.value() == "so far\n</thi");
  BOOST_TEST(!answer.content.has_value());
  auto const at_once = tenon::split_reasoning("<think>", reasoning_mode::opened_by_model);
  BOOST_TEST(!at_once.reasoning.has_value());
  BOOST_TEST(!at_once.content.has_value());
  auto const after = tenon::split_reasoning("<think>a</think>", reasoning_mode::opened_by_model);
  BOOST_TEST(after.reasoning.value() == "a");
  BOOST_TEST(after.content.value() == "");
}

BOOST_AUTO_TEST_CASE(a_prompt_may_have_opened_the_thinking) {
  auto const answer = tenon::split_reasoning("\na\n</think>\n\nb", reasoning_mode::already_open);
  BOOST_TEST(answer.reasoning.value() == "a");
  BOOST_TEST(answer.content.value() == "b");
}

BOOST_AUTO_TEST_CASE(only_the_first_markers_count) {
  auto const answer =
      tenon::split_reasoning("\n<think>a<think>b</think>c<think>d</think>", reasoning_mode::opened_by_model);
  BOOST_TEST(answer.reasoning.value() == "a<think>b");
  BOOST_TEST(answer.content.value() == "c<think>d</think>");
}

BOOST_AUTO_TEST_CASE(what_is_certain_is_given_at_once) {
  tenon::reasoning_splitter splitter{reasoning_mode::opened_by_model};
  BOOST_TEST(splitter.push("<thi").empty());
  BOOST_TEST(splitter.push("nk>\n").empty());
  BOOST_TEST(splitter.thinking());
  BOOST_TEST(splitter.push("one").reasoning == "one");
  BOOST_TEST(splitter.push("\n").empty());
  BOOST_TEST(splitter.push("two </").reasoning == "\ntwo ");
  BOOST_TEST(splitter.push("b").reasoning == "</b");
  BOOST_TEST(splitter.push("\n</think>").empty());
  BOOST_TEST(!splitter.thinking());
  BOOST_TEST(splitter.push("\n\n").empty());
  BOOST_TEST(splitter.push("Hi\n").content == "Hi\n");
  BOOST_TEST(splitter.flush().empty());
}

BOOST_AUTO_TEST_CASE(any_cut_gives_what_the_whole_gives) {
  BOOST_TEST_MESSAGE("seed " << tenon_test::seed());
  constexpr std::string_view pieces[] = {"<think>", "</think>", "\n", "<", "think>", "</",
                                         "a",       "é",        "🙂", " ", "</thin"};
  tenon_test::piece_generator generator{tenon_test::seed()};
  for (auto left = tenon_test::scaled(100'000); left > 0; --left) {
    auto const text = (generator.below(2) == 0 ? "<think>" : "") + generator.text(pieces, 10);
    auto const mode = static_cast<reasoning_mode>(generator.below(3));
    auto const whole = tenon::split_reasoning(text, mode);
    auto const all = streamed(generator.cuts(text), mode);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(all.reasoning == whole.reasoning.value_or(""));
      BOOST_REQUIRE(all.content == whole.content.value_or(""));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
