// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/load_engine.hpp"
#include "tenon/checkpoint.hpp"

/// The checkpoint's weights, on their way, or random ones of its shape, which answer nothing and take as
/// long. Throws load_error and options_error.
template <class Recipe>
auto choose_weights(engine_choice const& choice, tenon::load_options<typename Recipe::backend> const& load) {
  if (!choice.random_weights) return tenon::load_weights_in_background<Recipe>(choice.model, load);
  auto config = tenon::load_model_config(choice.model);
  config.parameters.stop_ids = tenon::load_generation_config(choice.model, config).stop_ids;
  return tenon::random_weights<Recipe>(config.parameters, 1, load);
}
