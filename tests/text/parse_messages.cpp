// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/parse_messages.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// The parameter and code of the error that `json` gives, "messages[0].role invalid_value"; "" if it is
/// taken.
std::string refusal(std::string_view json) {
  try {
    tenon::parse_messages_json(json);
    return {};
  } catch (tenon::request_error const& failure) {
    return failure.parameter() + ' ' + failure.code();
  }
}

std::string tools_refusal(std::string_view json) {
  try {
    tenon::parse_tools(boost::json::parse(json));
    return {};
  } catch (tenon::request_error const& failure) {
    return failure.parameter() + ' ' + failure.code();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parse_messages)

BOOST_AUTO_TEST_CASE(every_role_is_read_and_developer_becomes_system) {
  auto const messages = tenon::parse_messages_json(R"([
      {"role": "developer", "content": "d"}, {"role": "system", "content": "s"},
      {"role": "user", "content": "u", "name": "n"}, {"role": "assistant", "content": "a"},
      {"role": "tool", "content": "t", "tool_call_id": "c"}])");
  BOOST_REQUIRE(messages.size() == 5U);
  BOOST_TEST((messages[0].role == tenon::chat_role::system));
  BOOST_TEST((messages[1].role == tenon::chat_role::system));
  BOOST_TEST((messages[2].role == tenon::chat_role::user));
  BOOST_TEST((messages[3].role == tenon::chat_role::assistant));
  BOOST_TEST((messages[4].role == tenon::chat_role::tool));
  BOOST_TEST(messages[0].content == "d");
  BOOST_TEST(messages[2].name == "n");
  BOOST_TEST(messages[4].tool_call_id == "c");
}

BOOST_AUTO_TEST_CASE(null_content_is_empty_and_parts_are_joined) {
  auto const messages = tenon::parse_messages_json(R"([
      {"role": "user", "content": [{"type": "text", "text": "a\n"}, {"type": "text", "text": "b"}]},
      {"role": "assistant", "content": null, "tool_calls": null}, {"role": "assistant"},
      {"role": "user", "content": []}, {"role": "user", "content": null}])");
  BOOST_TEST(messages[0].content == "a\nb");
  for (std::size_t i = 1; i < messages.size(); ++i) BOOST_TEST(messages[i].content.empty());
}

BOOST_AUTO_TEST_CASE(reasoning_is_read_in_both_spellings) {
  auto const messages = tenon::parse_messages_json(R"([
      {"role": "assistant", "content": "", "reasoning_content": "a", "reasoning": "b"},
      {"role": "assistant", "content": "", "reasoning": "b"},
      {"role": "assistant", "content": "", "reasoning_content": null, "reasoning": "b"},
      {"role": "assistant", "content": "", "reasoning_content": ""}, {"role": "assistant", "content": ""}])");
  BOOST_TEST(messages[0].reasoning_content.value() == "a");
  BOOST_TEST(messages[1].reasoning_content.value() == "b");
  BOOST_TEST(messages[2].reasoning_content.value() == "b");
  BOOST_TEST(messages[3].reasoning_content.value() == "");
  BOOST_TEST(!messages[4].reasoning_content.has_value());
}

BOOST_AUTO_TEST_CASE(tool_calls_keep_text_and_object_arguments) {
  auto const messages = tenon::parse_messages_json(R"([{"role": "assistant", "content": "", "tool_calls": [
      {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
      {"function": {"name": "g", "arguments": {"b": 2}}}]}])");
  auto const& calls = messages.at(0).tool_calls;
  BOOST_REQUIRE(calls.size() == 2U);
  BOOST_TEST(calls[0].id == "1");
  BOOST_TEST(calls[0].name == "f");
  BOOST_TEST((calls[0].arguments == "{\"a\":1}"));
  BOOST_TEST(calls[1].id == "");
  BOOST_TEST(boost::json::serialize(calls[1].arguments) == R"({"b":2})");
}

BOOST_AUTO_TEST_CASE(every_wrong_shape_is_named_by_its_path) {
  struct refused {
    std::string_view json;
    std::string_view what;
  };
  std::vector<refused> const cases = {
      {"{}", "messages invalid_type"},
      {"[]", "messages empty_array"},
      {"[1]", "messages[0] invalid_type"},
      {"[{}]", "messages[0].role missing_required_parameter"},
      {R"([{"role": 1}])", "messages[0].role invalid_type"},
      {R"([{"role": "user", "content": "x"}, {"role": "bot", "content": "x"}])",
       "messages[1].role invalid_value"},
      {R"([{"role": "function", "content": "x"}])", "messages[0].role invalid_value"},
      {R"([{"role": "user"}])", "messages[0].content missing_required_parameter"},
      {R"([{"role": "tool"}])", "messages[0].content missing_required_parameter"},
      {R"([{"role": "user", "content": 1}])", "messages[0].content invalid_type"},
      {R"([{"role": "user", "content": {}}])", "messages[0].content invalid_type"},
      {R"([{"role": "user", "content": ["x"]}])", "messages[0].content[0] invalid_type"},
      {R"([{"role": "user", "content": [{"text": "x"}]}])",
       "messages[0].content[0].type missing_required_parameter"},
      {R"([{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}]}])",
       "messages[0].content[1].type unsupported_value"},
      {R"([{"role": "user", "content": [{"type": "text"}]}])",
       "messages[0].content[0].text missing_required_parameter"},
      {R"([{"role": "user", "content": [{"type": "text", "text": null}]}])",
       "messages[0].content[0].text invalid_type"},
      {R"([{"role": "user", "content": "x", "name": 1}])", "messages[0].name invalid_type"},
      {R"([{"role": "tool", "content": "x", "tool_call_id": 1}])", "messages[0].tool_call_id invalid_type"},
      {R"([{"role": "assistant", "reasoning_content": 1}])", "messages[0].reasoning_content invalid_type"},
      {R"([{"role": "assistant", "reasoning": []}])", "messages[0].reasoning invalid_type"},
      {R"([{"role": "assistant", "tool_calls": {}}])", "messages[0].tool_calls invalid_type"},
      {R"([{"role": "assistant", "tool_calls": [1]}])", "messages[0].tool_calls[0] invalid_type"},
      {R"([{"role": "assistant", "tool_calls": [{}]}])",
       "messages[0].tool_calls[0].function missing_required_parameter"},
      {R"([{"role": "assistant", "tool_calls": [{"type": "custom"}]}])",
       "messages[0].tool_calls[0].type unsupported_value"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}])",
       "messages[0].tool_calls[0].function.name missing_required_parameter"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "", "arguments": "{}"}}]}])",
       "messages[0].tool_calls[0].function.name invalid_value"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}])",
       "messages[0].tool_calls[0].function.arguments missing_required_parameter"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": []}}]}])",
       "messages[0].tool_calls[0].function.arguments invalid_type"},
      {R"([{"role": "assistant", "function_call": {"name": "f", "arguments": ""}}])",
       "messages[0].function_call unsupported_value"},
      {R"([{"role": "assistant", "audio": {"id": "x"}}])", "messages[0].audio unsupported_value"},
  };
  for (auto const& [json, what] : cases) {
    BOOST_TEST_CONTEXT(json) {
      BOOST_TEST(refusal(json) == what);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_message_says_what_was_expected_and_found) {
  BOOST_CHECK_EXCEPTION(
      tenon::parse_messages_json(R"([{"role": "user", "content": 1}])"), tenon::request_error,
      [](auto const& failure) {
        return std::string_view{failure.what()} ==
               "messages[0].content: expected a string or an array of text parts, found a number";
      });
}

BOOST_AUTO_TEST_CASE(text_that_is_no_strict_json_is_refused) {
  BOOST_TEST(refusal(R"([{"role": "user", "role": "user", "content": ""}])") == " invalid_json");
  BOOST_TEST(refusal("[{\"role\": \"user\", \"content\": \"\xff\"}]") == " invalid_json");
  BOOST_TEST(refusal(std::string(65, '[')) == " invalid_json");
}

BOOST_AUTO_TEST_CASE(what_clients_send_back_unasked_is_ignored_and_named) {
  tenon::message_reader reader;
  reader.read_messages(boost::json::parse(R"([
      {"role": "assistant", "content": "x", "refusal": null, "audio": null, "function_call": null,
       "annotations": []}, {"role": "user", "content": "x", "mood": 1, "tool_calls": null}])"));
  auto const& ignored = reader.ignored();
  BOOST_REQUIRE(ignored.size() == 2U);
  BOOST_TEST(ignored[0] == "messages[0].annotations");
  BOOST_TEST(ignored[1] == "messages[1].mood");
}

BOOST_AUTO_TEST_CASE(what_parts_calls_and_tools_ask_in_vain_is_named) {
  tenon::message_reader reader;
  reader.read_messages(boost::json::parse(R"([
      {"role": "user", "content": [{"type": "text", "text": "x"},
                                   {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
      {"role": "assistant", "tool_calls": [{"index": 0, "id": "1", "type": "function", "extra": 1,
       "function": {"name": "f", "arguments": "{}", "parsed_arguments": {}, "other": null}}]}])"));
  reader.read_tools(boost::json::parse(R"([{"type": "function", "function": {"name": "f", "strict": false}},
      {"type": "function", "function": {"name": "g", "strict": true}}])"));
  std::vector<std::string> const expected{
      "messages[0].content[1].cache_control", "messages[1].tool_calls[0].extra",
      "messages[1].tool_calls[0].function.parsed_arguments", "tools[1].function.strict"};
  BOOST_TEST(reader.ignored() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tools_are_kept_whole_and_checked) {
  constexpr std::string_view tool = R"([{"x":1,"type":"function","function":{"name":"f","strict":true}}])";
  auto const tools = tenon::parse_tools(boost::json::parse(tool));
  BOOST_REQUIRE(tools.size() == 1U);
  BOOST_TEST(boost::json::serialize(boost::json::array(tools.begin(), tools.end())) == tool);
  BOOST_TEST(tenon::parse_tools(nullptr).empty());
  BOOST_TEST(tools_refusal("{}") == "tools invalid_type");
  BOOST_TEST(tools_refusal("[1]") == "tools[0] invalid_type");
  BOOST_TEST(tools_refusal("[{}]") == "tools[0].function missing_required_parameter");
  BOOST_TEST(tools_refusal(R"([{"type": "web_search"}])") == "tools[0].type unsupported_value");
  BOOST_TEST(tools_refusal(R"([{"function": {}}])") == "tools[0].function.name missing_required_parameter");
  BOOST_TEST(tools_refusal(R"([{"function": {"name": ""}}])") == "tools[0].function.name invalid_value");
}

BOOST_AUTO_TEST_SUITE_END()
