// SPDX-License-Identifier: Apache-2.0
#include "server/openai/completion_writer.hpp"

#include <algorithm>
#include <utility>

#include "tenon/text/utf8.hpp"

namespace server {

namespace {

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

/// A token's name in OpenAI's lists, where a token that is no UTF-8 is spelled by its bytes.
std::string token_name(std::string_view bytes) {
  if (tenon::utf8::find_invalid(bytes) == std::string_view::npos) return std::string{bytes};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string name = "bytes:";
  for (char const byte : bytes) {
    auto const value = static_cast<unsigned char>(byte);
    name += {'\\', 'x', digits[value >> 4], digits[value & 15]};
  }
  return name;
}

}  // namespace

completion_writer::completion_writer(answer_identity identity, completion_writer_options options,
                                     tenon::byte_level_bpe const& tokenizer,
                                     std::vector<std::vector<tenon::token_id>> prompts, std::size_t choices)
    : identity_{std::move(identity)},
      options_{std::move(options)},
      tokenizer_{tokenizer},
      prompts_{std::move(prompts)},
      choices_of_one_{choices},
      choices_(prompts_.size() * choices) {
  for (std::size_t i = 0; i < choices_.size() && !options_.echoed.empty(); ++i)
    choices_[i].text = options_.echoed[prompt_of(i)];
}

void completion_writer::add_logprobs(choice& to, std::span<tenon::event const> tokens,
                                     logprobs_lists& lists) const {
  for (auto const& token : tokens) {
    auto const bytes = tokenizer_.token_bytes(*token.token);
    lists.tokens.emplace_back(token_name(bytes));
    lists.values.emplace_back(shown_logprob(token.logprob));
    boost::json::object best;
    best[token_name(bytes)] = shown_logprob(token.logprob);  // the chosen one is always among them
    for (auto const& other : token.alternatives)
      best[token_name(tokenizer_.token_bytes(other.id))] = shown_logprob(other.logprob);
    lists.best.emplace_back(std::move(best));
    lists.offsets.emplace_back(to.offset);
    bool const has_text = !options_.skip_special || !tokenizer_.is_special(*token.token);
    if (has_text) to.offset += code_points(to.decoder.push(bytes));
  }
}

boost::json::object completion_writer::to_json(logprobs_lists lists) {
  boost::json::object result;
  result["tokens"] = std::move(lists.tokens);
  result["token_logprobs"] = std::move(lists.values);
  result["top_logprobs"] = std::move(lists.best);
  result["text_offset"] = std::move(lists.offsets);
  return result;
}

void completion_writer::append_chunk(std::string& events, std::size_t index, std::string_view text,
                                     std::span<tenon::event const> tokens, finish ended) {
  auto chunk = answer_object(identity_, "text_completion");
  boost::json::object part{{"index", index}, {"text", text}, {"logprobs", nullptr}};
  if (options_.logprobs && !tokens.empty()) {
    logprobs_lists lists;
    add_logprobs(choices_[index], tokens, lists);
    part["logprobs"] = to_json(std::move(lists));
  }
  part["finish_reason"] = server::to_json(ended);
  if (options_.token_ids) {
    if (!std::exchange(choices_[index].prompt_shown, true))
      part["prompt_token_ids"] = server::to_json(prompts_[prompt_of(index)]);
    part["token_ids"] = ids_of(tokens);
  }
  chunk["choices"] = boost::json::array{std::move(part)};
  if (options_.usage_null) chunk["usage"] = nullptr;
  append_event(events, chunk);
}

void completion_writer::begin(std::string& events) {
  for (std::size_t i = 0; i < choices_.size() && !options_.echoed.empty(); ++i)
    append_chunk(events, i, choices_[i].text, {}, finish::none);
}

void completion_writer::stream(choice_delta const& delta, std::string& events) {
  append_chunk(events, delta.choice, delta.text.content, delta.tokens, delta.ended);
}

void completion_writer::stream_usage(generation_usage const& usage, std::string& events) {
  auto chunk = answer_object(identity_, "text_completion");
  chunk["choices"] = boost::json::array{};
  chunk["usage"] = server::to_json(usage);
  append_event(events, chunk);
}

void completion_writer::add(choice_delta const& delta) {
  auto& all = choices_[delta.choice];
  all.text += delta.text.content;
  if (options_.logprobs) add_logprobs(all, delta.tokens, all.logprobs);
  for (auto const& token : delta.tokens) all.ids.emplace_back(*token.token);
  if (delta.ended != finish::none) all.ended = delta.ended;
}

boost::json::object completion_writer::whole(generation_usage const& usage) {
  auto result = answer_object(identity_, "text_completion");
  boost::json::array choices;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    auto& each = choices_[i];
    boost::json::object part{{"index", i}, {"text", each.text}, {"logprobs", nullptr}};
    if (options_.logprobs) part["logprobs"] = to_json(std::move(each.logprobs));
    part["finish_reason"] = server::to_json(each.ended);
    if (options_.token_ids) {
      part["prompt_token_ids"] = server::to_json(prompts_[prompt_of(i)]);
      part["token_ids"] = std::move(each.ids);
    }
    choices.emplace_back(std::move(part));
  }
  result["choices"] = std::move(choices);
  result["usage"] = server::to_json(usage);
  return result;
}

}  // namespace server
