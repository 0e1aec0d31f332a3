// SPDX-License-Identifier: Apache-2.0
#include "server/admission.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <string_view>

#include "server/error_response.hpp"

namespace server {

namespace {

http_response options_response(std::string allow, bool is_preflight) {
  http_response response{.status = 204, .content_type = {}};
  if (is_preflight) {
    response.headers.push_back({"Access-Control-Allow-Methods", allow});
    // The official client sends a dozen of its own (X-Stainless-...); `*` does not stand for Authorization.
    response.headers.push_back(
        {"Access-Control-Allow-Headers", "Authorization, Content-Type, x-request-id, *"});
    response.headers.push_back({"Access-Control-Max-Age", "3600"});
  }
  response.headers.push_back({"Allow", std::move(allow)});
  return response;
}

http_response unauthorized() {
  auto response = error_response(
      401, {.message = "expected a valid API key: Authorization: Bearer <key>", .code = "invalid_api_key"});
  response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

http_response not_serving(phase now) {
  auto const* const message = now == phase::loading    ? "the model is still loading"
                              : now == phase::draining ? "the server is shutting down"
                                                       : "the engine has failed";
  return error_response(503, {.message = message, .type = "server_error", .code = "not_ready"});
}

/// Browsers send any page's POST without asking first, unless its type is one like this.
bool is_json(std::string_view content_type) {
  return boost::beast::iequals(content_type.substr(0, content_type.find_first_of("; \t")),
                               "application/json");
}

}  // namespace

std::string allowed_origin(server_state const& shared, std::string const& origin) {
  if (origin.empty()) return {};
  for (auto const& allowed : shared.allowed_origins) {
    if (allowed == "*" || allowed == origin) return allowed;
  }
  return {};
}

std::variant<admitted, http_response> admit(request_head const& head, server_state& shared) {
  auto const& method = head.framing.method;
  auto const& path = head.framing.path;
  auto const now = shared.now.load();
  if (path == "*") return options_response("GET, HEAD, POST, OPTIONS", false);
  auto const found = shared.routes.load()->find(method, path);
  if (method == "OPTIONS" && !found.allow.empty()) {
    return options_response(found.allow, !allowed_origin(shared, head.origin).empty());
  }
  auto const needed = found.found != nullptr ? found.found->allowed : access::keyed;
  admitted in{.way = found.found};
  if (needed != access::open && !shared.keys.empty()) {
    auto const key = shared.keys.find(head.authorization);
    if (!key) return unauthorized();
    in.tenant = shared.keys.tenant(*key);
    auto place = shared.keys.enter(*key);
    if (!place) {
      return error_response(429, {.message = "too many requests of this API key at one time",
                                  .type = "rate_limit_error",
                                  .code = "rate_limit_exceeded"});
    }
    in.place = std::move(*place);
  }
  if (needed == access::keyed && now != phase::serving) return not_serving(now);
  if (found.allow.empty()) {
    return error_response(404, {.message = "there is no such route", .code = "unknown_route"});
  }
  if (found.found == nullptr) {
    auto response =
        error_response(405, {.message = "the route does not have this method", .code = "method_not_allowed"});
    response.headers.push_back({"Allow", found.allow});
    return response;
  }
  if (method == "POST" && !head.origin.empty() && !is_json(head.content_type)) {
    return error_response(415, {.message = "expected Content-Type: application/json from a web page, found " +
                                           (head.content_type.empty() ? "none" : head.content_type),
                                .code = "unsupported_media_type"});
  }
  return in;
}

}  // namespace server
