// SPDX-License-Identifier: Apache-2.0
#include "server/openai/answer_route.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "server/error_response.hpp"
#include "tenon/engine/random_seed.hpp"
#include "tenon/text/siphash.hpp"

namespace server {

namespace {

struct failure {
  int status;
  error_text text;
};

/// The engine's words for fields that clients know by other names.
std::string client_name(std::string const& parameter) {
  if (parameter == "max_new_tokens") return "max_tokens";
  if (parameter == "min_new_tokens") return "min_tokens";
  if (parameter == "choices") return "n";
  if (parameter == "stop_ids") return "stop_token_ids";
  return parameter;
}

failure explain(tenon::request_error const& wrong) {
  int const status = wrong.code() == "model_not_found" ? 404 : 400;
  return {status, {.message = wrong.what(), .param = client_name(wrong.parameter()), .code = wrong.code()}};
}

failure unavailable(std::string message, std::string code) {
  return {503, {.message = std::move(message), .type = "server_error", .code = std::move(code)}};
}

failure shutting_down() {
  return unavailable("the server is shutting down", "shutting_down");
}

/// What the empty queue has no room for would get a 503 as often as it was sent again: it is a 400.
void check_room(std::int64_t wanted, std::int64_t room, std::string_view of_what,
                std::string const& parameter) {
  if (wanted <= room) return;
  refuse(parameter, "invalid_value",
         "expected at most " + std::to_string(room) + ' ' + std::string{of_what} +
             ", which is all that the queue takes, found " + std::to_string(wanted));
}

/// Equal only for equal tenants and salts: nobody without the key finds a salt that leads into another's
/// scope.
tenon::cache_scope scope_of(std::string_view tenant, std::string_view salt) {
  static tenon::siphash_key const key{tenon::random_seed(), tenon::random_seed()};
  auto text = std::to_string(tenant.size()) + ':';
  text.append(tenant).append(salt);
  return tenon::cache_scope{tenon::siphash(text, key)};
}

}  // namespace

boost::asio::awaitable<void> answer_errors(route_work const& work, model_service const& service,
                                           http_request const& request, reply& out) {
  failure failed;
  try {
    co_return co_await work(service, request, out);
  } catch (tenon::request_error const& wrong) {
    failed = explain(wrong);
  } catch (tenon::overloaded_error const&) {
    failed = unavailable("the server is busy: try again later", "overloaded");
  } catch (tenon::stopped_error const&) {
    failed = shutting_down();
  } catch (generation_error const& broken) {
    if (service.note) service.note(request, "engine: " + std::string{broken.what()});
    failed = service.engine.failure() ? failure{500,
                                                {.message = "the engine could not finish this answer",
                                                 .type = "server_error",
                                                 .code = "engine"}}
                                      : shutting_down();
  }
  if (out.streaming()) {
    auto const event = "data: " + to_json(failed.text) + "\n\n";
    co_await out.write_events(event);
    co_return co_await out.end_events();
  }
  auto response = error_response(failed.status, failed.text);
  if (failed.status == 503)
    response.headers.push_back({"Retry-After", std::to_string(service.retry_after_s)});
  co_await out.send(std::move(response));
}

void reserve(generation::places& places, std::size_t count, std::string const& parameter,
             model_service const& service) {
  check_room(static_cast<std::int64_t>(count), service.engine.limits().max_requests, "requests", parameter);
  while (places.size() < count) {
    auto place = service.engine.reserve();
    if (!place) throw tenon::overloaded_error{"the queue is full"};
    places.push_back(std::move(*place));
  }
}

generation_plan make_plan(generation_fields const& fields, http_request const& request) {
  generation_plan plan{.wish = fields.wish, .answer = fields.answer, .arrived = request.arrived};
  plan.wish.scope = scope_of(request.tenant, fields.cache_salt);
  plan.tokens = {.skip_special = fields.skip_special_tokens,
                 .keep = fields.return_token_ids || fields.wish.sampling.logprobs >= 0,
                 .keep_stop_id = fields.return_token_ids};
  return plan;
}

void set_lengths(generation_plan& plan, generation_fields const& fields, std::string const& parameter,
                 std::int32_t without_limit, model_service const& service) {
  std::size_t longest = 0;
  for (auto const& prompt : plan.prompts) {
    if (prompt.empty()) refuse(parameter, "invalid_value", "expected at least one token, found none");
    longest = std::max(longest, prompt.size());
  }
  auto const context = max_model_len(service);
  auto const room = context - static_cast<std::int64_t>(longest);
  auto const wanted = fields.max_tokens ? *fields.max_tokens : std::int64_t{1};
  if (room < wanted) {
    refuse(parameter, "context_length_exceeded",
           "this model's maximum context length is " + std::to_string(context) + " tokens, and " +
               std::to_string(longest) + " of the prompt and " + std::to_string(wanted) +
               " of the answer were asked for");
  }
  auto const most = without_limit > 0 ? std::min<std::int64_t>(without_limit, room) : room;
  plan.wish.max_new_tokens = fields.max_tokens.value_or(static_cast<std::int32_t>(most));
  if (plan.wish.min_new_tokens > plan.wish.max_new_tokens) {
    refuse("min_tokens", "invalid_value",
           "expected at most " + std::to_string(plan.wish.max_new_tokens) +
               ", the most tokens of the answer, found " + std::to_string(plan.wish.min_new_tokens));
  }
  check_room(generation::tokens_for(plan), service.engine.limits().max_tokens, "tokens with the answers",
             parameter);
}

std::vector<header> name_ignored(std::span<std::string const> ignored, model_service const& service,
                                 http_request const& request) {
  if (ignored.empty()) return {};
  constexpr std::size_t most = 1000;  // bytes: a header must not grow with a body
  std::string names;
  for (auto const& name : ignored) {
    if (names.size() + name.size() > most) {
      names += ", ...";
      break;
    }
    if (!names.empty()) names += ", ";
    names += name;
  }
  auto const plain = [](char letter) { return letter > ' ' && letter <= '~'; };
  for (auto& letter : names) letter = plain(letter) || letter == ' ' ? letter : '?';
  if (service.note) service.note(request, "ignored: " + names);
  return {{"x-tenon-ignored", names}};
}

boost::asio::awaitable<void> send_answers(generation& running, answer_writer& writer,
                                          generation_fields const& fields, std::vector<header> headers,
                                          reply& out) {
  if (!fields.stream) {
    for (auto deltas = co_await running.next(); !deltas.empty(); deltas = co_await running.next())
      for (auto const& delta : deltas) writer.add(delta);
    auto const usage = co_await running.usage();
    auto const whole = writer.whole(usage);
    co_return co_await send_json(whole, std::move(headers), out);
  }
  co_await out.begin_events(std::move(headers));
  std::string events;
  for (bool first = true;; first = false) {
    auto const deltas = co_await running.next();
    if (deltas.empty()) break;
    events.clear();
    if (first) writer.begin(events);
    for (auto const& delta : deltas) writer.stream(delta, events);
    co_await out.write_events(events);
  }
  events.clear();
  if (fields.include_usage) {
    auto const usage = co_await running.usage();
    writer.stream_usage(usage, events);
  }
  events += "data: [DONE]\n\n";
  co_await out.write_events(events);
  co_await out.end_events();
}

boost::asio::awaitable<void> send_json(boost::json::object const& body, std::vector<header> headers,
                                       reply& out) {
  // Named, because g++ 12 destroys a braced temporary twice when it is an argument of what is awaited.
  http_response response{.body = boost::json::serialize(body), .headers = std::move(headers)};
  co_await out.send(std::move(response));
}

}  // namespace server
