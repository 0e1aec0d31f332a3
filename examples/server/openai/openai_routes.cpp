// SPDX-License-Identifier: Apache-2.0
#include "server/openai/openai_routes.hpp"

#include <utility>

#include "server/openai/answer_route.hpp"
#include "server/openai/routes.hpp"
#include "server/router.hpp"

namespace server {

void add_openai_routes(router& routes, model_service& service) {
  auto const add = [&](std::string method, std::string path, route_work work) {
    routes.add(std::move(method), std::move(path),
               [&service, work = std::move(work)](auto const& request, auto& out) {
                 return answer_errors(work, service, request, out);
               });
  };
  add("POST", "/v1/chat/completions", &chat_completions);
  add("POST", "/v1/completions", &completions);
  add("POST", "/tokenize", &tokenize);
  add("POST", "/detokenize", &detokenize);
  add("GET", "/v1/models", &list_models);
  add("GET", "/v1/models/*", &show_model);
}

}  // namespace server
