// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/tool_calls.hpp"

#include <boost/json/string.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tenon/text/qwen3_chat.hpp"
#include "text/random_pieces.hpp"

namespace {

using tenon::tool_call_delivery;

/// What a client that concatenates deltas ends up with. An abandoned call keeps its place.
struct client {
  struct call {
    std::string id;
    std::string name;
    std::string arguments;
    bool ended = false;
    bool abandoned = false;
    friend bool operator==(call const&, call const&) = default;
  };

  std::string content;
  std::vector<call> calls;
  bool in_order = true;

  void take(std::vector<tenon::tool_call_event> const& events) {
    for (auto const& event : events) std::visit(*this, event);
  }

  void operator()(tenon::content_delta const& piece) { content += piece.text; }
  void operator()(tenon::tool_call_begin const& begin) {
    in_order = in_order && begin.index == calls.size() && closed();
    calls.push_back({begin.id, begin.name, "", false, false});
  }
  void operator()(tenon::tool_call_arguments const& arguments) {
    in_order = in_order && arguments.index + 1 == calls.size() && !closed() && !arguments.fragment.empty();
    calls.at(arguments.index).arguments += arguments.fragment;
  }
  void operator()(tenon::tool_call_end const& end) {
    in_order = in_order && end.index + 1 == calls.size() && !closed();
    calls.at(end.index).ended = true;
  }
  void operator()(tenon::tool_call_abandoned const& abandoned) {
    in_order = in_order && abandoned.index + 1 == calls.size() && !closed();
    calls.at(abandoned.index).abandoned = true;
  }

  bool closed() const { return calls.empty() || calls.back().ended || calls.back().abandoned; }
};

client streamed(std::vector<std::string_view> const& pieces,
                tool_call_delivery delivery = tool_call_delivery::streamed) {
  tenon::tool_call_splitter splitter{"call_", delivery};
  client result;
  for (auto const piece : pieces) result.take(splitter.push(piece));
  result.take(splitter.flush());
  return result;
}

std::string arguments_of(tenon::chat_tool_call const& call) {
  return std::string{std::string_view{call.arguments.as_string().subview()}};
}

constexpr std::string_view weather =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris</tool_call>\"}}\n</tool_call>";

}  // namespace

BOOST_AUTO_TEST_SUITE(tool_calls)

BOOST_AUTO_TEST_CASE(content_and_several_calls_are_told_apart) {
  auto const turn =
      tenon::split_tool_calls("Let me look.\n" + std::string{weather} +
                              "\n<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>");
  BOOST_TEST(turn.content.value() == "Let me look.");
  BOOST_REQUIRE(turn.calls.size() == 2U);
  BOOST_TEST(turn.calls[0].id == "call_0");
  BOOST_TEST(turn.calls[0].name == "weather");
  BOOST_TEST(arguments_of(turn.calls[0]) == "{\"city\": \"Paris</tool_call>\"}");
  BOOST_TEST(turn.calls[1].id == "call_1");
  BOOST_TEST(turn.calls[1].name == "time");
  BOOST_TEST(arguments_of(turn.calls[1]) == "{}");
}

BOOST_AUTO_TEST_CASE(calls_alone_leave_no_content) {
  for (std::string_view const before : {"", "\n", " \n\n"}) {
    auto const turn = tenon::split_tool_calls(std::string{before} + std::string{weather} + "\n");
    BOOST_TEST(!turn.content.has_value());
    BOOST_TEST(turn.calls.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(white_space_beside_later_calls_is_dropped_and_text_is_not) {
  auto const call = std::string{weather};
  BOOST_TEST(tenon::split_tool_calls("A\n" + call + "\n\n" + call + " \n").content.value() == "A");
  BOOST_TEST(tenon::split_tool_calls(call + "\n\nB\n").content.value() == "\n\nB\n");
  BOOST_TEST(tenon::split_tool_calls("A\n\n" + call).content.value() == "A\n");
}

BOOST_AUTO_TEST_CASE(text_without_calls_is_content_verbatim) {
  for (std::string_view const text :
       {"", "\n", "Hello\n", "a <tool_cal", "</tool_call>", "<tool_response>"}) {
    auto const turn = tenon::split_tool_calls(text);
    BOOST_TEST(turn.content.value() == text);
    BOOST_TEST(turn.calls.empty());
  }
}

BOOST_AUTO_TEST_CASE(malformed_calls_are_content_verbatim) {
  for (std::string_view const text :
       {"<tool_call>\nhello\n</tool_call>", "\n<tool_call>\n{\"name\": \"f\"}\n</tool_call>",
        "A\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": }}\n</tool_call>\n",
        "<tool_call>\n{\"name\": \"f\", \"arguments\": \"x\"}\n</tool_call>",
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {}} more\n</tool_call>",
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}}\n</tool_call>",
        "<tool_call>\n{'name': 'f', 'arguments': {}}\n</tool_call>", "<tool_call>",
        "<tool_call>\n{\"name\": \"f\"",
        "A\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"cut off"}) {
    BOOST_TEST_CONTEXT(text) {
      auto const turn = tenon::split_tool_calls(text);
      BOOST_TEST(turn.content.value() == text);
      BOOST_TEST(turn.calls.empty());
      BOOST_TEST(streamed({text}).content == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_malformed_call_does_not_hide_the_next) {
  auto const good = std::string{weather};
  for (std::string const bad :
       {"<tool_call>\n", "<tool_call>\n{\"name\": ", "<tool_call>{\"name\": \"f\", \"arguments\": {}}\n"}) {
    auto const turn = tenon::split_tool_calls(bad + good);
    BOOST_TEST(turn.content.value() == bad);
    BOOST_TEST(turn.calls.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_last_call_needs_no_closing_marker) {
  for (std::string_view const end : {"", "\n", "\n</tool_c"}) {
    auto const turn =
        tenon::split_tool_calls("<tool_call>\n{\"name\": \"f\", \"arguments\": {}}" + std::string{end});
    BOOST_TEST(!turn.content.has_value());
    BOOST_TEST(turn.calls.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_call_streams_name_first_and_then_arguments_as_they_come) {
  tenon::tool_call_splitter splitter{"call_7_"};
  client seen;
  seen.take(splitter.push("Hm.\n<tool_call>\n{\"name\": \"f\", \"argu"));
  BOOST_TEST(seen.content == "Hm.");
  BOOST_TEST(seen.calls.empty());
  seen.take(splitter.push("ments\": {\"a\": 1"));
  BOOST_REQUIRE(seen.calls.size() == 1U);
  BOOST_TEST(seen.calls[0].id == "call_7_0");
  BOOST_TEST(seen.calls[0].name == "f");
  BOOST_TEST(seen.calls[0].arguments == "{\"a\": 1");
  seen.take(splitter.push("2}}\n</tool"));
  BOOST_TEST(seen.calls[0].arguments == "{\"a\": 12}");
  BOOST_TEST(!seen.calls[0].ended);
  seen.take(splitter.push("_call>"));
  BOOST_TEST(seen.calls[0].ended);
  BOOST_TEST(seen.in_order);
}

BOOST_AUTO_TEST_CASE(a_call_that_breaks_off_after_it_began_is_abandoned) {
  auto const seen = streamed({"<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": oops}}</tool_call>"});
  BOOST_REQUIRE(seen.calls.size() == 1U);
  BOOST_TEST(seen.calls[0].abandoned);
  BOOST_TEST(seen.calls[0].arguments == "{\"a\": ");
  BOOST_TEST(seen.content == "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": oops}}</tool_call>");
  auto const whole = streamed({"<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": oops}}</tool_call>"},
                              tool_call_delivery::whole);
  BOOST_TEST(whole.calls.empty());
  BOOST_TEST(whole.content == seen.content);
}

BOOST_AUTO_TEST_CASE(any_cut_gives_what_the_whole_gives) {
  BOOST_TEST_MESSAGE("seed " << tenon_test::seed());
  constexpr std::string_view pieces[] = {
      "<tool_call>",
      "</tool_call>",
      "\n",
      " ",
      "{\"name\": \"f\", \"arguments\": {\"a\": 1}}",
      "{\"name\": \"g\", ",
      "\"arguments\": {",
      "}",
      "\"é\": \"🙂\"",
      "x",
      "<",
      "</tool",
      "{\"arguments\": {}, \"name\": \"h\"}",
      "{}",
      "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"};
  tenon_test::piece_generator generator{tenon_test::seed()};
  std::size_t calls = 0;
  for (auto left = tenon_test::scaled(100'000); left > 0; --left) {
    auto const text = generator.text(pieces, 10);
    auto const cuts = generator.cuts(text);
    auto const whole = tenon::split_tool_calls(text);
    auto const at_once = streamed({text});
    auto const in_pieces = streamed(cuts);
    auto const held = streamed(cuts, tool_call_delivery::whole);
    calls += whole.calls.size();
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(in_pieces.in_order);
      BOOST_REQUIRE(in_pieces.content == at_once.content);
      BOOST_REQUIRE((in_pieces.calls == at_once.calls));
      BOOST_REQUIRE(in_pieces.content == whole.content.value_or(""));
      BOOST_REQUIRE(held.content == whole.content.value_or(""));
      BOOST_REQUIRE(held.calls.size() == whole.calls.size());
      std::size_t good = 0;
      for (auto const& call : in_pieces.calls) {
        if (call.abandoned) continue;
        BOOST_REQUIRE(call.name == whole.calls.at(good).name);
        BOOST_REQUIRE(call.arguments == arguments_of(whole.calls.at(good)));
        BOOST_REQUIRE(call.arguments == held.calls.at(good).arguments);
        ++good;
      }
      BOOST_REQUIRE(good == whole.calls.size());
    }
  }
  BOOST_TEST(calls > 0U);
}

BOOST_AUTO_TEST_CASE(a_turn_written_by_the_template_comes_back_as_it_was) {
  for (std::string const content : {"", "Let me look.", "two\nlines\n", " spaced "}) {
    tenon::chat_message turn{.role = tenon::chat_role::assistant,
                             .content = content,
                             .reasoning_content = "",
                             .tool_calls = {},
                             .tool_call_id = "",
                             .name = ""};
    turn.tool_calls = {{"1", "f", "{\"a\":  [1, 2]}"}, {"2", "g", "{}"}};
    std::vector<tenon::chat_message> const messages{{}, turn, {}};
    auto const text = tenon::qwen3_chat::render(messages, {}).text();
    auto const begin = text.find("assistant\n") + 10;
    auto const back = tenon::split_tool_calls(text.substr(begin, text.find("<|im_end|>", begin) - begin));
    BOOST_TEST(back.content.value_or("") == content);
    BOOST_REQUIRE(back.calls.size() == 2U);
    BOOST_TEST(back.calls[0].name == "f");
    BOOST_TEST((back.calls[0].arguments == turn.tool_calls[0].arguments));
    BOOST_TEST((back.calls[1].arguments == turn.tool_calls[1].arguments));
  }
}

BOOST_AUTO_TEST_SUITE_END()
