// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "server/openai/answer_route.hpp"
#include "server/openai/chat_body.hpp"
#include "server/openai/chat_writer.hpp"
#include "server/openai/routes.hpp"
#include "tenon/text/forced_tool_call.hpp"
#include "tenon/text/mode_sampling.hpp"

namespace server {

namespace {

/// A chat that says nothing about sampling gets what its mode of the model asks for.
void choose_sampling(chat_body const& body, model_service const& service,
                     tenon::sampling_parameters& sampling) {
  if (body.generation.names_sampling || !service.sampling_of_the_model) return;
  sampling = tenon::sampling_for(service.format, body.conversation.options, sampling);
}

void plan_tools(chat_body& body, model_service const& service, generation_plan& plan) {
  plan.answer.tool_calls = body.tools != tool_use::none;
  plan.answer.single_call = !body.parallel_tool_calls;
  if (body.tools != tool_use::forced) return;
  body.conversation.options.enable_thinking = false;  // the answer begins with the call
  auto const opening = tenon::forced_tool_call(body.forced_tool);
  plan.wish.forced = service.tokenizer.encode(opening.spans());
}

void plan_thinking(chat_body& body, model_service const& service, generation_plan& plan) {
  auto& options = body.conversation.options;
  if (body.thinking_budget == 0) options.enable_thinking = false;
  plan.answer.reasoning = tenon::reasoning(service.format, options);
  if (!body.thinking_budget || plan.answer.reasoning == tenon::reasoning_mode::none) return;
  plan.thinking_budget = body.thinking_budget;
  plan.end_of_thinking = service.tokenizer.encode(tenon::end_of_thinking);
}

generation_plan plan_chat(chat_body& body, model_service const& service, http_request const& request) {
  auto plan = make_plan(body.generation, request);
  choose_sampling(body, service, plan.wish.sampling);
  plan_tools(body, service, plan);
  plan_thinking(body, service, plan);
  auto const& conversation = body.conversation;
  auto const rendered = tenon::render(service.format, conversation.messages, conversation.options);
  plan.prompts.push_back(service.tokenizer.encode(rendered.spans()));
  set_lengths(plan, body.generation, "messages", service.default_max_tokens, service);
  return plan;
}

}  // namespace

boost::asio::awaitable<void> chat_completions(model_service const& service, http_request const& request,
                                              reply& out) {
  generation::places places;
  reserve(places, 1, "messages", service);
  auto body = read_chat_body(parse_body(request.body), service);
  auto identity = new_identity("chatcmpl-", body.model);
  auto plan = plan_chat(body, service, request);
  plan.answer.call_ids = "call_" + identity.id.substr(identity.id.find('-') + 1) + '_';
  reserve(places, generation::places_for(1, plan), "n", service);

  auto const& fields = body.generation;
  chat_writer_options options{.reasoning = body.return_reasoning,
                              .reasoning_alias = service.reasoning_alias,
                              .logprobs = fields.wish.sampling.logprobs >= 0,
                              .token_ids = fields.return_token_ids,
                              .usage_null = fields.include_usage};
  if (body.echo) options.echoed = body.conversation.messages.back().content;
  chat_writer writer{std::move(identity), std::move(options), service.tokenizer, plan.prompts.front(),
                     static_cast<std::size_t>(plan.wish.choices)};
  auto const executor = co_await boost::asio::this_coro::executor;
  generation running{executor, service, std::move(plan), std::move(places)};
  auto headers = name_ignored(body.ignored, service, request);
  co_await send_answers(running, writer, fields, std::move(headers), out);
}

}  // namespace server
