// SPDX-License-Identifier: Apache-2.0
// Answers of /v1/chat/completions: what they say, and that a stream adds up to the answer in one piece.
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "server/openai_client.hpp"
#include "server/openai_service.hpp"

namespace {

using namespace openai_test;

constexpr std::string_view route = "/v1/chat/completions";
constexpr std::string_view direct = R"({"enable_thinking": false})";

constexpr std::string_view weather_tool =
    R"({"tools": [{"type": "function", "function": {"name": "get_weather",
  "description": "Get the current weather for a city.", "parameters": {"type": "object",
  "properties": {"city": {"type": "string", "description": "The city"}}, "required": ["city"]}}}]})";

value choice_of(answer const& from) {
  BOOST_REQUIRE_MESSAGE(from.status == 200, from.body);
  return from.json().at("choices").at(0);
}

value message_of(answer const& from) {
  return choice_of(from).at("message");
}

/// Every how manyth length an answer is cut at: all, but where tests are to be short.
int stride() {
  char const* const scale = std::getenv("TENON_TEST_SCALE");
  return scale == nullptr ? 1 : static_cast<int>(1.0 / std::clamp(std::atof(scale), 0.02, 1.0));
}

/// Asks twice, streamed and not; the two must agree.
value ask_both(std::string const& body) {
  auto const whole = ask(route, body);
  auto const stream =
      ask(route, with(body, R"({"stream": true, "stream_options": {"include_usage": true}})"));
  BOOST_REQUIRE_MESSAGE(whole.status == 200, whole.body);
  BOOST_REQUIRE_MESSAGE(stream.status == 200, stream.body);
  BOOST_TEST(stream.ended);
  BOOST_TEST(stream.events.back() == "[DONE]");
  auto const chunks = stream.chunks();
  BOOST_TEST(sum_of(chunks) == choices_of(whole.json()));
  auto usage = chunks.back().at("usage").as_object();
  auto expected = whole.json().at("usage").as_object();
  usage["prompt_tokens_details"] = expected["prompt_tokens_details"] =
      nullptr;  // the second finds more cached
  BOOST_TEST(usage == expected);
  BOOST_TEST(chunks.back().at("choices").as_array().empty());
  return whole.json();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(openai_chat)

BOOST_AUTO_TEST_CASE(answers_in_openais_form) {
  auto whole = ask(route, chat("What is 123 + 456?", direct)).json().as_object();
  BOOST_TEST(std::string_view{whole["id"].as_string().subview()}.starts_with("chatcmpl-"));
  BOOST_TEST(whole["created"].as_int64() > 1700000000);
  whole["id"] = "";
  whole["created"] = 0;
  whole["usage"].as_object()["prompt_tokens_details"] = nullptr;
  auto const expected =
      boost::json::parse(R"({"id": "", "object": "chat.completion", "created": 0, "model": "tiny",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "123 + 456 = 579", "refusal": null},
      "logprobs": null, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 24, "completion_tokens": 14, "total_tokens": 38, "prompt_tokens_details": null,
      "completion_tokens_details": {"reasoning_tokens": 0}}})");
  BOOST_TEST(value(whole) == expected);
}

BOOST_AUTO_TEST_CASE(streams_in_openais_form) {
  auto const stream =
      ask(route, chat("What is 123 + 456?", with(direct, R"({"stream": true, "max_tokens": 1})")));
  BOOST_TEST(stream.ended);
  BOOST_REQUIRE(stream.events.size() == 4u);
  BOOST_TEST(stream.events[3] == "[DONE]");
  std::vector<std::string> const choices{
      R"([{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null, "finish_reason": null}])",
      R"([{"index": 0, "delta": {"content": "1"}, "logprobs": null, "finish_reason": null}])",
      R"([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "length"}])"};
  auto const chunks = stream.chunks();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    BOOST_TEST(chunks[i].at("choices") == boost::json::parse(choices[i]));
    BOOST_TEST(chunks[i].at("id") == chunks[0].at("id"));
    BOOST_TEST(chunks[i].at("object") == "chat.completion.chunk");
    BOOST_TEST(chunks[i].at("model") == "tiny");
    BOOST_TEST(!chunks[i].as_object().contains("usage"));
  }
}

BOOST_AUTO_TEST_CASE(tells_the_usage_of_a_stream_last) {
  auto const stream = ask(route, chat("Sort pear, apple, fig.",
                                      R"({"stream": true, "stream_options": {"include_usage": true}})"));
  auto const chunks = stream.chunks();
  for (std::size_t i = 0; i + 1 < chunks.size(); ++i) BOOST_TEST(chunks[i].at("usage").is_null());
  BOOST_TEST(chunks.back().at("usage").at("completion_tokens").as_int64() > 5);
}

BOOST_AUTO_TEST_CASE(thinking_goes_to_reasoning_content) {
  auto const whole = ask_both(chat("What is 123 + 456?"));
  auto const& message = whole.at("choices").at(0).at("message");
  BOOST_TEST(message.at("content") == "123 + 456 = 579");
  BOOST_TEST(!message.at("reasoning_content").as_string().empty());
  BOOST_TEST(!message.as_object().contains("reasoning"));
  auto const thought = whole.at("usage").at("completion_tokens_details").at("reasoning_tokens").as_int64();
  BOOST_TEST(thought > 3);
  BOOST_TEST(thought < whole.at("usage").at("completion_tokens").as_int64());
}

BOOST_AUTO_TEST_CASE(reasoning_has_a_second_name_where_wanted) {
  auto with_alias = service();
  with_alias.reasoning_alias = true;
  auto const message = message_of(ask(route, chat("What is 123 + 456?"), {}, with_alias));
  BOOST_TEST(message.at("reasoning") == message.at("reasoning_content"));
  auto const stream = ask(route, chat("What is 123 + 456?", R"({"stream": true})"), {}, with_alias);
  bool seen = false;
  for (auto const& chunk : stream.chunks()) {
    auto const& delta = chunk.at("choices").at(0).at("delta").as_object();
    if (!delta.contains("reasoning_content")) continue;
    seen = true;
    BOOST_TEST(delta.at("reasoning") == delta.at("reasoning_content"));
  }
  BOOST_TEST(seen);
}

BOOST_AUTO_TEST_CASE(reasoning_can_be_left_out) {
  for (auto const* const wish : {R"({"return_reasoning": false})", R"({"include_reasoning": false})"}) {
    auto const whole = ask_both(chat("What is 123 + 456?", wish));
    BOOST_TEST(!whole.at("choices").at(0).at("message").as_object().contains("reasoning_content"));
    BOOST_TEST(whole.at("choices").at(0).at("message").at("content") == "123 + 456 = 579");
  }
}

BOOST_AUTO_TEST_CASE(thinking_is_turned_off_in_every_spelling) {
  for (auto const* const wish :
       {R"({"enable_thinking": false})", R"({"chat_template_kwargs": {"enable_thinking": false}})",
        R"({"reasoning_effort": "none"})", R"({"thinking_token_budget": 0})"}) {
    auto const message = ask_both(chat("What is 123 + 456?", wish)).at("choices").at(0).at("message");
    BOOST_TEST(message.at("content") == "123 + 456 = 579");
    BOOST_TEST(!message.as_object().contains("reasoning_content"));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_cut_off_while_thinking_has_no_content) {
  auto const whole = ask_both(chat("What is 123 + 456?", R"({"max_tokens": 8})"));
  auto const& choice = whole.at("choices").at(0);
  BOOST_TEST(choice.at("message").at("content").is_null());
  BOOST_TEST(!choice.at("message").at("reasoning_content").as_string().empty());
  BOOST_TEST(choice.at("finish_reason") == "length");
}

BOOST_AUTO_TEST_CASE(a_budget_ends_the_thinking) {
  for (int budget = 1; budget < 12; ++budget) {
    auto const wish = R"({"thinking_token_budget": )" + std::to_string(budget) + "}";
    auto const whole = ask_both(chat("What is 123 + 456?", wish));
    auto const& choice = whole.at("choices").at(0);
    BOOST_TEST(choice.at("message").at("content") == "123 + 456 = 579");
    BOOST_TEST(choice.at("finish_reason") == "stop");
    auto const& usage = whole.at("usage");
    auto const thought = usage.at("completion_tokens_details").at("reasoning_tokens").as_int64();
    BOOST_TEST(thought <= budget + 2);  // the newline before the end of the thinking is a token of it
    BOOST_TEST(usage.at("prompt_tokens") == 20);
  }
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_CASE(several_choices_have_budgets_of_their_own) {
  auto const whole =
      ask_both(chat("What is 123 + 456?", R"({"thinking_token_budget": 4, "n": 3, "seed": 5})"));
  BOOST_TEST(whole.at("choices").as_array().size() == 3u);
  for (auto const& choice : whole.at("choices").as_array())
    BOOST_TEST(choice.at("message").at("content") == "123 + 456 = 579");
  BOOST_TEST(whole.at("usage").at("prompt_tokens") == 20);
  auto const cached = whole.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64();
  auto const again = ask(route, chat("What is 123 + 456?", R"({"thinking_token_budget": 4, "n": 3})")).json();
  auto const found = again.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64();
  BOOST_TEST(cached <= found);
  BOOST_TEST(found > 0);
  BOOST_TEST(found < 20);  // of one prompt, not of three
}

BOOST_AUTO_TEST_CASE(calls_tools) {
  auto const whole = ask_both(chat("What is the weather in Paris?", with(weather_tool, direct)));
  auto const& choice = whole.at("choices").at(0);
  BOOST_TEST(choice.at("finish_reason") == "tool_calls");
  BOOST_TEST(choice.at("message").at("content").is_null());
  auto const& calls = choice.at("message").at("tool_calls").as_array();
  BOOST_REQUIRE(calls.size() == 1u);
  BOOST_TEST(calls[0].at("type") == "function");
  BOOST_TEST(std::string_view{calls[0].at("id").as_string().subview()}.starts_with("call_"));
  BOOST_TEST(calls[0].at("function").at("name") == "get_weather");
  BOOST_TEST(boost::json::parse(calls[0].at("function").at("arguments").as_string()) ==
             boost::json::parse(R"({"city": "Paris"})"));
}

BOOST_AUTO_TEST_CASE(streams_a_calls_arguments_in_pieces) {
  auto const stream = ask(
      route, chat("What is the weather in Paris?", with(with(weather_tool, direct), R"({"stream": true})")));
  std::size_t pieces = 0;
  for (auto const& chunk : stream.chunks())
    pieces += chunk.at("choices").at(0).at("delta").as_object().contains("tool_calls") ? 1 : 0;
  BOOST_TEST(pieces > 2u);
}

BOOST_AUTO_TEST_CASE(a_tool_can_be_forced_or_forbidden) {
  auto const question = chat("Hello!", weather_tool);
  for (auto const* const choice :
       {R"({"tool_choice": "required"})",
        R"({"tool_choice": {"type": "function", "function": {"name": "get_weather"}}})"}) {
    auto const whole = ask_both(with(question, choice));
    auto const& calls = whole.at("choices").at(0).at("message").at("tool_calls").as_array();
    BOOST_TEST(calls.size() >= 1u);
    BOOST_TEST(calls[0].at("function").at("name") == "get_weather");
    BOOST_TEST(boost::json::parse(calls[0].at("function").at("arguments").as_string()).is_object());
    BOOST_TEST(whole.at("choices").at(0).at("finish_reason") == "tool_calls");
  }
  auto const none = message_of(
      ask(route, with(chat("What is the weather in Paris?", weather_tool), R"({"tool_choice": "none"})")));
  BOOST_TEST(!none.as_object().contains("tool_calls"));
  BOOST_TEST(none.at("content").is_string());
}

BOOST_AUTO_TEST_CASE(continues_a_message) {
  auto const body = R"({"model": "tiny", "messages": [{"role": "user", "content": "What is 123 + 456?"},
    {"role": "assistant", "content": "123 + 456"}], "continue_final_message": true})";
  auto const whole = ask_both(body);
  BOOST_TEST(whole.at("choices").at(0).at("message").at("content") == " = 579");
  auto const echoed = ask_both(with(body, R"({"echo": true})"));
  BOOST_TEST(echoed.at("choices").at(0).at("message").at("content") == "123 + 456 = 579");
}

BOOST_AUTO_TEST_CASE(echoes_a_last_message_of_the_same_role) {
  auto const body = R"({"model": "tiny", "enable_thinking": false, "messages": [
    {"role": "user", "content": "What is 123 + 456?"}, {"role": "assistant", "content": "Well: "}]})";
  auto const content = [](value const& whole) {
    return std::string{whole.at("choices").at(0).at("message").at("content").as_string()};
  };
  BOOST_TEST(content(ask_both(with(body, R"({"echo": true})"))) == "Well: " + content(ask_both(body)));
  auto const question = chat("What is 123 + 456?", direct);
  BOOST_TEST(content(ask_both(with(question, R"({"echo": true})"))) == content(ask_both(question)));
}

BOOST_AUTO_TEST_CASE(stop_strings_end_an_answer) {
  auto const question = chat("What is 123 + 456?", direct);
  auto const content = [](value const& whole) {
    return whole.at("choices").at(0).at("message").at("content");
  };
  BOOST_TEST(content(ask_both(with(question, R"({"stop": " ="})"))) == "123 + 456");
  BOOST_TEST(content(ask_both(with(question, R"({"stop": ["zebra", "56 = 5"]})"))) == "123 + 4");
  BOOST_TEST(content(ask_both(with(question, R"({"stop": " =", "include_stop_str_in_output": true})"))) ==
             "123 + 456 =");
  BOOST_TEST(content(ask_both(with(question, R"({"stop": "1"})"))) == "");
  auto const whole = ask_both(with(question, R"({"stop": " +", "n": 2})"));
  for (auto const& choice : whole.at("choices").as_array()) {
    BOOST_TEST(choice.at("message").at("content") == "123");
    BOOST_TEST(choice.at("finish_reason") == "stop");
  }
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_CASE(stop_ids_and_lengths) {
  auto const question = chat("What is 123 + 456?", direct);
  auto const plus = ask("/tokenize", R"({"prompt": " +"})").json().at("tokens").at(0).as_int64();
  auto const stop = R"({"stop_token_ids": [)" + std::to_string(plus) + "]}";
  BOOST_TEST(ask_both(with(question, stop)).at("choices").at(0).at("message").at("content") == "123");
  auto const seen = ask_both(with(with(question, stop), R"({"include_stop_str_in_output": true})"));
  BOOST_TEST(seen.at("choices").at(0).at("message").at("content") == "123 +");

  auto const longer = ask_both(with(question, R"({"min_tokens": 20, "max_tokens": 20})"));
  BOOST_TEST(longer.at("usage").at("completion_tokens") == 20);
  auto const on = ask_both(with(question, R"({"ignore_eos": true, "max_completion_tokens": 30})"));
  BOOST_TEST(on.at("usage").at("completion_tokens") == 30);
  BOOST_TEST(on.at("choices").at(0).at("finish_reason") == "length");
  auto const specials =
      ask_both(with(question, R"({"ignore_eos": true, "max_tokens": 14, "skip_special_tokens": false})"));
  BOOST_TEST(specials.at("choices").at(0).at("message").at("content").as_string().find("<|im_end|>") !=
             boost::json::string::npos);
}

BOOST_AUTO_TEST_CASE(log_probabilities) {
  auto const whole =
      ask_both(chat("What is 123 + 456?", with(direct, R"({"logprobs": true, "top_logprobs": 3})")));
  auto const& entries = whole.at("choices").at(0).at("logprobs").at("content").as_array();
  std::string text;
  for (auto const& entry : entries) {
    auto const& token = entry.at("token").as_string();
    text.append(token.data(), token.size());
    BOOST_TEST(entry.at("bytes").as_array().size() == token.size());
    BOOST_REQUIRE(entry.at("top_logprobs").as_array().size() == 3u);
    BOOST_TEST(entry.at("top_logprobs").at(0).at("token") == token);  // greedy
    BOOST_TEST(entry.at("top_logprobs").at(0).at("logprob") == entry.at("logprob"));
    BOOST_TEST(entry.at("logprob").to_number<double>() <= 0.0);
  }
  BOOST_TEST(text == "123 + 456 = 579");  // the stop id is no token of the message
  auto const plain = ask_both(chat("What is 123 + 456?", with(direct, R"({"logprobs": true})")));
  BOOST_TEST(
      plain.at("choices").at(0).at("logprobs").at("content").at(0).at("top_logprobs").as_array().empty());
}

BOOST_AUTO_TEST_CASE(token_ids_are_those_of_the_answer) {
  auto const whole =
      ask_both(chat("What is 123 + 456?", with(direct, R"({"return_token_ids": true, "logprobs": true})")));
  auto const& ids = whole.at("choices").at(0).at("token_ids").as_array();
  BOOST_TEST(ids.size() == static_cast<std::size_t>(whole.at("usage").at("completion_tokens").as_int64()));
  BOOST_TEST(ids.back() == 4098);
  BOOST_TEST(whole.at("choices").at(0).at("logprobs").at("content").as_array().size() == ids.size());
  auto const prompt = ask("/tokenize", chat("What is 123 + 456?", direct)).json().at("tokens");
  BOOST_TEST(whole.at("prompt_token_ids") == prompt);
  auto const stream =
      ask(route, chat("Hi", R"({"return_token_ids": true, "stream": true, "max_tokens": 3})")).chunks();
  BOOST_TEST(stream.front().as_object().contains("prompt_token_ids"));
}

BOOST_AUTO_TEST_CASE(without_thinking_and_sampling_fields_the_modes_values_hold) {
  auto sampled = service();
  sampled.sampling = {.temperature = 2.0f};  // a checkpoint whose own values show
  auto const ask_with = [&](std::string_view more) {
    auto const body = chat("Hello!", with(R"({"seed": 3, "max_tokens": 60, "ignore_eos": true})", more));
    return message_of(ask(route, body, {}, sampled));
  };
  auto const of_the_mode = ask_with(direct);
  BOOST_TEST(of_the_mode ==
             ask_with(with(direct, R"({"temperature": 0.7, "top_p": 0.8, "top_k": 20, "min_p": 0})")));
  BOOST_TEST(of_the_mode != ask_with(with(direct, R"({"temperature": 2})")));
  BOOST_TEST(ask_with(with(direct, R"({"top_p": 1})")) == ask_with(with(direct, R"({"temperature": 2})")));
  sampled.sampling_of_the_model = false;
  BOOST_TEST(ask_with(direct) == ask_with(with(direct, R"({"temperature": 2})")));
}

BOOST_AUTO_TEST_CASE(choices_differ_by_chance_and_agree_by_seed) {
  auto const body =
      chat("Hello!",
           with(direct, R"({"n": 4, "temperature": 2, "seed": 11, "max_tokens": 40, "ignore_eos": true})"));
  auto const first = ask(route, body).json();
  auto const second = ask(route, body).json();
  BOOST_TEST(first.at("choices") == second.at("choices"));
  BOOST_TEST(first.at("choices").at(0).at("message") != first.at("choices").at(1).at("message"));
  ask_both(body);
}

BOOST_AUTO_TEST_CASE(a_stream_equals_the_answer_wherever_it_is_cut) {
  std::vector<std::string> const questions{
      chat("What is 123 + 456?"), chat("What is the weather in Paris?", weather_tool),
      chat("What is the weather in Paris?", with(weather_tool, R"({"tool_choice": "required"})")),
      chat("Extract name, age and city as JSON: Maria is 34 years old and lives in Lisbon.", direct)};
  for (auto const& question : questions) {
    for (int length = 1; length < 200; length += stride()) {
      auto const whole =
          ask_both(with(question, R"({"logprobs": true, "max_tokens": )" + std::to_string(length) + "}"));
      auto const& finish = whole.at("choices").at(0).at("finish_reason");
      BOOST_TEST(whole.at("usage").at("completion_tokens").as_int64() <= length);
      if (finish != "length") break;
      BOOST_TEST(whole.at("usage").at("completion_tokens") == length);
    }
  }
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_SUITE_END()
