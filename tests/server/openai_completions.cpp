// SPDX-License-Identifier: Apache-2.0
// Answers of /v1/completions: prompts in every form, echo, log-probabilities, and that a stream adds up.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "server/openai_client.hpp"
#include "server/openai_service.hpp"

namespace {

using namespace openai_test;

constexpr std::string_view route = "/v1/completions";

// A whole chat as text: added tokens count in it.
constexpr std::string_view question =
    R"({"model": "tiny", "prompt": "<|im_start|>user\nWhat is 123 + 456?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"})";

value ask_both(std::string const& body) {
  auto const whole = ask(route, body);
  auto const stream =
      ask(route, with(body, R"({"stream": true, "stream_options": {"include_usage": true}})"));
  BOOST_REQUIRE_MESSAGE(whole.status == 200, whole.body);
  BOOST_REQUIRE_MESSAGE(stream.status == 200, stream.body);
  BOOST_TEST(stream.events.back() == "[DONE]");
  auto const chunks = stream.chunks();
  BOOST_TEST(sum_of(chunks) == choices_of(whole.json()));
  BOOST_TEST(chunks.back().at("usage").at("total_tokens") == whole.json().at("usage").at("total_tokens"));
  return whole.json();
}

value choice_of(value const& whole, std::size_t index = 0) {
  return whole.at("choices").at(index);
}

value ids_of(std::string_view text) {
  object const body{{"prompt", text}};
  return ask("/tokenize", boost::json::serialize(body)).json().at("tokens");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(openai_completions)

BOOST_AUTO_TEST_CASE(answers_in_openais_form) {
  auto whole = ask(route, question).json().as_object();
  BOOST_TEST(std::string_view{whole["id"].as_string().subview()}.starts_with("cmpl-"));
  whole["id"] = "";
  whole["created"] = 0;
  whole["usage"].as_object()["prompt_tokens_details"] = nullptr;
  auto const expected =
      boost::json::parse(R"({"id": "", "object": "text_completion", "created": 0, "model": "tiny",
    "choices": [{"index": 0, "text": "123 + 456 = 579", "logprobs": null, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 24, "completion_tokens": 14, "total_tokens": 38, "prompt_tokens_details": null,
      "completion_tokens_details": {"reasoning_tokens": 0}}})");
  BOOST_TEST(value(whole) == expected);
}

BOOST_AUTO_TEST_CASE(streams_in_openais_form) {
  auto const stream = ask(route, with(question, R"({"stream": true, "max_tokens": 1})"));
  BOOST_REQUIRE(stream.events.size() == 2u);
  auto const chunk = stream.chunks().front();
  BOOST_TEST(chunk.at("object") == "text_completion");
  BOOST_TEST(
      chunk.at("choices") ==
      boost::json::parse(R"([{"index": 0, "text": "1", "logprobs": null, "finish_reason": "length"}])"));
}

BOOST_AUTO_TEST_CASE(sixteen_tokens_are_the_default) {
  auto const whole = ask_both(with(question, R"({"ignore_eos": true})"));
  BOOST_TEST(whole.at("usage").at("completion_tokens") == 16);
  BOOST_TEST(choice_of(whole).at("finish_reason") == "length");
}

BOOST_AUTO_TEST_CASE(takes_prompts_as_texts_and_as_ids) {
  auto const text = boost::json::parse(question).at("prompt");
  auto const ids = ids_of(std::string_view{text.as_string().subview()});
  auto const expected = choice_of(ask_both(std::string{question})).at("text");
  for (value const& prompt : {value(text), value(ids), value(boost::json::array{text}),
                              value(boost::json::array{ids}), value(boost::json::array{text, ids, text})}) {
    object const body{{"prompt", prompt}};
    auto const whole = ask_both(with(question, boost::json::serialize(body)));
    bool const several = prompt.is_array() && !prompt.as_array().front().is_number();
    auto const count = several ? prompt.as_array().size() : 1;
    BOOST_REQUIRE(whole.at("choices").as_array().size() == count);
    for (std::size_t i = 0; i < count; ++i) {
      BOOST_TEST(choice_of(whole, i).at("index") == i);
      BOOST_TEST(choice_of(whole, i).at("text") == expected);
    }
    BOOST_TEST(whole.at("usage").at("prompt_tokens") == 24 * count);
  }
}

BOOST_AUTO_TEST_CASE(several_prompts_have_several_choices_each) {
  auto const body = R"({"prompt": ["What is", "Sort pear,", "x"], "n": 2, "max_tokens": 4, "echo": true})";
  auto const whole = ask_both(body);
  BOOST_REQUIRE(whole.at("choices").as_array().size() == 6u);
  std::vector<std::string> const prompts{"What is", "Sort pear,", "x"};
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST(
        std::string_view{choice_of(whole, i).at("text").as_string().subview()}.starts_with(prompts[i / 2]));
}

BOOST_AUTO_TEST_CASE(echoes_prompts) {
  BOOST_TEST(choice_of(ask_both(R"({"prompt": "Hello", "max_tokens": 0, "echo": true})")).at("text") ==
             "Hello");
  BOOST_TEST(choice_of(ask_both(R"({"prompt": "Hello", "max_tokens": 0})")).at("text") == "");
  object const ids{{"prompt", ids_of("Hello")}, {"echo", true}, {"max_tokens", 0}};
  BOOST_TEST(choice_of(ask_both(boost::json::serialize(ids))).at("text") == "Hello");
  auto const longer = choice_of(ask_both(with(question, R"({"echo": true})"))).at("text");
  auto const prompt = boost::json::parse(question).at("prompt").as_string();
  BOOST_TEST(longer.as_string() == std::string{prompt} + "123 + 456 = 579");
}

BOOST_AUTO_TEST_CASE(log_probabilities_are_four_lists) {
  auto const whole = ask_both(with(question, R"({"logprobs": 2})"));
  auto const lists = choice_of(whole).at("logprobs");
  std::string text;
  auto const& tokens = lists.at("tokens").as_array();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    BOOST_TEST(lists.at("text_offset").at(i) == text.size());
    auto const& token = tokens[i].as_string();
    text.append(token.data(), token.size());
    auto const& best = lists.at("top_logprobs").at(i).as_object();
    BOOST_TEST(best.size() == 2u);
    BOOST_TEST(best.at(token) == lists.at("token_logprobs").at(i));
  }
  BOOST_TEST(text == "123 + 456 = 579");
  auto const none = choice_of(ask_both(with(question, R"({"logprobs": 0})"))).at("logprobs");
  BOOST_TEST(none.at("top_logprobs").at(0).as_object().size() == 1u);  // the chosen one
}

BOOST_AUTO_TEST_CASE(offsets_are_places_in_the_text_though_special_tokens_have_none) {
  for (auto const* const more : {R"({"skip_special_tokens": true})", R"({"skip_special_tokens": false})"}) {
    auto const body = with(question, R"({"logprobs": 0, "ignore_eos": true, "max_tokens": 24})");
    auto const whole = choice_of(ask_both(with(body, more)));
    std::string_view const text = whole.at("text").as_string();
    auto const& lists = whole.at("logprobs");
    int special = 0;
    for (std::size_t i = 0; i < lists.at("tokens").as_array().size(); ++i) {
      std::string_view const token = lists.at("tokens").at(i).as_string();
      auto const offset = lists.at("text_offset").at(i).to_number<std::size_t>();
      BOOST_REQUIRE(offset <= text.size());
      special += token == "<|im_end|>";
      if (token != "<|im_end|>") BOOST_TEST(text.substr(offset).starts_with(token), token);
    }
    BOOST_TEST(special > 0);
  }
}

BOOST_AUTO_TEST_CASE(offsets_count_characters) {
  // Bytes of characters that are no token of their own: forced out by bias, whatever the model thinks.
  auto const ids = ids_of("\u4e16\u754c").as_array();
  BOOST_REQUIRE(ids.size() > 2u);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    object bias{{std::to_string(ids[i].as_int64()), 100}};
    object const body{{"prompt", "x"}, {"max_tokens", 3}, {"logprobs", 1}, {"logit_bias", bias}};
    auto const lists = choice_of(ask_both(boost::json::serialize(body))).at("logprobs");
    for (auto const& token : lists.at("tokens").as_array())
      BOOST_TEST(std::string_view{token.as_string().subview()}.starts_with("bytes:\\x"));
  }
}

// Who renders a chat alone sends false, so that nothing is put before it; its markers stay markers.
BOOST_AUTO_TEST_CASE(add_special_tokens_changes_no_prompt) {
  auto const usual = ask_both(std::string{question});
  for (auto const* const more : {R"({"add_special_tokens": false})", R"({"add_special_tokens": true})"}) {
    auto const whole = ask_both(with(question, more));
    BOOST_TEST(whole.at("usage").at("prompt_tokens") == usual.at("usage").at("prompt_tokens"));
    BOOST_TEST(choice_of(whole).at("text") == choice_of(usual).at("text"));
  }
}

BOOST_AUTO_TEST_CASE(token_ids_stand_beside_each_choice) {
  auto const whole = ask_both(with(question, R"({"return_token_ids": true})"));
  BOOST_TEST(choice_of(whole).at("prompt_token_ids").as_array().size() == 24u);
  BOOST_TEST(choice_of(whole).at("token_ids").as_array().size() == 14u);
}

BOOST_AUTO_TEST_CASE(a_seed_repeats_an_answer_and_a_bias_changes_it) {
  auto const body =
      with(question, R"({"temperature": 2, "seed": -3, "ignore_eos": true, "max_tokens": 40, "n": 2})");
  auto const first = ask(route, body).json().at("choices");
  BOOST_TEST(first == ask(route, body).json().at("choices"));
  BOOST_TEST(first != ask(route, with(body, R"({"seed": 4})")).json().at("choices"));
  auto const one = ids_of("1").at(0).as_int64();
  auto const ban = R"({"logit_bias": {")" + std::to_string(one) + R"(": -100}})";
  auto const banned = choice_of(ask_both(with(question, ban))).at("text").as_string();
  BOOST_TEST(banned.find('1') == boost::json::string::npos);
}

BOOST_AUTO_TEST_CASE(a_prompt_is_cached_within_its_tenant_and_salt) {
  auto const cached = [](std::string_view salt, std::string_view tenant) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "one two three ";
    object const body{{"prompt", text}, {"max_tokens", 1}, {"cache_salt", salt}};
    auto const whole = ask(route, boost::json::serialize(body), {.tenant = std::string{tenant}});
    return whole.json().at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64();
  };
  BOOST_TEST(cached("a", "t1") == 0);
  BOOST_TEST(cached("a", "t1") > 100);
  BOOST_TEST(cached("b", "t1") == 0);
  BOOST_TEST(cached("a", "t2") == 0);
  BOOST_TEST(cached("1a", "t") == 0);  // and not what is left of "t1" and "a"
}

BOOST_AUTO_TEST_CASE(many_requests_are_answered_side_by_side) {
  std::vector<std::string> const bodies(12, std::string{question});
  for (auto const& each : ask_all(route, bodies))
    BOOST_TEST(choice_of(each.json()).at("text") == "123 + 456 = 579");
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_CASE(the_longest_context_can_be_filled) {
  auto const ids = std::vector<std::int64_t>(2047, 100);
  object const body{{"prompt", boost::json::value_from(ids)}, {"ignore_eos", true}};
  auto const whole = ask(route, boost::json::serialize(body));
  BOOST_REQUIRE_MESSAGE(whole.status == 200, whole.body);
  BOOST_TEST(whole.json().at("usage").at("completion_tokens") == 1);
  object const longer{{"prompt", boost::json::value_from(std::vector<std::int64_t>(2048, 100))}};
  auto const refused = ask(route, boost::json::serialize(longer));
  BOOST_TEST(refused.status == 400);
  BOOST_TEST(refused.error().at("code") == "context_length_exceeded");
  BOOST_TEST(refused.error().at("param") == "prompt");
}

BOOST_AUTO_TEST_SUITE_END()
