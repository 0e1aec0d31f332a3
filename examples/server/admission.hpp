// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "server/exchange.hpp"
#include "server/request_reader.hpp"
#include "server/server_state.hpp"

namespace server {

/// A request that may go on to its route.
struct admitted {
  route const* way = nullptr;
  std::string tenant{};
  api_keys::place place{};
};

/// Decides by the head alone whether a request is let in; else with what it is answered: preflights (204),
/// unknown paths (404) and methods (405), missing keys (401), too many requests of a key (429), a server
/// that is not serving (503).
std::variant<admitted, http_response> admit(request_head const& head, server_state& shared);

/// The value for Access-Control-Allow-Origin; empty where the origin may not read answers.
std::string allowed_origin(server_state const& shared, std::string const& origin);

}  // namespace server
