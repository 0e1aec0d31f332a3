// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engines/load_engine.hpp"
#include "server/api_keys.hpp"
#include "server/event_log.hpp"
#include "server/http_limits.hpp"
#include "server/openai/body_limits.hpp"
#include "tenon/engine/engine_thread.hpp"

namespace server {

/// What the command line says.
struct settings {
  engine_choice engine{};
  std::vector<std::string> names{};  ///< of the model; the directory's name, if none is given

  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  int io_threads = 2;
  std::vector<std::string> allowed_origins{};
  api_keys keys{};

  http_limits limits{};
  tenon::inbox_limits queue{};
  body_limits bodies{};
  bool strict = false;
  bool reasoning_alias = false;
  std::int32_t default_max_tokens = 0;
  std::optional<float> temperature{};
  std::optional<float> top_p{};
  std::optional<std::int32_t> top_k{};
  std::optional<float> min_p{};

  std::chrono::milliseconds drain_time{30'000};
  std::chrono::milliseconds step_time{60'000};
  severity log_level = severity::info;
};

/// Nothing when only help or the version was asked for, which is then printed. Throws std::exception with a
/// sentence for the user.
std::optional<settings> read_settings(int count, char const* const* arguments);

}  // namespace server
