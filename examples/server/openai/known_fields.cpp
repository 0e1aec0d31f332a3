// SPDX-License-Identifier: Apache-2.0
#include "server/openai/known_fields.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <iterator>
#include <stdexcept>

namespace server {

namespace {

constexpr route_set chat = chat_route;
constexpr route_set text = completions_route;
constexpr route_set both = chat | text;
constexpr route_set ids = tokenize_route;
constexpr route_set back = detokenize_route;

constexpr auto table = std::to_array<known_field>({
    // OpenAI: what is asked
    {"model", both | ids | back, field_use::read},
    {"messages", chat | ids, field_use::read},
    {"prompt", text | ids, field_use::read},
    {"tokens", back, field_use::read},
    {"stream", both, field_use::read},
    {"stream_options", both, field_use::read},
    {"n", both, field_use::read},
    {"best_of", text, field_use::read},
    {"max_tokens", both, field_use::read},
    {"max_completion_tokens", chat, field_use::read},
    {"stop", both, field_use::read},
    {"echo", both, field_use::read},
    {"tools", chat | ids, field_use::read},
    {"tool_choice", chat, field_use::read},
    {"parallel_tool_calls", chat, field_use::read},
    {"reasoning_effort", chat, field_use::read},
    // OpenAI: how ids are chosen
    {"temperature", both, field_use::read},
    {"top_p", both, field_use::read},
    {"presence_penalty", both, field_use::read},
    {"frequency_penalty", both, field_use::read},
    {"logit_bias", both, field_use::read},
    {"logprobs", both, field_use::read},
    {"top_logprobs", chat, field_use::read},
    {"seed", both, field_use::read},
    // OpenAI: for the operator's books
    {"user", both, field_use::no_effect},
    {"metadata", chat, field_use::no_effect},
    {"safety_identifier", chat, field_use::no_effect},
    {"prompt_cache_key", chat, field_use::no_effect},
    {"prompt_cache_retention", chat, field_use::no_effect},
    {"store", chat, field_use::refused, "[false]"},
    {"service_tier", chat, field_use::refused, R"(["auto", "default"])"},
    // OpenAI: not supported
    {"response_format", both, field_use::refused, R"([{"type": "text"}])"},
    {"modalities", chat, field_use::refused, R"([["text"]])"},
    {"audio", chat, field_use::refused},
    {"prediction", chat, field_use::refused},
    {"web_search_options", chat, field_use::refused},
    {"verbosity", chat, field_use::refused},
    {"functions", chat, field_use::refused, "[[]]"},
    {"function_call", chat, field_use::refused},
    {"suffix", text, field_use::refused, R"([""])"},
    // extensions
    {"top_k", both, field_use::read},
    {"min_p", both, field_use::read},
    {"repetition_penalty", both, field_use::read},
    {"stop_token_ids", both, field_use::read},
    {"include_stop_str_in_output", both, field_use::read},
    {"ignore_eos", both, field_use::read},
    {"min_tokens", both, field_use::read},
    {"skip_special_tokens", both, field_use::read},
    {"return_token_ids", both, field_use::read},
    {"priority", both, field_use::read},
    {"cache_salt", both, field_use::read},
    {"add_special_tokens", both | ids, field_use::read},
    {"return_token_strs", ids, field_use::read},
    {"enable_thinking", chat | ids, field_use::read},
    {"chat_template_kwargs", chat | ids, field_use::read},
    {"thinking_token_budget", chat, field_use::read},
    {"return_reasoning", chat, field_use::read},
    {"include_reasoning", chat, field_use::read},
    {"add_generation_prompt", chat | ids, field_use::read},
    {"continue_final_message", chat | ids, field_use::read},
    {"request_id", both, field_use::no_effect},
    {"spaces_between_special_tokens", both, field_use::no_effect},  // of tokenizers that are not byte-level
    {"structured_outputs", both, field_use::refused},
    {"guided_json", both, field_use::refused},
    {"guided_regex", both, field_use::refused},
    {"guided_choice", both, field_use::refused},
    {"guided_grammar", both, field_use::refused},
    {"guided_decoding_backend", both, field_use::refused},
    {"guided_whitespace_pattern", both, field_use::refused},
    {"structural_tag", both, field_use::refused},
    {"prompt_logprobs", both, field_use::refused},
    {"truncate_prompt_tokens", both, field_use::refused},
    {"use_beam_search", both, field_use::refused, "[false]"},
    {"length_penalty", both, field_use::refused, "[1, 1.0]"},
    {"bad_words", both, field_use::refused, "[[]]"},
    {"allowed_token_ids", both, field_use::refused, "[[]]"},
    {"logits_processors", both, field_use::refused, "[[]]"},
    {"detokenize", both, field_use::refused, "[true]"},
    {"return_tokens_as_token_ids", both, field_use::refused, "[false]"},
    {"prompt_embeds", text, field_use::refused},
    {"documents", chat, field_use::refused, "[[]]"},
    {"chat_template", chat | ids, field_use::refused},
    {"mm_processor_kwargs", chat | ids, field_use::refused, "[{}]"},
});

bool is_harmless(known_field const& known, boost::json::value const& value) {
  if (value.is_null()) return true;
  auto const harmless =
      boost::json::parse(boost::json::string_view{known.harmless.data(), known.harmless.size()});
  auto const& values = harmless.get_array();
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

std::span<known_field const> known_fields() {
  return table;
}

std::vector<std::string> check_unread(body_fields const& fields, boost::json::object const& body,
                                      route_set route, bool strict, std::vector<std::string> nested) {
  std::vector<std::string> unknown;
  for (auto const name : fields.unread()) {
    auto const known = std::find_if(table.begin(), table.end(), [&](known_field const& each) {
      return each.name == name && (each.routes & route) != 0;
    });
    if (known == table.end()) {
      if (!body.at(name).is_null()) unknown.emplace_back(name);
      continue;
    }
    if (known->use == field_use::read) throw std::logic_error{"no reader for " + std::string{name}};
    if (known->use == field_use::refused && !is_harmless(*known, body.at(name)))
      refuse(std::string{name}, "unsupported_parameter", "is not supported");
  }
  unknown.insert(unknown.end(), std::make_move_iterator(nested.begin()),
                 std::make_move_iterator(nested.end()));
  if (strict && !unknown.empty()) refuse(unknown.front(), "unknown_parameter", "is not known");
  return unknown;
}

}  // namespace server
