// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "engines/load_engine.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/engine/any_engine.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"

template <class... Models> struct model_list {};

/// Every model that the examples can run, by family.
using qwen2_models = model_list<tenon::qwen2_5_0_5b, tenon::qwen2_5_1_5b, tenon::qwen2_5_7b>;
using qwen3_models =
    model_list<tenon::qwen3_tiny, tenon::qwen3_0_6b, tenon::qwen3_1_7b, tenon::qwen3_4b, tenon::qwen3_8b>;

/// The engine of the model of `Models` whose shape the config has, if there is one. Defined in
/// cpu/make_engine.hpp and instantiated in files of their own, so that they compile side by side.
template <class Precision, class Models>
std::optional<tenon::any_engine> make_engine(engine_choice const& choice, tenon::model_config const& config);

/// Whether this program was built with a CUDA Toolkit.
bool has_cuda_engines() noexcept;

/// How many GPUs this process can use; 0 in a program without CUDA.
int usable_gpus() noexcept;

/// Why a GPU cannot be used although there is a driver for it: the driver is too old. Empty otherwise.
std::string unusable_gpu();

/// The bf16 engine on the GPU, if one of the models above has the config's shape. Only where
/// `has_cuda_engines`.
std::optional<tenon::any_engine> make_cuda_engine(engine_choice const& choice,
                                                  tenon::model_config const& config);
