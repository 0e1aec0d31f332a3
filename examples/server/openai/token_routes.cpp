// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <utility>

#include "server/openai/answer_route.hpp"
#include "server/openai/completion_body.hpp"
#include "server/openai/routes.hpp"

namespace server {

namespace {

std::vector<tenon::token_id> ids_of(tokenize_body const& body, model_service const& service) {
  if (auto const* const text = std::get_if<std::string>(&body.source)) return encode_text(*text, service);
  auto const& chat = std::get<conversation_fields>(body.source);
  auto const rendered = tenon::render(service.format, chat.messages, chat.options);
  return service.tokenizer.encode(rendered.spans());
}

/// A model's name as it stands in a URL: "%2F" is a slash. What is no escape stands for itself.
std::string decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    auto const* const digits = text.data() + i + 1;
    bool const escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    decoded += escape ? static_cast<char>(byte) : text[i];
    i += escape ? 2 : 0;
  }
  return decoded;
}

boost::json::object model_json(std::string const& name, model_service const& service) {
  return {{"id", name},
          {"object", "model"},
          {"created", service.created},
          {"owned_by", "tenon"},
          {"root", service.names.front()},
          {"parent", nullptr},
          {"max_model_len", max_model_len(service)}};
}

}  // namespace

boost::asio::awaitable<void> tokenize(model_service const& service, http_request const& request, reply& out) {
  auto const body = read_tokenize_body(parse_body(request.body), service);
  auto const ids = ids_of(body, service);
  boost::json::object answer{{"count", ids.size()}, {"max_model_len", max_model_len(service)}};
  answer["tokens"] = to_json(ids);
  answer["token_strs"] = nullptr;
  if (body.token_texts) {
    auto& texts = answer["token_strs"].emplace_array();
    for (auto const id : ids) texts.emplace_back(token_text(service.tokenizer.token_bytes(id)));
  }
  auto headers = name_ignored(body.ignored, service, request);
  co_await send_json(answer, std::move(headers), out);
}

boost::asio::awaitable<void> detokenize(model_service const& service, http_request const& request,
                                        reply& out) {
  auto const body = read_detokenize_body(parse_body(request.body), service);
  boost::json::object const answer{{"prompt", service.tokenizer.decode(body.tokens, false)}};
  auto headers = name_ignored(body.ignored, service, request);
  co_await send_json(answer, std::move(headers), out);
}

boost::asio::awaitable<void> list_models(model_service const& service, http_request const&, reply& out) {
  boost::json::array models;
  for (auto const& name : service.names) models.emplace_back(model_json(name, service));
  boost::json::object const answer{{"object", "list"}, {"data", std::move(models)}};
  std::vector<header> no_headers;
  co_await send_json(answer, std::move(no_headers), out);
}

boost::asio::awaitable<void> show_model(model_service const& service, http_request const& request,
                                        reply& out) {
  constexpr std::string_view prefix = "/v1/models/";
  auto const wanted = decode_percent(std::string_view{request.path}.substr(prefix.size()));
  if (std::find(service.names.begin(), service.names.end(), wanted) == service.names.end())
    throw tenon::request_error{"model", "model_not_found", "the model '" + wanted + "' does not exist"};
  auto const answer = model_json(wanted, service);
  std::vector<header> no_headers;
  co_await send_json(answer, std::move(no_headers), out);
}

}  // namespace server
