// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tenon/engine/any_engine.hpp"
#include "tenon/work/request.hpp"

/// Which checkpoint, and how large its engine. Zeros: as the checkpoint or the machine says.
struct engine_choice {
  std::filesystem::path model;
  std::string precision = "bf16";  ///< or "fp32"
  std::string device = "auto";     ///< the GPU where there is one; or "cpu", "cuda"
  int threads = 0;                 ///< of the CPU
  std::int32_t rows = 1;           ///< answers that are made at one time
  std::int32_t context = 0;
  std::size_t memory_bytes = 0;  ///< for cache and workspace
  double memory_fraction = 0.0;  ///< above 0: this part of the GPU's free memory, for memory_bytes
  std::int32_t step_tokens = 0;  ///< in one step: prompt chunks and answers together
  std::int32_t depth = 0;        ///< steps in flight
  bool prefix_caching = true;
  bool random_weights = false;  ///< of the model's shape, to measure speed without its weights
};

struct loaded_engine {
  tenon::any_engine engine;
  tenon::sampling_parameters sampling;  ///< what the checkpoint's generation_config.json recommends
  std::string notice;                   ///< for the user: why "auto" left a GPU alone; else empty
};

/// An engine for the checkpoint in `choice.model`, whose config.json tells which model it is. Programs that
/// call this compile in seconds: the engines themselves are compiled once, in the files below this one.
/// Throws load_error and options_error.
loaded_engine load_engine(engine_choice const& choice);
