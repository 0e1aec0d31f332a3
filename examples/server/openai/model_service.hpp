// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/openai/body_limits.hpp"
#include "tenon/engine/engine_thread.hpp"
#include "tenon/text/any_chat_format.hpp"
#include "tenon/text/byte_level_bpe.hpp"
#include "tenon/work/request.hpp"

namespace server {

class serving_metrics;
struct http_request;

/// What the routes of the OpenAI API need of the model that they serve. Lives as long as the routes, which
/// only read it.
struct model_service {
  tenon::engine_thread& engine;
  tenon::byte_level_bpe const& tokenizer;
  tenon::any_chat_format format{};
  std::vector<std::string> names{};       ///< that a request's `model` may have; answers carry the first
  std::int64_t created = 0;               ///< /v1/models: when the server started, seconds since 1970
  tenon::sampling_parameters sampling{};  ///< for what a request leaves out
  bool sampling_of_the_model = true;      ///< `sampling` is the checkpoint's own; its modes' values hold
  std::int32_t default_max_tokens = 0;    ///< of a chat that names none; 0: what the context leaves
  bool reasoning_alias = false;           ///< reasoning text also goes to `reasoning`
  bool strict = false;                    ///< unknown fields are errors
  body_limits limits{};
  int retry_after_s = 1;               ///< what 503 answers tell clients to wait
  serving_metrics* metrics = nullptr;  ///< may be absent
  /// One line for the log about a request that was answered, without any of its text. May be absent.
  std::function<void(http_request const&, std::string_view line)> note{};
};

}  // namespace server
