// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "engines/choose_weights.hpp"
#include "engines/known_models.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"

template <class Recipe> tenon::any_engine make_one(engine_choice const& choice, std::int32_t max_positions) {
  tenon::engine_options options{
      .max_rows = choice.rows,
      .max_tokens = std::max(choice.step_tokens > 0 ? choice.step_tokens : 512, choice.rows),
      .prefix_caching = choice.prefix_caching,
      .depth = std::max(choice.depth, 1)};
  // Room for a context that hardly any conversation reaches would be memory that nobody uses.
  options.max_context = choice.context > 0 ? choice.context : std::min(max_positions, 8192);
  std::int64_t const positions = options.max_context + std::int64_t{1024} * choice.rows;
  options.memory_bytes =
      choice.memory_bytes > 0 ? choice.memory_bytes : tenon::engine<Recipe>::memory_for(options, positions);
  tenon::progress_bar bar{"loading " + std::string{Recipe::model::name}};
  tenon::load_options<typename Recipe::backend> const load{.context = {.threads = choice.threads},
                                                           .progress = std::ref(bar)};
  return tenon::any_engine{
      std::make_unique<tenon::engine<Recipe>>(choose_weights<Recipe>(choice, load), options)};
}

template <class Precision, class... Models>
std::optional<tenon::any_engine> make_from_list(engine_choice const& choice,
                                                tenon::model_config const& config, model_list<Models...>) {
  std::optional<tenon::any_engine> found;
  auto const try_model = [&]<class Model>(std::type_identity<Model>) {
    if (!tenon::matches<Model>(config)) return false;
    found = make_one<tenon::compose<Model, Precision>>(choice, config.parameters.max_positions);
    return true;
  };
  static_cast<void>((try_model(std::type_identity<Models>{}) || ...));
  return found;
}

template <class Precision, class Models>
std::optional<tenon::any_engine> make_engine(engine_choice const& choice, tenon::model_config const& config) {
  return make_from_list<Precision>(choice, config, Models{});
}
