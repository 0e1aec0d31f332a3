// SPDX-License-Identifier: Apache-2.0
#include "server/openai_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <stdexcept>

namespace openai_test {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

void expect(bool good, char const* what) {
  if (!good) throw std::runtime_error{what};
}

std::string text_of(object const& from, std::string_view key) {
  auto const* const found = from.if_contains(key);
  if (found == nullptr || found->is_null()) return {};
  return std::string{std::string_view{found->as_string().subview()}};
}

/// A call's id without what is random in it.
value own_part(std::string id) {
  return value(id.substr(id.rfind('_') + 1));
}

void append_text(object& to, object const& from, std::string_view key) {
  to[key].as_string().append(text_of(from, key));
}

void append_list(object& to, std::string_view key, value const& from) {
  if (!to[key].is_array()) to[key].emplace_array();
  for (auto const& each : from.as_array()) to[key].as_array().push_back(each);
}

void append_calls(array& calls, array const& pieces) {
  for (auto const& piece : pieces) {
    auto const& fields = piece.as_object();
    auto const index = fields.at("index").to_number<std::size_t>();
    auto const& function = fields.at("function").as_object();
    if (index == calls.size()) {
      expect(text_of(fields, "type") == "function" && !text_of(function, "name").empty(),
             "a call begins with its name");
      calls.push_back(object{{"id", own_part(text_of(fields, "id"))},
                             {"type", "function"},
                             {"function", {{"name", function.at("name")}, {"arguments", ""}}}});
    } else {
      expect(index + 1 == calls.size(), "calls are told one after the other");
      expect(!fields.contains("id") && !fields.contains("type") && !function.contains("name"),
             "a name is told once");
    }
    append_text(calls.back().at("function").as_object(), function, "arguments");
  }
}

struct choice_sum {
  object whole{};
  bool chat = false;
  bool begun = false;
  bool ended = false;
};

void add_logprobs(object& whole, object const& logprobs) {
  auto& sum = whole["logprobs"];
  if (!sum.is_object()) sum.emplace_object();
  for (auto const& list : logprobs) {
    if (list.value().is_array()) append_list(sum.as_object(), list.key(), list.value());
  }
}

void add_delta(choice_sum& sum, object const& delta) {
  auto& message = sum.whole["message"];
  if (!std::exchange(sum.begun, true)) {
    expect(text_of(delta, "role") == "assistant", "the first delta has the role");
    message =
        object{{"role", "assistant"}, {"content", ""}, {"reasoning_content", ""}, {"tool_calls", array{}}};
  } else {
    expect(!delta.contains("role"), "the role is told once");
  }
  auto& fields = message.as_object();
  append_text(fields, delta, "content");
  append_text(fields, delta, "reasoning_content");
  if (auto const* const calls = delta.if_contains("tool_calls"))
    append_calls(fields["tool_calls"].as_array(), calls->as_array());
}

void add_choice(choice_sum& sum, object const& part) {
  expect(!sum.ended, "nothing comes behind a finish_reason");
  if (auto const* const delta = part.if_contains("delta")) {
    add_delta(sum, delta->as_object());
  } else {
    if (!sum.whole.contains("text")) sum.whole["text"] = "";
    append_text(sum.whole, part, "text");
  }
  if (part.at("logprobs").is_object()) add_logprobs(sum.whole, part.at("logprobs").as_object());
  if (auto const* const ids = part.if_contains("token_ids")) append_list(sum.whole, "token_ids", *ids);
  auto const& finish = part.at("finish_reason");
  if (finish.is_null()) return;
  sum.ended = true;
  sum.whole["finish_reason"] = finish;
}

}  // namespace

value sum_of(std::vector<value> const& chunks) {
  std::map<std::int64_t, choice_sum> choices;
  for (auto const& chunk : chunks) {
    for (auto const& part : chunk.at("choices").as_array())
      add_choice(choices[part.at("index").as_int64()], part.as_object());
  }
  array result;
  for (auto& [index, sum] : choices) {
    expect(sum.ended, "every choice has a finish_reason");
    expect(index == static_cast<std::int64_t>(result.size()), "choices are counted from 0");
    if (!sum.whole.contains("logprobs")) sum.whole["logprobs"] = nullptr;
    sum.whole["index"] = index;
    result.push_back(std::move(sum.whole));
  }
  return result;
}

value choices_of(value const& whole) {
  auto choices = whole.at("choices").as_array();
  for (auto& each : choices) {
    auto& choice = each.as_object();
    choice.erase("prompt_token_ids");
    if (choice.contains("logprobs") && choice["logprobs"].is_object())
      choice["logprobs"].as_object().erase("refusal");
    auto* const message = choice.if_contains("message");
    if (message == nullptr) continue;
    auto& fields = message->as_object();
    fields.erase("refusal");
    for (auto const* const key : {"content", "reasoning_content"}) fields[key] = text_of(fields, key);
    if (!fields.contains("tool_calls")) fields["tool_calls"] = array{};
    for (auto& call : fields["tool_calls"].as_array())
      call.as_object()["id"] = own_part(text_of(call.as_object(), "id"));
  }
  return choices;
}

std::string with(std::string_view body, std::string_view more) {
  auto fields = boost::json::parse(body).as_object();
  auto const added = boost::json::parse(more);
  for (auto const& each : added.as_object()) fields[each.key()] = each.value();
  return boost::json::serialize(fields);
}

std::string chat(std::string_view question, std::string_view more) {
  object const body{{"model", "tiny"}, {"messages", array{object{{"role", "user"}, {"content", question}}}}};
  return with(boost::json::serialize(body), more);
}

}  // namespace openai_test

BOOST_AUTO_TEST_SUITE(openai_client)

BOOST_AUTO_TEST_CASE(adds_chunks_up) {
  std::vector<boost::json::value> const chunks{
      boost::json::parse(
          R"({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null, "finish_reason": null}]})"),
      boost::json::parse(
          R"({"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [1]}, "finish_reason": null}]})"),
      boost::json::parse(
          R"({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_9_0", "type": "function",
        "function": {"name": "f", "arguments": "{"}}]}, "logprobs": {"content": [2]}, "finish_reason": null}]})"),
      boost::json::parse(
          R"({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        "logprobs": null, "finish_reason": null}]})"),
      boost::json::parse(
          R"({"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "tool_calls"}]})")};
  BOOST_TEST(openai_test::sum_of(chunks) == boost::json::parse(R"([{"index": 0, "finish_reason": "tool_calls",
    "logprobs": {"content": [1, 2]}, "message": {"role": "assistant", "content": "a", "reasoning_content": "",
      "tool_calls": [{"id": "0", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}])"));
}

BOOST_AUTO_TEST_CASE(objects_to_what_clients_cannot_read) {
  auto const role = boost::json::parse(
      R"({"choices": [{"index": 0, "delta": {"role": "assistant"}, "logprobs": null, "finish_reason": null}]})");
  auto const end = boost::json::parse(
      R"({"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]})");
  BOOST_CHECK_NO_THROW(openai_test::sum_of({role, end}));
  BOOST_CHECK_THROW(openai_test::sum_of({role, role, end}), std::runtime_error);
  BOOST_CHECK_THROW(openai_test::sum_of({role, end, end}), std::runtime_error);
  BOOST_CHECK_THROW(openai_test::sum_of({end}), std::runtime_error);
  BOOST_CHECK_THROW(openai_test::sum_of({role}), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
