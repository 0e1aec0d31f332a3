// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/checkpoint/json_fields.hpp"
#include "tenon/checkpoint/parse_json.hpp"
#include "tenon/checkpoint/random_access_file.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/model/model_spec.hpp"

namespace tenon {

/// What a checkpoint's config.json says, checked. Keys that do not change what the model computes are
/// passed over.
struct model_config {
  std::string where;  ///< the file
  std::string model_type;
  decoder_shape shape;
  decoder_parameters parameters;
  std::optional<dtype> stored_type;         ///< torch_dtype or dtype
  std::optional<std::string> quant_method;  ///< of quantization_config, such as "fp8"; absent: none
  std::vector<token_id> stop_ids;           ///< eos_token_id: an integer or a list
};

namespace detail {

inline constexpr std::int64_t largest_width = 1 << 24;
inline constexpr std::size_t most_ids = 32;  // of stop ids; a request may add as many

inline std::int32_t required_width(json_fields const& fields, std::string_view key) {
  auto const width = fields.required(key, fields.integer(key, {.least = 1, .most = largest_width}));
  return static_cast<std::int32_t>(width);
}

/// 0 <= id < vocabulary, for each id under `key`.
inline std::vector<token_id> ids_below(json_fields const& fields, std::string_view key,
                                       std::int64_t vocabulary) {
  std::vector<token_id> ids;
  for (auto id : fields.integers(key, {.least = 0, .most = vocabulary - 1})) {
    ids.push_back(static_cast<token_id>(id));
  }
  if (ids.size() > most_ids) {
    fields.wrong(key, "at most " + std::to_string(most_ids) + " ids", *fields.find(key));
  }
  return ids;
}

inline decoder_shape shape_in(json_fields const& fields, std::string_view model_type) {
  decoder_shape shape;
  shape.hidden = required_width(fields, "hidden_size");
  shape.layers = required_width(fields, "num_hidden_layers");
  shape.query_heads = required_width(fields, "num_attention_heads");
  shape.kv_heads = required_width(fields, "num_key_value_heads");
  if (shape.query_heads % shape.kv_heads != 0) {
    fields.wrong("num_key_value_heads",
                 "a divisor of num_attention_heads " + std::to_string(shape.query_heads),
                 *fields.find("num_key_value_heads"));
  }
  if (fields.find("head_dim")) {
    shape.head_dim = required_width(fields, "head_dim");
    if (shape.head_dim % 2 != 0) fields.wrong("head_dim", "an even number", *fields.find("head_dim"));
  } else if (model_type == "qwen3") {
    shape.head_dim = 128;  // Qwen3Config's default
  } else if (shape.hidden % (2 * shape.query_heads) == 0) {
    shape.head_dim = shape.hidden / shape.query_heads;
  } else {
    fields.wrong("hidden_size",
                 "an even multiple of num_attention_heads " + std::to_string(shape.query_heads) +
                     " in the absence of head_dim",
                 *fields.find("hidden_size"));
  }
  shape.ffn = required_width(fields, "intermediate_size");
  shape.vocabulary = required_width(fields, "vocab_size");
  shape.tied_embeddings = fields.boolean("tie_word_embeddings").value_or(false);
  shape.qkv_bias = model_type == "qwen2";
  shape.qk_norm = model_type == "qwen3";
  if (std::int64_t{shape.query_heads} * shape.head_dim > largest_width) {
    throw load_error{fields.where(), "num_attention_heads * head_dim: expected at most " +
                                         std::to_string(largest_width) + ", found " +
                                         std::to_string(std::int64_t{shape.query_heads} * shape.head_dim)};
  }
  return shape;
}

inline yarn_scaling yarn_in(json_fields const& rope) {
  constexpr value_range<double> positive{.least = std::numeric_limits<double>::min()};
  yarn_scaling yarn;
  yarn.factor = rope.required("factor", rope.number("factor", {.least = 1.0}));
  auto const* original = "original_max_position_embeddings";
  yarn.original_max_positions = static_cast<std::int32_t>(rope.required(
      original, rope.integer(original, {.least = 1, .most = std::numeric_limits<std::int32_t>::max()})));
  yarn.beta_fast = rope.number("beta_fast", positive).value_or(32.0);
  yarn.beta_slow = rope.number("beta_slow", positive).value_or(1.0);
  yarn.attention_factor = rope.number("attention_factor", positive);
  for (auto const* key : {"mscale", "mscale_all_dim"}) {
    if (auto const* value = rope.find(key)) rope.wrong(key, "no such key (not supported)", *value);
  }
  if (!rope.boolean("truncate").value_or(true)) rope.wrong("truncate", "true", *rope.find("truncate"));
  return yarn;
}

/// Both spellings: rope_parameters holds rope_theta and the scaling; the older files have rope_theta and
/// rope_scaling, whose type is under `type` or `rope_type`.
inline void read_rope(json_fields const& fields, decoder_parameters& parameters) {
  constexpr value_range<double> more_than_one{.least = 1.0};
  parameters.rope_theta = fields.number("rope_theta", more_than_one).value_or(10000.0);
  auto const newer = fields.object("rope_parameters");
  auto const rope = newer ? newer : fields.object("rope_scaling");
  if (!rope) return;
  if (auto const theta = rope->number("rope_theta", more_than_one)) parameters.rope_theta = *theta;
  if (rope->number("partial_rotary_factor").value_or(1.0) != 1.0) {
    rope->wrong("partial_rotary_factor", "1", *rope->find("partial_rotary_factor"));
  }
  auto const* key = rope->find("rope_type") ? "rope_type" : "type";
  auto const type = rope->string(key).value_or("default");
  if (type == "yarn") {
    parameters.rope_scaling = yarn_in(*rope);
  } else if (type != "default") {
    rope->wrong(key, "\"default\" or \"yarn\"", *rope->find(key));
  }
}

inline std::optional<dtype> stored_type_in(json_fields const& fields) {
  auto const* key = fields.find("dtype") ? "dtype" : "torch_dtype";
  auto const name = fields.string(key);
  if (!name) return std::nullopt;
  if (*name == "bfloat16") return dtype::bf16;
  if (*name == "float16") return dtype::f16;
  if (*name == "float32") return dtype::f32;
  fields.wrong(key, "\"bfloat16\", \"float16\" or \"float32\"", *fields.find(key));
}

/// Switches that would change what the model computes, in ways that tenon's op chain does not.
inline void refuse_unsupported(json_fields const& fields, std::string_view model_type) {
  if (fields.string("hidden_act").value_or("silu") != "silu") {
    fields.wrong("hidden_act", "\"silu\"", *fields.find("hidden_act"));
  }
  if (fields.boolean("use_sliding_window").value_or(false)) {
    fields.wrong("use_sliding_window", "false", *fields.find("use_sliding_window"));
  }
  if (model_type == "qwen3" && fields.boolean("attention_bias").value_or(false)) {
    fields.wrong("attention_bias", "false", *fields.find("attention_bias"));
  }
  auto const* layer_types = fields.find("layer_types");
  if (layer_types == nullptr) return;
  if (!layer_types->is_array()) fields.wrong("layer_types", "an array", *layer_types);
  for (auto const& type : layer_types->get_array()) {
    if (type != "full_attention") fields.wrong("layer_types", "\"full_attention\" for every layer", type);
  }
}

}  // namespace detail

/// Reads the text of a config.json in either of transformers' spellings. Throws load_error that says file,
/// key, expected and found.
inline model_config parse_model_config(std::string_view text, std::string const& where) {
  auto const root = parse_json(text, where);
  if (!root.is_object()) throw load_error{where, "expected a JSON object"};
  json_fields const fields{root.get_object(), where};

  model_config config;
  config.where = where;
  config.model_type = fields.required("model_type", fields.string("model_type"));
  if (config.model_type != "qwen2" && config.model_type != "qwen3") {
    fields.wrong("model_type", "\"qwen2\" or \"qwen3\"", *fields.find("model_type"));
  }
  detail::refuse_unsupported(fields, config.model_type);
  config.shape = detail::shape_in(fields, config.model_type);
  detail::read_rope(fields, config.parameters);
  config.parameters.norm_epsilon =
      static_cast<float>(fields.number("rms_norm_eps", {.least = 1e-20, .most = 1.0}).value_or(1e-6));
  config.parameters.max_positions = static_cast<std::int32_t>(fields.required(
      "max_position_embeddings", fields.integer("max_position_embeddings", {.least = 1, .most = 1 << 30})));
  config.stored_type = detail::stored_type_in(fields);
  if (auto const quantization = fields.object("quantization_config")) {
    config.quant_method = quantization->required("quant_method", quantization->string("quant_method"));
  }
  config.stop_ids = detail::ids_below(fields, "eos_token_id", config.shape.vocabulary);
  for (auto const* key : {"bos_token_id", "pad_token_id"}) {
    detail::ids_below(fields, key, config.shape.vocabulary);
  }
  return config;
}

/// Reads `directory`/config.json.
inline model_config load_model_config(std::filesystem::path const& directory) {
  auto const path = directory / "config.json";
  return parse_model_config(read_text_file(path, 16 << 20), path.string());
}

namespace detail {

struct shape_difference {
  std::string_view key;
  std::string expected;
  std::string found;
};

inline std::vector<shape_difference> differences(decoder_shape const& expected, decoder_shape const& found) {
  std::vector<shape_difference> all;
  auto const compare = [&](std::string_view key, auto field) {
    if (expected.*field == found.*field) return;
    if constexpr (std::is_same_v<decltype(field), bool decoder_shape::*>) {
      all.push_back({key, expected.*field ? "true" : "false", found.*field ? "true" : "false"});
    } else {
      all.push_back({key, std::to_string(expected.*field), std::to_string(found.*field)});
    }
  };
  compare("hidden_size", &decoder_shape::hidden);
  compare("num_hidden_layers", &decoder_shape::layers);
  compare("num_attention_heads", &decoder_shape::query_heads);
  compare("num_key_value_heads", &decoder_shape::kv_heads);
  compare("head_dim", &decoder_shape::head_dim);
  compare("intermediate_size", &decoder_shape::ffn);
  compare("vocab_size", &decoder_shape::vocabulary);
  compare("tie_word_embeddings", &decoder_shape::tied_embeddings);
  compare("qkv bias", &decoder_shape::qkv_bias);
  compare("q/k norm", &decoder_shape::qk_norm);
  return all;
}

}  // namespace detail

/// Whether a checkpoint with this config is an instance of M. A program that serves several models folds
/// over its list: `((matches<Models>(config) && (use<Models>(), true)) || ...)`.
template <model_spec M> bool matches(model_config const& config) {
  return config.model_type == M::model_type && config.shape == M::shape;
}

/// Throws load_error that names every field in which the config departs from M.
template <model_spec M> void check_shape(model_config const& config) {
  if (matches<M>(config)) return;
  std::string message = "is not a " + std::string{M::name} + ":";
  if (config.model_type != M::model_type) {
    message +=
        " model_type: expected '" + std::string{M::model_type} + "', found '" + config.model_type + "';";
  }
  for (auto const& [key, expected, found] : detail::differences(M::shape, config.shape)) {
    message += " " + std::string{key} + ": expected " + expected + ", found " + found + ";";
  }
  message.pop_back();
  throw load_error{config.where, message};
}

}  // namespace tenon
