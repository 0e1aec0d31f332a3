// SPDX-License-Identifier: Apache-2.0
// Wrong chats and parameters: each is a 400 that names the field, what was expected and what was found.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "server/openai_client.hpp"
#include "server/openai_service.hpp"

namespace {

using namespace openai_test;

constexpr std::string_view chats = "/v1/chat/completions";
constexpr std::string_view texts = "/v1/completions";

struct refusal {
  std::string_view more;     ///< fields in place of those of a good request
  std::string_view param;    ///< the path that is named
  std::string_view message;  ///< behind "param: "
  std::string_view code = "invalid_value";
};

// What both routes refuse with the same words.
std::vector<refusal> const common{
    // temperature, top_p and the rest of the distribution
    {R"({"temperature": "hot"})", "temperature", "expected a number, found a string", "invalid_type"},
    {R"({"temperature": true})", "temperature", "expected a number, found a boolean", "invalid_type"},
    {R"({"temperature": [1]})", "temperature", "expected a number, found an array", "invalid_type"},
    {R"({"temperature": {}})", "temperature", "expected a number, found an object", "invalid_type"},
    {R"({"temperature": -0.1})", "temperature", "expected a number from 0 to 2, found -0.1"},
    {R"({"temperature": 2.5})", "temperature", "expected a number from 0 to 2, found 2.5"},
    {R"({"temperature": 1e300})", "temperature", "expected a number from 0 to 2, found 1e+300"},
    {R"({"top_p": 1.01})", "top_p", "expected a number from 0 to 1, found 1.01"},
    {R"({"top_p": -1})", "top_p", "expected a number from 0 to 1, found -1"},
    {R"({"top_p": "1"})", "top_p", "expected a number, found a string", "invalid_type"},
    {R"({"min_p": 2})", "min_p", "expected a number from 0 to 1, found 2"},
    {R"({"min_p": false})", "min_p", "expected a number, found a boolean", "invalid_type"},
    {R"({"top_k": -2})", "top_k", "expected an integer from -1 to 2147483647, found -2"},
    {R"({"top_k": 1.5})", "top_k", "expected an integer from -1 to 2147483647, found 1.5"},
    {R"({"top_k": "5"})", "top_k", "expected an integer, found a string", "invalid_type"},
    {R"({"top_k": 3000000000})", "top_k", "expected an integer from -1 to 2147483647, found 3000000000"},
    {R"({"presence_penalty": 2.1})", "presence_penalty", "expected a number from -2 to 2, found 2.1"},
    {R"({"presence_penalty": "x"})", "presence_penalty", "expected a number, found a string", "invalid_type"},
    {R"({"frequency_penalty": -3})", "frequency_penalty", "expected a number from -2 to 2, found -3"},
    {R"({"frequency_penalty": []})", "frequency_penalty", "expected a number, found an array",
     "invalid_type"},
    {R"({"repetition_penalty": 0})", "repetition_penalty", "expected a number from 0.01 to 100, found 0"},
    {R"({"repetition_penalty": 101})", "repetition_penalty", "expected a number from 0.01 to 100, found 101"},
    {R"({"seed": 1.5})", "seed", "expected an integer, found 1.5"},
    {R"({"seed": "1"})", "seed", "expected an integer, found a string", "invalid_type"},
    {R"({"seed": 9223372036854775808})", "seed", "expected an integer, found 9223372036854775808"},
    // n
    {R"({"n": 0})", "n", "expected an integer from 1 to 16, found 0"},
    {R"({"n": 17})", "n", "expected an integer from 1 to 16, found 17"},
    {R"({"n": -1})", "n", "expected an integer from 1 to 16, found -1"},
    {R"({"n": 1.5})", "n", "expected an integer from 1 to 16, found 1.5"},
    {R"({"n": "2"})", "n", "expected an integer, found a string", "invalid_type"},
    // lengths
    {R"({"max_tokens": -1})", "max_tokens", ""},
    {R"({"max_tokens": "10"})", "max_tokens", "expected an integer, found a string", "invalid_type"},
    {R"({"max_tokens": 2.5})", "max_tokens", ""},
    {R"({"max_tokens": 99999999999})", "max_tokens", ""},
    {R"({"min_tokens": -1})", "min_tokens", "expected an integer from 0 to 2, found -1"},
    {R"({"min_tokens": 11, "max_tokens": 10})", "min_tokens", "expected an integer from 0 to 10, found 11"},
    {R"({"min_tokens": 100000})", "min_tokens", ""},
    {R"({"min_tokens": "1"})", "min_tokens", "expected an integer, found a string", "invalid_type"},
    {R"({"ignore_eos": 1})", "ignore_eos", "expected a boolean, found a number", "invalid_type"},
    // stop strings and ids
    {R"({"stop": 1})", "stop", "expected a string or an array of strings, found a number", "invalid_type"},
    {R"({"stop": {}})", "stop", "expected a string or an array of strings, found an object", "invalid_type"},
    {R"({"stop": ""})", "stop[0]", "expected a string that is not empty"},
    {R"({"stop": ["a", ""]})", "stop[1]", "expected a string that is not empty"},
    {R"({"stop": ["a", 1]})", "stop[1]", "expected a string, found a number", "invalid_type"},
    {R"({"stop": ["a", null]})", "stop[1]", "expected a string, found null", "invalid_type"},
    {R"({"stop": ["a", "b", "c", "d", "e"]})", "stop", "expected at most 4 strings, found 5"},
    {R"({"stop_token_ids": 1})", "stop_token_ids", "expected an array, found a number", "invalid_type"},
    {R"({"stop_token_ids": ["1"]})", "stop_token_ids[0]", "expected an integer, found a string",
     "invalid_type"},
    {R"({"stop_token_ids": [1, -1]})", "stop_token_ids[1]", "expected an integer from 0 to 4223, found -1"},
    {R"({"stop_token_ids": [4224]})", "stop_token_ids[0]", "expected an integer from 0 to 4223, found 4224"},
    {R"({"stop_token_ids": [0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2]})",
     "stop_token_ids", "expected at most 32 ids, found 33"},
    {R"({"include_stop_str_in_output": "yes"})", "include_stop_str_in_output",
     "expected a boolean, found a string", "invalid_type"},
    {R"({"skip_special_tokens": 0})", "skip_special_tokens", "expected a boolean, found a number",
     "invalid_type"},
    {R"({"return_token_ids": "no"})", "return_token_ids", "expected a boolean, found a string",
     "invalid_type"},
    // logit_bias
    {R"({"logit_bias": []})", "logit_bias", "expected an object, found an array", "invalid_type"},
    {R"({"logit_bias": {"x": 1}})", "logit_bias.x", "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"": 1}})", "logit_bias.", "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"1 ": 1}})", "logit_bias.1 ", "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"-1": 1}})", "logit_bias.-1", "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"4224": 1}})", "logit_bias.4224", "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"99999999999": 1}})", "logit_bias.99999999999",
     "expected a token id from 0 to 4223 as the key"},
    {R"({"logit_bias": {"5": 101}})", "logit_bias.5", "expected a number from -100 to 100, found 101"},
    {R"({"logit_bias": {"5": -100.5}})", "logit_bias.5", "expected a number from -100 to 100, found -100.5"},
    {R"({"logit_bias": {"5": "1"}})", "logit_bias.5", "expected a number, found a string", "invalid_type"},
    {R"({"logit_bias": {"5": null}})", "logit_bias.5", "expected a number, found null", "invalid_type"},
    // streams
    {R"({"stream": "true"})", "stream", "expected a boolean, found a string", "invalid_type"},
    {R"({"stream": 1})", "stream", "expected a boolean, found a number", "invalid_type"},
    {R"({"stream_options": {}})", "stream_options", "expected stream to be true with it"},
    {R"({"stream": false, "stream_options": {"include_usage": true}})", "stream_options",
     "expected stream to be true with it"},
    {R"({"stream": true, "stream_options": true})", "stream_options", "expected an object, found a boolean",
     "invalid_type"},
    {R"({"stream": true, "stream_options": {"include_usage": 1}})", "stream_options.include_usage",
     "expected a boolean, found a number", "invalid_type"},
    {R"({"stream": true, "stream_options": {"continuous_usage_stats": true}})",
     "stream_options.continuous_usage_stats", "is not supported", "unsupported_parameter"},
    // the rest
    {R"({"model": 1})", "model", "expected a string, found a number", "invalid_type"},
    {R"({"priority": "high"})", "priority", "expected an integer, found a string", "invalid_type"},
    {R"({"priority": 1000001})", "priority", "expected an integer from -1000000 to 1000000, found 1000001"},
    {R"({"cache_salt": 1})", "cache_salt", "expected a string, found a number", "invalid_type"},
    {R"({"echo": "yes"})", "echo", "expected a boolean, found a string", "invalid_type"},
    // known and not supported
    {R"({"response_format": {"type": "json_object"}})", "response_format", "is not supported",
     "unsupported_parameter"},
    {R"({"response_format": {"type": "json_schema", "json_schema": {}}})", "response_format",
     "is not supported", "unsupported_parameter"},
    {R"({"structured_outputs": {"json": {}}})", "structured_outputs", "is not supported",
     "unsupported_parameter"},
    {R"({"guided_json": {}})", "guided_json", "is not supported", "unsupported_parameter"},
    {R"({"guided_regex": "a*"})", "guided_regex", "is not supported", "unsupported_parameter"},
    {R"({"guided_choice": ["a"]})", "guided_choice", "is not supported", "unsupported_parameter"},
    {R"({"guided_grammar": "root"})", "guided_grammar", "is not supported", "unsupported_parameter"},
    {R"({"prompt_logprobs": 0})", "prompt_logprobs", "is not supported", "unsupported_parameter"},
    {R"({"truncate_prompt_tokens": 10})", "truncate_prompt_tokens", "is not supported",
     "unsupported_parameter"},
    {R"({"use_beam_search": true})", "use_beam_search", "is not supported", "unsupported_parameter"},
    {R"({"length_penalty": 1.2})", "length_penalty", "is not supported", "unsupported_parameter"},
    {R"({"bad_words": ["x"]})", "bad_words", "is not supported", "unsupported_parameter"},
    {R"({"allowed_token_ids": [1]})", "allowed_token_ids", "is not supported", "unsupported_parameter"},
    {R"({"logits_processors": ["x"]})", "logits_processors", "is not supported", "unsupported_parameter"},
    {R"({"return_tokens_as_token_ids": true})", "return_tokens_as_token_ids", "is not supported",
     "unsupported_parameter"},
};

std::vector<refusal> const of_chats{
    {R"({"max_tokens": 0})", "max_tokens", "expected an integer from 1 to 2147483647, found 0"},
    {R"({"max_completion_tokens": 0})", "max_completion_tokens",
     "expected an integer from 1 to 2147483647, found 0"},
    {R"({"max_tokens": 5, "max_completion_tokens": 6})", "max_completion_tokens",
     "expected the value of max_tokens, its older name"},
    {R"({"max_tokens": 3000})", "messages", "", "context_length_exceeded"},
    {R"({"logprobs": 1})", "logprobs", "expected a boolean, found a number", "invalid_type"},
    {R"({"logprobs": true, "top_logprobs": 21})", "top_logprobs",
     "expected an integer from 0 to 20, found 21"},
    {R"({"logprobs": true, "top_logprobs": -1})", "top_logprobs",
     "expected an integer from 0 to 20, found -1"},
    {R"({"logprobs": true, "top_logprobs": "5"})", "top_logprobs", "expected an integer, found a string",
     "invalid_type"},
    {R"({"top_logprobs": 5})", "top_logprobs", "expected logprobs to be true with it"},
    // messages
    {R"({"messages": null})", "messages", "is missing", "missing_required_parameter"},
    {R"({"messages": []})", "messages", "expected at least one message", "empty_array"},
    {R"({"messages": {}})", "messages", "expected an array, found an object", "invalid_type"},
    {R"({"messages": "hi"})", "messages", "expected an array, found a string", "invalid_type"},
    {R"({"messages": ["hi"]})", "messages[0]", "expected an object, found a string", "invalid_type"},
    {R"({"messages": [{}]})", "messages[0].role", "is missing", "missing_required_parameter"},
    {R"({"messages": [{"role": "user"}]})", "messages[0].content", "is missing",
     "missing_required_parameter"},
    {R"({"messages": [{"role": 1, "content": "x"}]})", "messages[0].role",
     "expected a string, found a number", "invalid_type"},
    {R"({"messages": [{"role": "robot", "content": "x"}]})", "messages[0].role",
     "expected developer, system, user, assistant or tool, found 'robot'"},
    {R"({"messages": [{"role": "User", "content": "x"}]})", "messages[0].role",
     "expected developer, system, user, assistant or tool, found 'User'"},
    {R"({"messages": [{"role": "user", "content": 1}]})", "messages[0].content",
     "expected a string or an array of text parts, found a number", "invalid_type"},
    {R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]})",
     "messages[0].content[0].type", "expected a text part, found 'image_url'", "unsupported_value"},
    {R"({"messages": [{"role": "user", "content": [{"text": "x"}]}]})", "messages[0].content[0].type",
     "is missing", "missing_required_parameter"},
    {R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})", "messages[0].content[0].text",
     "is missing", "missing_required_parameter"},
    {R"({"messages": [{"role": "user", "content": ["x"]}]})", "messages[0].content[0]",
     "expected an object, found a string", "invalid_type"},
    {R"({"messages": [{"role": "assistant", "function_call": {"name": "f"}}]})", "messages[0].function_call",
     "is not supported", "unsupported_value"},
    {R"({"messages": [{"role": "assistant", "tool_calls": {}}]})", "messages[0].tool_calls",
     "expected an array, found an object", "invalid_type"},
    {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]})",
     "messages[0].tool_calls[0].function.arguments", "is missing", "missing_required_parameter"},
    {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "", "arguments": "{}"}}]}]})",
     "messages[0].tool_calls[0].function.name", "expected a name, found an empty string"},
    {R"({"messages": [{"role": "assistant", "tool_calls": [{"type": "code", "function": {"name": "f", "arguments": "{}"}}]}]})",
     "messages[0].tool_calls[0].type", "expected 'function', found 'code'", "unsupported_value"},
    {R"({"messages": [{"role": "user", "content": "x"}], "continue_final_message": true})",
     "continue_final_message", "expected the last message to be the assistant's, without tool calls"},
    {R"({"messages": [{"role": "assistant", "content": "x"}], "continue_final_message": true, "add_generation_prompt": true})",
     "continue_final_message", "excludes add_generation_prompt"},
    {R"({"continue_final_message": 1})", "continue_final_message", "expected a boolean, found a number",
     "invalid_type"},
    {R"({"add_generation_prompt": "x"})", "add_generation_prompt", "expected a boolean, found a string",
     "invalid_type"},
    // tools
    {R"({"tools": {}})", "tools", "expected an array, found an object", "invalid_type"},
    {R"({"tools": ["f"]})", "tools[0]", "expected an object, found a string", "invalid_type"},
    {R"({"tools": [{"type": "function"}]})", "tools[0].function", "is missing", "missing_required_parameter"},
    {R"({"tools": [{"type": "function", "function": {}}]})", "tools[0].function.name", "is missing",
     "missing_required_parameter"},
    {R"({"tools": [{"type": "retrieval", "function": {"name": "f"}}]})", "tools[0].type",
     "expected 'function', found 'retrieval'", "unsupported_value"},
    {R"({"tool_choice": "required"})", "tool_choice", "expected tools with 'required'"},
    {R"({"tool_choice": "always"})", "tool_choice",
     "expected 'none', 'auto', 'required' or a named function, found 'always'"},
    {R"({"tool_choice": 1})", "tool_choice", "expected a string or an object, found a number",
     "invalid_type"},
    {R"({"tool_choice": {}})", "tool_choice.type", "is missing", "missing_required_parameter"},
    {R"({"tool_choice": {"type": "custom"}})", "tool_choice.type", "expected 'function', found 'custom'",
     "unsupported_value"},
    {R"({"tool_choice": {"type": "function"}})", "tool_choice.function", "is missing",
     "missing_required_parameter"},
    {R"({"tool_choice": {"type": "function", "function": {}}})", "tool_choice.function.name", "is missing",
     "missing_required_parameter"},
    {R"({"tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "g"}}})",
     "tool_choice.function.name", "expected the name of one of the tools, found 'g'"},
    {R"({"parallel_tool_calls": "no"})", "parallel_tool_calls", "expected a boolean, found a string",
     "invalid_type"},
    // thinking
    {R"({"enable_thinking": "no"})", "enable_thinking", "expected a boolean, found a string", "invalid_type"},
    {R"({"chat_template_kwargs": []})", "chat_template_kwargs", "expected an object, found an array",
     "invalid_type"},
    {R"({"chat_template_kwargs": {"enable_thinking": 0}})", "chat_template_kwargs.enable_thinking",
     "expected a boolean, found a number", "invalid_type"},
    {R"({"enable_thinking": true, "chat_template_kwargs": {"enable_thinking": false}})",
     "chat_template_kwargs.enable_thinking", "expected the value of enable_thinking"},
    {R"({"reasoning_effort": "high"})", "reasoning_effort",
     "expected 'none', which turns thinking off, found 'high'", "unsupported_value"},
    {R"({"reasoning_effort": "none", "enable_thinking": true})", "reasoning_effort",
     "'none' contradicts enable_thinking"},
    {R"({"thinking_token_budget": -1})", "thinking_token_budget",
     "expected an integer from 0 to 2147483647, found -1"},
    {R"({"thinking_token_budget": "1"})", "thinking_token_budget", "expected an integer, found a string",
     "invalid_type"},
    {R"({"return_reasoning": 1})", "return_reasoning", "expected a boolean, found a number", "invalid_type"},
    {R"({"return_reasoning": true, "include_reasoning": false})", "include_reasoning",
     "expected the value of return_reasoning"},
    // known and not supported
    {R"({"modalities": ["text", "audio"]})", "modalities", "is not supported", "unsupported_parameter"},
    {R"({"audio": {}})", "audio", "is not supported", "unsupported_parameter"},
    {R"({"prediction": {}})", "prediction", "is not supported", "unsupported_parameter"},
    {R"({"web_search_options": {}})", "web_search_options", "is not supported", "unsupported_parameter"},
    {R"({"verbosity": "low"})", "verbosity", "is not supported", "unsupported_parameter"},
    {R"({"functions": [{"name": "f"}]})", "functions", "is not supported", "unsupported_parameter"},
    {R"({"function_call": "auto"})", "function_call", "is not supported", "unsupported_parameter"},
    {R"({"store": true})", "store", "is not supported", "unsupported_parameter"},
    {R"({"service_tier": "flex"})", "service_tier", "is not supported", "unsupported_parameter"},
    {R"({"chat_template": "x"})", "chat_template", "is not supported", "unsupported_parameter"},
    {R"({"add_special_tokens": "no"})", "add_special_tokens", "expected a boolean, found a string",
     "invalid_type"},
};

std::vector<refusal> const of_completions{
    {R"({"prompt": null})", "prompt", "is missing", "missing_required_parameter"},
    {R"({"prompt": 1})", "prompt", "", "invalid_type"},
    {R"({"prompt": {}})", "prompt", "", "invalid_type"},
    {R"({"prompt": ""})", "prompt", "expected at least one token, found none"},
    {R"({"prompt": []})", "prompt", "expected at least one prompt, found none", "empty_array"},
    {R"({"prompt": [[]]})", "prompt", "expected at least one token, found none"},
    {R"({"prompt": ["a", ""]})", "prompt", "expected at least one token, found none"},
    {R"({"prompt": ["a", 1]})", "prompt[1]", "expected a string or an array of token ids, found a number",
     "invalid_type"},
    {R"({"prompt": [1, "a"]})", "prompt[1]", "expected an integer, found a string", "invalid_type"},
    {R"({"prompt": [1, 2.5]})", "prompt[1]", "expected an integer from 0 to 4223, found 2.5"},
    {R"({"prompt": [1, -2]})", "prompt[1]", "expected an integer from 0 to 4223, found -2"},
    {R"({"prompt": [4224]})", "prompt[0]", "expected an integer from 0 to 4223, found 4224"},
    {R"({"prompt": [[1], [2, "x"]]})", "prompt[1][1]", "expected an integer, found a string", "invalid_type"},
    {R"({"prompt": [[1], [18446744073709551615]]})", "prompt[1][0]",
     "expected an integer from 0 to 4223, found 18446744073709551615"},
    {R"({"prompt": [[[1]]]})", "prompt[0][0]", "expected an integer, found an array", "invalid_type"},
    {R"({"prompt": [null]})", "prompt[0]", "expected a string or an array of token ids, found null",
     "invalid_type"},
    {R"({"max_tokens": 4000})", "prompt", "", "context_length_exceeded"},
    {R"({"logprobs": 21})", "logprobs", "expected an integer from 0 to 20, found 21"},
    {R"({"logprobs": true})", "logprobs", "expected an integer, found a boolean", "invalid_type"},
    {R"({"best_of": 2})", "best_of", "expected the value of n, 1, found 2", "unsupported_value"},
    {R"({"best_of": 1, "n": 2})", "best_of", "expected the value of n, 2, found 1", "unsupported_value"},
    {R"({"echo": true, "logprobs": 1})", "echo", "is not supported together with logprobs",
     "unsupported_value"},
    {R"({"suffix": "x"})", "suffix", "is not supported", "unsupported_parameter"},
    {R"({"add_special_tokens": 1})", "add_special_tokens", "expected a boolean, found a number",
     "invalid_type"},
};

void expect_refusals(std::string_view route, std::string const& good, std::vector<refusal> const& all) {
  for (auto const& each : all) {
    BOOST_TEST_CONTEXT(route << ' ' << each.more) {
      auto const refused = ask(route, with(good, each.more));
      BOOST_REQUIRE_MESSAGE(refused.status == 400, refused.status << ' ' << refused.body);
      auto const error = refused.error();
      BOOST_TEST(error.at("type") == "invalid_request_error");
      BOOST_TEST(error.at("param") == value(each.param));
      BOOST_TEST(error.at("code") == value(each.code));
      auto const message = std::string{std::string_view{error.at("message").as_string().subview()}};
      BOOST_TEST(message.starts_with(std::string{each.param} + ": " + std::string{each.message}));
      if (!each.message.empty()) BOOST_TEST(message.size() == each.param.size() + 2 + each.message.size());
    }
  }
}

std::string const good_chat = chat("Hi", R"({"max_tokens": 2})");
std::string const good_text = R"({"model": "tiny", "prompt": "Hi", "max_tokens": 2})";

}  // namespace

BOOST_AUTO_TEST_SUITE(openai_refusals)

BOOST_AUTO_TEST_CASE(chats_are_refused_by_field) {
  BOOST_TEST(common.size() + of_chats.size() >= 150u);
  expect_refusals(chats, good_chat, common);
  expect_refusals(chats, good_chat, of_chats);
  BOOST_TEST(ask(chats, good_chat).status == 200);
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_CASE(completions_are_refused_by_field) {
  expect_refusals(texts, good_text, common);
  expect_refusals(texts, good_text, of_completions);
  BOOST_TEST(ask(texts, good_text).status == 200);
  BOOST_TEST(every_page_is_back());
}

BOOST_AUTO_TEST_CASE(tokens_are_refused_by_field) {
  expect_refusals("/tokenize", R"({"prompt": "x"})",
                  {{R"({"prompt": 1})", "prompt", "expected a string, found a number", "invalid_type"},
                   {R"({"prompt": null})", "prompt", "is missing", "missing_required_parameter"},
                   {R"({"messages": [{"role": "user", "content": "x"}]})", "messages", "excludes prompt"},
                   {R"({"tools": []})", "tools", "expected messages with it"},
                   {R"({"return_token_strs": 1})", "return_token_strs", "expected a boolean, found a number",
                    "invalid_type"}});
  expect_refusals("/detokenize", R"({"tokens": [1]})",
                  {{R"({"tokens": "x"})", "tokens", "expected an array, found a string", "invalid_type"},
                   {R"({"tokens": null})", "tokens", "is missing", "missing_required_parameter"},
                   {R"({"tokens": [-1]})", "tokens[0]", "expected an integer from 0 to 4223, found -1"}});
}

BOOST_AUTO_TEST_CASE(limits_are_reached_and_not_passed) {
  std::string prompts = R"("a")";
  for (int i = 1; i < 64; ++i) prompts += R"(, "a")";
  BOOST_TEST(ask(texts, R"({"max_tokens": 1, "prompt": [)" + prompts + "]}").status == 200);
  expect_refusals(texts, R"({"max_tokens": 1, "prompt": [)" + prompts + R"(, "a"]})",
                  {{"{}", "prompt", "expected at most 64 prompts, found 65"}});
  std::string bias = R"("0": 1)";
  for (int i = 1; i < 1024; ++i) bias += ", \"" + std::to_string(i) + "\": 1";
  BOOST_TEST(ask(texts, with(good_text, R"({"logit_bias": {)" + bias + "}}")).status == 200);
  auto const more = R"({"logit_bias": {)" + bias + R"(, "1024": 1}})";
  expect_refusals(texts, good_text, {{more, "logit_bias", "expected at most 1024 entries, found 1025"}});
  BOOST_TEST(
      ask(chats,
          with(good_chat, R"({"n": 16, "logprobs": true, "top_logprobs": 20, "stop": ["1", "2", "3", "4"]})"))
          .status == 200);
}

BOOST_AUTO_TEST_CASE(limits_are_the_services) {
  auto narrow = service();
  narrow.limits = {.n = 2, .prompts = 1, .logprobs = 3, .stops = 1, .logit_bias = 1};
  struct {
    std::string_view route;
    std::string_view more;
    std::string_view message;
  } const cases[] = {
      {chats, R"({"n": 3})", "n: expected an integer from 1 to 2, found 3"},
      {texts, R"({"best_of": 3})", "best_of: expected an integer from 1 to 2, found 3"},
      {texts, R"({"prompt": ["a", "b"]})", "prompt: expected at most 1 prompts, found 2"},
      {texts, R"({"logprobs": 4})", "logprobs: expected an integer from 0 to 3, found 4"},
      {chats, R"({"logprobs": true, "top_logprobs": 4})",
       "top_logprobs: expected an integer from 0 to 3, found 4"},
      {chats, R"({"stop": ["a", "b"]})", "stop: expected at most 1 strings, found 2"},
      {texts, R"({"logit_bias": {"1": 1, "2": 1}})", "logit_bias: expected at most 1 entries, found 2"},
  };
  for (auto const& each : cases) {
    auto const refused =
        ask(each.route, with(each.route == chats ? good_chat : good_text, each.more), {}, narrow);
    BOOST_TEST(refused.status == 400);
    BOOST_TEST(refused.error().at("message") == value(each.message));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_model_is_not_found) {
  for (auto const route : {chats, texts}) {
    auto const answer = ask(route, with(route == chats ? good_chat : good_text, R"({"model": "gpt-4o"})"));
    BOOST_TEST(answer.status == 404);
    BOOST_TEST(answer.error().at("code") == "model_not_found");
    BOOST_TEST(answer.error().at("param") == "model");
    BOOST_TEST(answer.error().at("message") == "the model 'gpt-4o' does not exist");
  }
  auto const other = ask(chats, with(good_chat, R"({"model": "other/name"})"));
  BOOST_TEST(other.json().at("model") == "other/name");
}

BOOST_AUTO_TEST_CASE(bodies_that_are_no_objects) {
  for (auto const* const body :
       {"", "{", "[]", "1", "null", "\"x\"", "{\"a\": 1,}", "{\"n\": 1, \"n\": 2}", "{\"n\": NaN}",
        "{\"temperature\": 1e400}", "{\"prompt\": \"\\ud800\"}", "{\"prompt\": \"\xff\"}"}) {
    BOOST_TEST_CONTEXT(body) {
      auto const answer = ask(texts, body);
      BOOST_TEST(answer.status == 400);
      auto const code = std::string{std::string_view{answer.error().at("code").as_string().subview()}};
      BOOST_TEST((code == "invalid_json" || code == "invalid_type"));
      BOOST_TEST(answer.error().at("param").is_null());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
