// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/load_engine.hpp"
#include "server/metrics.hpp"
#include "server/openai/model_service.hpp"
#include "server/router.hpp"
#include "server/server_state.hpp"
#include "server/settings.hpp"
#include "tenon/engine/engine_thread.hpp"
#include "tenon/text/byte_level_bpe.hpp"

namespace server {

/// A loaded model with its thread, and all routes.
class served_model {
 public:
  /// Throws load_error for a tokenizer or a chat template that is not known.
  served_model(loaded_engine loaded, settings const& chosen, server_state& shared);
  served_model(served_model const&) = delete;
  served_model& operator=(served_model const&) = delete;

  /// One answer of one token: what is made at the first use is there before the first request. Throws
  /// tenon::error when the engine fails at it.
  void warm_up();

  tenon::engine_thread& engine() noexcept { return engine_; }
  router const& routes() const noexcept { return routes_; }

 private:
  tenon::byte_level_bpe tokenizer_;
  serving_metrics metrics_;
  tenon::engine_thread engine_;
  model_service service_;
  router routes_;
};

}  // namespace server
