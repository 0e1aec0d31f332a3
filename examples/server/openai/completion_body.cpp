// SPDX-License-Identifier: Apache-2.0
#include "server/openai/completion_body.hpp"

#include <algorithm>
#include <utility>

namespace server {

namespace {

std::string indexed(std::string const& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

prompt_source read_one_prompt(boost::json::value const& value, std::string const& path,
                              model_service const& service) {
  if (value.is_string()) return to_string(value, path);
  if (!value.is_array()) refuse_type(path, "a string or an array of token ids", value);
  return to_tokens(value.get_array(), path, service);
}

/// string, string[], int[] or int[][], and also an array that mixes texts and arrays of ids.
std::vector<prompt_source> read_prompts(body_fields& fields, model_service const& service) {
  auto const* const value = fields.value("prompt");
  if (value == nullptr) refuse("prompt", "missing_required_parameter", "is missing");
  std::vector<prompt_source> prompts;
  bool const many =
      value->is_array() && !(!value->get_array().empty() && value->get_array().front().is_number());
  if (!value->is_string() && !value->is_array())
    refuse_type("prompt", "a string, an array of strings, token ids or arrays of token ids", *value);
  if (!many) {
    prompts.push_back(read_one_prompt(*value, "prompt", service));
    return prompts;
  }
  auto const& list = value->get_array();
  if (list.empty()) refuse("prompt", "empty_array", "expected at least one prompt, found none");
  expect_at_most("prompt", list.size(), service.limits.prompts, "prompts");
  for (auto const& each : list)
    prompts.push_back(read_one_prompt(each, indexed("prompt", prompts.size()), service));
  return prompts;
}

void read_best_of(body_fields& fields, std::int32_t n, model_service const& service) {
  auto const best = fields.integer("best_of", {1, service.limits.n});
  if (best && *best != n) {
    refuse("best_of", "unsupported_value",
           "expected the value of n, " + std::to_string(n) + ", found " + std::to_string(*best));
  }
}

}  // namespace

completion_body read_completion_body(boost::json::object const& body, model_service const& service) {
  completion_body result;
  body_fields fields{body};
  result.model = read_model(fields, service);
  result.prompts = read_prompts(fields, service);
  result.generation = read_generation(fields, service, completions_route);
  read_best_of(fields, result.generation.wish.choices, service);
  result.echo = fields.boolean("echo").value_or(false);
  if (result.echo && result.generation.wish.sampling.logprobs >= 0)
    refuse("echo", "unsupported_value", "is not supported together with logprobs");
  result.ignored = check_unread(fields, body, completions_route, service.strict, result.generation.ignored);
  return result;
}

tokenize_body read_tokenize_body(boost::json::object const& body, model_service const& service) {
  tokenize_body result;
  body_fields fields{body};
  read_model(fields, service);
  auto const text = fields.string("prompt");
  fields.boolean("add_special_tokens");  // as in read_generation
  result.token_texts = fields.boolean("return_token_strs").value_or(false);
  bool const chat = fields.value("messages") != nullptr;
  if (chat && text) refuse("messages", "invalid_value", "excludes prompt");
  if (!chat && !text) refuse("prompt", "missing_required_parameter", "is missing");
  if (chat) {
    auto conversation = read_conversation(fields);
    result.ignored = conversation.ignored;
    result.source = std::move(conversation);
  } else {
    result.source = *text;
    for (auto const* const name : {"tools", "enable_thinking", "chat_template_kwargs",
                                   "add_generation_prompt", "continue_final_message"}) {
      if (fields.value(name) != nullptr) refuse(name, "invalid_value", "expected messages with it");
    }
  }
  result.ignored = check_unread(fields, body, tokenize_route, service.strict, std::move(result.ignored));
  return result;
}

detokenize_body read_detokenize_body(boost::json::object const& body, model_service const& service) {
  detokenize_body result;
  body_fields fields{body};
  read_model(fields, service);
  auto const* const tokens = fields.array("tokens");
  if (tokens == nullptr) refuse("tokens", "missing_required_parameter", "is missing");
  result.tokens = to_tokens(*tokens, "tokens", service);
  result.ignored = check_unread(fields, body, detokenize_route, service.strict);
  return result;
}

std::vector<tenon::token_id> encode_text(std::string const& text, model_service const& service) {
  tenon::text_span const whole{text, true};
  return service.tokenizer.encode(std::span{&whole, 1});
}

}  // namespace server
