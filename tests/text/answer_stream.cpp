// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/answer_stream.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tenon::answer_delta;
using tenon::answer_end;
using tenon::answer_options;

using tenon::reasoning_mode;
using tenon::whole_answer;

/// Everything that a client could tell of an answer, in one text.
struct outcome {
  whole_answer answer;
  std::size_t tokens = 0;
  std::size_t completed_calls = 0;
  answer_end end = answer_end::none;
  bool without_content = false;

  std::string shown() const {
    auto text = "reasoning=" + answer.reasoning + "|content=" + answer.content;
    for (auto const& call : answer.calls) {
      text += "|" + call.id + ":" + call.name + "(" +
              std::string{std::string_view{call.arguments.get_string().subview()}} + ")";
    }
    text += "|calls=" + std::to_string(completed_calls) + "|end=" + std::to_string(static_cast<int>(end));
    return without_content ? text + "|null" : text;
  }
};

template <class Pieces> outcome run(Pieces const& pieces, answer_options const& options, bool cut) {
  tenon::answer_stream stream{options};
  outcome result;
  auto const take = [&](answer_delta const& delta) {
    result.answer.add(delta);
    result.tokens += delta.tokens;
  };
  std::size_t pushed = 0;
  for (std::string_view const piece : pieces) {
    if (stream.ended()) break;
    take(stream.push(piece));
    ++pushed;
  }
  take(stream.finish(cut));
  BOOST_TEST(result.tokens == pushed);
  result.completed_calls = stream.completed_calls();
  result.end = stream.end();
  result.without_content = stream.without_content();
  return result;
}

outcome run_whole(std::string_view text, answer_options const& options, bool cut) {
  return run(std::vector<std::string_view>{text}, options, cut);
}

std::vector<std::string_view> in_pieces_of(std::string_view text, std::size_t size) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < text.size(); i += size) pieces.push_back(text.substr(i, size));
  return pieces;
}

struct answer_case {
  std::string_view text;
  answer_options options;
  bool cut;
  std::string_view expected;
};

std::vector<answer_case> const& cases() {
  constexpr auto thinks = reasoning_mode::opened_by_model;
  static std::vector<answer_case> const all{
      {"Hello, w\u00f6rld", {}, false, "reasoning=|content=Hello, w\u00f6rld|calls=0|end=0"},
      {"", {}, false, "reasoning=|content=|calls=0|end=0"},
      // broken and cut-off UTF-8
      {"a\xff z\xe4\xb8", {}, true, "reasoning=|content=a\uFFFD z\uFFFD|calls=0|end=0"},
      // stop strings, across code points and inside of thinking
      {"one STOP two", {.stops = {"STOP"}}, false, "reasoning=|content=one |calls=0|end=1"},
      {"one STOP two",
       {.stops = {"STOP"}, .include_stop = true},
       false,
       "reasoning=|content=one STOP|calls=0|end=1"},
      {"one STO two", {.stops = {"STOP"}}, false, "reasoning=|content=one STO two|calls=0|end=0"},
      {"one STO", {.stops = {"STOP"}}, false, "reasoning=|content=one STO|calls=0|end=0"},
      {"\u4f60\u597d\u4e16\u754c!",
       {.stops = {"\u4e16\u754c"}},
       false,
       "reasoning=|content=\u4f60\u597d|calls=0|end=1"},
      {"<think>\nlong\n\nthought",
       {.stops = {"\n\n"}, .reasoning = thinks},
       false,
       "reasoning=long|content=|calls=0|end=1|null"},
      // thinking
      {"<think>\nwell\n</think>\n\n42",
       {.reasoning = thinks},
       false,
       "reasoning=well|content=42|calls=0|end=0"},
      {"<think>\nwell\n</think>\n\n42",
       {},
       false,
       "reasoning=|content=<think>\nwell\n</think>\n\n42|calls=0|end=0"},
      {"<think>\nwell", {.reasoning = thinks}, true, "reasoning=well|content=|calls=0|end=0|null"},
      {"just 42", {.reasoning = thinks}, false, "reasoning=|content=just 42|calls=0|end=0"},
      // tool calls
      {"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>",
       {.tool_calls = true},
       false,
       "reasoning=|content=|call_0:f({\"a\": 1})|calls=1|end=0"},
      {"<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
       {},
       false,
       "reasoning=|content=<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>|calls=0|end=0"},
      {"<think>\nhm\n</think>\n\nlet me\n<tool_call>{\"name\": \"f\", \"arguments\": "
       "{}}</tool_call>\n<tool_call>{\"name\": "
       "\"g\", \"arguments\": {\"\u00e4\": [2]}}</tool_call>",
       {.reasoning = thinks, .tool_calls = true, .call_ids = "x"},
       false,
       "reasoning=hm|content=let me|x0:f({})|x1:g({\"\u00e4\": [2]})|calls=2|end=0"},
      {"<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call><tool_call>{\"name\": \"g\", "
       "\"arguments\": {}}</tool_call>",
       {.tool_calls = true, .single_call = true},
       false,
       "reasoning=|content=|call_0:f({})|calls=1|end=2"},
      // malformed, before and behind its beginning; ended by the model; cut off
      {"<tool_call>{oops}</tool_call>",
       {.tool_calls = true},
       false,
       "reasoning=|content=<tool_call>{oops}</tool_call>|calls=0|end=0"},
      {"<tool_call>{\"name\": \"f\", \"arguments\": {1}}</tool_call>",
       {.tool_calls = true},
       false,
       "reasoning=|content=<tool_call>{\"name\": \"f\", \"arguments\": {1}}</tool_call>|calls=0|end=0"},
      {"<tool_call>{\"name\": \"f\", \"arguments\": {\"a",
       {.tool_calls = true},
       false,
       "reasoning=|content=<tool_call>{\"name\": \"f\", \"arguments\": {\"a|calls=0|end=0"},
      {"<tool_call>{\"name\": \"f\", \"arguments\": {\"a",
       {.tool_calls = true},
       true,
       "reasoning=|content=|call_0:f({\"a)|calls=0|end=0"},
      {"<tool_call>{\"name\": \"f",
       {.tool_calls = true},
       true,
       "reasoning=|content=<tool_call>{\"name\": \"f|calls=0|end=0"},
      {"<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"b, c\"}}",
       {.stops = {", c"}, .tool_calls = true},
       false,
       "reasoning=|content=|call_0:f({\"a\": \"b)|calls=0|end=1"},
  };
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(answer_stream)

BOOST_AUTO_TEST_CASE(an_answer_does_not_depend_on_how_it_was_cut) {
  for (auto const& each : cases()) {
    BOOST_TEST_CONTEXT(each.text) {
      BOOST_TEST(run_whole(each.text, each.options, each.cut).shown() == each.expected);
      for (std::size_t size = 1; size < each.text.size(); ++size) {
        BOOST_TEST_CONTEXT("in pieces of " << size) {
          BOOST_TEST(run(in_pieces_of(each.text, size), each.options, each.cut).shown() == each.expected);
        }
      }
      for (std::size_t at = 1; at < each.text.size(); ++at) {
        std::vector<std::string_view> const halves{each.text.substr(0, at), each.text.substr(at)};
        BOOST_TEST(run(halves, each.options, each.cut).shown() == each.expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gives_text_as_soon_as_it_is_certain) {
  tenon::answer_stream stream{{.stops = {"END"}, .tool_calls = true}};
  BOOST_TEST(stream.push("one").content == "one");
  BOOST_TEST(stream.push(" E").content == " ");
  BOOST_TEST(stream.push("N").empty());
  auto const delta = stream.push("O");
  BOOST_TEST(delta.content == "ENO");
  BOOST_TEST(delta.tokens == 2u);  // "N" and "O": the text of " E" had begun
  BOOST_TEST(stream.push("").empty());
  BOOST_TEST(stream.push("!").tokens == 2u);  // a token without text goes with the next
}

BOOST_AUTO_TEST_CASE(does_not_look_for_stop_strings_in_the_first_tokens) {
  tenon::answer_stream stream{{.stops = {"."}, .min_tokens = 2}};
  BOOST_TEST(stream.push("a.").content == "a.");
  BOOST_TEST(stream.push("b.").content == "b.");
  BOOST_TEST(stream.push("c.d").content == "c");
  BOOST_TEST(stream.ended());
  BOOST_TEST(stream.push("e").empty());
  BOOST_TEST(stream.finish(false).empty());
}

BOOST_AUTO_TEST_CASE(counts_the_tokens_of_the_thinking) {
  tenon::answer_stream stream{{.stops = {"wait, what"}, .reasoning = reasoning_mode::opened_by_model}};
  for (auto const* const token : {"<think>", "\n", "wait", ","}) stream.push(token);
  BOOST_TEST(stream.reasoning_tokens() == 3);  // though the stop string holds the last two back
  BOOST_TEST(stream.thinking());
  for (auto const* const token : {" yes", "\n", "</think>", "\n\n", "42"}) stream.push(token);
  BOOST_TEST(stream.reasoning_tokens() == 5);
  BOOST_TEST(!stream.thinking());
}

BOOST_AUTO_TEST_CASE(streams_arguments_while_they_come) {
  tenon::answer_stream stream{{.tool_calls = true}};
  stream.push("<tool_call>\n{\"name\": \"weather\", \"arguments\": ");
  auto const first = stream.push("{\"city\"");
  BOOST_REQUIRE(first.calls.size() == 2u);
  BOOST_TEST(std::get<tenon::tool_call_begin>(first.calls[0]).name == "weather");
  BOOST_TEST(std::get<tenon::tool_call_arguments>(first.calls[1]).fragment == "{\"city\"");
  auto const second = stream.push(": \"Rome\"");
  BOOST_REQUIRE(second.calls.size() == 1u);
  BOOST_TEST(std::get<tenon::tool_call_arguments>(second.calls[0]).fragment == ": \"Rome\"");
}

BOOST_AUTO_TEST_CASE(says_which_stop_string_it_was) {
  tenon::answer_stream stream{{.stops = {"x", "yy"}}};
  stream.push("a yy b");
  BOOST_REQUIRE(stream.matched_stop().has_value());
  BOOST_TEST(*stream.matched_stop() == 1u);
  BOOST_TEST((stream.end() == answer_end::stop_string));
}

BOOST_AUTO_TEST_CASE(refuses_stop_strings_that_cannot_be) {
  BOOST_CHECK_THROW((tenon::answer_stream{{.stops = {""}}}), tenon::request_error);
  BOOST_CHECK_THROW((tenon::answer_stream{{.stops = {"a", "b", "c", "d", "e"}}}), tenon::request_error);
}

BOOST_AUTO_TEST_SUITE_END()
