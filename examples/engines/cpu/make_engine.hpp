// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engines/load_engine.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"
#include "tenon_tiny.hpp"

template <class... Models> struct model_list {};

/// Every model that the examples can run.
using known_models = model_list<tenon_tiny, tenon::qwen3_0_6b, tenon::qwen3_1_7b, tenon::qwen3_4b,
                                tenon::qwen3_8b, tenon::qwen2_5_0_5b, tenon::qwen2_5_1_5b, tenon::qwen2_5_7b>;

/// One function a precision, each in a file of its own, so that they compile side by side.
tenon::any_engine make_bf16_engine(engine_choice const& choice, tenon::model_config const& config);
tenon::any_engine make_fp32_engine(engine_choice const& choice, tenon::model_config const& config);

/// Enough for a cache of `positions` positions in all, and for the workspace beside it.
template <class Recipe> std::size_t memory_for(tenon::engine_options const& options, std::int64_t positions) {
  constexpr auto shape = Recipe::model::shape;
  auto const bytes = [](std::int64_t count, std::size_t size) {
    return static_cast<std::size_t>(count) * size;
  };
  std::size_t const position =
      bytes(2 * shape.layers * shape.kv_width(), sizeof(typename Recipe::precision::cache));
  std::size_t const token = bytes(shape.hidden + 2 * shape.query_width() + shape.ffn, sizeof(float));
  std::size_t const row = bytes(2 * shape.vocabulary + 4 * options.max_context, sizeof(float));
  std::size_t const sampling = bytes(std::int64_t{16} * shape.vocabulary, 12);
  std::size_t const rope = bytes(std::int64_t{options.max_context} * shape.head_dim, sizeof(float));
  return bytes(positions, position) + bytes(options.max_tokens, token) + bytes(options.max_rows + 1, row) +
         sampling + rope + (std::size_t{8} << 20);
}

template <class Model, class Precision>
tenon::any_engine make_engine(engine_choice const& choice, std::int32_t max_positions) {
  using recipe = tenon::compose<Model, Precision>;
  tenon::engine_options options{.max_rows = choice.rows, .max_tokens = std::max(512, choice.rows)};
  // Room for a context that hardly any conversation reaches would be memory that nobody uses.
  options.max_context = choice.context > 0 ? choice.context : std::min(max_positions, 8192);
  std::int64_t const positions = options.max_context + std::int64_t{1024} * choice.rows;
  options.memory_bytes =
      choice.memory_bytes > 0 ? choice.memory_bytes : memory_for<recipe>(options, positions);
  tenon::progress_bar bar{"loading " + std::string{Model::name}};
  tenon::load_options<typename recipe::backend> const load{.context = {.threads = choice.threads},
                                                           .progress = std::ref(bar)};
  return tenon::any_engine{
      std::make_unique<tenon::engine<recipe>>(tenon::load_weights<recipe>(choice.model, load), options)};
}

template <class Model, class Precision>
std::optional<tenon::any_engine> try_model(engine_choice const& choice, tenon::model_config const& config) {
  if (config.model_type != Model::model_type || config.shape != Model::shape) return std::nullopt;
  return make_engine<Model, Precision>(choice, config.parameters.max_positions);
}

/// The engine of the model whose shape the config has. Throws load_error that names the known ones.
template <class Precision, class... Models>
tenon::any_engine make_engine(engine_choice const& choice, tenon::model_config const& config,
                              model_list<Models...>) {
  std::optional<tenon::any_engine> found;
  static_cast<void>(((found = try_model<Models, Precision>(choice, config)).has_value() || ...));
  if (found) return std::move(*found);
  std::string names;
  ((names += (names.empty() ? "" : ", ") + std::string{Models::name}), ...);
  throw tenon::load_error{config.where, "expected the shape of one of " + names +
                                            "; found another one, which needs a struct as in tenon_tiny.hpp"};
}
