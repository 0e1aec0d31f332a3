// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engines/choose_weights.hpp"
#include "engines/cuda/make_one.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/recipes/serving.cuh"

template <class Model>
tenon::any_engine make_one_on_the_gpu(engine_choice const& choice, std::int32_t max_positions) {
  using recipe = tenon::recipes::serving<Model>;
  tenon::engine_options options{
      .max_rows = choice.rows,
      .max_tokens = std::max(choice.step_tokens > 0 ? choice.step_tokens : 2048, choice.rows),
      .memory_fraction = choice.memory_fraction,
      .prefix_caching = choice.prefix_caching,
      .depth = choice.depth > 0 ? choice.depth : 2};
  options.max_context = choice.context > 0 ? choice.context : std::min(max_positions, 8192);
  std::int64_t const positions = options.max_context + std::int64_t{1024} * choice.rows;
  options.memory_bytes =
      choice.memory_bytes > 0 ? choice.memory_bytes : tenon::engine<recipe>::memory_for(options, positions);
  // Of a fraction, what is left beside the weights must hold a request: else loading says what is missing.
  auto const least = static_cast<double>(tenon::engine<recipe>::memory_for(options, options.max_context));
  auto const also_needed = choice.memory_fraction > 0.0
                               ? static_cast<std::size_t>(std::ceil(least / choice.memory_fraction))
                               : options.memory_bytes;
  tenon::progress_bar bar{"loading " + std::string{Model::name}};
  tenon::load_options<tenon::cuda::backend> const load{.progress = std::ref(bar), .also_needed = also_needed};
  return tenon::any_engine{
      std::make_unique<tenon::engine<recipe>>(choose_weights<recipe>(choice, load), options)};
}
