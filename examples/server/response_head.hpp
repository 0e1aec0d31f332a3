// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/exchange.hpp"

namespace server {

/// What of a request decides how its answer is written.
struct reply_style {
  bool http_1_0 = false;
  bool head_only = false;  ///< the answer to HEAD: all headers, no body
  bool keep_alive = true;  ///< else the connection closes behind the answer
  std::string request_id{};
  std::string origin{};  ///< for Access-Control-Allow-Origin; empty: none
};

/// The head of `response` as it goes out, the empty line included. Without a length the body is chunked, or
/// ends with the connection in HTTP/1.0. What a header's value may not have is replaced: routes put names
/// there that clients made up.
std::string response_head(http_response const& response, reply_style const& style,
                          std::optional<std::uint64_t> length);

}  // namespace server
