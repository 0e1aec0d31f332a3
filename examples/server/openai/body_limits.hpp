// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace server {

/// How much the body of one request may ask for; more is a 400.
struct body_limits {
  std::int64_t n = 16;
  std::int64_t prompts = 64;       ///< in an array
  std::int64_t logprobs = 20;      ///< of one token; the engine has no room for more
  std::int64_t stops = 4;          ///< strings; OpenAI's limit
  std::int64_t logit_bias = 1024;  ///< entries; the engine has no room for more
};

}  // namespace server
