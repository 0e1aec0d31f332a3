// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/checkpoint/json_fields.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/checkpoint/parse_json.hpp"
#include "tenon/checkpoint/random_access_file.hpp"
#include "tenon/core/ids.hpp"

namespace tenon {

/// The sampling values and stop ids that a checkpoint's makers recommend. An absent value is one that the
/// file does not name.
struct generation_config {
  std::optional<bool> do_sample;
  std::optional<float> temperature;
  std::optional<float> top_p;
  std::optional<std::int32_t> top_k;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::vector<token_id> stop_ids;  ///< eos_token_id: generation ends with any of them
  std::optional<token_id> pad_id;
};

/// Reads the text of a generation_config.json for a model with `vocabulary` ids. Throws load_error that says
/// file, key, expected and found.
inline generation_config parse_generation_config(std::string_view text, std::int32_t vocabulary,
                                                 std::string const& where) {
  auto const root = parse_json(text, where);
  if (!root.is_object()) throw load_error{where, "expected a JSON object"};
  json_fields const fields{root.get_object(), where};
  auto const number = [&](std::string_view key, value_range<double> range) -> std::optional<float> {
    auto const found = fields.number(key, range);
    return found ? std::optional{static_cast<float>(*found)} : std::nullopt;
  };

  generation_config config;
  config.do_sample = fields.boolean("do_sample");
  config.temperature = number("temperature", {.least = 0.0, .most = 100.0});
  config.top_p = number("top_p", {.least = 0.0, .most = 1.0});
  if (auto const top_k = fields.integer("top_k", {.least = 0, .most = vocabulary})) {
    config.top_k = static_cast<std::int32_t>(*top_k);
  }
  config.min_p = number("min_p", {.least = 0.0, .most = 1.0});
  config.repetition_penalty = number("repetition_penalty", {.least = 0.01, .most = 100.0});
  config.stop_ids = detail::ids_below(fields, "eos_token_id", vocabulary);
  auto const pad = detail::ids_below(fields, "pad_token_id", vocabulary);
  if (!pad.empty()) config.pad_id = pad.front();
  return config;
}

/// Reads `directory`/generation_config.json. Without the file, or without stop ids in it, those of
/// config.json hold.
inline generation_config load_generation_config(std::filesystem::path const& directory,
                                                model_config const& model) {
  generation_config config;
  auto const path = directory / "generation_config.json";
  if (file_exists(path)) {
    config = parse_generation_config(read_text_file(path, 16 << 20), model.shape.vocabulary, path.string());
  }
  if (config.stop_ids.empty()) config.stop_ids = model.stop_ids;
  return config;
}

}  // namespace tenon
