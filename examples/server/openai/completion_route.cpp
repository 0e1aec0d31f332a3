// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "server/openai/answer_route.hpp"
#include "server/openai/completion_body.hpp"
#include "server/openai/completion_writer.hpp"
#include "server/openai/routes.hpp"

namespace server {

namespace {

constexpr std::int32_t openai_default_length = 16;  // of a completion that names no max_tokens

std::vector<tenon::token_id> ids_of(prompt_source const& prompt, model_service const& service) {
  if (auto const* const ids = std::get_if<std::vector<tenon::token_id>>(&prompt)) return *ids;
  return encode_text(std::get<std::string>(prompt), service);
}

std::string text_of(prompt_source const& prompt, bool skip_special, model_service const& service) {
  if (auto const* const text = std::get_if<std::string>(&prompt)) return *text;
  return service.tokenizer.decode(std::get<std::vector<tenon::token_id>>(prompt), skip_special);
}

}  // namespace

boost::asio::awaitable<void> completions(model_service const& service, http_request const& request,
                                         reply& out) {
  generation::places places;
  reserve(places, 1, "prompt", service);
  auto const body = read_completion_body(parse_body(request.body), service);
  auto const& fields = body.generation;
  reserve(places, body.prompts.size(), "prompt", service);

  auto plan = make_plan(fields, request);
  for (auto const& prompt : body.prompts) plan.prompts.push_back(ids_of(prompt, service));
  set_lengths(plan, fields, "prompt", openai_default_length, service);

  completion_writer_options options{.logprobs = fields.wish.sampling.logprobs >= 0,
                                    .skip_special = fields.skip_special_tokens,
                                    .token_ids = fields.return_token_ids,
                                    .usage_null = fields.include_usage};
  for (std::size_t i = 0; body.echo && i < body.prompts.size(); ++i)
    options.echoed.push_back(text_of(body.prompts[i], fields.skip_special_tokens, service));
  completion_writer writer{new_identity("cmpl-", body.model), std::move(options), service.tokenizer,
                           plan.prompts, static_cast<std::size_t>(plan.wish.choices)};
  auto const executor = co_await boost::asio::this_coro::executor;
  generation running{executor, service, std::move(plan), std::move(places)};
  auto headers = name_ignored(body.ignored, service, request);
  co_await send_answers(running, writer, fields, std::move(headers), out);
}

}  // namespace server
