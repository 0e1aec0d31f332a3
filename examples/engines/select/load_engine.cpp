// SPDX-License-Identifier: Apache-2.0
#include "engines/load_engine.hpp"

#include <optional>
#include <string>
#include <utility>

#include "engines/known_models.hpp"
#include "tenon/checkpoint/generation_config.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp32.hpp"

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

template <class... Models> std::string names_of(model_list<Models...>) {
  std::string names;
  ((names += std::string{names.empty() ? "" : ", "} + std::string{Models::name}), ...);
  return names;
}

tenon::load_error unknown_shape(tenon::model_config const& config) {
  return {config.where, "expected the shape of one of " + names_of(qwen3_models{}) + ", " +
                            names_of(qwen2_models{}) +
                            "; found another one, which needs a struct as in new_model_size.cpp"};
}

template <class Precision>
tenon::any_engine make(engine_choice const& choice, tenon::model_config const& config) {
  auto found = make_engine<Precision, qwen3_models>(choice, config);
  if (!found) found = make_engine<Precision, qwen2_models>(choice, config);
  if (found) return std::move(*found);
  throw unknown_shape(config);
}

/// The GPU where there is one and the precision allows it; else the CPU.
bool runs_on_the_gpu(engine_choice const& choice) {
  if (choice.device == "cpu") return false;
  if (choice.device == "cuda") {
    if (!has_cuda_engines()) {
      throw tenon::options_error{
          "device: expected cpu in a program that was built without a CUDA Toolkit, found cuda"};
    }
    if (choice.precision != "bf16") {
      throw tenon::options_error{"precision: expected bf16 on the GPU, found '" + choice.precision + "'"};
    }
    return true;
  }
  return usable_gpus() > 0 && choice.precision == "bf16";
}

tenon::any_engine make_on_the_gpu(engine_choice const& choice, tenon::model_config const& config) {
  auto found = make_cuda_engine(choice, config);
  if (found) return std::move(*found);
  throw unknown_shape(config);
}

}  // namespace

loaded_engine load_engine(engine_choice const& choice) {
  if (choice.precision != "bf16" && choice.precision != "fp32") {
    throw tenon::options_error{"precision: expected bf16 or fp32, found '" + choice.precision + "'"};
  }
  if (choice.device != "auto" && choice.device != "cpu" && choice.device != "cuda") {
    throw tenon::options_error{"device: expected auto, cpu or cuda, found '" + choice.device + "'"};
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
  if (runs_on_the_gpu(choice)) return {make_on_the_gpu(choice, config), sampling, {}};
  auto const make_it = choice.precision == "bf16" ? &make<tenon::bf16> : &make<tenon::fp32>;
  auto const unusable = choice.device == "auto" ? unusable_gpu() : std::string{};
  return {make_it(choice, config), sampling,
          unusable.empty() ? unusable : "running on the CPU, and not on the GPU: " + unusable};
}
