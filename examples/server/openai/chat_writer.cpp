// SPDX-License-Identifier: Apache-2.0
#include "server/openai/chat_writer.hpp"

#include <utility>
#include <variant>

namespace server {

namespace {

boost::json::array bytes_json(std::string_view bytes) {
  boost::json::array result;
  for (char const byte : bytes) result.emplace_back(static_cast<unsigned char>(byte));
  return result;
}

/// `tool_calls` of a delta: each call's id, type and name stand once, then come fragments of its arguments.
boost::json::array calls_json(std::vector<tenon::tool_call_event> const& events) {
  boost::json::array calls;
  for (auto const& event : events) {
    if (auto const* const begin = std::get_if<tenon::tool_call_begin>(&event)) {
      calls.emplace_back(boost::json::object{{"index", begin->index},
                                             {"id", begin->id},
                                             {"type", "function"},
                                             {"function", {{"name", begin->name}, {"arguments", ""}}}});
    } else if (auto const* const piece = std::get_if<tenon::tool_call_arguments>(&event)) {
      if (calls.empty() || calls.back().at("index").to_number<std::size_t>() != piece->index) {
        calls.emplace_back(boost::json::object{{"index", piece->index}, {"function", {{"arguments", ""}}}});
      }
      calls.back().at("function").at("arguments").as_string().append(piece->fragment);
    }
  }
  return calls;
}

}  // namespace

chat_writer::chat_writer(answer_identity identity, chat_writer_options options,
                         tenon::byte_level_bpe const& tokenizer, std::vector<tenon::token_id> prompt,
                         std::size_t choices)
    : identity_{std::move(identity)},
      options_{std::move(options)},
      tokenizer_{tokenizer},
      prompt_{std::move(prompt)},
      choices_(choices) {
  for (auto& each : choices_) each.answer.content = options_.echoed;
}

boost::json::object chat_writer::logprob(tenon::token_id id, float value) const {
  auto const bytes = tokenizer_.token_bytes(id);
  return {{"token", token_text(bytes)}, {"logprob", shown_logprob(value)}, {"bytes", bytes_json(bytes)}};
}

boost::json::value chat_writer::logprobs(std::span<tenon::event const> tokens) const {
  if (!options_.logprobs) return nullptr;
  boost::json::array content;
  for (auto const& token : tokens) {
    auto entry = logprob(*token.token, token.logprob);
    boost::json::array best;
    for (auto const& other : token.alternatives) best.emplace_back(logprob(other.id, other.logprob));
    entry["top_logprobs"] = std::move(best);
    content.emplace_back(std::move(entry));
  }
  return boost::json::object{{"content", std::move(content)}, {"refusal", nullptr}};
}

void chat_writer::put_reasoning(boost::json::object& object, std::string_view text) const {
  if (text.empty() || !options_.reasoning) return;
  object["reasoning_content"] = text;
  if (options_.reasoning_alias) object["reasoning"] = text;
}

boost::json::object chat_writer::delta_json(tenon::answer_delta const& text) const {
  boost::json::object delta;
  put_reasoning(delta, text.reasoning);
  if (!text.content.empty()) delta["content"] = text.content;
  if (auto calls = calls_json(text.calls); !calls.empty()) delta["tool_calls"] = std::move(calls);
  return delta;
}

void chat_writer::append_chunk(std::string& events, std::size_t index, boost::json::object delta,
                               std::span<tenon::event const> tokens, finish ended) {
  auto chunk = answer_object(identity_, "chat.completion.chunk");
  boost::json::object choice{{"index", index}, {"delta", std::move(delta)}};
  choice["logprobs"] = tokens.empty() ? boost::json::value(nullptr) : logprobs(tokens);
  choice["finish_reason"] = to_json(ended);
  if (options_.token_ids) {
    if (!std::exchange(prompt_shown_, true)) chunk["prompt_token_ids"] = to_json(prompt_);
    if (!tokens.empty()) choice["token_ids"] = ids_of(tokens);
  }
  chunk["choices"] = boost::json::array{std::move(choice)};
  if (options_.usage_null) chunk["usage"] = nullptr;
  append_event(events, chunk);
}

void chat_writer::begin(std::string& events) {
  for (std::size_t i = 0; i < choices_.size(); ++i)
    append_chunk(events, i, {{"role", "assistant"}, {"content", options_.echoed}}, {}, finish::none);
}

void chat_writer::stream(choice_delta const& delta, std::string& events) {
  auto text = delta_json(delta.text);
  if (!text.empty() || !delta.tokens.empty())
    append_chunk(events, delta.choice, std::move(text), delta.tokens, finish::none);
  if (delta.ended != finish::none) append_chunk(events, delta.choice, {}, {}, delta.ended);
}

void chat_writer::stream_usage(generation_usage const& usage, std::string& events) {
  auto chunk = answer_object(identity_, "chat.completion.chunk");
  chunk["choices"] = boost::json::array{};
  chunk["usage"] = to_json(usage);
  append_event(events, chunk);
}

void chat_writer::add(choice_delta const& delta) {
  auto& all = choices_[delta.choice];
  all.answer.add(delta.text);
  all.tokens.insert(all.tokens.end(), delta.tokens.begin(), delta.tokens.end());
  if (delta.ended == finish::none) return;
  all.ended = delta.ended;
  all.without_content = delta.without_content;
}

boost::json::object chat_writer::message_json(choice const& whole) const {
  boost::json::object message{{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  auto const& answer = whole.answer;
  bool const only_calls = !answer.calls.empty() && answer.content.empty();
  if (!only_calls && !whole.without_content) message["content"] = answer.content;
  put_reasoning(message, answer.reasoning);
  boost::json::array calls;
  for (auto const& call : answer.calls) {
    calls.emplace_back(
        boost::json::object{{"id", call.id},
                            {"type", "function"},
                            {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  return message;
}

boost::json::object chat_writer::whole(generation_usage const& usage) {
  auto result = answer_object(identity_, "chat.completion");
  boost::json::array choices;
  for (auto const& each : choices_) {
    boost::json::object choice{{"index", choices.size()}, {"message", message_json(each)}};
    choice["logprobs"] = logprobs(each.tokens);
    choice["finish_reason"] = to_json(each.ended);
    if (options_.token_ids) choice["token_ids"] = ids_of(each.tokens);
    choices.emplace_back(std::move(choice));
  }
  result["choices"] = std::move(choices);
  result["usage"] = to_json(usage);
  if (options_.token_ids) result["prompt_token_ids"] = to_json(prompt_);
  return result;
}

}  // namespace server
