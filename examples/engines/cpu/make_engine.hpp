// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engines/load_engine.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"
#include "tenon/runtime/workspace.hpp"
#include "tenon_tiny.hpp"

template <class... Models> struct model_list {};

/// Every model that the examples can run.
using known_models = model_list<tenon_tiny, tenon::qwen3_0_6b, tenon::qwen3_1_7b, tenon::qwen3_4b,
                                tenon::qwen3_8b, tenon::qwen2_5_0_5b, tenon::qwen2_5_1_5b, tenon::qwen2_5_7b>;

/// One function a precision, each in a file of its own, so that they compile side by side.
tenon::any_engine make_bf16_engine(engine_choice const& choice, tenon::model_config const& config);
tenon::any_engine make_fp32_engine(engine_choice const& choice, tenon::model_config const& config);

template <class Model, class Precision>
tenon::any_engine make_engine(engine_choice const& choice, std::int32_t max_positions) {
  using recipe = tenon::compose<Model, Precision>;
  tenon::engine_options options{.max_rows = choice.rows, .max_tokens = std::max(512, choice.rows)};
  // Room for a context that hardly any conversation reaches would be memory that nobody uses.
  options.max_context = choice.context > 0 ? choice.context : std::min(max_positions, 8192);
  std::int64_t const positions = options.max_context + std::int64_t{1024} * choice.rows;
  options.memory_bytes = choice.memory_bytes;
  if (options.memory_bytes == 0) {
    options.memory_bytes = tenon::memory_for<recipe>(
        {.max_rows = options.max_rows, .max_tokens = options.max_tokens, .max_context = options.max_context},
        positions);
  }
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
