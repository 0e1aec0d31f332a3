// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "server/router.hpp"
#include "server/server_state.hpp"

namespace server {

/// Adds the routes that need no model: /health (200 while the engine gets on with its work, and while it
/// loads; else 503), /health/ready (200 while requests are taken), /version, and the chat page at /, which
/// asks for the key itself.
void add_health_routes(router& routes, server_state& shared);

}  // namespace server
