// SPDX-License-Identifier: Apache-2.0
#include "server/served_model.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "server/health.hpp"
#include "server/openai/openai_routes.hpp"

namespace server {

namespace {

namespace asio = boost::asio;

tenon::sampling_parameters chosen_sampling(tenon::sampling_parameters sampling, settings const& chosen) {
  if (chosen.temperature) sampling.temperature = *chosen.temperature;
  if (chosen.top_p) sampling.top_p = *chosen.top_p;
  if (chosen.top_k) sampling.top_k = *chosen.top_k;
  if (chosen.min_p) sampling.min_p = *chosen.min_p;
  return sampling;
}

bool is_of_the_model(settings const& chosen) {
  return !chosen.temperature && !chosen.top_p && !chosen.top_k && !chosen.min_p;
}

std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

served_model::served_model(loaded_engine loaded, settings const& chosen, server_state& shared)
    : tokenizer_{tenon::byte_level_bpe::load(chosen.engine.model)},
      metrics_{chosen.names.front()},
      engine_{std::move(loaded.engine), chosen.queue},
      service_{.engine = engine_,
               .tokenizer = tokenizer_,
               .format = tenon::choose_chat_format(chosen.engine.model),
               .names = chosen.names,
               .created = unix_time(),
               .sampling = chosen_sampling(std::move(loaded.sampling), chosen),
               .sampling_of_the_model = is_of_the_model(chosen),
               .default_max_tokens = chosen.default_max_tokens,
               .reasoning_alias = chosen.reasoning_alias,
               .strict = chosen.strict,
               .limits = chosen.bodies,
               .metrics = &metrics_,
               .note = [&shared](http_request const& request, std::string_view line) {
                 shared.log.write(severity::info, "note", {{"id", request.id}, {"what", std::string{line}}});
               }} {
  add_health_routes(routes_, shared);
  add_openai_routes(routes_, service_);
  auto const page = [this](http_request const&, reply& out) -> asio::awaitable<void> {
    http_response response{.body = metrics_.render(engine_.stats(), engine_.description()),
                           .content_type = std::string{serving_metrics::content_type}};
    co_await out.send(std::move(response));
  };
  routes_.add("GET", "/metrics", page, access::keyed_always);
}

void served_model::warm_up() {
  auto const ended = std::make_shared<std::promise<std::string>>();
  engine_.submit({.prompt = {0}, .max_new_tokens = 1, .ignore_stop_ids = true},
                 [ended](tenon::event const& happened) {
                   if (happened.finish != tenon::finish_reason::none) ended->set_value(happened.message);
                 });
  auto const failure = ended->get_future().get();
  if (!failure.empty()) throw tenon::error{failure};
}

}  // namespace server
