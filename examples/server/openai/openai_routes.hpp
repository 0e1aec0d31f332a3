// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/openai/model_service.hpp"

namespace server {

class router;

/// Adds /v1/chat/completions, /v1/completions, /v1/models, /v1/models/{name}, /tokenize and /detokenize.
/// `service` must outlive the router.
void add_openai_routes(router& routes, model_service& service);

}  // namespace server
