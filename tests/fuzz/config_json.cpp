// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tenon/checkpoint/generation_config.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/core/error.hpp"

/// Any bytes as config.json and generation_config.json: an error, or values that the engine may rely on.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  try {
    auto const config = tenon::parse_model_config(text, "input");
    auto const& shape = config.shape;
    bool const sound = shape.hidden > 0 && shape.layers > 0 && shape.kv_heads > 0 && shape.vocabulary > 0 &&
                       shape.query_heads % shape.kv_heads == 0 && shape.head_dim % 2 == 0 &&
                       shape.query_width() > 0 && config.parameters.norm_epsilon > 0 &&
                       config.parameters.max_positions > 0;
    if (!sound) std::abort();
    for (auto id : config.stop_ids) {
      if (id < 0 || id >= shape.vocabulary) std::abort();
    }
  } catch (tenon::error const&) {
  }
  try {
    auto const config = tenon::parse_generation_config(text, 1000, "input");
    if (config.temperature && !(*config.temperature >= 0)) std::abort();
    if (config.top_p && !(*config.top_p >= 0 && *config.top_p <= 1)) std::abort();
  } catch (tenon::error const&) {
  }
  return 0;
}
