// SPDX-License-Identifier: Apache-2.0
#include "engines/load_engine.hpp"

#include <string>

#include "engines/cpu/make_engine.hpp"

namespace {

tenon::sampling_parameters recommended_sampling(tenon::generation_config const& config) {
  tenon::sampling_parameters sampling;
  sampling.temperature = config.do_sample.value_or(true) ? config.temperature.value_or(1.0f) : 0.0f;
  sampling.top_p = config.top_p.value_or(1.0f);
  sampling.top_k = config.top_k.value_or(0);
  sampling.min_p = config.min_p.value_or(0.0f);
  sampling.repetition_penalty = config.repetition_penalty.value_or(1.0f);
  return sampling;
}

}  // namespace

loaded_engine load_engine(engine_choice const& choice) {
  if (choice.precision != "bf16" && choice.precision != "fp32") {
    throw tenon::options_error{"precision: expected bf16 or fp32, found '" + choice.precision + "'"};
  }
  if (choice.rows < 1) {
    throw tenon::options_error{"rows: expected at least 1, found " + std::to_string(choice.rows)};
  }
  if (choice.context < 0) {
    throw tenon::options_error{"context: expected a number of tokens, or 0, found " +
                               std::to_string(choice.context)};
  }
  auto const config = tenon::load_model_config(choice.model);
  auto const sampling = recommended_sampling(tenon::load_generation_config(choice.model, config));
  auto const make = choice.precision == "bf16" ? &make_bf16_engine : &make_fp32_engine;
  return {make(choice, config), sampling};
}
