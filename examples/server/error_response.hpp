// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "server/exchange.hpp"
#include "server/refusal.hpp"

namespace server {

/// What is wrong with a request, in the words of OpenAI's error object. Empty `param` and `code` are null.
struct error_text {
  std::string message;
  std::string type = "invalid_request_error";
  std::string param{};
  std::string code{};
};

/// {"error": {"message", "type", "param", "code"}}
std::string to_json(error_text const& wrong);

/// The same as a whole response. 429 and 503 get `Retry-After: 1` on the way out unless they have one.
http_response error_response(int status, error_text const& wrong);
http_response error_response(refusal const& why);

}  // namespace server
